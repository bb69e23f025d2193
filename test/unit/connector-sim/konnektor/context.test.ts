// TUC_KON_000: every access check of konnektor.md 11 broken alone, in every operation it applies to, and which wins.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setInserted } from '../../../../connector-sim/konnektor/cards.ts';
import {
  BENCH_OPERATIONS,
  type BenchOperation,
  context,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { type Ids, messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  const { model, terminals } = bench.world.konnektor;
  // Known, but assigned to nobody: so that each pair can be broken alone.
  model.clientSystems.set('c2', ['w1']);
  model.workplaces.set('w2', { local: [...terminals.keys()], remote: [] });
});
afterEach(() => bench.stop());

const withCard: BenchOperation[] = [
  'GetPinStatus',
  'VerifyPin',
  'ChangePin',
  'UnblockPin',
  'EnablePin',
  'DisablePin',
  'EjectCard',
  'ReadCardCertificate',
  'CheckCertificateExpiration',
  'ExternalAuthenticate',
];
/** What is answered where access is not what is wrong. */
const otherwise: Partial<Record<BenchOperation, number>> = { EnablePin: 4209, DisablePin: 4209 };

const code = async (operation: BenchOperation, ids: Ids = {}, cardHandle = bench.cardHandle()) => {
  const subscribed = await bench.call('Subscribe', messageOf(bench, 'Subscribe'));
  const subscriptionId = findText(subscribed.soap.body, 'SubscriptionID') ?? 'none';
  return (await bench.call(operation, messageOf(bench, operation, { ids, cardHandle, subscriptionId }))).code;
};

describe.each(BENCH_OPERATIONS)('%s', (name) => {
  test('passes when nothing is broken', async () => expect(await code(name)).toBe(otherwise[name] ?? null));

  test.each<[string, Ids, number]>([
    ['an empty Mandant', { mandant: '' }, 4021],
    ['an empty ClientSystem', { clientSystem: '' }, 4021],
    ['an empty Workplace', { workplace: '' }, 4021],
    ['an unknown Mandant', { mandant: 'mX' }, 4004],
    ['an unknown ClientSystem', { clientSystem: 'cX' }, 4005],
    ['an unknown Workplace', { workplace: 'wX' }, 4006],
    ['a ClientSystem not of the Mandant', { clientSystem: 'c2' }, 4010],
    ['a Workplace not of the Mandant', { workplace: 'w2' }, 4011],
  ])('refuses %s', async (_what, ids, expected) => expect(await code(name, ids)).toBe(expected));

  test('refuses a Workplace not assigned to the ClientSystem (4014)', async () => {
    bench.world.konnektor.model.mandants[0]?.workplaces.push('w2');
    expect(await code(name, { workplace: 'w2' })).toBe(4014);
  });

  test('refuses a ClientSystem whose certificate it is not (4204), unless none is asked for', async () => {
    bench.world.konnektor.transport = { ...bench.world.konnektor.transport, boundTo: 'c2' };
    expect(await code(name)).toBe(4204);
    bench.world.konnektor.transport = { ...bench.world.konnektor.transport, authentication: 'none' };
    expect(await code(name)).toBe(otherwise[name] ?? null);
  });
});

describe.each(withCard)('%s of a card', (name) => {
  test('refuses an unknown handle (4101)', async () => expect(await code(name, {}, 'unknown')).toBe(4101));

  test('refuses the handle of a card pulled meanwhile (4101)', async () => {
    const before = bench.cardHandle();
    const card = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
    if (card !== undefined) setInserted(bench.world.konnektor, card, false, bench.world.now());
    expect(await code(name, {}, before)).toBe(4101);
  });

  test('refuses a terminal not of the Mandant (4012)', async () => {
    for (const mandant of bench.world.konnektor.model.mandants) mandant.terminals = [];
    expect(await code(name)).toBe(4012);
  });

  test('refuses a terminal the Workplace does not reach (4015)', async () => {
    bench.world.konnektor.model.workplaces.set('w1', { local: [], remote: [] });
    expect(await code(name)).toBe(4015);
  });

  test('refuses an SM-B the Mandant does not manage (4009)', async () => {
    for (const mandant of bench.world.konnektor.model.mandants) mandant.smbs = [];
    expect(await code(name)).toBe(4009);
  });

  test('names the call context before the card', async () => {
    expect(await code(name, { mandant: 'mX' }, 'unknown')).toBe(4004);
  });
});

describe('a terminal named in GetCards', () => {
  const ctId = () => [...bench.world.konnektor.terminals.keys()][0] ?? '';
  const ask = async (id: string, slot = '', attributes = '') =>
    (await bench.call('GetCards', `${context()}<CARDCMN:CtId>${id}</CARDCMN:CtId>${slot}`, attributes)).code;

  test('is refused when unknown (4007)', async () => expect(await ask('CT_X')).toBe(4007));
  test('is refused with a slot it does not have (4097)', async () =>
    expect(await ask(ctId(), '<CARDCMN:SlotId>5</CARDCMN:SlotId>')).toBe(4097));
  test('is refused mandant-wide when no Workplace of the Mandant reaches it (4020)', async () => {
    bench.world.konnektor.model.workplaces.set('w1', { local: [], remote: [] });
    expect(await ask(ctId(), '', ' mandant-wide="true"')).toBe(4020);
  });
});

test('a missing ID element is 4021 like an empty one, and an empty UserId is no error', async () => {
  const without = context().replace('<CONN:WorkplaceId>w1</CONN:WorkplaceId>', '');
  const withUser = context().replace('</CCTX:Context>', '<CONN:UserId></CONN:UserId></CCTX:Context>');
  expect((await bench.call('GetCards', without)).code).toBe(4021);
  expect((await bench.call('GetCards', withUser)).code).toBeNull();
});
