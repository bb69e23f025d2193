// What a document with certain content holds, and how large it will be: the content, everything it refers to, patient and app,
// and the Provenances that speak of any of these. Sizes are added up, nothing is serialised.
import type { Item, Survey } from './survey.ts';
import { reach } from './survey.ts';

export type Cover = {
  members: readonly Item[];
  /** Repeated here because the members refer to it. */
  support: Item[];
  provenances: Item[];
  /** Never less than the document will have. */
  bytes: number;
};

/** Bundle and Composition with all their sections, with room to spare. */
const FRAME_BYTES = 20_000;
/** A Provenance made for an agent, but for its targets. */
const AGENT_BYTES = 2_000;
/** `<target><reference value="urn:uuid:…"/></target>` */
const TARGET_BYTES = 90;
/** What a draft takes besides its own XML: entry and fullUrl, version and time, its entry in a section, a target. */
export const DRAFT_BYTES = 107 + 120 + 90 + TARGET_BYTES;

export function coverOf(members: readonly Item[], { base }: Pick<Survey, 'base'>): Cover {
  const own = new Set(members);
  const reached = new Set(reach([...members, ...base]));
  const provenances = new Set<Item>();
  // A Provenance leads to its agents, which have Provenances in turn.
  for (const one of reached) {
    for (const provenance of one.provenances) {
      if (provenances.has(provenance)) continue;
      provenances.add(provenance);
      for (const other of reach([provenance])) if (other !== provenance) reached.add(other);
    }
  }
  for (const one of own) provenances.delete(one);
  const support = [...reached].filter((one) => !own.has(one) && !provenances.has(one));
  const agents = new Set([...reached].map((one) => one.agent).filter((one) => one !== undefined));
  let bytes = FRAME_BYTES + agents.size * AGENT_BYTES;
  for (const one of reached) bytes += one.bytes + one.provenances.length * TARGET_BYTES;
  for (const one of provenances) bytes += one.bytes - (one.targets?.length ?? 0) * SHORTEST_TARGET;
  return { members, support, provenances: [...provenances], bytes };
}

const SHORTEST_TARGET = '<target><reference value=""/></target>'.length;
