// The published examples as documents to break: single resources (min, max) and whole bundles (real). Never part of the project.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { readXml } from '../../mio/xml-read.ts';

export type Example = { name: string; resource: Resource; single: boolean };

/** `folder` is laid out as `shared/`. The single ones first, the fuller ones of them before the small ones. */
export function readExamples(folder: string, tables: ToolkitTables): Example[] {
  return ['max', 'min', 'real'].flatMap((group) =>
    globSync(join(folder, 'mio/examples', group, '*.xml'))
      .sort()
      .map((file) => {
        const { resource } = readXml(readFileSync(file), tables.core.shapes);
        const name = basename(file, '.xml').replace('KBV_PR_MIO_DIGA_', '');
        return { name, resource, single: resource.resourceType !== 'Bundle' };
      }),
  );
}
