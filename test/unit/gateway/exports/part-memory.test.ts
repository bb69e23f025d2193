// What is remembered of documents built here describes what the record holds, or will by an open export: a version that was
// refused, cancelled or superseded is no ground for the next one (mio-diga.md section 10, D3, D5, D6, RET-05).
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import { createKeyRotation } from '../../../../gateway/exports/key-rotation.ts';
import { eraseKvnr } from '../../../../gateway/exports/kvnr-retention.ts';
import { GroundsChanged, type Memories, readMemories } from '../../../../gateway/exports/part-memory.ts';
import { sealSeries } from '../../../../gateway/exports/row-seals-series.ts';
import { importSeries } from '../../../../gateway/exports/series-import.ts';
import { cancelExport } from '../../../../gateway/exports/sweep.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { readMemory, writeMemory } from '../../../../mio/build/memory.ts';
import {
  exportOrder,
  KVNR,
  mioBundle,
  noAnswer,
  registryError,
  type TestHouse,
  testHouse,
} from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const place = () => ({ lookup_key: h.vault.lookupKey('demo', KVNR), series: 'main' });
const grounds = (supersedes = true) =>
  readMemories({ db: h.db, vault: h.vault, diga: 'demo', place: place(), supersedes });
const digest = (of: string) => Buffer.alloc(16, of).toString('base64url');
const remembered = (version: number, resources = 1): Uint8Array =>
  Buffer.from(
    writeMemory({
      version,
      bundleId: '11111111-1111-4111-8111-111111111111',
      timestamp: '2026-11-25T12:00:00+01:00',
      period: { start: '2026-11-01T00:00:00+01:00', end: '2026-11-24T20:00:00+01:00' },
      digest: digest('d'),
      resources: Object.fromEntries(
        Array.from({ length: resources }, (_, n) => [
          `00000000-0000-5000-8000-${String(n).padStart(12, '0')}`,
          { version, lastUpdated: '2026-11-25T12:00:00+01:00', digest: digest('r') },
        ]),
      ),
    }),
  );
const versions = (memories: Memories) =>
  Object.fromEntries(
    [...memories.parts].map(([part, memory]) => [
      part,
      memory.kind === 'built' ? readMemory(Buffer.from(memory.memory).toString()).version : `foreign ${memory.version}`,
    ]),
  );

/** An export of a document that was built here, on what was remembered. */
async function build(version: number, more: Parameters<typeof exportOrder>[0] = {}): Promise<string> {
  const memories = await grounds(more.notBefore === undefined);
  const document = {
    mimeType: 'application/fhir+xml',
    content: mioBundle(`v${version}`),
    memory: remembered(version),
  };
  return h.accept({ memories, document, ...more });
}
const idle = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(1000);
};
const rows = async () =>
  (await h.db.selectFrom('part_memories').select(['export_id', 'part', 'sealed']).execute()).map((row) => ({
    ...row,
    sealed: Buffer.from(row.sealed),
  }));

test('a written version is the ground of the next one, and the one before is forgotten', async () => {
  expect(versions(await grounds())).toEqual({});
  await build(1);
  await idle();
  expect(versions(await grounds())).toEqual({ '': 1 });
  const second = await build(2);
  await idle();
  expect((await grounds()).parts.get('')).toEqual({ kind: 'built', memory: remembered(2) });
  expect((await rows()).map((row) => row.export_id)).toEqual([second]);
});

test('a memory of many resources is kept whole, in sealed chunks that tell nothing', async () => {
  const memory = remembered(1, 9000);
  const memories = await grounds();
  const document = { mimeType: 'application/fhir+xml', content: mioBundle('one'), memory };
  await h.accept({ memories, document });
  await idle();
  expect((await grounds()).parts.get('')).toEqual({ kind: 'built', memory });
  const stored = await rows();
  expect(stored.length).toBeGreaterThan(1);
  for (const { sealed } of stored) expect(sealed.includes('00000000-0000-5000')).toBe(false);
});

test.each([
  ['another document', 2, { '': 'foreign 2' }],
  ['that nothing is in the record', null, {}],
])('OPS-04: an import that says %s leaves no memory of what was there', async (_what, version, expected) => {
  await build(1);
  await idle();
  // Certain of it, an import may not say otherwise.
  await h.db.updateTable('series').set({ doubtful: 1 }).execute();
  await sealSeries(h.db, { ...place(), part: '' });
  const document =
    version === null
      ? null
      : { entryUuid: `urn:uuid:${randomUUID()}`, version, recordSystem: 'epa-as-1', sha256: null, writtenAt: null };
  const entry = { diga: 'demo', lookupKey: place().lookup_key, series: 'main', part: '', document };
  await importSeries(h.db, { entries: [entry], now: h.clock.now() });
  expect(await rows()).toEqual([]);
  expect(versions(await grounds())).toEqual(expected);
});

test('OPS-04: an import that says what is known, or speaks of another series, keeps the memory', async () => {
  const id = await build(1);
  await idle();
  const own = (await h.read(id)).documents[0]?.entry_uuid ?? '';
  const known = { entryUuid: own, version: 1, recordSystem: 'epa-as-1', sha256: null, writtenAt: null };
  const entry = { diga: 'demo', lookupKey: place().lookup_key, part: '' };
  const entries = [
    { ...entry, series: 'main', document: known },
    { ...entry, series: 'other', document: { ...known, entryUuid: `urn:uuid:${randomUUID()}` } },
  ];
  await importSeries(h.db, { entries, now: h.clock.now() });
  expect(versions(await grounds())).toEqual({ '': 1 });
});

test.each(['refused', 'cancelled', 'superseded'] as const)('a version that was %s is no ground', async (end) => {
  await build(1);
  await idle();
  if (end === 'refused') h.outside.answers.push(() => registryError('rejected'));
  const dead = await build(2);
  if (end === 'refused') await idle();
  if (end === 'cancelled') {
    const cancelling = { id: dead, diga: 'demo', now: h.clock.now() };
    await h.db.transaction().execute((tx) => cancelExport(tx, cancelling));
  }
  // What a newer export would supersede is none for it, before it is superseded as well.
  expect(versions(await grounds())).toEqual({ '': 1 });
  if (end === 'superseded') await build(2);
  expect((await h.read(dead)).row.status).toBe(end);
  expect((await rows()).filter((row) => row.export_id === dead)).toEqual([]);
});

test('an export that will be written first is the ground: on the wire without an answer, or in a queue of all', async () => {
  await build(1, { queue: 'all' });
  expect(versions(await grounds())).toEqual({ '': 1 });
  h.outside.answers.push(noAnswer, noAnswer);
  await idle();
  expect(versions(await grounds())).toEqual({ '': 1 });
  await build(2);
  await build(3);
  expect((await rows()).length).toBe(2);
});

test('a deferred export counts those that it will not have superseded when it is accepted', async () => {
  await build(1);
  expect(versions(await grounds(true))).toEqual({});
  expect(versions(await grounds(false))).toEqual({ '': 1 });
});

test('who built on what is no longer so must build again, and nothing is stored', async () => {
  const before = await grounds();
  await build(1);
  await idle();
  const order = exportOrder({
    memories: before,
    document: { mimeType: 'application/fhir+xml', content: mioBundle('x') },
  });
  const late = acceptExport({ db: h.db, vault: h.vault, order, key: null, now: h.clock.now() });
  await expect(late).rejects.toThrow(GroundsChanged);
  const count = h.db.selectFrom('exports').select((e) => e.fn.countAll<number>().as('n'));
  expect(Number((await count.executeTakeFirst())?.n)).toBe(1);
});

test('a document that was not built here leaves its version only', async () => {
  await build(1);
  await idle();
  await h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle('finished') } });
  await idle();
  expect(versions(await grounds())).toEqual({ '': 'foreign 2' });
  expect(await rows()).toEqual([]);
});

test('another series and another DiGA have memories of their own', async () => {
  await build(1);
  await idle();
  const other = { ...place(), series: 'second' };
  const memories = await readMemories({ db: h.db, vault: h.vault, diga: 'demo', place: other, supersedes: true });
  expect(versions(memories)).toEqual({});
});

test('D6: after the KVNR is erased and the keys were rotated the memory is still the ground', async () => {
  await build(1);
  await idle();
  await h.db.transaction().execute((tx) => eraseKvnr(tx, place().lookup_key));
  const rotation = createKeyRotation({ db: h.db, vault: h.vault, now: h.clock.now, log: silentLogger });
  await rotation.start({ digas: ['demo'], by: 'op' });
  await rotation.idle();
  expect(h.vault.generations('demo').older).toEqual([]);
  expect(versions(await grounds())).toEqual({ '': 1 });
  await build(2);
  await idle();
  expect(h.outside.writes.at(-1)?.order.replaces).toBe(h.outside.writes[0]?.order.entryUuid);
});

test('RET-05: forgetting the person drops the memories and their key', async () => {
  await build(1);
  await idle();
  const { memory_key: key } = await h.db.selectFrom('insured').select('memory_key').executeTakeFirstOrThrow();
  expect(key).toBeInstanceOf(Uint8Array);
  const forgetting = { diga: 'demo', lookupKey: place().lookup_key, now: h.clock.now() };
  await h.db.transaction().execute((tx) => forgetPerson(tx, forgetting));
  expect(await rows()).toEqual([]);
  expect(await h.db.selectFrom('insured').selectAll().execute()).toEqual([]);
});

test('a memory under another export or part does not open', async () => {
  await build(1);
  await idle();
  await h.accept({ series: 'other' });
  const other = await h.db.selectFrom('exports').select('id').where('series', '=', 'other').executeTakeFirstOrThrow();
  await h.db.updateTable('part_memories').set({ export_id: other.id }).execute();
  const of = { ...place(), series: 'other' };
  const read = readMemories({ db: h.db, vault: h.vault, diga: 'demo', place: of, supersedes: false });
  await expect(read).rejects.toMatchObject({ code: 'STORE_BROKEN' });
});

test('the time of the service is the Betrachtungszeitraum of the document, sealed until it is sent', async () => {
  const period = { start: '2026-10-01', end: '2026-11-24T20:00:00+01:00' };
  const document = { mimeType: 'application/fhir+xml', content: mioBundle('one'), period };
  const id = await h.accept({ document });
  const [row] = (await h.read(id)).documents;
  expect(Buffer.from(row?.sealed_period ?? []).includes('2026-10-01')).toBe(false);
  await idle();
  expect(h.outside.writes[0]?.order).toMatchObject({
    serviceStart: new Date('2026-10-01T00:00:00+02:00'),
    serviceStop: new Date('2026-11-24T20:00:00+01:00'),
  });
});

test.each([
  ['ends before it starts', { start: '2026-11-01', end: '2026-10-01' }],
  ['is none', { start: 'x', end: '2026-10-01' }],
])('no time of the service is sent where the Betrachtungszeitraum %s', async (_what, period) => {
  await h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle('one'), period } });
  await idle();
  expect(h.outside.writes).toHaveLength(1);
  expect(h.outside.writes[0]?.order).not.toHaveProperty('serviceStart');
});
