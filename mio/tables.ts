// The tables of one version of the toolkit, read from mio/tables when first asked for and then kept (D25: several versions
// may be in use side by side, each DiGA with its own). FHIR R4 itself is read once for all of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Definition, definitionOf } from './definition.ts';
import { MioError } from './error.ts';
import { Shapes } from './shapes.ts';
import type { CoreTable, DefinitionTable, PackageIndex, ValueSetTable } from './table-format.ts';

export const TABLES_FOLDER = join(import.meta.dirname, 'tables');

/** R4: types and resources by name, the schema they make, and their value sets. */
export class CoreTables {
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly shapes: Shapes;
  readonly valueSets: ReadonlyMap<string, ValueSet>;

  constructor(folder = TABLES_FOLDER) {
    const table = readTable<CoreTable>(join(folder, 'r4.json'));
    this.definitions = new Map(table.definitions.map((one) => [one.name, definitionOf(one)]));
    this.shapes = new Shapes(this.definitions);
    this.valueSets = new Map(table.valueSets.map((one) => [one.name, new ValueSet(one)]));
  }
}

/** One version of the toolkit. Names are the last segments of canonical URLs: `KBV_PR_MIO_DIGA_Patient`, `Patient`. */
export class ToolkitTables {
  readonly core: CoreTables;
  readonly index: PackageIndex;
  readonly #folder: string;
  readonly #definitions = new Map<string, Definition>();
  readonly #valueSets = new Map<string, ValueSet>();
  readonly #byUrl: ReadonlyMap<string, string>;

  /** MioError MIO_VERSION_UNKNOWN when there are no tables of this version. */
  constructor(version: string, core: CoreTables, folder = TABLES_FOLDER) {
    if (!toolkitVersions(folder).includes(version)) {
      throw new MioError('MIO_VERSION_UNKNOWN', 'there are no tables of this version of the toolkit');
    }
    this.core = core;
    this.#folder = join(folder, version);
    this.index = readTable<PackageIndex>(join(this.#folder, 'index.json'));
    this.#byUrl = new Map(Object.entries(this.index.definitions).map(([name, { url }]) => [url, name]));
  }

  /** A profile, an extension or a type of R4; undefined when there is none of that name. */
  definition(name: string): Definition | undefined {
    const known = this.#definitions.get(name) ?? this.core.definitions.get(name);
    if (known !== undefined || !Object.hasOwn(this.index.definitions, name)) return known;
    const definition = definitionOf(readTable<DefinitionTable>(join(this.#folder, `${name}.json`)));
    this.#definitions.set(name, definition);
    return definition;
  }

  /** By canonical URL, with or without `|version`; a version must be the one of the tables. */
  byCanonical(canonical: string): Definition | undefined {
    const [url = '', version] = canonical.split('|');
    const definition = this.definition(this.#byUrl.get(url) ?? '');
    return version === undefined || definition?.version === version ? definition : undefined;
  }

  /** The value set of a required binding; undefined when it is in none of the packages (`index.unchecked`). */
  valueSet(name: string): ValueSet | undefined {
    const known = this.#valueSets.get(name) ?? this.core.valueSets.get(name);
    if (known !== undefined || !Object.hasOwn(this.index.valueSets, name)) return known;
    const valueSet = new ValueSet(readTable<ValueSetTable>(join(this.#folder, 'value-sets', `${name}.json`)));
    this.#valueSets.set(name, valueSet);
    return valueSet;
  }
}

/** Versions of the toolkit there are tables for, oldest first. */
export function toolkitVersions(folder = TABLES_FOLDER): string[] {
  return readdirSync(folder)
    .filter((one) => /^\d+\.\d+\.\d+$/.test(one) && existsSync(join(folder, one, 'index.json')))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

type CodeList = { system: string; version: string | undefined; codes: ReadonlyMap<string, string> | undefined };

export class ValueSet {
  readonly name: string;
  readonly url: string;
  readonly lists: readonly CodeList[];

  constructor(table: ValueSetTable) {
    this.name = table.name;
    this.url = table.url;
    this.lists = table.systems.map(({ system, version, codes }) => ({
      system,
      version,
      codes:
        typeof codes === 'string'
          ? new Map(codes.split(' ').map((code) => [code, '']))
          : codes && new Map(Object.entries(codes)),
    }));
  }

  /** Without `system`, as for the type code: in any of its systems. True too where the codes of a system are not known. */
  has(code: string, system?: string): boolean {
    return this.lists.some(
      (list) => (system === undefined || list.system === system) && (list.codes === undefined || list.codes.has(code)),
    );
  }

  /** What the packages call the code: '' where they have no name for it, undefined where they do not have it. */
  display(code: string, system?: string): string | undefined {
    const list = this.lists.find(
      (one) => (system === undefined || one.system === system) && one.codes?.has(code) === true,
    );
    return list?.codes?.get(code);
  }
}

function readTable<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
