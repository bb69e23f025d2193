// PIN operations in the store (KON-07): one at a time over all processes, one cut off ends as not known and is never begun again, and the
// audit trail tells each. The card is a fake that says what the test wants.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEASE_MS } from '../../../../gateway/cards/pin-rows.ts';
import { EgressError } from '../../../../gateway/egress.ts';
import { type ErrorCode, GatewayError } from '../../../../gateway/errors.ts';
import type { PinOutcome } from '../../../../gateway/konnektor/card-service.ts';
import type { SeenPin } from '../../../../gateway/konnektor/survey.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { CARD, ICCSN, officeOf, outcome, trailOf, VERIFIABLE, verify } from '../../../support/pin-offices.ts';
import { onPostgres } from '../../../support/stores.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());
const office = (o: Parameters<typeof officeOf>[1] = {}) => officeOf(h, o);
const trail = () => trailOf(h);

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
  /** PostgreSQL judges by its own clock. */
  const timeIsOver = async (id: string) => {
    h.clock.advance(LEASE_MS + 1);
    if (onPostgres) await h.db.updateTable('pin_operations').set({ lease_until: 0 }).where('id', '=', id).execute();
  };

  test('a crash leaves it unknown at the next start, and nothing begins it again', async () => {
    const dead = office();
    const { id } = await dead.pins.start(verify);
    const next = office();
    await next.pins.recover();
    expect(await next.pins.read(id)).toMatchObject({ open: 1, result: null, code: 'PIN_OUTCOME_UNKNOWN' });
    expect(next.entries).toHaveLength(0);
    expect(await trail()).toEqual(['pin.asked ok', 'pin.ended PIN_OUTCOME_UNKNOWN']);
  });

  test('after a crash the terminal may still ask: the card takes no other entry until that must be over', async () => {
    const { id } = await office().pins.start(verify);
    const next = office();
    await next.pins.recover();
    const refusal = await gatewayErrorOf(() => next.pins.start(verify));
    expect(refusal).toMatchObject({ code: 'PIN_OPERATION_RUNNING', running: { id, code: 'PIN_OUTCOME_UNKNOWN' } });
    expect(next.entries).toHaveLength(0);
    await timeIsOver(id);
    // A second start in between says nothing twice and holds nothing longer.
    await office().pins.recover();
    expect(await next.pins.read(id)).toMatchObject({ open: null, result: null, code: 'PIN_OUTCOME_UNKNOWN' });
    await next.pins.start(verify);
    expect(next.entries).toHaveLength(1);
    expect((await trail()).filter((one) => one.startsWith('pin.ended'))).toEqual(['pin.ended PIN_OUTCOME_UNKNOWN']);
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
    await timeIsOver(id);
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
    await timeIsOver(id);
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
    expect(await pins.read(id)).toMatchObject({ open: 1, result: null, code: 'PIN_OUTCOME_UNKNOWN' });
    expect([entries.length, ended]).toEqual([1, [id]]);
    expect(await trail()).toEqual(['pin.asked ok', 'pin.ended PIN_OUTCOME_UNKNOWN']);
    // The person may be typing still: nobody is prompted, by this gateway or another, until that must be over.
    for (const other of [pins, office({ holder: 'another' }).pins])
      expect(await gatewayErrorOf(() => other.start(verify))).toMatchObject({
        code: 'PIN_OPERATION_RUNNING',
        running: { id },
      });
    h.clock.advance(LEASE_MS - 1);
    expect(await gatewayErrorOf(() => pins.start(verify))).toMatchObject({ code: 'PIN_OPERATION_RUNNING' });
    expect(entries).toHaveLength(1);
    await timeIsOver(id);
    expect(await pins.latest(ICCSN)).toMatchObject({ id, open: null, code: 'PIN_OUTCOME_UNKNOWN' });
    await pins.start(verify);
    expect(entries).toHaveLength(2);
  });

  test('a call that never left prompted nobody: the card is free at once', async () => {
    const { pins, entries } = office();
    const { id } = await pins.start(verify);
    const cause = new EgressError('UNREACHABLE', 'x', { bytesSent: false });
    entries[0]?.reject(new GatewayError('KONNEKTOR_UNREACHABLE', 'x', { cause }));
    await pins.idle();
    expect(await pins.read(id)).toMatchObject({ open: null, result: 'ERROR', code: 'KONNEKTOR_UNREACHABLE' });
    await pins.start(verify);
    expect(entries).toHaveLength(2);
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
    ['tries left that the Konnektor does not tell', { pin: { ...VERIFIABLE, leftTries: null } }, 'PIN_CONFIRM_NEEDED'],
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

  test('tries left that are not told: a confirmed order is begun', async () => {
    const { pins, entries } = office({ pin: { ...VERIFIABLE, leftTries: null } });
    await pins.start({ ...verify, confirm: true });
    expect(entries).toHaveLength(1);
  });
});

describe('the same card under two Mandanten', () => {
  const VERIFIED: SeenPin = { state: 'verified', leftTries: null, code: null };
  const away = new GatewayError('KONNEKTOR_UNREACHABLE', 'x');

  test('the order goes to the session whose state calls for it, and the state of each can be asked', async () => {
    const one = office({ sessions: { k1: VERIFIED, k2: VERIFIABLE } });
    expect(await one.pins.pin({ iccsn: ICCSN })).toMatchObject({ card: { konnektor: 'k1' }, pin: VERIFIED });
    expect(await one.pins.pin({ iccsn: ICCSN, konnektor: 'k2' })).toMatchObject({ pin: VERIFIABLE });
    const row = await one.pins.start(verify);
    expect(row.konnektor).toBe('k2');
    expect(await one.pins.read(row.id)).toMatchObject({ konnektor: 'k2', open: 1 });
    one.entries[0]?.resolve(outcome('OK'));
    await one.pins.idle();
    expect(one.prompted).toEqual(['k2']);
  });

  test('the Konnektor that is named is asked and no other', async () => {
    const one = office({ sessions: { k1: VERIFIED, k2: VERIFIABLE } });
    const refusal = await gatewayErrorOf(() => one.pins.start({ ...verify, konnektor: 'k1' }));
    expect(refusal).toMatchObject({ code: 'PIN_STATE_UNFIT', pin: VERIFIED });
    expect((await gatewayErrorOf(() => one.pins.start({ ...verify, konnektor: 'k3' }))).code).toBe('NOT_FOUND');
    expect(one.prompted).toEqual([]);
  });

  test('a Konnektor that does not answer does not hide the other', async () => {
    const one = office({ sessions: { k1: away, k2: VERIFIABLE } });
    expect(await one.pins.start(verify)).toMatchObject({ konnektor: 'k2' });
    const none = office({ sessions: { k1: away, k2: away } });
    h.clock.advance(LEASE_MS + 1);
    await h.db.updateTable('pin_operations').set({ lease_until: 0 }).execute();
    expect((await gatewayErrorOf(() => none.pins.start(verify))).code).toBe('CARD_NOT_REACHABLE');
  });

  test('verified at both: refused, and one entry at a time for both', async () => {
    const both = office({ sessions: { k1: VERIFIED, k2: VERIFIED } });
    expect((await gatewayErrorOf(() => both.pins.start(verify))).code).toBe('PIN_STATE_UNFIT');
    const open = office({ sessions: { k1: VERIFIABLE, k2: VERIFIABLE } });
    await open.pins.start(verify);
    const second = await gatewayErrorOf(() => open.pins.start({ ...verify, konnektor: 'k2' }));
    expect(second.code).toBe('PIN_OPERATION_RUNNING');
  });
});
