// Packages as small as a test needs them, written as KBV writes its own: differentials over FHIR R4.
import { Registry, readCore } from '../../../../mio/compile/packages.ts';
import type { ElementDefinition, StructureDefinition } from '../../../../mio/compile/structure.ts';
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
