// What waited too long ends: approvals that never come (EXP-24), doubts that nobody resolves (RET-01, D1).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { nextAgeLimit } from '../../../../gateway/exports/age-limits.ts';
import type { OpenSession } from '../../../../gateway/exports/ports.ts';
import type { Worker } from '../../../../gateway/exports/worker.ts';
import { mioBundle, noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const DAY = 86_400_000;
const LONG = { prescriptionEnds: '2027-12-31' };
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const refuseAll = () => {
  h.outside.ports.write = async () => registryError('not-entitled');
};
async function after(worker: Worker<OpenSession>, ms: number) {
  h.clock.advance(ms);
  worker.wake();
  await worker.idle();
  // What came of its age only while it was tried is ended by the timer that stands then, which is nobody's here.
  worker.wake();
  await worker.idle();
}
async function started() {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  return worker;
}

test('an approval that never comes ends the export at its age, content and key erased (EXP-24)', async () => {
  refuseAll();
  const id = await h.accept(LONG);
  const worker = await started();
  await after(worker, 30 * DAY - 1);
  expect((await h.read(id)).row).toMatchObject({ status: 'waiting', reason_code: 'RECORD_NOT_ENTITLED' });
  await after(worker, 1);
  expect((await h.read(id)).row).toMatchObject({
    status: 'cancelled',
    reason_code: 'APPROVAL_NOT_GIVEN',
    wrapped_key: null,
    next_attempt_at: null,
  });
  expect(await h.house.db.selectFrom('sealed_chunks').selectAll().execute()).toEqual([]);
});

test('the timer is set for the very end of the age, and a retry does not begin it anew', async () => {
  refuseAll();
  const id = await h.accept(LONG);
  const accepted = h.clock.now();
  const worker = await started();
  const limits = h.house.ageLimits;
  expect(await nextAgeLimit(h.house.db, limits)).toBe(accepted + 30 * DAY);
  await after(worker, 29 * DAY);
  expect(await nextAgeLimit(h.house.db, limits)).toBe(accepted + 30 * DAY);
  await after(worker, DAY);
  expect((await h.read(id)).row.status).toBe('cancelled');
  expect(await nextAgeLimit(h.house.db, limits)).toBeNull();
});

test('who waits for an operator is not ended by the limit for approvals', async () => {
  const fault = () => new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN');
  h.outside.sessionFaults.push(fault(), fault());
  const id = await h.accept(LONG);
  const worker = await started();
  await after(worker, 31 * DAY);
  expect((await h.read(id)).row).toMatchObject({ status: 'waiting', reason_code: 'SMCB_PIN_NOT_VERIFIED' });
});

test('an export in doubt that met NotEntitled is never cancelled for want of an approval (D3)', async () => {
  h.outside.answers.push(noAnswer);
  const id = await h.accept(LONG);
  const worker = await started();
  refuseAll();
  await after(worker, 31 * DAY);
  expect((await h.read(id)).row).toMatchObject({ status: 'unclear', unanswered: 1 });
});

test('a doubt that nobody resolved ends as failed, and its series takes nothing until an import (RET-01, D1)', async () => {
  h.outside.ports.write = async (_session, order) => {
    await order.beforeFirstByte();
    return noAnswer();
  };
  const id = await h.accept({ ...LONG, ...content('one') });
  const worker = await started();
  const behind = await h.accept({ ...LONG, ...content('two') });
  await after(worker, 90 * DAY - 1);
  expect((await h.read(id)).row.status).toBe('unclear');
  expect((await h.read(behind)).behind).toBe(id);
  await after(worker, 1);
  expect((await h.read(id)).row).toMatchObject({
    status: 'failed',
    reason_code: 'WRITE_UNRESOLVED',
    wrapped_key: null,
  });
  expect((await h.read(behind)).row).toMatchObject({ status: 'waiting', reason_code: 'TARGET_STALE' });
  const [series] = await h.house.db.selectFrom('series').selectAll().execute();
  expect(series).toMatchObject({ frozen: 1, doubtful: 1, export_id: id });
});

test('a later version in doubt leaves the newest confirmed document as the head of the frozen series', async () => {
  const first = await h.accept({ ...LONG, ...content('one') });
  const worker = await started();
  h.outside.ports.write = async (_session, order) => {
    await order.beforeFirstByte();
    return noAnswer();
  };
  const second = await h.accept({ ...LONG, ...content('two') });
  await after(worker, 90 * DAY);
  expect((await h.read(second)).row.status).toBe('failed');
  const [series] = await h.house.db.selectFrom('series').selectAll().execute();
  expect(series).toMatchObject({ frozen: 1, version: 1, export_id: first });
});
