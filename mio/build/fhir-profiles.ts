// What the tables say about where a resource of a profile stands and which identifier it must have (mio-diga.md sections 3 and 5).
import type { ElementNode } from '../definition.ts';
import type { CodeLists } from './code-lists.ts';
import type { Section } from './draft.ts';
import { COMPOSITION } from './sections.ts';

/** By name of the profile, as the Composition's sections let their entries in. */
export function sectionsByProfile(lists: CodeLists): ReadonlyMap<string, Section> {
  const sections = new Map<string, Section>();
  const look = (node: ElementNode) => {
    for (const slice of node.slices) {
      for (const child of slice.children) {
        if (child.name === 'section') look(child);
        if (child.name !== 'entry') continue;
        for (const name of child.types.flatMap((type) => type.targets)) sections.set(name, slice.slice as Section);
      }
    }
  };
  look(lists.element(COMPOSITION, 'section'));
  return sections;
}

/** Whether it must have the identifier that is its UUID, and whether there may be others beside it. */
export function uuidIdentifier(profile: string, lists: CodeLists): 'only' | 'among others' | undefined {
  const node = lists.profile(profile).root.children.find((one) => one.name === 'identifier');
  if (node === undefined) return undefined;
  const slice = node.slices.find((one) => one.slice === 'uuid');
  const wanted = slice ?? node;
  const system = wanted.children.find((one) => one.name === 'system')?.fixed;
  if (wanted.min === 0 || system !== URN_SYSTEM) return undefined;
  return node.max > 1 ? 'among others' : 'only';
}

export const URN_SYSTEM = 'urn:ietf:rfc:3986';
