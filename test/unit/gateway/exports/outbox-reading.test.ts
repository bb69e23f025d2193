// What an event holds, how long it is kept, and how events are read: as the export stood then, 30 days, one DiGA's only.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ExportEvent, eraseEvents, readEvents } from '../../../../gateway/exports/outbox.ts';
import { nextSweep } from '../../../../gateway/exports/sweep.ts';
import { KVNR, mioBundle, type TestHouse, temporaryDirectory, testHouse } from '../../../support/gateway-fakes.ts';
import { lowerStore } from '../../../support/old-store.ts';
import { onPostgres } from '../../../support/stores.ts';

const DAY = 86_400_000;
let directory: ReturnType<typeof temporaryDirectory>;
let h: TestHouse;
beforeEach(async () => {
  directory = temporaryDirectory();
  h = await testHouse({ directory: directory.path });
});
afterEach(async () => {
  await h.close();
  directory.remove();
});

const all = async () =>
  (await readEvents(h.db, { after: 0, limit: 100_000 })).filter((e): e is ExportEvent => 'snapshot' in e);
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const go = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
};

test('an event says how the export stood then, not how it stands now, and who it was about stays out of it (D15)', async () => {
  const id = await h.accept({ reference: 'user-1', queue: 'all' });
  const second = await h.accept({ ...content('a-marked-text'), queue: 'all' });
  await go();
  const events = await all();
  const of = (which: string, type: string) =>
    events.find((e) => e.snapshot.row.id === which && e.type === type)?.snapshot;
  expect(of(id, 'export.queued')).toMatchObject({
    row: { status: 'queued', reference: 'user-1', attempts: 0 },
    documents: [{ version: null, written_at: null }],
    behind: null,
  });
  expect(of(second, 'export.queued')?.behind).toBe(id);
  expect(of(id, 'export.written')).toMatchObject({ row: { attempts: 1 }, documents: [{ version: 1 }] });
  const text = JSON.stringify(events);
  const { row } = await h.read(id);
  for (const mark of [KVNR, 'a-marked-text', row.lookup_key, 'lookup_key', 'wrapped_key', 'consent'])
    expect(text).not.toContain(mark);
});

describe('kept 30 days', () => {
  test('the sweep erases what is older and wakes for it; a number is never given again', async () => {
    await h.accept();
    await go();
    const last = (await all()).at(-1)?.seq ?? 0;
    expect(await nextSweep(h.db)).toBe(h.clock.now() + 30 * DAY);
    h.clock.advance(30 * DAY - 1);
    await go();
    expect(await all()).toHaveLength(3);
    h.clock.advance(1);
    await go();
    expect(await all()).toEqual([]);
    await h.accept({ ...content('two'), prescriptionEnds: '2027-12-31' });
    expect((await all()).map((e) => e.seq)).toEqual([last + 1]);
  });
  test('what is younger stays', async () => {
    await h.accept({ series: 'a' });
    h.clock.advance(DAY);
    await h.accept({ series: 'b' });
    expect(await eraseEvents(h.db, h.clock.now() + 29 * DAY)).toBe(1);
    expect((await all()).map((e) => e.snapshot.row.series)).toEqual(['b']);
  });
});

test('events of one DiGA are read without those of others, page by page', async () => {
  for (let n = 0; n < 5; n++) {
    await h.accept({ series: `s${n}` });
    await h.accept({ series: `s${n}`, diga: 'second' });
  }
  const seen: number[] = [];
  for (let after = 0; ; ) {
    const page = await readEvents(h.db, { diga: 'second', after, limit: 2 });
    if (page.length === 0) break;
    expect(page.every((e) => e.diga === 'second')).toBe(true);
    seen.push(...page.map((e) => e.seq));
    after = seen.at(-1) ?? after;
  }
  expect(seen).toEqual([2, 4, 6, 8, 10]);
});

test.runIf(!onPostgres)(
  'a store of before the outbox is raised, and tells what its open exports become from then on',
  async () => {
    const id = await h.accept();
    await h.close();
    await lowerStore(directory.path, 1);
    h = await testHouse({ directory: directory.path, masterKey: h.masterKey, clock: h.clock });
    expect(await all()).toEqual([]);
    await go();
    expect((await all()).map((e) => [e.seq, e.snapshot.row.id, e.type])).toEqual([
      [1, id, 'export.running'],
      [2, id, 'export.written'],
    ]);
  },
);
