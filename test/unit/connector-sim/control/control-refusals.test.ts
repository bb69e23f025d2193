// Refusals of the control API: faults of form and of meaning at once, each with its place, and nothing changed; dates that no
// certificate can name, PIN states that cannot be.
import { beforeEach, describe, expect, test } from 'vitest';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';

let bench: ControlBench;
beforeEach(() => {
  bench = createControlBench();
});

const state = async () => JSON.stringify((await bench.ask('GET', '/sim/state')).json);
const TOO_EARLY = '1901-01-01T00:00:00Z';
const SMCB = { cardType: 'SMC-B', telematikId: '9-X' };

test.each<[string, Parameters<ControlBench['ask']>, string[]]>([
  ['tries and terminal', ['PATCH', 'SMCB', { leftTries: 9, ctId: 'nope' }], ['/ctId', '/leftTries']],
  [
    'an unknown member, a member of another card and a contradiction',
    ['PATCH', 'SMCB', { x: 1, iccsn: '1', pinStatus: 'BLOCKED', leftTries: 2 }],
    ['/iccsn', '/leftTries', '/x'],
  ],
  [
    'terminal and KVNR of an SMC-B',
    ['POST', '/sim/cards', { ...SMCB, ctId: 'nope', kvnr: 'X110411675' }],
    ['/ctId', '/kvnr'],
  ],
  [
    'everything about an HBA',
    [
      'POST',
      '/sim/cards',
      { cardType: 'HBA', pinStatus: 'VERIFIED', telematikId: '9-X', keys: 'RSA', slotId: 99, konnektor: 'k9' },
    ],
    ['/keys', '/konnektor', '/pinStatus', '/slotId', '/telematikId'],
  ],
  [
    'a card of no kind in no terminal, of a number that is taken',
    ['POST', '/sim/cards', { cardType: 'KVK', ctId: 'nope', iccsn: 'OWN' }],
    ['/cardType', '/ctId', '/iccsn'],
  ],
  [
    'a terminal of a name that is taken, at no Konnektor, without slots',
    ['POST', '/sim/terminals', { ctId: 'CT_SIM_0001', konnektor: 'k9', slots: 0 }],
    ['/ctId', '/konnektor', '/slots'],
  ],
  [
    'a follow-up card in no terminal, ended too early',
    ['POST', 'SMCB/follow-up', { ctId: 'nope', certificateExpires: TOO_EARLY }],
    ['/certificateExpires', '/ctId'],
  ],
  [
    'a scenario whose terminals and cards do not fit',
    [
      'POST',
      '/sim/reset',
      {
        scenario: {
          terminals: [{ ctId: 'CT_SIM_0001' }, { ctId: 'CT_2', konnektor: 'k9' }],
          cards: [SMCB, { ...SMCB, slotId: 9 }, { ...SMCB, ctId: 'nope' }, { cardType: 'EGK', ctId: 'CT_2' }],
        },
      },
    ],
    ['/cards/1/slotId', '/cards/2/ctId', '/terminals/0/ctId', '/terminals/1/konnektor'],
  ],
  [
    'a scenario that names three twice',
    [
      'POST',
      '/sim/reset',
      {
        scenario: {
          insured: [
            { kvnr: 'X110411675', recordSystem: 'epa-as-1' },
            { kvnr: 'X110411675', recordSystem: 'epa-as-1' },
          ],
          cards: [{ telematikId: '9-DEMO-DIGA-0001', organization: 'X' }],
          konnektors: [{ id: 'k1' }],
          colour: 'red',
        },
      },
    ],
    ['/scenario/cards/0/telematikId', '/scenario/colour', '/scenario/insured/1/kvnr', '/scenario/konnektors/0/id'],
  ],
  ['a Konnektor on and restarted', ['PATCH', '/sim/konnektors/k1', { running: true, restart: true }], ['/restart']],
  [
    'a Konnektor on and restarted, of no vendor',
    ['PATCH', '/sim/konnektors/k1', { running: true, restart: true, profile: 'acme' }],
    ['/profile', '/restart'],
  ],
  [
    'mutual TLS without TLS, on and restarted',
    [
      'PATCH',
      '/sim/konnektors/k1',
      { transport: { tls: false, authentication: 'mtls' }, running: true, restart: true },
    ],
    ['/restart', '/transport'],
  ],
  ['a Konnektor that is there', ['POST', '/sim/konnektors', { id: 'k1' }], ['/id']],
  [
    'a Konnektor that is there, of no vendor',
    ['POST', '/sim/konnektors', { id: 'k1', profile: 'x' }],
    ['/id', '/profile'],
  ],
  ['a clock beyond the calendar', ['POST', '/sim/clock', { advance: 'P999999Y', by: 1 }], ['/advance', '/by']],
  ['a clock beyond what certificates can name', ['POST', '/sim/clock', { now: '9999-01-01T00:00:00Z' }], ['/now']],
])('%s', async (_what, [method, path, body], pointers) => {
  const before = await state();
  const given = JSON.parse(JSON.stringify(body).replace('"OWN"', `"${bench.pki.smcb.iccsn}"`));
  const { status, at } = await bench.refusal(method, path.replace('SMCB', bench.smcb), given);
  expect([status === 409 ? 422 : status, at]).toEqual([422, pointers]);
  expect(await state()).toBe(before);
});

describe('the end of a certificate', () => {
  test.each<[string, string, Record<string, unknown>, string]>([
    ['PATCH', 'SMCB', { inserted: false, pinStatus: 'BLOCKED', telematikId: '9-HALF' }, 'certificateExpires'],
    ['POST', 'SMCB/follow-up', {}, 'certificateExpires'],
    ['POST', '/sim/cards', { cardType: 'HSM-B', telematikId: '9-X' }, 'certificateExpires'],
    ['POST', '/sim/certificates/smcb-ca/renew', {}, 'notAfter'],
    ['POST', '/sim/certificates/idp-signer/renew', {}, 'notAfter'],
  ])('%s %s cannot name a moment outside the calendar of certificates', async (method, path, rest, member) => {
    const before = await state();
    for (const end of [TOO_EARLY, '0001-01-01T00:00:00Z', '1950-01-01T23:59:59Z', '9999-12-31T23:59:59-01:00']) {
      const { status, at } = await bench.refusal(method, path.replace('SMCB', bench.smcb), { ...rest, [member]: end });
      expect([status, at]).toEqual([422, [`/${member}`]]);
    }
    expect(await state()).toBe(before);
  });

  test.each(['1950-01-02T00:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])(
    '%s can be one',
    async (end) => {
      const shown = new Date(end).toISOString();
      const changed = await bench.ask('PATCH', bench.smcb, { certificateExpires: end });
      expect([changed.status, changed.json.certificateExpires]).toEqual([200, shown]);
      const added = await bench.ask('POST', '/sim/cards', {
        cardType: 'HSM-B',
        telematikId: '9-X',
        certificateExpires: end,
      });
      expect([added.status, added.json.certificateExpires]).toEqual([201, shown]);
      const renewed = await bench.ask('POST', '/sim/certificates/vau-epa-as-1/renew', { notAfter: end });
      expect([renewed.status, renewed.json.notAfter]).toEqual([200, shown]);
      expect(Date.parse(renewed.json.notBefore)).toBeLessThan(Date.parse(end));
    },
  );

  test.each(['ti-root', 'smcb-ca', 'hba-ca', 'component-ca', 'tsl-ca'])(
    '%s does not end before it begins',
    async (name) => {
      const before = (await bench.ask('GET', '/sim/certificates')).json;
      const { notBefore } = before.find((one: { name: string }) => one.name === name);
      for (const notAfter of ['2001-01-01T00:00:00Z', notBefore])
        expect(await bench.refusal('POST', `/sim/certificates/${name}/renew`, { notAfter })).toMatchObject({
          status: 422,
          at: ['/notAfter'],
        });
      expect((await bench.ask('GET', '/sim/certificates')).json).toEqual(before);
    },
  );
});

test('a fault of the simulator’s own shows no stack trace', async () => {
  const broken = createControlBench();
  broken.world.reset = () => {
    throw new TypeError('of its own');
  };
  const answer = await broken.ask('POST', '/sim/reset', {});
  expect([answer.status, answer.json.code]).toEqual([500, 'INTERNAL']);
  expect(JSON.stringify(answer.json)).not.toMatch(/of its own|\.ts:/);
});

describe('PIN states that cannot be', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ pinStatus: 'VERIFIED', leftTries: 1 }, '/leftTries'],
    [{ pinStatus: 'VERIFIED', inserted: false }, '/pinStatus'],
  ])('%j is refused', async (change, at) => {
    const before = await state();
    expect(await bench.refusal('PATCH', bench.smcb, change)).toMatchObject({ status: 422, at: [at] });
    expect(await state()).toBe(before);
  });

  test('VERIFIED of a card that cannot be read: pulled, its terminal off, moved to one that is off, or new and so', async () => {
    const refused = { status: 422, at: ['/pinStatus'] };
    await bench.ask('POST', '/sim/terminals', { ctId: 'CT_OFF', connected: false });
    const verified = { pinStatus: 'VERIFIED' };
    expect(await bench.refusal('PATCH', bench.smcb, { ...verified, ctId: 'CT_OFF' })).toMatchObject(refused);
    expect(await bench.refusal('POST', '/sim/cards', { ...SMCB, ...verified, ctId: 'CT_OFF' })).toMatchObject(refused);
    expect(await bench.refusal('POST', '/sim/cards', { ...SMCB, ...verified, inserted: false })).toMatchObject(refused);
    expect(await bench.refusal('POST', `${bench.smcb}/follow-up`, { ...verified, inserted: false })).toMatchObject(
      refused,
    );
    await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', { active: false });
    expect(await bench.refusal('PATCH', bench.smcb, verified)).toMatchObject(refused);
    await bench.ask('PATCH', '/sim/terminals/CT_SIM_0001', { active: true });
    await bench.ask('PATCH', bench.smcb, { inserted: false });
    expect(await bench.refusal('PATCH', bench.smcb, verified)).toMatchObject(refused);
    expect((await bench.ask('PATCH', bench.smcb, { ...verified, inserted: true })).json.pinStatus).toBe('VERIFIED');
  });

  test('VERIFIED gives the tries back, and a try lost ends it', async () => {
    await bench.ask('PATCH', bench.smcb, { pinStatus: 'VERIFIABLE', leftTries: 1 });
    expect((await bench.ask('PATCH', bench.smcb, { pinStatus: 'VERIFIED' })).json).toMatchObject({ leftTries: 3 });
    expect((await bench.ask('PATCH', bench.smcb, { leftTries: 2 })).json).toMatchObject({
      pinStatus: 'VERIFIABLE',
      leftTries: 2,
    });
  });
});
