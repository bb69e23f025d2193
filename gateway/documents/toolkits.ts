// The versions of the MIO DiGA Toolkit that this installation knows (D25, EXP-13): tables are read when a version is first asked
// for and then kept, FHIR R4 itself once for all of them.
import { CoreTables, TABLES_FOLDER, ToolkitTables } from '../../mio/tables.ts';

export type Toolkits = {
  core(): CoreTables;
  /** MioError MIO_VERSION_UNKNOWN. */
  tables(version: string): ToolkitTables;
};

/** `folder`: setting mioTables; without it the tables of the product. */
export function openToolkits(folder: string = TABLES_FOLDER): Toolkits {
  let core: CoreTables | undefined;
  const versions = new Map<string, ToolkitTables>();
  const readCore = () => {
    core ??= new CoreTables(folder);
    return core;
  };
  return {
    core: readCore,
    tables: (version) => {
      const known = versions.get(version) ?? new ToolkitTables(version, readCore(), folder);
      versions.set(version, known);
      return known;
    },
  };
}
