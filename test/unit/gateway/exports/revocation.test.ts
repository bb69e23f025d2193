// The fence of a revocation (EXP-16): nothing that had not left when it was answered leaves any more, wherever the journey
// of an export stood at that moment; what was on the wire or in doubt is finished and reported.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { claimDue } from '../../../../gateway/exports/claims.ts';
import { recoverAfterCrash } from '../../../../gateway/exports/recovery.ts';
import { isRevoked, revokePerson } from '../../../../gateway/exports/revocation.ts';
import {
  KVNR,
  mioBundle,
  noAnswer,
  OTHER_KVNR,
  registryError,
  type TestHouse,
  testHouse,
} from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const revoke = (kvnr = KVNR) =>
  h.db
    .transaction()
    .execute((tx) =>
      revokePerson(tx, { diga: 'demo', lookupKey: h.vault.lookupKey('demo', kvnr), now: h.clock.now() }),
    );
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const consent = (o: { id?: string; version?: string; after?: number } = {}) => ({
  consent: {
    id: o.id ?? 'c-4712',
    version: o.version ?? '2026-05',
    grantedAt: new Date(h.clock.now() + (o.after ?? 0)).toISOString(),
  },
});
const statusOf = async (id: string) => (await h.read(id)).row.status;
/** A promise that a test resolves, put where the outside is asked. */
const gate = () => ({ reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() });

test.each(['locator', 'sessions'] as const)(
  'a claimed export whose journey waits at the %s is cancelled at once and sends nothing when it goes on (EXP-16)',
  async (place) => {
    const { reached, open } = gate();
    const wait = async () => {
      reached.resolve();
      await open.promise;
    };
    const { locator, sessions } = h.outside.ports;
    const { locate } = locator;
    const { acquire } = sessions;
    if (place === 'locator') locator.locate = (kvnr, key) => wait().then(() => locate(kvnr, key));
    else sessions.acquire = (o) => wait().then(() => acquire(o));
    const id = await h.accept();
    const worker = h.worker();
    await worker.start();
    await reached.promise;
    expect(await revoke()).toMatchObject({ cancelled: [id], finishing: [] });
    expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', reason_code: 'REVOKED', wrapped_key: null });
    open.resolve();
    await worker.idle();
    await worker.stop(0);
    expect(h.outside.writes).toEqual([]);
    expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', reason_code: 'REVOKED', attempts: 0 });
    expect(await h.db.selectFrom('sealed_chunks').select('n').execute()).toEqual([]);
  },
);

test('one on the wire is finished and reported as written; the next of its series does not go', async () => {
  const { reached, open } = gate();
  h.outside.answers.push(async () => {
    reached.resolve();
    await open.promise;
    return { kind: 'stored' };
  });
  const first = await h.accept({ queue: 'all' });
  const worker = h.worker();
  await worker.start();
  await reached.promise;
  const second = await h.accept({ ...content('two'), queue: 'all' });
  expect(await revoke()).toMatchObject({ cancelled: [second], finishing: [first] });
  open.resolve();
  await worker.idle();
  await worker.stop(0);
  expect([await statusOf(first), await statusOf(second)]).toEqual(['written', 'cancelled']);
  expect(h.outside.writes).toHaveLength(1);
});

test('one on the wire that is then definitely refused is not sent a second time', async () => {
  const { reached, open } = gate();
  h.outside.answers.push(async () => {
    reached.resolve();
    await open.promise;
    return registryError('not-entitled');
  });
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await reached.promise;
  expect(await revoke()).toMatchObject({ cancelled: [], finishing: [id] });
  open.resolve();
  await worker.idle();
  await worker.stop(0);
  expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', reason_code: 'REVOKED', wrapped_key: null });
  // Without the revocation the same bytes would have gone out once more on a fresh channel (D11).
  expect(h.outside.writes).toHaveLength(1);
});

test('one that a busy record system sends back to the queue is cancelled instead of waiting', async () => {
  const { reached, open } = gate();
  h.outside.answers.push(async () => {
    reached.resolve();
    await open.promise;
    return registryError('busy');
  });
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await reached.promise;
  await revoke();
  open.resolve();
  await worker.idle();
  await worker.stop(0);
  expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', reason_code: 'REVOKED', next_attempt_at: null });
});

test('one in doubt is repeated until it is known what became of it', async () => {
  h.outside.answers.push(noAnswer, () => registryError('duplicate', 'XDSDuplicateDocument'));
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(await revoke()).toMatchObject({ cancelled: [], finishing: [id] });
  expect(await statusOf(id)).toBe('unclear');
  h.clock.advance(2000);
  worker.wake();
  await worker.idle();
  await worker.stop(0);
  expect([await statusOf(id), h.outside.writes.length]).toEqual(['written', 2]);
});

test('a crash between a refusal and the next try does not bring the export back', async () => {
  const id = await h.accept();
  const [claim] = await claimDue(h.db, h.clock.now(), 1);
  expect(claim?.row.id).toBe(id);
  await h.db.updateTable('exports').set({ phase: 'sent' }).where('id', '=', id).execute();
  await revoke();
  // As markRefused leaves it, then kill -9.
  await h.db.updateTable('exports').set({ phase: 'claimed' }).where('id', '=', id).execute();
  await recoverAfterCrash(h.db, h.clock.now());
  expect(await statusOf(id)).toBe('queued');
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  expect((await h.read(id)).row).toMatchObject({ status: 'cancelled', reason_code: 'REVOKED', attempts: 0 });
  expect(h.outside.writes).toEqual([]);
});

test('what an outage kept waiting is cancelled, and other insured and other DiGA are not touched (EXP-16)', async () => {
  h.outside.sessionFaults.push(...Array.from({ length: 3 }, () => new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN')));
  const mine = await h.accept();
  const other = await h.accept({ kvnr: OTHER_KVNR });
  const second = await h.accept({ diga: 'second' });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  expect(await revoke()).toMatchObject({ cancelled: [mine] });
  expect([await statusOf(other), await statusOf(second)]).toEqual(['waiting', 'waiting']);
  await expect(h.accept({ kvnr: OTHER_KVNR })).resolves.toBeTruthy();
  await expect(h.accept({ diga: 'second' })).resolves.toBeTruthy();
});

test.each([
  ['the same consent', {}, { after: -1000, id: 'c-4711' }],
  ['the same consent with a later time', {}, { after: 1000, id: 'c-4711' }],
  ['another consent of before the revocation', {}, { after: -1 }],
  ['another consent of the very moment', {}, { after: 0 }],
  ['another consent of the whole second before', {}, { after: -1250 }],
  ['another version of before', {}, { after: -1, id: 'c-4711', version: '2026-06' }],
] as const)('%s is refused and leaves nothing behind', async (_name, change, of) => {
  h.clock.advance(250);
  await h.accept(change);
  await revoke();
  await expect(h.accept({ ...content('two'), ...consent(of) })).rejects.toMatchObject({ code: 'REVOKED' });
  expect(await h.db.selectFrom('exports').select('id').execute()).toHaveLength(1);
});

test.each([
  ['another consent id', { after: 1 }],
  ['another version of the same consent', { after: 1, id: 'c-4711', version: '2026-06' }],
  ['another consent id of the same second, kept in whole seconds', { after: -250 }],
] as const)('%s, granted after the revocation, goes on; the old one stays refused', async (_name, of) => {
  h.clock.advance(250);
  await h.accept();
  await revoke();
  const fresh = consent(of);
  h.clock.advance(1000);
  const id = await h.accept({ ...content('two'), ...fresh });
  await expect(h.accept({ ...content('three') })).rejects.toMatchObject({ code: 'REVOKED' });
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  expect(await statusOf(id)).toBe('written');
  // The new consent is no longer new when it is revoked, too.
  h.clock.advance(1000);
  await revoke();
  await expect(h.accept({ ...content('four'), ...fresh })).rejects.toMatchObject({ code: 'REVOKED' });
});

test('an insured whom the gateway has never seen is blocked, and no KVNR is held for it', async () => {
  expect(await revoke()).toEqual({ at: h.clock.now(), cancelled: [], finishing: [] });
  await expect(h.accept()).rejects.toMatchObject({ code: 'REVOKED' });
  expect(await h.db.selectFrom('insured').selectAll().execute()).toEqual([
    expect.objectContaining({ wrapped_key: null, kvnr_sealed: null, revoked_at: h.clock.now() }),
  ]);
  const id = await h.accept(consent({ after: 1 }));
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
  expect([await statusOf(id), h.outside.writes[0]?.order.kvnr]).toEqual(['written', KVNR]);
});

test('nobody is revoked before anybody revokes', async () => {
  const id = await h.accept();
  expect(await isRevoked(h.db, (await h.read(id)).row)).toBe(false);
});
