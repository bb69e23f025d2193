// PIN operations in the store (KON-07): one at a time over all processes, one cut off ends as not known and is never begun again, and the
// audit trail tells each. The card is a fake that says what the test wants.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PinOperations } from '../../../../gateway/cards/pin-operations.ts';
import { LEASE_MS } from '../../../../gateway/cards/pin-rows.ts';
import { EgressError } from '../../../../gateway/egress.ts';
import { type ErrorCode, GatewayError } from '../../../../gateway/errors.ts';
import { readAudit } from '../../../../gateway/exports/audit.ts';
import type { PluggedCard } from '../../../../gateway/konnektor/card-desk.ts';
import type { PinOutcome } from '../../../../gateway/konnektor/card-service.ts';
import type { SeenPin } from '../../../../gateway/konnektor/survey.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { TELEMATIK_ID, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { onPostgres } from '../../../support/stores.ts';

const ICCSN = '80276883110000000001';
const CARD: PluggedCard = {
  ...{ konnektor: 'k1', iccsn: ICCSN, cardType: 'SMC-B', ctId: 'CT1', slotId: 1, cardHandle: 'h1' },
  telematikId: TELEMATIK_ID,
};
const by = { actor: { kind: 'operator' as const, id: 'op' }, requestId: 'r1' };
const VERIFIABLE: SeenPin = { state: 'verifiable', leftTries: 3, code: null };

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

/** A gateway's PIN operations, and the entries that a person has not made yet. */
function office(o: { pin?: SeenPin; card?: PluggedCard | undefined; holder?: string; queue?: Promise<void> } = {}) {
  const entries: PromiseWithResolvers<PinOutcome>[] = [];
  const prompts: string[] = [];
  const desk = {
    find: async () => ('card' in o ? o.card : CARD),
    pin: async () => o.pin ?? VERIFIABLE,
    enter: (kind: string, _card: PluggedCard, mayPrompt: () => Promise<void>) => {
      const entry = Promise.withResolvers<PinOutcome>();
      entry.promise.catch(() => {});
      entries.push(entry);
      return (o.queue ?? Promise.resolve()).then(mayPrompt).then(() => {
        prompts.push(kind);
        return entry.promise;
      });
    },
  };
  const ended: string[] = [];
  const pins = new PinOperations({
    ...{ db: h.db, desk, now: h.clock.now, log: silentLogger, holder: o.holder ?? h.directory },
    digas: [{ id: 'demo', telematikId: TELEMATIK_ID, konnektors: ['k1'] }],
    ended: ({ id }) => ended.push(id),
  });
  return { pins, entries, ended, prompts };
}
const verify = { kind: 'verify' as const, iccsn: ICCSN, confirm: false, by };
const trail = async () =>
  (await readAudit(h.db, { after: 0, limit: 100 }))
    .filter(({ action }) => action.startsWith('pin.'))
    .map(({ action, result }) => `${action} ${result}`);
const outcome = (result: PinOutcome['result'], more: Partial<PinOutcome> = {}): PinOutcome => ({
  ...{ result, leftTries: undefined, warnings: [] },
  ...more,
});

describe('one at a time', () => {
  test('a second one is told of the running one, in this process and in another', async () => {
    const one = office();
    const row = await one.pins.start(verify);
    const other = office({ holder: 'another' });
    for (const { pins } of [one, other]) {
      const refusal = await gatewayErrorOf(() => pins.start(verify));
      expect(refusal).toMatchObject({ code: 'PIN_OPERATION_RUNNING', running: { id: row.id } });
    }
    expect([one.entries.length, other.entries.length]).toEqual([1, 0]);
    one.entries[0]?.resolve(outcome('OK'));
    await one.pins.idle();
    expect(await other.pins.read(row.id)).toMatchObject({ open: null, result: 'OK', code: null });
    await other.pins.start(verify);
    expect(other.entries).toHaveLength(1);
    expect(await trail()).toEqual([
      'pin.asked ok',
      'pin.asked PIN_OPERATION_RUNNING',
      'pin.asked PIN_OPERATION_RUNNING',
      'pin.ended ok',
      'pin.asked ok',
    ]);
  });

  test('of many that ask at once one is begun', async () => {
    const offices = [office(), office({ holder: 'b' }), office({ holder: 'c' })];
    const asked = await Promise.allSettled(offices.flatMap(({ pins }) => [pins.start(verify), pins.start(verify)]));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(offices.flatMap(({ entries }) => entries)).toHaveLength(1);
  });
});

describe('what has no end', () => {
  test('a crash leaves it unknown at the next start, and nothing begins it again', async () => {
    const dead = office();
    const { id } = await dead.pins.start(verify);
    const next = office();
    await next.pins.recover();
    expect(await next.pins.read(id)).toMatchObject({ open: null, result: null, code: 'PIN_OUTCOME_UNKNOWN' });
    expect(next.entries).toHaveLength(0);
    expect(await trail()).toEqual(['pin.asked ok', 'pin.ended PIN_OUTCOME_UNKNOWN']);
  });

  test.runIf(onPostgres)('a start of another gateway leaves the entry of a living one alone', async () => {
    const { id } = await office().pins.start(verify);
    const other = office({ holder: 'another' });
    await other.pins.recover();
    expect(await other.pins.read(id)).toMatchObject({ open: 1, code: null });
  });

  test('what lost its process is given up when its time is over', async () => {
    const dead = office({ holder: 'dead' });
    const { id } = await dead.pins.start(verify);
    h.clock.advance(LEASE_MS + 1);
    // PostgreSQL judges by its own clock.
    if (onPostgres) await h.db.updateTable('pin_operations').set({ lease_until: 0 }).where('id', '=', id).execute();
    const next = office();
    expect(await next.pins.read(id)).toMatchObject({ open: null, code: 'PIN_OUTCOME_UNKNOWN' });
    expect(next.entries).toHaveLength(0);
    await next.pins.start(verify);
    expect(next.entries).toHaveLength(1);
  });

  test('what waited at the card longer than that prompts nobody: another may have begun', async () => {
    const queue = Promise.withResolvers<void>();
    const slow = office({ holder: 'slow', queue: queue.promise });
    const { id } = await slow.pins.start(verify);
    h.clock.advance(LEASE_MS + 1);
    if (onPostgres) await h.db.updateTable('pin_operations').set({ lease_until: 0 }).where('id', '=', id).execute();
    const next = office();
    const second = await next.pins.start(verify);
    queue.resolve();
    await slow.pins.idle();
    expect(slow.prompts).toEqual([]);
    expect(await slow.pins.read(id)).toMatchObject({ open: null, result: 'ERROR', code: 'KONNEKTOR_BUSY' });
    next.entries[0]?.resolve(outcome('OK'));
    await next.pins.idle();
    expect(next.prompts).toEqual(['verify']);
    expect(await next.pins.read(second.id)).toMatchObject({ open: null, result: 'OK' });
  });

  test('what waited less has its whole time for the person from then on', async () => {
    const queue = Promise.withResolvers<void>();
    const slow = office({ queue: queue.promise });
    const { id } = await slow.pins.start(verify);
    h.clock.advance(LEASE_MS - 1);
    queue.resolve();
    while (slow.prompts.length === 0) await slow.pins.read(id);
    h.clock.advance(LEASE_MS - 1);
    expect(await slow.pins.read(id)).toMatchObject({ open: 1 });
    slow.entries[0]?.resolve(outcome('OK'));
    await slow.pins.idle();
    expect(await slow.pins.read(id)).toMatchObject({ open: null, result: 'OK' });
  });

  test.each(['TIMEOUT', 'RESET'] as const)('a connection lost by %s: nobody knows what was typed', async (code) => {
    const { pins, entries, ended } = office();
    const { id } = await pins.start(verify);
    const cause = new EgressError(code, 'x', { bytesSent: true });
    entries[0]?.reject(new GatewayError('KONNEKTOR_UNREACHABLE', 'x', { cause }));
    await pins.idle();
    expect(await pins.read(id)).toMatchObject({ open: null, result: null, code: 'PIN_OUTCOME_UNKNOWN' });
    expect([entries.length, ended]).toEqual([1, [id]]);
  });
});

describe('how it ended', () => {
  test.each<[PinOutcome, ErrorCode | null, number | null, string | null]>([
    [outcome('OK'), null, null, null],
    [outcome('REJECTED', { leftTries: 2 }), 'PIN_REJECTED', 2, null],
    [outcome('NOWBLOCKED', { leftTries: 0 }), 'SMCB_PIN_BLOCKED', 0, null],
    [outcome('WASBLOCKED'), 'SMCB_PIN_BLOCKED', null, null],
    [outcome('TRANSPORT_PIN'), 'SMCB_PIN_TRANSPORT', null, null],
    [outcome('ERROR', { warnings: [{ code: '4043', text: 'x' }] }), 'PIN_ENTRY_ENDED', null, '4043'],
    [outcome('ERROR', { warnings: [{ code: '4060', text: 'x' }] }), 'KONNEKTOR_BUSY', null, '4060'],
    [outcome('ERROR'), 'KONNEKTOR_FAULT', null, null],
  ])('%o', async (result, code, leftTries, trace) => {
    const { pins, entries } = office();
    const { id } = await pins.start(verify);
    entries[0]?.resolve(result);
    await pins.idle();
    const row = await pins.read(id);
    expect(row).toMatchObject({ open: null, result: result.result, code, left_tries: leftTries, trace });
  });

  test.each<[string, ErrorCode]>([
    ['4049', 'PIN_ENTRY_ENDED'],
    ['4063', 'SMCB_PIN_BLOCKED'],
    ['4053', 'KONNEKTOR_CONTEXT_REFUSED'],
    ['9999', 'KONNEKTOR_FAULT'],
  ])('a fault %s', async (trace, code) => {
    const { pins, entries } = office();
    const { id } = await pins.start(verify);
    entries[0]?.reject(new GatewayError('KONNEKTOR_FAULT', 'x', { foreign: { code: trace, text: 'x' } }));
    await pins.idle();
    expect(await pins.read(id)).toMatchObject({ open: null, result: 'ERROR', code, trace });
  });
});

describe('what is not begun', () => {
  test.each<[string, Parameters<typeof office>[0], ErrorCode]>([
    ['a card that is nowhere', { card: undefined }, 'NOT_FOUND'],
    ['a card of somebody else', { card: { ...CARD, telematikId: '9-OTHER' } }, 'NOT_FOUND'],
    ['a verified PIN', { pin: { state: 'verified', leftTries: 3, code: null } }, 'PIN_STATE_UNFIT'],
    ['a PIN of which nothing is known', { pin: { state: 'unknown', leftTries: null, code: null } }, 'PIN_STATE_UNFIT'],
    ['one try left', { pin: { ...VERIFIABLE, leftTries: 1 } }, 'PIN_CONFIRM_NEEDED'],
  ])('%s', async (_name, card, code) => {
    const { pins, entries } = office(card);
    expect((await gatewayErrorOf(() => pins.start(verify))).code).toBe(code);
    expect(entries).toHaveLength(0);
    expect(await trail()).toEqual([`pin.asked ${code}`]);
    // Nothing stays open: the next one is not held up.
    expect(await pins.latest(ICCSN)).toBeUndefined();
  });

  test('a card whose certificate cannot be read may have its transport PIN changed', async () => {
    const pin: SeenPin = { state: 'transport-pin', leftTries: 3, code: null };
    const { pins, entries } = office({ pin, card: { ...CARD, telematikId: null } });
    await pins.start({ ...verify, kind: 'change' });
    expect(entries).toHaveLength(1);
  });

  test('the last use of a PUK needs a confirmation: the attempt before has told how many are left', async () => {
    const { pins, entries } = office({ pin: { state: 'blocked', leftTries: 0, code: null } });
    const unblock = { ...verify, kind: 'unblock' as const };
    await pins.start(unblock);
    entries[0]?.resolve(outcome('REJECTED', { leftTries: 1 }));
    await pins.idle();
    expect((await gatewayErrorOf(() => pins.start(unblock))).code).toBe('PIN_CONFIRM_NEEDED');
    await pins.start({ ...unblock, confirm: true });
    expect(entries).toHaveLength(2);
  });
});
