// A KVNR is kept while an export is open or the prescription and its grace run, and not a day longer (RET-02, RET-03, D6).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKvnr } from '../../../../gateway/exports/key-store.ts';
import { eraseKvnr, eraseUnneededKvnrs, nextKvnrErasure } from '../../../../gateway/exports/kvnr-retention.ts';
import { KVNR, mioBundle, OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const document = (text: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(text) } });
const held = async () =>
  (await h.db.selectFrom('insured').selectAll().execute()).filter(
    (row) => row.kvnr_sealed !== null || row.wrapped_key !== null || row.wrapped_under !== null,
  ).length;
const at = (instant: string) => h.clock.advance(Date.parse(instant) - h.clock.now());
/** Answers what the worker set its timer to. */
async function settleAll(): Promise<number | undefined> {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  // The turn that made it idle ends with setting the timer.
  await worker.idle();
  const timer = h.timers.at(-1);
  await worker.stop(0);
  return timer;
}

describe('after the end of the prescription and 92 days', () => {
  test('the KVNR is erased, to the day in Berlin, and the chain stays (RET-03)', async () => {
    const id = await h.accept({ prescriptionEnds: '2026-12-31' });
    await settleAll();
    at('2027-04-02T21:59:59Z');
    await settleAll();
    expect(await held()).toBe(1);
    at('2027-04-02T22:00:00Z');
    await settleAll();
    expect(await held()).toBe(0);
    expect(await h.db.selectFrom('series').select('version').execute()).toEqual([{ version: 1 }]);
    expect(await h.db.selectFrom('insured').select('lookup_key').execute()).toHaveLength(1);
    expect((await h.read(id)).row.status).toBe('written');
    await expect(readKvnr(h.db, h.vault, (await h.read(id)).row)).rejects.toMatchObject({ code: 'STORE_BROKEN' });
  });

  test('the worker has set its timer for that instant', async () => {
    await h.accept({ prescriptionEnds: '2026-12-31' });
    await settleAll();
    h.clock.advance(40 * 86_400_000);
    await settleAll();
    // Events of the export are gone by then; what is left to do is this.
    expect(await nextKvnrErasure(h.db, { now: h.clock.now(), graceDays: 92 })).toBe(Date.parse('2027-04-02T22:00:00Z'));
    h.clock.advance(60 * 86_400_000);
    expect(await settleAll()).toBe(h.clock.now() + 3_600_000);
    at('2027-04-02T21:59:00Z');
    expect(await settleAll()).toBe(Date.parse('2027-04-02T22:00:00Z'));
  });

  test('the next export is version 2 with RPLC, and the KVNR is held again', async () => {
    const first = await h.accept({ prescriptionEnds: '2026-12-31' });
    await settleAll();
    at('2027-05-01T10:00:00Z');
    await settleAll();
    expect(await held()).toBe(0);
    const next = await h.accept({ prescriptionEnds: '2027-09-30', ...document('two') });
    expect(await held()).toBe(1);
    await settleAll();
    const replaces = (await h.read(first)).documents[0]?.entry_uuid;
    expect((await h.read(next)).documents[0]).toMatchObject({ status: 'written', version: 2, replaces });
    expect(h.outside.writes.at(-1)?.order.kvnr).toBe(KVNR);
  });
});

describe('it is kept', () => {
  test('by a newer prescription, and an older one that comes later shortens nothing', async () => {
    await h.accept({ prescriptionEnds: '2026-12-31' });
    await h.accept({ prescriptionEnds: '2027-06-30', ...document('two') });
    await h.accept({ prescriptionEnds: '2027-01-31', ...document('three') });
    await settleAll();
    at('2027-05-15T10:00:00Z');
    await settleAll();
    expect(await held()).toBe(1);
    at('2027-10-01T10:00:00Z');
    await settleAll();
    expect(await held()).toBe(0);
  });

  test('by an export in doubt, until that has its end', async () => {
    const id = await h.accept({ prescriptionEnds: '2026-12-31' });
    await settleAll();
    await h.db.updateTable('exports').set({ status: 'unclear', unanswered: 1 }).where('id', '=', id).execute();
    const then = { now: Date.parse('2027-06-01T10:00:00Z'), graceDays: 92 };
    expect(await eraseUnneededKvnrs(h.db, then)).toBe(0);
    expect(await nextKvnrErasure(h.db, then)).toBeNull();
    await h.db.updateTable('exports').set({ status: 'written' }).where('id', '=', id).execute();
    expect(await nextKvnrErasure(h.db, then)).toBe(then.now);
    expect(await eraseUnneededKvnrs(h.db, then)).toBe(1);
    expect(await nextKvnrErasure(h.db, then)).toBeNull();
  });

  test('by nobody else: another insured of the same DiGA goes by their own prescription', async () => {
    await h.accept({ prescriptionEnds: '2026-12-31' });
    await h.accept({ kvnr: OTHER_KVNR, prescriptionEnds: '2027-12-31' });
    await settleAll();
    at('2027-06-01T10:00:00Z');
    await settleAll();
    const rows = await h.db.selectFrom('insured').select(['lookup_key', 'prescription_ends']).execute();
    expect(rows.find((row) => row.lookup_key === h.vault.lookupKey('demo', OTHER_KVNR))?.prescription_ends).toBe(
      '2027-12-31',
    );
    expect(rows.find((row) => row.lookup_key === h.vault.lookupKey('demo', KVNR))?.prescription_ends).toBeNull();
    expect(await held()).toBe(1);
  });
});

test('without grace it goes with the first minute after the prescription', async () => {
  await h.accept({ prescriptionEnds: '2026-12-31' });
  await settleAll();
  const erase = (instant: string) => eraseUnneededKvnrs(h.db, { now: Date.parse(instant), graceDays: 0 });
  expect(await erase('2026-12-31T22:59:59Z')).toBe(0);
  expect(await erase('2026-12-31T23:00:00Z')).toBe(1);
});

test('on command it goes at once, and only that one', async () => {
  await h.accept();
  await h.accept({ kvnr: OTHER_KVNR });
  await settleAll();
  await eraseKvnr(h.db, h.vault.lookupKey('demo', KVNR));
  expect(await held()).toBe(1);
  expect(await eraseUnneededKvnrs(h.db, { now: h.clock.now(), graceDays: 0 })).toBe(0);
});
