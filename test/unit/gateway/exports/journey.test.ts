// The journey with the outside as fakes: every outcome and the status it ends in (B6, B7; D1–D3, D11, D22).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { claimDue, retryExport } from '../../../../gateway/exports/claims.ts';
import { runJourney } from '../../../../gateway/exports/journey.ts';
import {
  mioBundle,
  noAnswer,
  registryError,
  sha256,
  type TestHouse,
  testHouse,
} from '../../../support/gateway-fakes.ts';

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
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });

test('a first document is written, its content is erased, and the chain remembers it', async () => {
  const { row, documents, timeline } = await run();
  expect(row).toMatchObject({
    status: 'written',
    attempts: 1,
    reason_code: null,
    wrapped_key: null,
    next_attempt_at: null,
  });
  expect(documents[0]).toMatchObject({ status: 'written', version: 1, replaces: null, record_system: 'epa-as-1' });
  expect(timeline.map((t) => t.step)).toEqual(['accepted', 'located', 'session', 'sent', 'answered', 'written']);
  expect(await h.db.selectFrom('sealed_chunks').selectAll().execute()).toEqual([]);
  const [write] = h.outside.writes;
  expect(sha256(write?.content ?? Buffer.alloc(0))).toBe(documents[0]?.sha256);
  expect(write?.order).toMatchObject({
    kvnr: 'X110411675',
    replaces: null,
    repeat: false,
    entryUuid: documents[0]?.entry_uuid,
  });
});

test('the second version of a series replaces the first', async () => {
  const first = await run();
  const second = await run(content('two'));
  expect(second.documents[0]).toMatchObject({
    version: 2,
    replaces: first.documents[0]?.entry_uuid,
    status: 'written',
  });
  expect(h.outside.writes[1]?.order.replaces).toBe(first.documents[0]?.entry_uuid);
});

test('unchanged content is not sent again', async () => {
  const first = await run();
  const again = await run();
  expect(again.row).toMatchObject({
    status: 'unchanged',
    reason_code: 'CONTENT_UNCHANGED',
    reason_export: first.row.id,
  });
  expect(h.outside.writes).toHaveLength(1);
});

test('other series and other DiGA have chains of their own', async () => {
  await run();
  const other = await run({ series: 'other' });
  const second = await run({ diga: 'second' });
  expect([other, second].map((e) => e.documents[0]?.replaces)).toEqual([null, null]);
});

test.each([
  ['rejected', 'refused', 'DOCUMENT_REJECTED'],
  ['duplicate', 'refused', 'DOCUMENT_DUPLICATE'],
  ['busy', 'queued', 'RECORD_BUSY'],
  ['target-unknown', 'refused', 'DOCUMENT_REJECTED'],
  ['not-entitled', 'waiting', 'RECORD_NOT_ENTITLED'],
  ['wrong-telematik-id', 'waiting', 'SMCB_WRONG_ROLE'],
] as const)('a first try that meets "%s" ends as %s with %s', async (meaning, status, code) => {
  h.outside.answers.push(
    () => registryError(meaning),
    () => registryError(meaning),
  );
  const { row } = await run();
  expect(row).toMatchObject({ status, reason_code: code, unanswered: 0, phase: null });
});

test.each([
  ['KONNEKTOR_UNREACHABLE', 'queued'],
  ['SMCB_PIN_NOT_VERIFIED', 'waiting'],
  ['VAU_SERVER_UNTRUSTED', 'waiting'],
  ['IDP_UNREACHABLE', 'queued'],
  ['INTERNAL', 'failed'],
] as const)('no channel because of %s: %s, no attempt burnt, nothing sent', async (code, status) => {
  h.outside.sessionFaults.push(new GatewayError(code, 'no channel'));
  const { row } = await run();
  expect(row).toMatchObject({ status, reason_code: code, attempts: 0, unanswered: 0 });
  expect(h.outside.writes).toHaveLength(0);
});

test.each([
  ['RECORD_NOT_FOUND', 'refused'],
  ['RECORD_SUSPENDED', 'waiting'],
  ['RECORD_AMBIGUOUS', 'waiting'],
  ['RECORD_BUSY', 'queued'],
] as const)('a record that is %s ends as %s', async (code, status) => {
  h.outside.locateFaults.push(new GatewayError(code, 'not here'));
  expect((await run()).row).toMatchObject({ status, reason_code: code, attempts: 0 });
});

test('a lost answer is unclear and is repeated with the same bytes and ids after 2, 10 and 60 s', async () => {
  h.outside.answers.push(noAnswer, noAnswer, noAnswer, () => registryError('duplicate', 'XDSDuplicateDocument'));
  const { row } = await run();
  expect(row).toMatchObject({ status: 'unclear', reason_code: 'WRITE_UNANSWERED', unanswered: 1 });
  const waits: number[] = [];
  for (;;) {
    const now = await h.read(row.id);
    if (now.row.status !== 'unclear') break;
    const due = now.row.next_attempt_at ?? 0;
    waits.push(due - h.clock.now());
    h.clock.advance(due - h.clock.now());
    for (const claim of await claimDue(h.db, h.clock.now(), 1)) await runJourney(claim, { ...h.house, onChannel() {} });
  }
  expect(waits).toEqual([2000, 10_000, 60_000]);
  const end = await h.read(row.id);
  expect(end.row).toMatchObject({ status: 'written', attempts: 4 });
  expect(
    new Set(h.outside.writes.map((w) => `${w.order.entryUuid} ${w.order.uniqueId} ${sha256(w.content)}`)).size,
  ).toBe(1);
  expect(h.outside.writes.map((w) => w.order.repeat)).toEqual([false, true, true, true]);
});

test('an own repeat that meets NotEntitled stays unclear with that reason and is never superseded (D3)', async () => {
  h.outside.answers.push(
    noAnswer,
    () => registryError('not-entitled', 'NotEntitled'),
    () => registryError('not-entitled'),
  );
  const { row } = await run();
  h.clock.advance(2000);
  await go();
  const newer = await h.accept(content('newer'));
  expect((await h.read(row.id)).row).toMatchObject({
    status: 'unclear',
    reason_code: 'RECORD_NOT_ENTITLED',
    unanswered: 1,
  });
  expect((await h.read(newer)).behind).toBe(row.id);
});

test('an own repeat whose target is unknown waits for the operator and never creates a new document (D1)', async () => {
  await run();
  h.outside.answers.push(noAnswer, () => registryError('target-unknown'));
  const second = await run({ ...content('two'), onTargetGone: 'create-new' });
  h.clock.advance(2000);
  await go();
  expect((await h.read(second.row.id)).row).toMatchObject({
    status: 'unclear',
    reason_code: 'WRITE_DOUBTFUL',
    next_attempt_at: null,
  });
  expect(h.outside.writes).toHaveLength(3);
});

test('a target that is gone is refused, or written anew without RPLC where the backend asked for it (D2)', async () => {
  await run();
  h.outside.answers.push(() => registryError('target-unknown'));
  expect((await run(content('two'))).row).toMatchObject({ status: 'refused', reason_code: 'TARGET_GONE' });
  h.outside.answers.push(() => registryError('target-unknown'));
  const third = await run({ ...content('three'), onTargetGone: 'create-new' });
  expect(third.row.status).toBe('written');
  expect(third.documents[0]).toMatchObject({ replaces: null, version: 2, without_target: 1 });
  expect(h.outside.writes.at(-1)?.order).toMatchObject({ replaces: null, entryUuid: third.documents[0]?.entry_uuid });
});

test('a stale target freezes the series: the next export is not sent either (D2)', async () => {
  await run();
  h.outside.answers.push(() => registryError('target-not-approved'));
  expect((await run({ ...content('two'), onTargetGone: 'create-new' })).row).toMatchObject({
    status: 'waiting',
    reason_code: 'TARGET_STALE',
  });
  const sent = h.outside.writes.length;
  expect((await run(content('three'))).row).toMatchObject({
    status: 'waiting',
    reason_code: 'TARGET_STALE',
    attempts: 0,
  });
  expect(h.outside.writes).toHaveLength(sent);
});

test('NotEntitled is repeated once on a channel opened after the refusal, and that may succeed (D11)', async () => {
  h.outside.answers.push(() => registryError('not-entitled', 'NotEntitled'));
  const { row } = await run();
  expect(row).toMatchObject({ status: 'written', attempts: 2 });
  expect(h.outside.opened).toHaveLength(2);
});

test('a hundred insured who have not approved cost one renewal, a retry one more, retries within a minute share it (D11)', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 100; n++) ids.push(await h.accept({ series: `s${n}` }));
  h.outside.answers.push(...Array.from({ length: 500 }, () => () => registryError('not-entitled', 'NotEntitled')));
  await go();
  expect(h.outside.opened).toHaveLength(2);
  for (const id of ids.slice(0, 3)) {
    h.clock.advance(1000);
    await retryExport(h.db, { id, diga: 'demo', now: h.clock.now() });
    await go();
  }
  expect(h.outside.opened).toHaveLength(3);
  expect((await h.read(ids[0] ?? '')).row).toMatchObject({ status: 'waiting', reason_code: 'RECORD_NOT_ENTITLED' });
});

test('a dropped session is rebuilt once without failing the export; a second loss queues it (SES-02)', async () => {
  const lost = () => new GatewayError('SESSION_LOST', 'dropped');
  h.outside.sendFaults.push(lost());
  expect((await run()).row).toMatchObject({ status: 'written' });
  h.outside.sendFaults.push(lost(), lost());
  expect((await run(content('two'))).row).toMatchObject({ status: 'queued', reason_code: 'SESSION_LOST' });
});

test('a record that has moved is located anew before RECORD_NOT_FOUND is believed (EXP-22)', async () => {
  h.outside.sendFaults.push(new GatewayError('RECORD_NOT_FOUND', 'not here'));
  expect((await run()).row.status).toBe('written');
  expect(h.outside.forgotten).toHaveLength(1);
});

test('an error of our own after bytes left is in doubt, never failed', async () => {
  h.outside.answers.push(() => {
    throw new TypeError('a bug');
  });
  expect((await run()).row).toMatchObject({ status: 'unclear', reason_code: 'WRITE_UNANSWERED', unanswered: 1 });
});

test('a hash that differs under our own uniqueId is our bug (D1)', async () => {
  h.outside.answers.push(() => registryError('rejected', 'XDSNonIdenticalHash'));
  expect((await run()).row).toMatchObject({ status: 'failed', reason_code: 'INTERNAL' });
});

test('a broken chunk aborts the write and fails the export; the record system never gets a whole frame (D8)', async () => {
  const id = await h.accept();
  await h.db
    .updateTable('sealed_chunks')
    .set({ sealed: new Uint8Array(64) })
    .execute();
  await go();
  expect((await h.read(id)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN' });
  expect(h.outside.writes).toHaveLength(0);
});

test('a channel of another card stops the export (EXP-26)', async () => {
  const id = await h.accept();
  h.outside.ports.sessions.acquire = async () => ({
    recordSystem: 'epa-as-1',
    telematikId: '9-WRONG',
    openedAt: 1,
    release() {},
  });
  await go();
  expect((await h.read(id)).row).toMatchObject({ status: 'waiting', reason_code: 'SMCB_WRONG_ROLE', attempts: 0 });
});
