// Where a journey goes and when it asks anew (EXP-22, EXP-23), with the outside as fakes.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

/** Accepts, runs everything that is due, and answers the export as stored. */
async function run(change: Parameters<TestHouse['accept']>[0] = {}) {
  const id = await h.accept(change);
  await go();
  return h.read(id);
}
async function go() {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
}

test.each([
  ['RECORD_NOT_FOUND', 2],
  ['RECORD_SUSPENDED', 1],
  ['RECORD_BUSY', 0],
  ['RECORD_SYSTEM_UNREACHABLE', 0],
  ['RECORD_LOGIN_REFUSED', 0],
  ['SESSION_LOST', 0],
] as const)('its place is forgotten where it is said not to be there: %s, %i times (EXP-22)', async (code, times) => {
  const lost = () => new GatewayError(code, 'x');
  h.outside.sendFaults.push(lost(), lost());
  await run();
  expect(h.outside.forgotten).toHaveLength(times);
});

test('an own repeat asks to stay where the first try went; the first try of another export does not (EXP-22)', async () => {
  h.outside.place = (stay) => stay ?? 'epa-as-1';
  h.outside.answers.push(noAnswer);
  const { row } = await run();
  h.outside.place = (stay) => stay ?? 'epa-as-2';
  h.clock.advance(2000);
  await go();
  expect((await h.read(row.id)).documents[0]).toMatchObject({ status: 'written', record_system: 'epa-as-1' });
  await run({ series: 'other' });
  expect(h.outside.stays).toEqual([undefined, 'epa-as-1', undefined]);
});

test('a refused try leaves nothing to stay for', async () => {
  h.outside.answers.push(() => registryError('busy'));
  const { row } = await run();
  expect(row.status).toBe('queued');
  h.clock.advance(700_000);
  await go();
  expect(h.outside.stays).toEqual([undefined, undefined]);
});

test.each([
  ['RECORD_SUSPENDED', 7000],
  ['RECORD_BUSY', 70],
] as const)('%s waits as long as the settings say (EXP-23)', async (code, seconds) => {
  h.house.retrySeconds = { RECORD_SUSPENDED: 7000, RECORD_BUSY: 70 };
  h.outside.locateFaults.push(new GatewayError(code, 'x'));
  const { row } = await run();
  const wait = ((row.next_attempt_at ?? 0) - h.clock.now()) / 1000;
  expect([wait >= seconds, wait <= 1.1 * seconds]).toEqual([true, true]);
});

test('an own repeat follows the record once its first place says that it is not there (EXP-22)', async () => {
  h.outside.place = (stay) => stay ?? 'epa-as-1';
  h.outside.answers.push(noAnswer);
  const { row } = await run();
  h.outside.place = (stay) => stay ?? 'epa-as-2';
  h.outside.sendFaults.push(new GatewayError('RECORD_NOT_FOUND', 'moved'));
  h.clock.advance(2000);
  await go();
  expect(h.outside.stays).toEqual([undefined, 'epa-as-1', undefined]);
  expect((await h.read(row.id)).row.status).toBe('written');
});

test('an export for which there is no place takes no try, no step and no reason, and runs when it is woken', async () => {
  const full = () => new GatewayError('RECORD_BUSY', 'no place', { check: 'record-system.no-place' });
  h.outside.sessionFaults.push(full());
  const { row, timeline } = await run();
  expect(row).toMatchObject({ status: 'queued', reason_code: null, attempts: 0, claim: null });
  expect(timeline.map(({ step }) => step)).toEqual(['accepted']);
  expect([row.next_attempt_at, h.house.health.trouble()]).toEqual([h.clock.now() + 5000, null]);
  expect(h.house.health.toWake({ kind: 'places', recordSystem: 'epa-as-1', free: 3 })).toEqual([row.id]);
  const worker = h.worker();
  await worker.start();
  worker.wakeThese([row.id]);
  await worker.idle();
  await worker.stop(0);
  expect((await h.read(row.id)).row.status).toBe('written');
});

test('one whose first try was not answered stays unclear without a place', async () => {
  h.outside.answers.push(noAnswer);
  const { row } = await run();
  h.clock.advance(2000);
  const sent = h.outside.writes.length;
  h.outside.sessionFaults.push(new GatewayError('RECORD_BUSY', 'no place', { check: 'record-system.no-place' }));
  await go();
  expect((await h.read(row.id)).row).toMatchObject({
    status: 'unclear',
    unanswered: 1,
    reason_code: 'WRITE_UNANSWERED',
  });
  expect(h.outside.writes).toHaveLength(sent);
});

test('exports that could not be located are woken when a record system is back', async () => {
  h.outside.locateFaults.push(new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'away'));
  const { row } = await run();
  expect(h.house.health.toWake({ kind: 'recovered', recordSystem: 'epa-as-2' })).toEqual([row.id]);
});

test('who asks to wait is asked again when they said (Retry-After)', async () => {
  h.outside.sessionFaults.push(new GatewayError('RECORD_BUSY', 'x', { retryAfterSeconds: 7 }));
  const { row } = await run();
  expect((row.next_attempt_at ?? 0) - h.clock.now()).toBe(7000);
  h.outside.answers.push(noAnswer);
  h.clock.advance(7000);
  await go();
  // An answer that was lost keeps the schedule of D22.
  const { row: unclear } = await h.read(row.id);
  expect([unclear.status, (unclear.next_attempt_at ?? 0) - h.clock.now()]).toEqual(['unclear', 2000]);
});
