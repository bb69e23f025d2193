// What lies between the caller's entries and the document (docs/mio-build.md): a draft is one resource that is complete but
// for what only the finished document decides: meta.versionId and meta.lastUpdated (mio-diga.md section 10), its Provenance
// and its place in a part. Both modes make drafts; split, versions and bundle read them and know nothing of entries.
import type { Resource } from '../model.ts';

/** Sections of the Composition by the names of their slices in the profile (mio-diga.md section 5). */
export const SECTIONS = [
  'frageboegen',
  'befundeUndErgebnisse',
  'vitalzeichenUndKoerpermasse',
  'aktivitaeten',
  'nahrung',
  'lebensstilfaktoren',
  'probleme',
  'umweltfaktoren',
  'medikation',
  'beurteilungen',
  'ziele',
  'termineBegegnungen',
  'patientenberichte',
  'anhaenge',
  'kontakte',
] as const;
export type Section = (typeof SECTIONS)[number];

/** Who brought the data: the role (provenance-participant-type) and `urn:uuid:…` of the one who has it. */
export type Agent = { type: string; who: string };

export type Draft = {
  /** With id, `meta.profile` and references in full (`urn:uuid:…`). */
  resource: Resource;
  /** Name of its profile: `KBV_PR_MIO_DIGA_Patient`. */
  profile: string;
  /** Undefined for what is only reached by reference: Patient, Device, Medication, … */
  section: Section | undefined;
  /** The time the data are about, FHIR dateTime as written; undefined stands in the newest part (section 9). */
  from: string | undefined;
  until: string | undefined;
  /** JSON pointer to what it was made of, below the caller's `content`: `/entries/3`. */
  pointer: string;
  /** Undefined where a Provenance is of no use or comes with the resources themselves. */
  agent: Agent | undefined;
};

/** A stretch of the calendar (Europe/Berlin), both days included: `2025-03-01`. */
export type Stretch = { first: string; last: string };

/** One document to be: a stretch of calendar with its drafts and all that they refer to. */
export type Part = {
  /**
   * Where its chain of versions hangs (D4): null for the document that is not split and, once it is, for the part with the
   * oldest data, which takes that chain over; otherwise its first day, `2025-03-01`.
   */
  name: string | null;
  /** Absent for the document that is not split. */
  stretch?: Stretch | undefined;
  /** Betrachtungszeitraum: FHIR dateTimes with zone. */
  period: { start: string; end: string };
  drafts: readonly Draft[];
};

export type ResourceMemory = { version: number; lastUpdated: string; digest: string };

/**
 * What an installation remembers of a part's last document, and hands in again for the next (section 10). No content: ids
 * are UUIDs and digests are keyed. `resources` by id. versions.ts makes it, memory.ts writes and reads it.
 */
export type PartMemory = {
  version: number;
  bundleId: string;
  timestamp: string;
  /** As written; the end may have grown since without making the document another one. */
  period: { start: string; end: string };
  stretch?: Stretch | undefined;
  /** Keyed digest over the canonical form without ids and times of the document. */
  digest: string;
  resources: Record<string, ResourceMemory>;
};
