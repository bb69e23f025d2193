// Documents to break: the published examples, single resources (min, max) and whole bundles (real), which are never part of the
// project, and one document of our own with the example of every kind, for the profiles that no published example has.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KINDS } from '../../mio/build/kinds.ts';
import type { Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { readXml } from '../../mio/xml-read.ts';
import { build, simple } from '../support/mio-build.ts';

export type Example = { name: string; resource: Resource; single: boolean };

/** The published ones, as far as they are there, and ours. */
export function allExamples(folder: string | null, tables: ToolkitTables): Example[] {
  const { bundle } = build(simple(...KINDS.map((kind) => kind.example)));
  const ours = { name: 'every kind', resource: bundle, single: false };
  return [...(folder === null ? [] : readExamples(folder, tables)), ours];
}

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
