// Order and time: one export of a series at a time, series in parallel, newer ones supersede, deadlines and notBefore are
// kept, a channel that works again wakes who waits (EXP-07, EXP-17, D3, D22).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { Worker } from '../../../../gateway/exports/worker.ts';
import { mioBundle, noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const statusOf = async (...ids: string[]) => Promise.all(ids.map(async (id) => (await h.read(id)).row.status));
const MINUTE = 60_000;
const DAY = 86_400_000;

test('with queue all every version of a series is written in order, each replacing its predecessor (EXP-06, EXP-07)', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) ids.push(await h.accept({ ...content(`v${n}`), queue: 'all' }));
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  const documents = await Promise.all(ids.map(async (id) => (await h.read(id)).documents[0]));
  documents.forEach((d, n) => {
    expect(d).toMatchObject({ status: 'written', version: n + 1, replaces: documents[n - 1]?.entry_uuid ?? null });
  });
  expect(h.outside.writes.map((w) => w.order.entryUuid)).toEqual(documents.map((d) => d?.entry_uuid));
});

test('series run in parallel up to the concurrency, one series never twice at once (EXP-07)', async () => {
  const seriesOf = new Map<string, string>();
  for (let n = 0; n < 9; n++) {
    const id = await h.accept({ ...content(`v${n}`), series: `s${n % 3}`, queue: 'all' });
    seriesOf.set((await h.read(id)).documents[0]?.entry_uuid ?? '', `s${n % 3}`);
  }
  const running = new Set<string>();
  let most = 0;
  const full = Promise.withResolvers<void>();
  const write = h.outside.ports.write;
  h.outside.ports.write = async (session, order) => {
    const series = seriesOf.get(order.entryUuid) ?? '';
    expect(running.has(series)).toBe(false);
    running.add(series);
    most = Math.max(most, running.size);
    // Goes on only when three run at once: a worker that ran them one by one would hang here.
    if (running.size === 3) full.resolve();
    await full.promise;
    running.delete(series);
    return write(session, order);
  };
  const worker = h.worker(3);
  await worker.start();
  await worker.idle();
  expect(most).toBe(3);
  expect(h.outside.writes).toHaveLength(9);
});

test('user overtakes batch', async () => {
  const batch = await h.accept({ series: 'a', priority: 'batch' });
  const user = await h.accept({ series: 'b', priority: 'user' });
  const worker = h.worker(1);
  await worker.start();
  await worker.idle();
  const order = await Promise.all([user, batch].map(async (id) => (await h.read(id)).documents[0]?.entry_uuid));
  expect(h.outside.writes.map((w) => w.order.entryUuid)).toEqual(order);
});

test('a newer export supersedes older ones that were never sent, and names itself (D3)', async () => {
  const old = await h.accept();
  const kept = await h.accept({ ...content('two'), queue: 'all' });
  const other = await h.accept({ series: 'other' });
  const newer = await h.accept(content('three'));
  expect(await statusOf(old, kept, other, newer)).toEqual(['superseded', 'queued', 'queued', 'queued']);
  expect((await h.read(old)).row).toMatchObject({ reason_code: 'SUPERSEDED', reason_export: kept, wrapped_key: null });
});

test('an export that was definitely refused counts as never sent: a waiting one is superseded, an unclear one never', async () => {
  h.outside.answers.push(
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );
  const waiting = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await statusOf(waiting)).toEqual(['waiting']);
  h.outside.answers.push(noAnswer);
  const second = await h.accept(content('two'));
  worker.wake();
  await worker.idle();
  expect(await statusOf(waiting, second)).toEqual(['superseded', 'unclear']);
  const third = await h.accept(content('three'));
  worker.wake();
  await worker.idle();
  expect(await statusOf(second, third)).toEqual(['unclear', 'queued']);
  expect((await h.read(third)).behind).toBe(second);
});

test('a newer one accepted while the older is on its way supersedes it when its try ends refused', async () => {
  const first = await h.accept();
  let newer = '';
  h.outside.answers.push(async () => {
    newer = await h.accept(content('two'));
    return registryError('busy', 'XDSRegistryBusy');
  });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await statusOf(first, newer)).toEqual(['superseded', 'written']);
});

test('a refused export does not block the next of its series', async () => {
  h.outside.answers.push(() => registryError('rejected'));
  const first = await h.accept({ queue: 'all' });
  const second = await h.accept({ ...content('two'), queue: 'all' });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await statusOf(first, second)).toEqual(['refused', 'written']);
});

test('notBefore waits, and the timer is set for it (EXP-18)', async () => {
  const notBefore = new Date(h.clock.now() + 10 * MINUTE).toISOString();
  const now = await h.accept();
  const later = await h.accept({ ...content('two'), notBefore });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await statusOf(now, later)).toEqual(['written', 'waiting']);
  expect((await h.read(later)).row.reason_code).toBe('NOT_BEFORE');
  expect(h.timers.at(-1)).toBe(h.clock.now() + 10 * MINUTE);
  h.clock.advance(10 * MINUTE);
  worker.wake();
  await worker.idle();
  expect(await statusOf(later)).toEqual(['written']);
});

test('waiting exports are cancelled when the prescription ends, Berlin time, and their content is erased (EXP-17)', async () => {
  h.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const id = await h.accept({ prescriptionEnds: '2026-11-25' });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  h.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  h.clock.advance(Date.parse('2026-11-25T22:59:59Z') - h.clock.now());
  worker.wake();
  await worker.idle();
  expect(await statusOf(id)).toEqual(['waiting']);
  h.clock.advance(1000);
  worker.wake();
  await worker.idle();
  expect((await h.read(id)).row).toMatchObject({
    status: 'cancelled',
    reason_code: 'PRESCRIPTION_ENDED',
    wrapped_key: null,
  });
});

test('notAfter cancels as expired, but an unanswered write is finished first', async () => {
  const notAfter = new Date(h.clock.now() + MINUTE).toISOString();
  h.outside.answers.push(noAnswer);
  const unclear = await h.accept({ notAfter });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  const blocked = await h.accept({ ...content('two'), notAfter });
  h.clock.advance(2 * MINUTE);
  h.outside.answers.push(() => registryError('duplicate'));
  worker.wake();
  await worker.idle();
  expect(await statusOf(unclear, blocked)).toEqual(['written', 'cancelled']);
  expect((await h.read(blocked)).row.reason_code).toBe('EXPORT_EXPIRED');
});

test('exports that waited for a channel run at once when another export gets one (D22)', async () => {
  const fault = () => new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN');
  h.outside.sessionFaults.push(fault(), fault(), fault());
  const waiting = [await h.accept({ series: 'a' }), await h.accept({ series: 'b' }), await h.accept({ series: 'c' })];
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await statusOf(...waiting)).toEqual(['waiting', 'waiting', 'waiting']);
  expect(h.house.health.trouble('demo')).toBe('SMCB_PIN_NOT_VERIFIED');
  await h.accept({ series: 'd' });
  worker.wake();
  await worker.idle();
  await worker.idle();
  expect(await statusOf(...waiting)).toEqual(['written', 'written', 'written']);
  expect(h.house.health.trouble('demo')).toBeNull();
});

test('an export that fails alike again and again waits longer each time and burns no attempt', async () => {
  const id = await h.accept();
  const waits: number[] = [];
  const worker = h.worker();
  h.outside.sessionFaults.push(...Array.from({ length: 5 }, () => new GatewayError('IDP_UNREACHABLE', 'away')));
  await worker.start();
  for (let n = 0; n < 5; n++) {
    await worker.idle();
    const { row } = await h.read(id);
    expect(row).toMatchObject({ status: 'queued', reason_code: 'IDP_UNREACHABLE', attempts: 0 });
    const wait = (row.next_attempt_at ?? 0) - h.clock.now();
    waits.push(wait / 1000);
    h.clock.advance(wait);
    worker.wake();
  }
  await worker.idle();
  expect(waits).toEqual([2, 5, 15, 60, 300]);
  expect(await statusOf(id)).toEqual(['written']);
});

test.each([1, 2, 3, 4, 5])(
  'an export that becomes due while the worker looks is not forgotten (%i ms before)',
  async (early) => {
    const id = await h.accept();
    h.outside.sessionFaults.push(new GatewayError('IDP_UNREACHABLE', 'away'));
    // A clock that creeps on with every look at it: a timer that fires a little early must set itself again.
    let creeps = false;
    const creeping = () => {
      if (creeps) h.clock.advance(1);
      return h.clock.now();
    };
    // Asked for a time before `soon`: that of the first try's end, later that of the next try.
    let soon = h.clock.now() + 3000;
    let asked = Promise.withResolvers<void>();
    const worker = new Worker({
      house: { ...h.house, now: creeping },
      slots: { small: 1, large: 1, fromBytes: 1_048_576 },
      timer: (ms) => {
        if (h.clock.now() + ms < soon) asked.resolve();
        return () => {};
      },
    });
    await worker.start();
    await asked.promise;
    const due = (await h.read(id)).row.next_attempt_at ?? 0;
    h.clock.advance(due - h.clock.now() - early);
    creeps = true;
    soon = due + 20;
    asked = Promise.withResolvers();
    const written = new Promise<void>((resolve) => {
      h.outside.answers.push(() => {
        resolve();
        return { kind: 'stored' };
      });
    });
    worker.wake();
    // A worker that forgot it would do neither.
    await Promise.race([asked.promise, written]);
  },
);

test('a stopped worker claims nothing more', async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  const id = await h.accept();
  worker.wake();
  await worker.idle();
  expect(await statusOf(id)).toEqual(['queued']);
});

test('a day has passed: RECORD_NOT_ENTITLED runs again by itself', async () => {
  h.outside.answers.push(
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  h.clock.advance(DAY);
  worker.wake();
  await worker.idle();
  expect(await statusOf(id)).toEqual(['written']);
});

test('an export whose answer was lost is repeated as soon as a channel is there again after a failure (D22)', async () => {
  h.outside.answers.push(noAnswer);
  const unclear = await h.accept({ series: 'a' });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await h.accept({ series: 'b' });
  worker.wake();
  await worker.idle();
  expect(await statusOf(unclear)).toEqual(['unclear']);
  h.outside.sessionFaults.push(new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'away'));
  await h.accept({ series: 'c' });
  worker.wake();
  await worker.idle();
  await h.accept({ series: 'd' });
  worker.wake();
  await worker.idle();
  await worker.idle();
  expect(await statusOf(unclear)).toEqual(['written']);
});
