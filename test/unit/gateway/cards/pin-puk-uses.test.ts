// Unblocking a PIN (KON-07): how often the PUK may still be used is told by an attempt alone, and the last use needs a confirmation.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEASE_MS } from '../../../../gateway/cards/pin-rows.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import type { PinOutcome } from '../../../../gateway/konnektor/card-service.ts';
import { gatewayErrorOf } from '../../../support/gateway-error.ts';
import { type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { officeOf, outcome, verify } from '../../../support/pin-offices.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());
const office = (o: Parameters<typeof officeOf>[1] = {}) => officeOf(h, o);

describe('the uses of a PUK: only an attempt with it tells how many are left', () => {
  const unblock = { ...verify, kind: 'unblock' as const };
  const confirmed = { ...unblock, confirm: true };
  const desk = () => office({ pin: { state: 'blocked', leftTries: 0, code: null } });
  type Desk = ReturnType<typeof desk>;
  async function use({ pins, entries }: Desk, order: typeof unblock, end: PinOutcome | GatewayError): Promise<string> {
    const { id } = await pins.start(order);
    const entry = entries.at(-1);
    if (end instanceof GatewayError) entry?.reject(end);
    else entry?.resolve(end);
    await pins.idle();
    h.clock.advance(1_000);
    return id;
  }
  const needsConfirm = async ({ pins, entries }: Desk, left: number | null) => {
    const before = entries.length;
    const refusal = await gatewayErrorOf(() => pins.start(unblock));
    expect(refusal).toMatchObject({ code: 'PIN_CONFIRM_NEEDED', pin: { leftTries: left } });
    expect(entries).toHaveLength(before);
  };
  const told = (leftTries: number) => outcome('REJECTED', { leftTries });
  const cancelled = outcome('ERROR', { warnings: [{ code: '4043', text: 'x' }] });

  test('none has told it yet: the first needs a confirmation', async () => {
    const one = desk();
    await needsConfirm(one, null);
    await use(one, confirmed, cancelled);
    await needsConfirm(one, null);
  });

  test('several are left: no confirmation, until those that may be used up leave one', async () => {
    const one = desk();
    await use(one, confirmed, told(4));
    await use(one, unblock, cancelled);
    await use(one, unblock, outcome('OK'));
    await use(one, confirmed, cancelled);
    await needsConfirm(one, 1);
  });

  test.each<[string, PinOutcome | GatewayError]>([
    ['was cancelled', cancelled],
    ['ended by a fault', new GatewayError('KONNEKTOR_FAULT', 'x', { foreign: { code: '4049', text: 'x' } })],
    ['was not told of', new GatewayError('KONNEKTOR_UNREACHABLE', 'x')],
  ])('the last one stays the last one when the confirmed attempt %s', async (_what, end) => {
    const one = desk();
    await use(one, confirmed, told(1));
    await needsConfirm(one, 1);
    const id = await use(one, confirmed, end);
    h.clock.advance(LEASE_MS + 1);
    await h.db.updateTable('pin_operations').set({ lease_until: 0 }).where('id', '=', id).execute();
    await needsConfirm(one, 0);
  });

  test('what is left of the PIN itself says nothing of it', async () => {
    const { pins, entries } = office();
    await pins.start(verify);
    entries[0]?.resolve(told(2));
    await pins.idle();
    await needsConfirm(desk(), null);
  });
});
