// The document around the drafts (mio-diga.md sections 4, 5 and 10): ids, order, versions, Provenance, period.
import { describe, expect, test } from 'vitest';
import { assembleBundle } from '../../../../mio/build/bundle.ts';
import { identifier, uuidV5 } from '../../../../mio/build/identity.ts';
import type { Entry } from '../../../../mio/build/kind.ts';
import { endOf, spanOf, startOf } from '../../../../mio/build/span.ts';
import type { Resource } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import {
  BUNDLE_ID,
  build,
  digest,
  identify,
  NOW,
  ofProfile,
  resourcesOf,
  simple,
  tables,
} from '../../../support/mio-build.ts';

const weight = (id: string, value: number, rest: Partial<Entry> = {}): Entry => ({
  kind: 'bodyWeight',
  id,
  at: '2025-01-03T07:30:00+01:00',
  value,
  ...rest,
});
const metaOf = (resource: Resource | undefined) => resource?.meta as { versionId: string; lastUpdated: string };
const LATER = '2025-05-01T08:00:00Z';

/** The next document of the same chain. */
function next(first: ReturnType<typeof build>, ...entries: Entry[]) {
  const { drafts } = build(simple(...entries));
  const part = { name: null, period: first.memory.period, drafts };
  const bundleId = '0f0e0d0c-0b0a-4908-8706-050403020100';
  return assembleBundle({ part, tables, memory: first.memory, bundleId, now: LATER, identify, digest });
}

describe('ids', () => {
  test('UUIDv5 is that of RFC 9562, appendix A.4', () => {
    expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });
  test('differ by installation, DiGA and insured, and names cannot run into each other', () => {
    const namespace = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    const all = [
      identifier(namespace, 'a', 'b')('c'),
      identifier('6ba7b811-9dad-11d1-80b4-00c04fd430c8', 'a', 'b')('c'),
      identifier(namespace, 'x', 'b')('c'),
      identifier(namespace, 'a', 'x')('c'),
      identifier(namespace, 'a', 'b","c')(''),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
  test('every entry has its own, and its address is made of it', () => {
    const { bundle, sources } = build(simple(weight('1', 70), weight('2', 71)));
    const entries = bundle.entry as { fullUrl: string; resource: { id: string } }[];
    expect(new Set(entries.map(({ fullUrl }) => fullUrl)).size).toBe(entries.length);
    for (const { fullUrl, resource } of entries) expect(fullUrl).toBe(`urn:uuid:${resource.id}`);
    expect(sources).toHaveLength(entries.length);
    expect(sources.filter((one) => one?.startsWith('/entries/'))).toEqual(['/entries/0', '/entries/1']);
  });
});

describe('versions', () => {
  test('the same content is the same document, byte for byte, whatever id and time are offered', () => {
    const first = build(simple(weight('1', 70)));
    const second = next(first, weight('1', 70));
    expect(second.unchanged).toBe(true);
    expect(writeXml(second.bundle, tables.core.shapes)).toBe(writeXml(first.bundle, tables.core.shapes));
  });
  test('what changed has a new version and time, what did not keeps both, Bundle and Composition count documents', () => {
    const first = build(simple(weight('1', 70), weight('2', 71)));
    const second = next(first, weight('1', 70), weight('2', 72));
    const [composition] = resourcesOf(second.bundle);
    const [kept, changed] = ofProfile(second.bundle, 'Observation_Body_Weight');
    expect(second.unchanged).toBe(false);
    expect(metaOf(second.bundle)).toMatchObject({ versionId: '2', lastUpdated: LATER });
    expect(metaOf(composition)).toMatchObject({ versionId: '2', lastUpdated: LATER });
    expect(metaOf(kept)).toMatchObject({ versionId: '1', lastUpdated: NOW });
    expect(metaOf(changed)).toMatchObject({ versionId: '2', lastUpdated: LATER });
    expect(metaOf(ofProfile(second.bundle, 'Patient')[0])).toMatchObject({ versionId: '1', lastUpdated: NOW });
    expect(second.bundle.id).not.toBe(BUNDLE_ID);
  });
  test('one who brings more has a Provenance recorded anew, others keep theirs', () => {
    const first = build(simple(weight('1', 70), weight('2', 71, { by: 'diga' })));
    const second = next(first, weight('1', 70), weight('2', 71, { by: 'diga' }), weight('3', 72));
    const recorded = ofProfile(second.bundle, 'Provenance').map((one) => one.recorded);
    expect(recorded).toEqual([LATER, NOW]);
  });
});

describe('Provenance', () => {
  test('is one for all that one agent brought', () => {
    const { bundle } = build(simple(...Array.from({ length: 50 }, (_, index) => weight(String(index), 70))));
    const all = ofProfile(bundle, 'Provenance');
    expect(all).toHaveLength(1);
    expect(all[0]?.target).toHaveLength(50);
  });
  test.each([
    ['patient', 'informant', 'Patient'],
    ['diga', 'author', 'Device_DIGA'],
    ['device', 'performer', 'Device'],
  ] as const)('of %s: %s', (by, role, profile) => {
    const { bundle } = build(simple(weight('1', 70, { by, device: 'scale' })));
    const [provenance] = ofProfile(bundle, 'Provenance');
    const [who] = ofProfile(bundle, profile);
    expect(JSON.stringify(provenance?.agent)).toContain(`"code":"${role}"`);
    expect(JSON.stringify(provenance?.agent)).toContain(`"urn:uuid:${who?.id}"`);
  });
});

test('a part without Patient is our own mistake', () => {
  const { drafts, memory } = build(simple(weight('1', 70)));
  const part = { name: null, period: memory.period, drafts: drafts.slice(1) };
  expect(() => assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest })).toThrow(TypeError);
});

test('where no entry has a section the Composition has none, as a list without entries is not valid', () => {
  const { bundle, findings } = build(simple({ kind: 'device', id: 'cuff-1', name: 'Blutdruckmanschette' }));
  expect(findings.map(({ code }) => code)).toEqual(['ENTRY_UNUSED']);
  expect(resourcesOf(bundle)[0]).not.toHaveProperty('section');
  expect(validate(bundle, tables)).toEqual([]);
});

describe('what entries span', () => {
  test('days are those of Germany, in winter and in summer', () => {
    expect(startOf('2025-01-03')).toBe('2025-01-03T00:00:00+01:00');
    expect(endOf('2025-07-03')).toBe('2025-07-03T23:59:59+02:00');
    expect(endOf('2025-02')).toBe('2025-02-28T23:59:59+01:00');
    expect(endOf('2024')).toBe('2024-12-31T23:59:59+01:00');
  });
  test.each([
    ['a leap second', '2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['ten digits of a second', '2025-01-03T07:30:00.1234567890+01:00', '2025-01-03T06:30:00.123Z'],
  ])('%s is right in FHIR and told in milliseconds', (_what, written, told) => {
    expect(spanOf([{ from: written, until: written }])).toEqual({ start: told, end: told });
  });
  test('is from the earliest to the latest instant, as written, and nothing of none', () => {
    const times = ['2025-01-03T00:30:00+02:00', '2025-01-02T23:00:00Z', '2025-01-02T23:30:00+01:00'];
    expect(spanOf(times.map((at) => ({ from: at, until: at })))).toEqual({ start: times[0], end: times[1] });
    expect(spanOf([{}, { from: undefined }])).toBeUndefined();
  });
  test('a period that does not cover it is told, one that is left out is made of it', () => {
    const period = { start: '2025-02-01T00:00:00Z', end: '2025-03-01T00:00:00Z' };
    expect(build({ ...simple(weight('1', 70)), period }).findings.map(({ code }) => code)).toEqual(['PERIOD_NARROW']);
    expect(build(simple(weight('1', 70))).memory.period.start).toBe('2025-01-03T07:30:00+01:00');
  });
});
