// Versions of "the same document" (mio-diga.md section 10), as pure functions: what was written last and what is to be written
// now give the version and the time of every resource and of the document, or say that nothing has changed.
//
// What makes a document another one: a resource added, taken away or changed, its section, the start of the Betrachtungszeitraum.
// What does not: ids and times of the document, `meta.versionId` and `meta.lastUpdated` (a mapping layer may stamp them anew on
// every export), and the end of the Betrachtungszeitraum, which grows because a day has passed.
import type { Resource } from '../model.ts';
import type { Shapes } from '../shapes.ts';
import { canonicalForm, type Digest } from './canonical.ts';
import type { Part, PartMemory, ResourceMemory, Section } from './draft.ts';

/** A resource that will stand in the document. Give a Provenance without `recorded` where that is to follow `lastUpdated`. */
export type Content = { resource: Resource; section: Section | undefined };

export type VersionOptions = {
  contents: Iterable<Content>;
  part: Pick<Part, 'period' | 'stretch'>;
  /** Of this part's last document; undefined for its first. */
  memory?: PartMemory | undefined;
  /** Of the other parts: a resource that moves from one to another keeps counting. */
  elsewhere?: readonly PartMemory[] | undefined;
  /** For the document, should it be another one. */
  bundleId: string;
  /** FHIR instant. */
  now: string;
  shapes: Shapes;
  digest: Digest;
};

/** What to write into the document and to remember when it is written; `unchanged`: exactly what was given in. */
export type NextDocument = { memory: PartMemory; unchanged: boolean };

/** MioError never: what has no id is the caller's to refuse before. */
export function nextDocument(options: VersionOptions): NextDocument {
  const { part, memory, elsewhere = [], now, shapes, digest } = options;
  const resources: Record<string, ResourceMemory> = {};
  const lines: string[] = [];
  for (const { resource, section } of options.contents) {
    const id = String(resource.id);
    const own = digest('resource', canonicalForm(resource, shapes));
    resources[id] = nextResource(own, { id, memory, elsewhere, now });
    lines.push(`${id} ${own} ${section ?? ''}`);
  }
  const content = digest('document', [part.period.start, ...lines.sort()].join('\n'));
  if (memory !== undefined && memory.digest === content) return { memory, unchanged: true };
  return {
    unchanged: false,
    memory: {
      version: (memory?.version ?? 0) + 1,
      bundleId: options.bundleId,
      timestamp: now,
      period: part.period,
      stretch: part.stretch,
      digest: content,
      resources,
    },
  };
}

type Before = Pick<VersionOptions, 'memory' | 'now'> & { id: string; elsewhere: readonly PartMemory[] };

/**
 * Unchanged keeps version and time. Changed, or new to this part: as another part has it, where that has this content in a
 * version higher than ours and nobody a higher one; else one more than any of them. So a part's version never falls.
 */
function nextResource(digest: string, { id, memory, elsewhere, now }: Before): ResourceMemory {
  const own = recall(memory, id);
  if (own?.digest === digest) return own;
  const others = elsewhere.map((one) => recall(one, id)).filter((one) => one !== undefined);
  const highest = others.reduce((version, one) => Math.max(version, one.version), own?.version ?? 0);
  const same = others.find((one) => one.version === highest && one.digest === digest);
  if (same !== undefined && highest > (own?.version ?? 0)) return same;
  return { version: highest + 1, lastUpdated: now, digest };
}

function recall(memory: PartMemory | undefined, id: string): ResourceMemory | undefined {
  return memory !== undefined && Object.hasOwn(memory.resources, id) ? memory.resources[id] : undefined;
}
