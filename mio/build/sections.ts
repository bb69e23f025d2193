// The Composition's sections as the profile has them (mio-diga.md section 5): order, titles and codes are read from its
// table, oddities included. Empty ones are left out, as cmp-1 of FHIR demands.
import type { ElementNode } from '../definition.ts';
import type { FhirObject } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import type { Draft, Section } from './draft.ts';

export const COMPOSITION = 'KBV_PR_MIO_DIGA_Composition';

export function sectionsOf(drafts: readonly Draft[], lists: CodeLists): FhirObject[] {
  const bySection = Map.groupBy(drafts, (draft) => draft.section);
  return filled(lists.element(COMPOSITION, 'section'), bySection, lists);
}

function filled(node: ElementNode, drafts: ReadonlyMap<Section | undefined, Draft[]>, lists: CodeLists): FhirObject[] {
  return node.slices.flatMap((slice) => {
    const own = drafts.get(slice.slice as Section) ?? [];
    const below = slice.children.find((child) => child.name === 'section');
    const sections = below === undefined ? [] : filled(below, drafts, lists);
    if (own.length === 0 && sections.length === 0) return [];
    const section: FhirObject = {
      title: lists.fixed(COMPOSITION, `${slice.id}.title`),
      code: lists.fixed(COMPOSITION, `${slice.id}.code`),
    };
    if (own.length > 0) section.entry = own.map(({ resource }) => ({ reference: `urn:uuid:${String(resource.id)}` }));
    if (sections.length > 0) section.section = sections;
    return [section];
  });
}
