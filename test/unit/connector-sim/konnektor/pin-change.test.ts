// ChangePin and UnblockPin at the simulated terminal (D23; konnektor.md 2.2): transport PIN, a new PIN typed twice, three tries of
// the PIN and ten uses of the PUK; EnablePin and DisablePin.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import type { EnteredPin } from '../../../../connector-sim/konnektor/model.ts';
import { personArrives } from '../../../../connector-sim/konnektor/pin-pad.ts';
import { find, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  Object.assign(bench.world.choices, {
    pinRefusedAs: 'result',
    pinInterruptedAs: 'warning',
    afterNewPin: 'verifiable',
  });
});
afterEach(() => bench.stop());

type PinOperation = 'VerifyPin' | 'ChangePin' | 'UnblockPin';
const card = () => {
  const found = bench.world.konnektor.cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const enter = async (operation: PinOperation, entered: EnteredPin = 'right', setNewPin = true) => {
  card().enteredPin = entered;
  const message = messageOf(bench, operation).replace('SetNewPin>true', `SetNewPin>${setNewPin}`);
  const { soap, code } = await bench.call(operation, message);
  return [findText(soap.body, 'PinResult') ?? code, findText(soap.body, 'LeftTries')];
};
const status = async () =>
  findText((await bench.call('GetPinStatus', messageOf(bench, 'GetPinStatus'))).soap.body, 'PinStatus');
const setStatus = (state: Parameters<typeof setPinStatus>[2]) => setPinStatus(bench.world.konnektor, card(), state);

describe('ChangePin', () => {
  test.each(['TRANSPORT_PIN', 'EMPTY_PIN', 'VERIFIABLE', 'VERIFIED'] as const)(
    'makes %s a PIN of its own',
    async (state) => {
      setStatus(state);
      expect(await enter('ChangePin')).toEqual(['OK', undefined]);
      expect(await status()).toBe('VERIFIABLE');
      expect(await enter('VerifyPin')).toEqual(['OK', undefined]);
      expect(await status()).toBe('VERIFIED');
    },
  );

  test('leaves the PIN verified where the Konnektor is of that kind', async () => {
    bench.world.choices.afterNewPin = 'verified';
    setStatus('TRANSPORT_PIN');
    await enter('ChangePin');
    expect(await status()).toBe('VERIFIED');
  });

  test('three wrong transport PINs block for good, exactly once, and the fourth asks nobody', async () => {
    setStatus('TRANSPORT_PIN');
    expect(await enter('ChangePin', 'wrong')).toEqual(['REJECTED', '2']);
    expect(await status()).toBe('TRANSPORT_PIN');
    expect(await enter('ChangePin', 'wrong')).toEqual(['REJECTED', '1']);
    expect(await enter('ChangePin', 'wrong')).toEqual(['NOWBLOCKED', undefined]);
    expect(await enter('ChangePin', 'right')).toEqual(['WASBLOCKED', undefined]);
    expect(await status()).toBe('BLOCKED');
  });

  test('shares its tries with VerifyPin', async () => {
    setStatus('VERIFIABLE');
    expect(await enter('VerifyPin', 'wrong')).toEqual(['REJECTED', '2']);
    expect(await enter('ChangePin', 'wrong')).toEqual(['REJECTED', '1']);
    expect(await enter('VerifyPin', 'wrong')).toEqual(['NOWBLOCKED', undefined]);
  });

  test.each([
    ['different', 4067],
    ['short', 4068],
  ] as const)('a new PIN that is %s is %i, and the old one stays', async (entered, code) => {
    setStatus('TRANSPORT_PIN');
    expect(await enter('ChangePin', entered)).toEqual([code, undefined]);
    expect([await status(), card().leftTries]).toEqual(['TRANSPORT_PIN', 3]);
  });

  test('on a blocked PIN is WASBLOCKED, or 4063 as the Konnektor has it', async () => {
    setStatus('BLOCKED');
    expect(await enter('ChangePin')).toEqual(['WASBLOCKED', undefined]);
    bench.world.choices.pinRefusedAs = 'fault';
    expect(await enter('ChangePin')).toEqual([4063, undefined]);
  });
});

describe('UnblockPin', () => {
  beforeEach(() => setStatus('BLOCKED'));

  test('gives the tries back and costs a use of the PUK', async () => {
    expect(await enter('UnblockPin')).toEqual(['OK', undefined]);
    expect([await status(), card().leftTries, card().pukTries]).toEqual(['VERIFIABLE', 3, 9]);
  });

  test.each([true, false])('with SetNewPin %s asks for a new PIN, or does not', async (setNewPin) => {
    expect((await enter('UnblockPin', 'different', setNewPin))[0]).toBe(setNewPin ? 4067 : 'OK');
    setStatus('BLOCKED');
    expect((await enter('UnblockPin', 'short', setNewPin))[0]).toBe(setNewPin ? 4068 : 'OK');
  });

  test('with SetNewPin leaves the new PIN verified where the Konnektor is of that kind', async () => {
    bench.world.choices.afterNewPin = 'verified';
    await enter('UnblockPin', 'right', false);
    expect(await status()).toBe('VERIFIABLE');
    setStatus('BLOCKED');
    await enter('UnblockPin', 'right', true);
    expect(await status()).toBe('VERIFIED');
  });

  test.each([
    ['different', 4067],
    ['short', 4068],
  ] as const)('with a new PIN that is %s is %i, and nothing has reached the card', async (entered, code) => {
    expect(await enter('UnblockPin', entered)).toEqual([code, undefined]);
    expect([await status(), card().leftTries, card().pukTries]).toEqual(['BLOCKED', 0, 10]);
    expect(await enter('UnblockPin', 'right')).toEqual(['OK', undefined]);
    expect(card().pukTries).toBe(9);
  });

  test('of a transport PIN blocked by three wrong entries asks nobody: the card is lost for good (KON-07)', async () => {
    setStatus('TRANSPORT_PIN');
    for (const _entry of [1, 2, 3]) await enter('ChangePin', 'wrong');
    for (const setNewPin of [true, false])
      expect(await enter('UnblockPin', 'right', setNewPin)).toEqual(['WASBLOCKED', undefined]);
    bench.world.choices.pinRefusedAs = 'fault';
    expect(await enter('UnblockPin', 'right')).toEqual([4064, undefined]);
    expect([await status(), card().leftTries, card().pukTries]).toEqual(['BLOCKED', 0, 10]);
  });

  test('of a transport PIN that was set blocked as of one typed wrong; another PIN set in its place is one again', async () => {
    setStatus('TRANSPORT_PIN');
    setStatus('BLOCKED');
    setStatus('BLOCKED');
    expect(await enter('UnblockPin')).toEqual(['WASBLOCKED', undefined]);
    setStatus('VERIFIABLE');
    setStatus('BLOCKED');
    expect(await enter('UnblockPin')).toEqual(['OK', undefined]);
  });

  test('of a PIN that is not blocked is OK, asks nobody and costs nothing', async () => {
    setStatus('VERIFIABLE');
    expect(await enter('UnblockPin', 'wrong')).toEqual(['OK', undefined]);
    expect([card().pukTries, card().leftTries]).toEqual([10, 3]);
  });

  test('LeftTries counts the PUK; the tenth wrong one ends it, and then nobody is asked', async () => {
    const results: unknown[] = [];
    for (let i = 0; i < 10; i += 1) results.push(await enter('UnblockPin', 'wrong'));
    const rejected = Array.from({ length: 9 }, (_, i) => ['REJECTED', String(9 - i)]);
    expect(results).toEqual([...rejected, ['NOWBLOCKED', undefined]]);
    expect(await enter('UnblockPin', 'right')).toEqual(['WASBLOCKED', undefined]);
    bench.world.choices.pinRefusedAs = 'fault';
    expect(await enter('UnblockPin', 'right')).toEqual([4064, undefined]);
    expect(await status()).toBe('BLOCKED');
  });

  test('ten right ones use the PUK up as well', async () => {
    for (let i = 0; i < 10; i += 1) {
      setStatus('BLOCKED');
      expect((await enter('UnblockPin'))[0]).toBe('OK');
    }
    setStatus('BLOCKED');
    expect(await enter('UnblockPin')).toEqual(['WASBLOCKED', undefined]);
  });
});

describe.each(['ChangePin', 'UnblockPin'] as const)('%s that nobody finishes', (operation) => {
  beforeEach(() => setStatus(operation === 'ChangePin' ? 'TRANSPORT_PIN' : 'BLOCKED'));

  test.each([
    ['cancel', 4049],
    ['timeout', 4043],
  ] as const)('%s is fault %i, or a warning with PinResult ERROR, and changes nothing', async (entered, code) => {
    const { soap } = await (async () => {
      card().enteredPin = entered;
      return bench.call(operation, messageOf(bench, operation));
    })();
    expect([findText(soap.body, 'Result'), findText(soap.body, 'PinResult')]).toEqual(['Warning', 'ERROR']);
    expect(findText(find(soap.body, 'Trace'), 'Code')).toBe(String(code));
    bench.world.choices.pinInterruptedAs = 'fault';
    expect(await enter(operation, entered)).toEqual([code, undefined]);
    expect([card().pukTries, await status()]).toEqual([10, operation === 'ChangePin' ? 'TRANSPORT_PIN' : 'BLOCKED']);
  });

  test('nobody comes until somebody does; meanwhile the terminal is busy', async () => {
    const first = enter(operation, 'none');
    while (bench.world.konnektor.pinEntries.size === 0) await new Promise((turn) => setImmediate(turn));
    expect((await bench.call(operation, messageOf(bench, operation))).code).toBe(4060);
    card().enteredPin = 'right';
    personArrives(bench.world.konnektor);
    expect(await first).toEqual(['OK', undefined]);
  });

  test('a card pulled meanwhile is 4045', async () => {
    const first = enter(operation, 'none');
    while (bench.world.konnektor.pinEntries.size === 0) await new Promise((turn) => setImmediate(turn));
    card().cardHandle = null;
    card().enteredPin = 'right';
    personArrives(bench.world.konnektor);
    expect((await first)[0]).toBe(4045);
  });
});

test('three wrong entries block exactly once, however often somebody asks again', async () => {
  setStatus('VERIFIABLE');
  const results: unknown[] = [];
  for (let i = 0; i < 5; i += 1) results.push((await enter('VerifyPin', 'wrong'))[0]);
  expect(results).toEqual(['REJECTED', 'REJECTED', 'NOWBLOCKED', 'WASBLOCKED', 'WASBLOCKED']);
});

describe('where there is no PIN pad', () => {
  const workplace = () => {
    const found = bench.world.konnektor.model.workplaces.get('w1');
    if (found === undefined) throw new Error('no workplace');
    return found;
  };
  const terminal = () => {
    const [found] = bench.world.konnektor.terminals.values();
    if (found === undefined) throw new Error('no terminal');
    return found;
  };
  beforeEach(() => setStatus('VERIFIABLE'));

  test.each(['VerifyPin', 'ChangePin'] as const)(
    '%s needs a terminal here or a remote-PIN terminal that works',
    async (operation) => {
      const { ctId } = terminal();
      workplace().remote = [ctId];
      workplace().local = [];
      expect((await enter(operation))[0]).toBe(4092);
      workplace().remotePinTerminal = 'CT_PAD';
      expect((await enter(operation))[0]).toBe(4016);
      bench.world.konnektor.terminals.set('CT_PAD', { ...terminal(), ctId: 'CT_PAD' });
      expect((await enter(operation))[0]).toBe(4016);
      workplace().local = ['CT_PAD'];
      expect((await enter(operation))[0]).toBe('OK');
      setStatus('VERIFIABLE');
      const pad = bench.world.konnektor.terminals.get('CT_PAD');
      if (pad === undefined) throw new Error('no pad');
      pad.connected = false;
      expect((await enter(operation))[0]).toBe(4222);
      pad.active = false;
      expect((await enter(operation))[0]).toBe(4221);
      pad.physical = false;
      expect((await enter(operation))[0]).toBe(4053);
    },
  );
});

test('no card here has a PIN that can be switched off (4209)', async () => {
  for (const operation of ['EnablePin', 'DisablePin'] as const) {
    expect((await bench.call(operation, messageOf(bench, operation))).code).toBe(4209);
  }
});
