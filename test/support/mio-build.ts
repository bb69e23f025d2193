// What tests of the builder share: the tables, an app that does not exist, and the way from a content to a Bundle.

import type { DigaApp } from '../../mio/build/app.ts';
import { type Assembled, assembleBundle } from '../../mio/build/bundle.ts';
import { keyedDigest } from '../../mio/build/canonical.ts';
import { readSimple } from '../../mio/build/content.ts';
import { identifier } from '../../mio/build/identity.ts';
import type { Entry, Kind } from '../../mio/build/kind.ts';
import { KINDS, kindNamed } from '../../mio/build/kinds.ts';
import { draftsOfSimple, type SimpleDrafts } from '../../mio/build/simple.ts';
import { readJson } from '../../mio/json.ts';
import type { Resource } from '../../mio/model.ts';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';

export const tables = new ToolkitTables('1.1.0', new CoreTables());
export const KVNR = 'X110411675';
export const identify = identifier('2f0d1c5e-5f0b-4d0c-9f53-7f3a5e4a6b10', 'demo', 'an insured');
export const digest = keyedDigest(Buffer.alloc(32, 7));
export const BUNDLE_ID = '5c3ab9d2-6a3c-4b8e-9a39-2a3a7f0f0c11';
export const NOW = '2025-04-01T08:00:00Z';

export const app: DigaApp = {
  veId: '12345678',
  pzn: '18053770',
  name: 'Muster-DiGA',
  versions: [{ name: 'Softwareversion', value: '3.2.0' }],
  manufacturer: {
    name: 'Muster-DiGA GmbH',
    url: 'https://diga.example',
    address: { street: 'Musterweg', houseNumber: '4', postalCode: '10115', city: 'Berlin', country: 'D' },
  },
};

export type Made = Assembled & Pick<SimpleDrafts, 'drafts' | 'findings'>;

/** Throws with the findings where the content is refused. */
export function build(content: unknown, given: { kvnr?: string } = { kvnr: KVNR }): Made {
  const read = readSimple(content, tables);
  if (read.content === undefined) throw new Error(JSON.stringify(read.findings));
  const { drafts, period, findings } = draftsOfSimple(read.content, { tables, app, insured: given, identify });
  const part = { name: null, period: period ?? { start: NOW, end: NOW }, drafts };
  return { ...assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest }), drafts, findings };
}

export const simple = (...entries: Entry[]) => ({ mode: 'simple', entries });
/** As a caller sends it: numbers keep their spelling. */
export const fromJson = (json: string) => readJson(json).value;

export function resourcesOf(bundle: Resource): Resource[] {
  return (bundle.entry as { resource: Resource }[]).map(({ resource }) => resource);
}

/** Those with that profile, `Observation_Body_Weight`. */
export function ofProfile(bundle: Resource, name: string): Resource[] {
  const canonical = `https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_${name}|1.1.0`;
  return resourcesOf(bundle).filter(({ meta }) => JSON.stringify(meta).includes(JSON.stringify(canonical)));
}

/** The example of a kind and, where it names others, theirs: what its document says. */
export function exampleOf(kind: Kind): Entry[] {
  const entries = [kind.example];
  // Grows while it is walked.
  for (const entry of entries) {
    for (const { kinds, id } of kindNamed(entry.kind)?.names(entry) ?? []) {
      const named = KINDS.find((one) => kinds.includes(one.kind) && one.example.id === id)?.example;
      if (named !== undefined && !entries.includes(named)) entries.push(named);
    }
  }
  return entries;
}
