// Packages as small as a test needs them, written as KBV writes its own: differentials over FHIR R4.
import { Registry, readCore } from '../../../../mio/compile/packages.ts';
import { tableOf } from '../../../../mio/compile/rows.ts';
import { Snapshots } from '../../../../mio/compile/snapshot.ts';
import type { ElementDefinition, StructureDefinition } from '../../../../mio/compile/structure.ts';
import type { ElementRow } from '../../../../mio/table-format.ts';
import { CORE_FOLDER } from './core-folder.ts';

export const core = readCore(CORE_FOLDER);
export const BASE = 'https://example.org/StructureDefinition/';

type Element = Omit<Partial<ElementDefinition>, 'path'> & { id: string };

/** A profile named `name`; the ids of `elements` begin with its type. */
export function profile(
  name: string,
  type: string,
  elements: Element[],
  more: Partial<StructureDefinition> = {},
): StructureDefinition {
  return {
    resourceType: 'StructureDefinition',
    url: BASE + name,
    version: '9.9.9',
    name,
    kind: 'resource',
    abstract: false,
    type,
    baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
    derivation: 'constraint',
    differential: { element: elements.map((one) => ({ path: one.id.replaceAll(/:[^.]*/g, ''), ...one })) },
    ...more,
  };
}

export function registryOf(...definitions: StructureDefinition[]): Registry {
  const registry = new Registry();
  for (const one of definitions) registry.add(one);
  return registry;
}

/** The table of the last of them, its rows by id, and what the compiler notes. */
export function compile(...definitions: StructureDefinition[]) {
  const all = core.with(registryOf(...definitions));
  const snapshots = new Snapshots((url) => all.structures.get(url));
  const last = definitions.at(-1);
  if (last === undefined) throw new Error('nothing to compile');
  const table = tableOf(last, snapshots);
  return {
    table,
    notes: snapshots.notes,
    row: (id: string): ElementRow | undefined => table.rows.find((one) => one.id === id),
  };
}

export const slicing = (type: string, path: string, rules: 'open' | 'closed' = 'open') => ({
  discriminator: [{ type, path }],
  rules,
});
