// RequestCard and EjectCard at the simulated terminal (CardTerminalService 1.1, konnektor.md 2.3): who waits for whom, and every
// fault of theirs.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restartKonnektor, setInserted, setTerminal } from '../../../../connector-sim/konnektor/cards.ts';
import { addCard, addTerminal } from '../../../../connector-sim/konnektor/inventory.ts';
import { context, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { messageOf, slotOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

const CT = 'CT_SIM_0001';
const konnektor = () => bench.world.konnektor;
const card = () => {
  const found = konnektor().cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const terminal = () => {
  const found = konnektor().terminals.get(CT);
  if (found === undefined) throw new Error('no terminal in the world');
  return found;
};
const parts = () => ({ pki: bench.pki, now: bench.world.now(), random: bench.world.random });
const type = (cardType: string) => `<CARDCMN:CardType>${cardType}</CARDCMN:CardType>`;
const wait = (n: number) => `<CT:TimeOut>${n}</CT:TimeOut>`;
const request = (more = '', slot = 1, ctId = CT) =>
  bench.call('RequestCard', `${context()}${slotOf(ctId, slot)}${more}`);
const eject = (more = '', slot = 1, ctId = CT) => bench.call('EjectCard', `${context()}${slotOf(ctId, slot)}${more}`);
const prompted = async () => {
  while (konnektor().pinEntries.size === 0) await new Promise((turn) => setImmediate(turn));
};

describe('RequestCard', () => {
  test('a card that is there already is answered at once', async () => {
    const { soap } = await request(type('SM-B'));
    expect([findText(soap.body, 'AlreadyInserted'), findText(soap.body, 'CardHandle')]).toEqual([
      'true',
      bench.cardHandle(),
    ]);
  });

  test('waits until somebody plugs one, and answers its handle', async () => {
    setInserted(konnektor(), card(), false, bench.world.now());
    const asked = request(`${type('SM-B')}<CT:DisplayMsg>Bitte SMC-B stecken</CT:DisplayMsg>${wait(600)}`);
    await prompted();
    setInserted(konnektor(), card(), true, bench.world.now());
    const { soap } = await asked;
    expect([findText(soap.body, 'AlreadyInserted'), findText(soap.body, 'CardHandle')]).toEqual([
      'false',
      bench.cardHandle(),
    ]);
    expect(konnektor().pinEntries.size).toBe(0);
  });

  test('a card in another slot is not the one waited for', async () => {
    const asked = request(wait(600), 2);
    await prompted();
    const other = addCard(konnektor(), { cardType: 'EGK', slotId: 3 }, parts());
    addCard(konnektor(), { cardType: 'HBA', slotId: 2 }, parts());
    const { soap } = await asked;
    expect(findText(soap.body, 'CardType')).toBe('HBA');
    expect(findText(soap.body, 'CardHandle')).not.toBe(other.cardHandle);
  });

  test('nobody comes in time: 4202', async () => {
    expect((await request(wait(0), 2)).code).toBe(4202);
  });

  test('another type: 4051, there already or just plugged', async () => {
    expect((await request(type('EGK'))).code).toBe(4051);
    const asked = request(`${type('SM-B')}${wait(600)}`, 2);
    await prompted();
    addCard(konnektor(), { cardType: 'EGK', slotId: 2 }, parts());
    expect((await asked).code).toBe(4051);
  });

  test.each(['SMC-B', 'HSM-B', 'SMC-KT', 'HBA', 'UNKNOWN'])('%s cannot be asked for (4058)', async (wanted) => {
    expect((await request(type(wanted))).code).toBe(4058);
  });

  test('a display that is taken: 4039', async () => {
    const first = request(wait(600), 2);
    await prompted();
    expect((await request(wait(0), 3)).code).toBe(4039);
    addCard(konnektor(), { cardType: 'EGK', slotId: 2 }, parts());
    expect((await first).code).toBeNull();
  });

  test.each([
    [{ connected: false }, 4222],
    [{ active: false }, 4221],
  ] as const)('a terminal that is gone meanwhile %j ends it with %i, and its display is free', async (change, code) => {
    const asked = request(wait(600), 2);
    await prompted();
    setTerminal(konnektor(), terminal(), { ...change, now: bench.world.now() });
    expect((await asked).code).toBe(code);
    expect(konnektor().pinEntries.size).toBe(0);
    setTerminal(konnektor(), terminal(), { connected: true, active: true, now: bench.world.now() });
    expect((await request(wait(0), 2)).code).toBe(4202);
  });

  test('a Konnektor started anew: nobody waits any more, and what is asked then has the display', async () => {
    const before = request(wait(600), 2);
    await prompted();
    restartKonnektor(konnektor(), bench.world.now());
    expect(konnektor().pinEntries.size).toBe(0);
    const after = request(wait(600), 2);
    await prompted();
    expect((await before).code).not.toBeNull();
    expect((await request(wait(0), 3)).code).toBe(4039);
    addCard(konnektor(), { cardType: 'EGK', slotId: 2 }, parts());
    expect((await after).code).toBeNull();
  });

  test.each(['4294967295', '2147484', '+00600', '123456789012345678901234567890'])(
    'may wait for %s seconds',
    async (n) => {
      const asked = request(`<CT:TimeOut>${n}</CT:TimeOut>`, 2);
      await prompted();
      addCard(konnektor(), { cardType: 'EGK', slotId: 2 }, parts());
      expect((await asked).code).toBeNull();
    },
  );

  test.each(['-0', '0'])('%s is no time', async (n) => {
    expect((await request(`<CT:TimeOut>${n}</CT:TimeOut>`, 2)).code).toBe(4202);
  });
  test.each(['-1', '1.5', '', '1e3', 'x'])('%j is no time-out of the schema: 4000', async (n) => {
    expect((await request(`<CT:TimeOut>${n}</CT:TimeOut>`, 2)).code).toBe(4000);
  });

  test('somebody else’s SM-B: 4009', async () => {
    for (const mandant of konnektor().model.mandants) mandant.smbs = [];
    expect((await request()).code).toBe(4009);
  });
});

describe.each([
  ['RequestCard', (ctId: string, slot: number) => request(wait(0), slot, ctId)],
  ['EjectCard', (ctId: string, slot: number) => eject(wait(0), slot, ctId)],
] as const)('%s', (_name, ask) => {
  test('an unknown terminal: 4007', async () => expect((await ask('CT_X', 1)).code).toBe(4007));
  test('a slot it does not have: 4097', async () => expect((await ask(CT, 5)).code).toBe(4097));

  test('a terminal that is not connected: 4222, not active: 4221', async () => {
    setTerminal(konnektor(), terminal(), { connected: false, now: bench.world.now() });
    expect((await ask(CT, 1)).code).toBe(4222);
    setTerminal(konnektor(), terminal(), { active: false, now: bench.world.now() });
    expect((await ask(CT, 1)).code).toBe(4221);
  });

  test('a terminal of another Mandant: 4012; not reached from the Workplace: 4015', async () => {
    const [m1] = konnektor().model.mandants;
    addTerminal(konnektor(), { ctId: 'CT_2' });
    konnektor().model.workplaces.set('w1', { local: [CT], remote: [] });
    expect((await ask('CT_2', 1)).code).toBe(4015);
    if (m1 !== undefined) m1.terminals = [CT];
    expect((await ask('CT_2', 1)).code).toBe(4012);
  });

  test('a virtual terminal: 4209', async () => {
    addCard(konnektor(), { cardType: 'HSM-B', telematikId: '9-X' }, parts());
    expect((await ask('HSM_SIM_k1', 1)).code).toBe(4209);
  });
});

describe('EjectCard', () => {
  test.each(['handle', 'slot'] as const)('by %s: somebody takes it, and its handle is gone', async (by) => {
    const before = bench.cardHandle();
    expect(
      (by === 'slot' ? await eject() : await bench.call('EjectCard', messageOf(bench, 'EjectCard'))).code,
    ).toBeNull();
    expect([card().inserted, card().cardHandle]).toEqual([false, null]);
    expect((await bench.call('EjectCard', messageOf(bench, 'EjectCard', { cardHandle: before }))).code).toBe(4101);
  });

  test('nobody takes it in time: 4203, and it stays as it was', async () => {
    const before = bench.cardHandle();
    card().enteredPin = 'none';
    expect((await eject(wait(0))).code).toBe(4203);
    expect(bench.cardHandle()).toBe(before);
  });

  test('somebody comes late: taken', async () => {
    card().enteredPin = 'none';
    const asked = eject(wait(600_000));
    await prompted();
    setInserted(konnektor(), card(), false, bench.world.now());
    expect((await asked).code).toBeNull();
  });

  test('an empty slot: 4008; the terminal’s own card: 4209', async () => {
    expect((await eject('', 2)).code).toBe(4008);
    expect((await eject('', 4)).code).toBe(4209);
  });

  test('a card whose PIN is just typed: 4093', async () => {
    card().verifiedFor = new Set();
    card().enteredPin = 'none';
    const entry = bench.call('VerifyPin', messageOf(bench, 'VerifyPin'));
    await prompted();
    expect((await eject()).code).toBe(4093);
    card().enteredPin = 'right';
    konnektor().pinEntries.get(CT)?.arrive();
    expect((await entry).code).toBeNull();
  });

  test('at a display where another card’s PIN is just typed: 4039, and the card stays', async () => {
    const other = addCard(konnektor(), { cardType: 'SMC-B', telematikId: '9-X', pinStatus: 'VERIFIABLE' }, parts());
    other.enteredPin = 'none';
    const entry = bench.call('VerifyPin', messageOf(bench, 'VerifyPin', { cardHandle: other.cardHandle ?? '' }));
    await prompted();
    expect((await eject()).code).toBe(4039);
    expect(card().inserted).toBe(true);
    other.enteredPin = 'right';
    konnektor().pinEntries.get(CT)?.arrive();
    await entry;
    expect((await eject()).code).toBeNull();
  });

  test('a terminal unplugged while somebody is to take the card: 4222', async () => {
    card().enteredPin = 'none';
    const asked = eject(wait(600_000));
    await prompted();
    setTerminal(konnektor(), terminal(), { connected: false, now: bench.world.now() });
    expect((await asked).code).toBe(4222);
    expect(konnektor().pinEntries.size).toBe(0);
  });
});
