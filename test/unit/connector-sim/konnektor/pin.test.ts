// PIN entry at the simulated terminal (D23; konnektor.md 2.2): results, tries, blocking, and what a person does instead.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { personArrives } from '../../../../connector-sim/konnektor/pin-pad.ts';
import { context, find, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  setPinStatus(bench.world.konnektor, card(), 'VERIFIABLE');
});
afterEach(() => bench.stop());

const card = () => {
  const found = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const pin = (pinTyp = 'PIN.SMC', mandant = 'm1') =>
  `${context(mandant)}<CONN:CardHandle>${bench.cardHandle()}</CONN:CardHandle><CARDCMN:PinTyp>${pinTyp}</CARDCMN:PinTyp>`;
const verify = async () => {
  const { soap, code } = await bench.call('VerifyPin', pin());
  return { result: findText(soap.body, 'PinResult'), left: findText(soap.body, 'LeftTries'), code };
};
/** Turns of the event loop until somebody is asked for the PIN. */
const entryOpen = async () => {
  while (bench.world.konnektor.pinEntries.size === 0) await new Promise((turn) => setImmediate(turn));
};
const status = async () => {
  const { soap } = await bench.call('GetPinStatus', pin());
  return { status: findText(soap.body, 'PinStatus'), left: findText(soap.body, 'LeftTries') };
};

test('the right PIN verifies the card session', async () => {
  expect(await status()).toEqual({ status: 'VERIFIABLE', left: '3' });
  expect(await verify()).toEqual({ result: 'OK', left: undefined, code: null });
  expect(await status()).toEqual({ status: 'VERIFIED', left: undefined });
});

test('a card session verified already asks nobody', async () => {
  await verify();
  card().enteredPin = 'wrong';
  expect((await verify()).result).toBe('OK');
  expect(card().leftTries).toBe(3);
});

test('three wrong entries block, and the third says so', async () => {
  card().enteredPin = 'wrong';
  expect(await verify()).toEqual({ result: 'REJECTED', left: '2', code: null });
  expect(await verify()).toEqual({ result: 'REJECTED', left: '1', code: null });
  expect(await verify()).toEqual({ result: 'NOWBLOCKED', left: undefined, code: null });
  expect((await status()).status).toBe('BLOCKED');
});

test('a right entry gives the tries back', async () => {
  card().enteredPin = 'wrong';
  await verify();
  card().enteredPin = 'right';
  await verify();
  expect(card().leftTries).toBe(3);
});

test('a card unlocked for one Mandant is not unlocked for another', async () => {
  const { model } = bench.world.konnektor;
  const [m1] = model.mandants;
  if (m1 === undefined) throw new Error('no Mandant');
  model.mandants.push({ ...m1, id: 'm2' });
  await verify();
  const other = await bench.call('GetPinStatus', pin('PIN.SMC', 'm2'));
  expect(findText(other.soap.body, 'PinStatus')).toBe('VERIFIABLE');
});

describe.each([
  ['BLOCKED', 'WASBLOCKED', 4063],
  ['TRANSPORT_PIN', 'TRANSPORT_PIN', 4065],
] as const)('on a PIN that is %s', (state, result, code) => {
  test(`VerifyPin answers ${result}, or the fault ${code}, as the seed has it`, async () => {
    setPinStatus(bench.world.konnektor, card(), state);
    bench.world.choices.pinRefusedAs = 'result';
    expect((await verify()).result).toBe(result);
    bench.world.choices.pinRefusedAs = 'fault';
    expect((await verify()).code).toBe(code);
    expect((await status()).status).toBe(state);
  });
});

describe.each([
  ['cancel', 4049],
  ['timeout', 4043],
] as const)('a person who lets it %s', (entered, code) => {
  test(`is fault ${code}, or PinResult ERROR with that warning, and costs no try`, async () => {
    card().enteredPin = entered;
    bench.world.choices.pinInterruptedAs = 'fault';
    expect((await verify()).code).toBe(code);
    bench.world.choices.pinInterruptedAs = 'warning';
    const { soap } = await bench.call('VerifyPin', pin());
    expect([findText(soap.body, 'Result'), findText(soap.body, 'PinResult')]).toEqual(['Warning', 'ERROR']);
    expect(findText(find(soap.body, 'Trace'), 'Code')).toBe(String(code));
    expect(await status()).toEqual({ status: 'VERIFIABLE', left: '3' });
  });
});

test('nobody comes until somebody does; meanwhile the terminal is busy', async () => {
  card().enteredPin = 'none';
  const first = verify();
  await entryOpen();
  expect((await verify()).code).toBe(4060);
  card().enteredPin = 'right';
  personArrives(bench.world.konnektor);
  expect((await first).result).toBe('OK');
});

test('a card pulled during the entry is 4045, and the entry is worth nothing', async () => {
  card().enteredPin = 'none';
  const entry = verify();
  await entryOpen();
  card().cardHandle = null;
  card().enteredPin = 'right';
  personArrives(bench.world.konnektor);
  expect((await entry).code).toBe(4045);
  expect(card().verifiedFor.size).toBe(0);
});

test('an SM-B has no PIN but PIN.SMC (4072), an SMC-KT none (4209)', async () => {
  const kt = bench.world.konnektor.cards.get(bench.pki.smcktIccsn)?.cardHandle ?? '';
  for (const operation of ['VerifyPin', 'GetPinStatus'] as const) {
    expect((await bench.call(operation, pin('PIN.CH'))).code).toBe(4072);
    expect((await bench.call(operation, pin().replace(bench.cardHandle(), kt))).code).toBe(4209);
  }
});

test('a card in a terminal not at the workplace needs a remote-PIN terminal there (4092)', async () => {
  const workplace = bench.world.konnektor.model.workplaces.get('w1');
  if (workplace === undefined) throw new Error('no workplace');
  workplace.remote = workplace.local;
  workplace.local = [];
  expect((await verify()).code).toBe(4092);
  expect((await status()).status).toBe('VERIFIABLE');
});
