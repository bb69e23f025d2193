// Terminals and cards brought and taken away by the control API (api.md section 4, D27), what a Konnektor itself is like, and
// every call that is refused, with all its faults at once and nothing changed.
import { beforeEach, describe, expect, test } from 'vitest';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';

let bench: ControlBench;
beforeEach(() => {
  bench = createControlBench();
});

const cards = async () => (await bench.ask('GET', '/sim/cards')).json as Record<string, unknown>[];

describe('POST /sim/cards', () => {
  test('an SMC-B of a holder that has one already, in the first free slot', async () => {
    const added = await bench.ask('POST', '/sim/cards', { cardType: 'SMC-B', telematikId: '9-DEMO-DIGA-0001' });
    expect([added.status, added.json]).toEqual([
      201,
      {
        konnektor: 'k1',
        iccsn: expect.stringMatching(/^\d{20}$/),
        cardType: 'SMC-B',
        telematikId: '9-DEMO-DIGA-0001',
        ctId: 'CT_SIM_0001',
        slotId: 2,
        inserted: true,
        pinStatus: 'VERIFIABLE',
        leftTries: 3,
        pukTries: 10,
        enteredPin: 'right',
        signDelayMs: 0,
        certificateExpires: '2031-01-30T00:00:00.000Z',
      },
    ]);
    expect(await cards()).toContainEqual(added.json);
  });

  test.each([
    ['HSM-B', { telematikId: '9-X' }, { ctId: 'HSM_SIM_k1', pinStatus: null, leftTries: null, enteredPin: 'right' }],
    ['HBA', {}, { ctId: 'CT_SIM_0001', pinStatus: 'VERIFIABLE', telematikId: null }],
    ['EGK', { kvnr: 'X110411675' }, { ctId: 'CT_SIM_0001', pinStatus: 'VERIFIABLE', certificateExpires: null }],
    ['SMC-KT', { inserted: false }, { inserted: false, pinStatus: null, enteredPin: null, pukTries: null }],
    ['SMC-B', { telematikId: '9-X', pinStatus: 'BLOCKED', enteredPin: 'none' }, { pinStatus: 'BLOCKED', leftTries: 0 }],
    ['SMC-B', { telematikId: '9-X', pinStatus: 'VERIFIED', iccsn: '80276883110000000042' }, { pinStatus: 'VERIFIED' }],
    [
      'SMC-B',
      { telematikId: '9-X', certificateExpires: '2020-01-01T00:00:00Z' },
      { certificateExpires: '2020-01-01T00:00:00.000Z' },
    ],
  ])('%s with %j', async (cardType, seed, shown) => {
    const { status, json } = await bench.ask('POST', '/sim/cards', { cardType, ...seed });
    expect(status).toBe(201);
    expect(json).toMatchObject({ cardType, ...shown });
    // what GET shows can be sent back
    expect((await bench.ask('PATCH', `/sim/cards/${json.iccsn}`, json)).json).toEqual(json);
  });

  test('to a terminal that came before, and taken away again', async () => {
    await bench.ask('POST', '/sim/terminals', { ctId: 'CT_2', slots: 1, place: 'remote' });
    const { json } = await bench.ask('POST', '/sim/cards', { cardType: 'EGK', ctId: 'CT_2' });
    expect((await bench.refusal('DELETE', '/sim/terminals/CT_2')).status).toBe(409);
    expect((await bench.ask('DELETE', `/sim/cards/${json.iccsn}`)).status).toBe(204);
    expect((await bench.ask('DELETE', '/sim/terminals/CT_2')).status).toBe(204);
    expect((await cards()).length).toBe(2);
    expect((await bench.ask('GET', '/sim/terminals')).json).toHaveLength(1);
  });

  test('a reset takes away what came', async () => {
    await bench.ask('POST', '/sim/cards', { cardType: 'EGK' });
    await bench.ask('POST', '/sim/reset', {});
    expect((await cards()).length).toBe(2);
  });
});

test('a terminal that is not active shows itself, and its cards are not to be read', async () => {
  const shown = await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', { active: false });
  expect(shown.json).toEqual({
    konnektor: 'k1',
    ctId: 'CT_SIM_0001',
    name: 'Kartenterminal der Simulation',
    slots: 4,
    physical: true,
    active: false,
    connected: true,
    workplaces: ['w1'],
  });
  expect(bench.world.konnektor.cards.get(bench.pki.smcb.iccsn)?.cardHandle).toBeNull();
});

test('the PUK’s uses and the person’s new ways are set as the rest', async () => {
  const changed = await bench.ask('PATCH', bench.smcb, { pukTries: 1, enteredPin: 'different' });
  expect(changed.json).toMatchObject({ pukTries: 1, enteredPin: 'different' });
});

test('conditions of a Konnektor are set one by one', async () => {
  const path = '/sim/konnektors/k1/conditions';
  const first = await bench.ask('PATCH', path, { EC_TSL_Expiring: true });
  const second = await bench.ask('PATCH', path, { EC_No_VPN_TI_Connection: true, EC_TSL_Expiring: false });
  expect([first.json.EC_TSL_Expiring, second.json.EC_TSL_Expiring, second.json.EC_No_VPN_TI_Connection]).toEqual([
    true,
    false,
    true,
  ]);
});

describe('refused', () => {
  const SMCB = { cardType: 'SMC-B', telematikId: '9-X' };
  test.each<[string, Parameters<ControlBench['ask']>, { status: number; at?: string[] }]>([
    ['a card of no kind', ['POST', '/sim/cards', {}], { status: 422, at: ['/cardType'] }],
    ['a KVK', ['POST', '/sim/cards', { cardType: 'KVK' }], { status: 422, at: ['/cardType'] }],
    ['an SMC-B of nobody', ['POST', '/sim/cards', { cardType: 'SMC-B' }], { status: 422, at: ['/telematikId'] }],
    [
      'an eGK with everything of an SMC-B',
      [
        'POST',
        '/sim/cards',
        {
          cardType: 'EGK',
          telematikId: '9-X',
          keys: 'RSA',
          certificateExpires: '2030-01-01T00:00:00Z',
          pinStatus: 'VERIFIED',
        },
      ],
      { status: 422, at: ['/certificateExpires', '/keys', '/pinStatus', '/telematikId'] },
    ],
    [
      'an HBA with a KVNR',
      ['POST', '/sim/cards', { cardType: 'HBA', kvnr: 'X110411675' }],
      { status: 422, at: ['/kvnr'] },
    ],
    [
      'a KVNR with a wrong check digit',
      ['POST', '/sim/cards', { cardType: 'EGK', kvnr: 'X110411676' }],
      { status: 422, at: ['/kvnr'] },
    ],
    [
      'a PIN of an HSM-B',
      ['POST', '/sim/cards', { cardType: 'HSM-B', telematikId: '9-X', pinStatus: 'BLOCKED' }],
      { status: 422, at: ['/pinStatus'] },
    ],
    ['a slot that is taken', ['POST', '/sim/cards', { ...SMCB, slotId: 4 }], { status: 422, at: ['/slotId'] }],
    ['a slot it does not have', ['POST', '/sim/cards', { ...SMCB, slotId: 5 }], { status: 422, at: ['/slotId'] }],
    ['a terminal nobody has', ['POST', '/sim/cards', { ...SMCB, ctId: 'CT_X' }], { status: 422, at: ['/ctId'] }],
    [
      'an HSM-B in a terminal one can touch',
      ['POST', '/sim/cards', { cardType: 'HSM-B', telematikId: '9-X', ctId: 'CT_SIM_0001' }],
      { status: 422, at: ['/ctId'] },
    ],
    [
      'a number of 19 digits',
      ['POST', '/sim/cards', { ...SMCB, iccsn: '8'.repeat(19) }],
      { status: 422, at: ['/iccsn'] },
    ],
    ['a number that is taken', ['POST', '/sim/cards', { ...SMCB, iccsn: 'OWN' }], { status: 422, at: ['/iccsn'] }],
    ['another Konnektor', ['POST', '/sim/cards', { ...SMCB, konnektor: 'k9' }], { status: 422, at: ['/konnektor'] }],
    ['an unknown member', ['POST', '/sim/cards', { ...SMCB, pin: '123456' }], { status: 422, at: ['/pin'] }],
    ['a terminal without a name', ['POST', '/sim/terminals', {}], { status: 422, at: ['/ctId'] }],
    ['a name that is taken', ['POST', '/sim/terminals', { ctId: 'CT_SIM_0001' }], { status: 422, at: ['/ctId'] }],
    [
      'everything about a terminal at once',
      ['POST', '/sim/terminals', { ctId: 'a b', slots: 0, physical: 'no', place: 'here', x: 1 }],
      { status: 422, at: ['/ctId', '/physical', '/place', '/slots', '/x'] },
    ],
    [
      'a terminal at no Konnektor',
      ['POST', '/sim/terminals', { ctId: 'CT_2', konnektor: 'k9' }],
      { status: 422, at: ['/konnektor'] },
    ],
    ['a terminal in use taken away', ['DELETE', '/sim/terminals/CT_SIM_0001'], { status: 409 }],
    ['an unknown terminal taken away', ['DELETE', '/sim/terminals/CT_X'], { status: 404 }],
    ['an unknown card taken away', ['DELETE', '/sim/cards/1'], { status: 404 }],
    ['an SMC-B moved to nowhere', ['PATCH', 'SMCB', { ctId: 'HSM_SIM_k1' }], { status: 422, at: ['/ctId'] }],
    ['eleven uses of a PUK', ['PATCH', 'SMCB', { pukTries: 11 }], { status: 422, at: ['/pukTries'] }],
    [
      'a condition nobody knows',
      ['PATCH', '/sim/konnektors/k1/conditions', { EC_X: true }],
      { status: 422, at: ['/EC_X'] },
    ],
    [
      'a condition that half holds',
      ['PATCH', '/sim/konnektors/k1/conditions', { EC_TSL_Expiring: 'half' }],
      { status: 422, at: ['/EC_TSL_Expiring'] },
    ],
    ['conditions of no Konnektor', ['PATCH', '/sim/konnektors/k9/conditions', {}], { status: 404 }],
    ['events another way', ['PATCH', '/sim/konnektors/k1', { cetp: 'udp' }], { status: 422, at: ['/cetp'] }],
  ])('%s', async (_what, [method, path, body], expected) => {
    const before = JSON.stringify((await bench.ask('GET', '/sim/state')).json);
    const given = JSON.parse(JSON.stringify(body ?? null).replace('"OWN"', `"${bench.pki.smcb.iccsn}"`));
    const { status, at } = await bench.refusal(method, path.replace('SMCB', bench.smcb), given ?? undefined);
    expect({ status, at }).toEqual({ at: [], ...expected });
    expect(JSON.stringify((await bench.ask('GET', '/sim/state')).json)).toBe(before);
  });
});
