// `enteredPin: none` (D23): nobody comes until that changes. What a control call does to anything else ends no entry, and what
// it does to this card or to the terminal that asks for its PIN does, wherever that terminal stands.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';
import { findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
let control: ControlBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  bench.world.choices.pinInterruptedAs = 'warning';
  control = createControlBench(bench);
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE', enteredPin: 'none' });
});
afterEach(() => bench.stop());

const entries = () => bench.world.konnektor.pinEntries;
const turn = () => new Promise((next) => setImmediate(next));
/** Somebody is asked for the PIN; resolves with the call that waits for the answer. */
async function asked() {
  const call = bench.call('VerifyPin', messageOf(bench, 'VerifyPin'));
  while (entries().size === 0) await turn();
  return { outcome: call.then(({ soap, code }) => findText(soap.body, 'PinResult') ?? code) };
}
/** The card's terminal stands elsewhere; its PIN is entered at CT_PAD. */
function padElsewhere() {
  const { terminals, model } = bench.world.konnektor;
  const [own] = terminals.values();
  const workplace = model.workplaces.get('w1');
  if (own === undefined || workplace === undefined) throw new Error('not the default world');
  terminals.set('CT_PAD', { ...own, ctId: 'CT_PAD' });
  Object.assign(workplace, { local: ['CT_PAD'], remote: [own.ctId], remotePinTerminal: 'CT_PAD' });
}

test.each<[string, (c: ControlBench) => Promise<unknown>]>([
  ['the same card signs more slowly', (c) => c.ask('PATCH', c.smcb, { signDelayMs: 1 })],
  ['nobody still comes', (c) => c.ask('PATCH', c.smcb, { enteredPin: 'none' })],
  ['the card is sent back as it is shown', async (c) => c.ask('PATCH', c.smcb, { inserted: true })],
  ['nothing about the terminal', (c) => c.ask('PATCH', '/sim/terminals/CT_SIM_0001', {})],
  ['the terminal is connected as it was', (c) => c.ask('PATCH', '/sim/terminals/CT_SIM_0001', { connected: true })],
  ['another card', (c) => c.ask('PATCH', `/sim/cards/${bench.pki.smcktIccsn}`, { inserted: false })],
  [
    'another card comes and goes',
    async (c) => {
      const { json } = await c.ask('POST', '/sim/cards', { cardType: 'EGK' });
      await c.ask('DELETE', `/sim/cards/${json.iccsn}`);
    },
  ],
  [
    'another terminal falls silent',
    async (c) => {
      await c.ask('POST', '/sim/terminals', { ctId: 'CT_2' });
      await c.ask('PATCH', '/sim/terminals/CT_2', { connected: false });
      await c.ask('DELETE', '/sim/terminals/CT_2');
    },
  ],
])('the entry goes on: %s', async (_what, change) => {
  const { outcome } = await asked();
  await change(control);
  await turn();
  expect([...entries().values()].map((entry) => entry.iccsn)).toEqual([bench.pki.smcb.iccsn]);
  await control.ask('PATCH', control.smcb, { enteredPin: 'right' });
  expect(await outcome).toBe('OK');
});

test.each<[string, unknown, (c: ControlBench) => Promise<unknown>]>([
  ['somebody types a wrong one', 'REJECTED', (c) => c.ask('PATCH', c.smcb, { enteredPin: 'wrong' })],
  ['the card is pulled', 4045, (c) => c.ask('PATCH', c.smcb, { inserted: false })],
  ['the card is moved', 4045, (c) => c.ask('PATCH', c.smcb, { slotId: 3 })],
  ['the card is taken away', 4045, (c) => c.ask('DELETE', c.smcb)],
  ['the terminal falls silent', 4045, (c) => c.ask('PATCH', '/sim/terminals/CT_SIM_0001', { connected: false })],
])('the entry ends: %s (%s)', async (_what, expected, change) => {
  const { outcome } = await asked();
  await change(control);
  expect(await outcome).toBe(expected);
  expect(entries().size).toBe(0);
});

test.each<[string, unknown, (c: ControlBench) => Promise<unknown>]>([
  ['somebody types the right one', 'OK', (c) => c.ask('PATCH', c.smcb, { enteredPin: 'right' })],
  ['the card is pulled', 4045, (c) => c.ask('PATCH', c.smcb, { inserted: false })],
  [
    'the terminal with the PIN pad falls silent',
    4222,
    (c) => c.ask('PATCH', '/sim/terminals/CT_PAD', { connected: false }),
  ],
])('an entry at a remote PIN pad ends: %s (%s)', async (_what, expected, change) => {
  padElsewhere();
  const { outcome } = await asked();
  expect([...entries().keys()]).toEqual(['CT_PAD']);
  await change(control);
  expect(await outcome).toBe(expected);
});
