// One look at every draft before a border is drawn: what it takes of a document, when it is, what it refers to. Afterwards the
// drafts themselves are not needed until a part is made of them, so they need not all be in memory.
import type { Draft } from '../build/draft.ts';
import { Decimal, type FhirValue } from '../model.ts';
import { dayAt, momentsOf } from './calendar.ts';

/** An array of drafts, or something that makes each of them when asked. */
export type Drafts = { readonly length: number; at(index: number): Draft | undefined };

export type Item = {
  index: number;
  id: string;
  pointer: string;
  bytes: number;
  /** Milliseconds; undefined for what has no date. */
  start: number | undefined;
  sectioned: boolean;
  /** What must stand in the same document. */
  refers: Item[];
  /** Provenances that name it as their target. */
  provenances: Item[];
  /** Role and who of the agent that a Provenance is made for. */
  agent: string | undefined;
  /** Of a Provenance, those that there are. */
  targets: Item[] | undefined;
};

export type Dated = { item: Item; day: number };

export type Survey = {
  items: Item[];
  /** Patient and app: in every document. */
  base: Item[];
  /** Content with a day, oldest first; the same order whatever the order of the drafts. */
  dated: Dated[];
  undated: Item[];
};

const PATIENT = 'KBV_PR_MIO_DIGA_Patient';
const APP = 'KBV_PR_MIO_DIGA_Device_DIGA';
export const PROVENANCE = 'KBV_PR_MIO_DIGA_Provenance';

export function surveyOf(drafts: Drafts, measure: (draft: Draft) => number): Survey {
  const seen: Seen = { items: [], byId: new Map(), byUrl: new Map(), links: [], base: [] };
  for (let index = 0; index < drafts.length; index += 1) {
    const draft = drafts.at(index);
    if (draft !== undefined) look(draft, index, measure(draft), seen);
  }
  seen.links.forEach((links, index) => {
    const item = seen.items[index];
    if (item !== undefined) connect(item, links, seen);
  });
  const { items, base } = seen;
  const [dated, undated]: [Dated[], Item[]] = [[], []];
  for (const item of placedOf(items, base)) {
    const day = dayFor(item);
    if (day === undefined) undated.push(item);
    else dated.push({ item, day });
  }
  dated.sort((a, b) => a.day - b.day || byTime(a.item, b.item));
  return { items, base: base.sort(byTime), dated, undated: undated.sort(byTime) };
}

type Links = { ids: string[]; targets: string[]; questionnaire: string | undefined };
type Seen = {
  items: Item[];
  byId: Map<string, Item>;
  /** Questionnaires by their canonical URL. */
  byUrl: Map<string, Item>;
  links: Links[];
  base: Item[];
};

function look(draft: Draft, index: number, bytes: number, seen: Seen): void {
  const { resource, profile, pointer, agent } = draft;
  const links: Links = { ids: [], targets: [], questionnaire: undefined };
  const { target, ...rest } = resource;
  collect(profile === PROVENANCE ? rest : resource, links.ids);
  if (profile === PROVENANCE) collect(target, links.targets);
  if (agent !== undefined) links.ids.push(agent.who);
  if (typeof resource.questionnaire === 'string') links.questionnaire = urlOf(resource.questionnaire);
  const item: Item = {
    index,
    id: String(resource.id),
    pointer,
    bytes,
    start: momentsOf(draft.from ?? draft.until ?? '')?.start,
    sectioned: draft.section !== undefined,
    refers: [],
    provenances: [],
    agent: agent && `${agent.type} ${agent.who}`,
    targets: profile === PROVENANCE ? [] : undefined,
  };
  seen.items.push(item);
  seen.links.push(links);
  seen.byId.set(item.id, item);
  if (resource.resourceType === 'Questionnaire' && typeof resource.url === 'string') seen.byUrl.set(resource.url, item);
  if (profile === PATIENT || profile === APP) seen.base.push(item);
}

function connect(item: Item, { ids, targets, questionnaire }: Links, { byId, byUrl }: Seen): void {
  const found = (reference: string) => byId.get(reference.replace(/^urn:uuid:/, ''));
  const others = [...ids.map(found), questionnaire === undefined ? undefined : byUrl.get(questionnaire)];
  item.refers = [...new Set(others)].filter((one) => one !== undefined && one !== item) as Item[];
  for (const target of new Set(targets.map(found))) {
    if (target === undefined) continue;
    target.provenances.push(item);
    item.targets?.push(target);
  }
}

function collect(value: FhirValue | undefined, into: string[]): void {
  if (typeof value !== 'object' || value === null || value instanceof Decimal) return;
  if (Array.isArray(value)) for (const one of value) collect(one, into);
  else {
    for (const name in value) {
      const one = value[name];
      if (name === 'reference' && typeof one === 'string') into.push(one);
      else collect(one, into);
    }
  }
}

function urlOf(canonical: string): string {
  return canonical.split('|')[0] ?? '';
}

/** What has a place of its own: all content, and whatever no content leads to, so that nothing is lost. */
function placedOf(items: readonly Item[], base: readonly Item[]): Item[] {
  const content = items.filter((one) => one.sectioned);
  const led = new Set(reach([...content, ...base, ...items.flatMap((one) => one.provenances)]));
  return items.filter((one) => one.sectioned || !led.has(one));
}

/** These and everything that they lead to. */
export function reach(from: readonly Item[]): Item[] {
  const found = new Set(from);
  for (const one of found) for (const other of one.refers) found.add(other);
  return [...found];
}

/** What is no content of its own stands with the oldest content it speaks of: a component of a meal with the meal. */
function dayFor(item: Item): number | undefined {
  const of = item.sectioned ? [] : item.refers.filter((one) => one.sectioned).map((one) => one.start);
  const known = of.filter((one) => one !== undefined);
  const start = known.length > 0 ? Math.min(...known) : item.start;
  return start === undefined ? undefined : dayAt(start);
}

export function byTime(a: Item, b: Item): number {
  return (a.start ?? 0) - (b.start ?? 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : a.index - b.index);
}
