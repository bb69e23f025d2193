// Mandanten, ClientSystems, Workplaces and remote-PIN terminals by the control API and by scenario (konnektor.md 11): every fault of
// access is reached from outside, a PIN belongs to its Mandant or call context, and what dangles is told at once.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readScenario } from '../../../../connector-sim/scenario.ts';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';
import {
  type BenchOperation,
  context,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { type Ids, messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
let control: ControlBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  control = createControlBench(bench);
});
afterEach(() => bench.stop());

const CT = 'CT_SIM_0001';
const patch = async (change: Record<string, unknown>) => {
  const answer = await control.ask('PATCH', '/sim/konnektors/k1', change);
  expect(answer).toMatchObject({ status: 200 });
  return answer.json;
};
const call = (operation: BenchOperation, ids: Ids = {}) => bench.call(operation, messageOf(bench, operation, { ids }));
const outcome = async (operation: BenchOperation, ids: Ids = {}) => {
  const { soap, code } = await call(operation, ids);
  return code ?? findText(soap.body, 'PinResult') ?? findText(soap.body, 'PinStatus');
};
/** Everything about the Konnektors but their clients' files, which the bench makes anew each time. */
const shown = async () => {
  const konnektors = (await control.ask('GET', '/sim/konnektors')).json as Record<string, unknown>[];
  return konnektors.map(({ access: _files, ...rest }) => rest);
};
const w2 = [
  { id: 'w1', local: [CT] },
  { id: 'w2', local: [CT] },
];
const elsewhere = { id: 'w1', remote: [CT] };

test.each<[number, Record<string, unknown>, BenchOperation, Ids]>([
  [4004, { mandants: [{ id: 'praxis' }] }, 'GetCards', {}],
  [4009, { mandants: [{ id: 'm1', smbs: [] }] }, 'GetPinStatus', {}],
  [
    4010,
    {
      clientSystems: [{ id: 'c1' }, { id: 'c2' }],
      mandants: [{ id: 'm1', clientSystems: ['c1'] }],
      transport: { boundTo: null },
    },
    'GetCards',
    { clientSystem: 'c2' },
  ],
  [4011, { workplaces: w2, mandants: [{ id: 'm1', workplaces: ['w1'] }] }, 'GetCards', { workplace: 'w2' }],
  [4012, { mandants: [{ id: 'm1', terminals: [] }] }, 'GetPinStatus', {}],
  [
    4014,
    { workplaces: w2, clientSystems: [{ id: 'c1', workplaces: ['w1'] }], mandants: [{ id: 'm1' }] },
    'GetCards',
    { workplace: 'w2' },
  ],
  [4015, { workplaces: [{ id: 'w1' }] }, 'GetPinStatus', {}],
  [4016, { workplaces: [{ ...elsewhere, remotePinTerminal: CT }] }, 'VerifyPin', {}],
  [4053, { workplaces: [{ ...elsewhere, local: ['CT_VIRTUAL'], remotePinTerminal: 'CT_VIRTUAL' }] }, 'VerifyPin', {}],
  [4092, { workplaces: [elsewhere] }, 'VerifyPin', {}],
])('fault %i is reached by PATCH /sim/konnektors', async (code, change, operation, ids) => {
  await control.ask('POST', '/sim/terminals', { ctId: 'CT_VIRTUAL', physical: false });
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE' });
  expect(await outcome(operation, operation === 'GetCards' ? {} : ids)).not.toBe(code);
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE' });
  await patch(change);
  expect(await outcome(operation, ids)).toBe(code);
});

test('fault 4020: a terminal that no Workplace of the Mandant reaches', async () => {
  const ask = () => bench.call('GetCards', `${context()}<CARDCMN:CtId>${CT}</CARDCMN:CtId>`, ' mandant-wide="true"');
  expect((await ask()).code).toBeNull();
  await patch({ workplaces: [{ id: 'w1' }] });
  expect((await ask()).code).toBe(4020);
});

test('the PIN of a card that stands elsewhere is entered at the remote-PIN terminal', async () => {
  await control.ask('POST', '/sim/terminals', { ctId: 'CT_2', place: 'remote' });
  const { json } = await control.ask('POST', '/sim/cards', { cardType: 'SMC-B', telematikId: '9-X', ctId: 'CT_2' });
  const cardHandle = bench.world.konnektor.cards.get(json.iccsn)?.cardHandle ?? '';
  const verify = async () => {
    const { soap, code } = await bench.call('VerifyPin', messageOf(bench, 'VerifyPin', { cardHandle }));
    return findText(soap.body, 'PinResult') ?? code;
  };
  expect(await verify()).toBe(4092);
  const { workplaces } = (await control.ask('GET', '/sim/konnektors')).json[0];
  expect(workplaces).toEqual([{ id: 'w1', local: [CT], remote: ['CT_2'], remotePinTerminal: null }]);
  await patch({ workplaces: [{ ...workplaces[0], remotePinTerminal: CT }] });
  expect(await verify()).toBe('OK');
  await control.ask('DELETE', `/sim/cards/${json.iccsn}`);
  await control.ask('DELETE', '/sim/terminals/CT_2');
  expect((await control.ask('GET', '/sim/konnektors')).json[0].workplaces[0].remote).toEqual([]);
});

test('a PIN verified for one Mandant is not for another; VERIFIED is set as the first’s (D27)', async () => {
  const { mandants } = await patch({ mandants: [{ id: 'm1' }, { id: 'm2' }] });
  const all = { clientSystems: ['c1'], workplaces: ['w1'], terminals: [CT], smbs: [bench.pki.smcb.iccsn] };
  expect(mandants).toEqual([
    { id: 'm1', ...all },
    { id: 'm2', ...all },
  ]);
  const states = async () => [await outcome('GetPinStatus'), await outcome('GetPinStatus', { mandant: 'm2' })];
  expect(await states()).toEqual(['VERIFIED', 'VERIFIABLE']);
  expect(await outcome('VerifyPin', { mandant: 'm2' })).toBe('OK');
  expect(await states()).toEqual(['VERIFIED', 'VERIFIED']);
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE' });
  expect(await states()).toEqual(['VERIFIABLE', 'VERIFIABLE']);
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIED' });
  expect(await states()).toEqual(['VERIFIED', 'VERIFIABLE']);
});

test('of a KoCoBox a PIN is verified for one call context (pin-state-per-call-context)', async () => {
  await patch({
    profile: 'kocobox',
    clientSystems: [{ id: 'c1' }, { id: 'c2' }],
    mandants: [{ id: 'm1' }],
    transport: { boundTo: null },
  });
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE' });
  expect(await outcome('VerifyPin')).toBe('OK');
  const states = async () => [await outcome('GetPinStatus'), await outcome('GetPinStatus', { clientSystem: 'c2' })];
  expect(await states()).toEqual(['VERIFIED', 'VERIFIABLE']);
  await patch({ manners: { pinSession: 'mandant' } });
  await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIED' });
  expect(await states()).toEqual(['VERIFIED', 'VERIFIED']);
});

test('a card session of a Mandant that is taken away is over, also when it comes back', async () => {
  await patch({ mandants: [{ id: 'm2' }] });
  await patch({ mandants: [{ id: 'm1' }] });
  expect(await outcome('GetPinStatus')).toBe('VERIFIABLE');
});

test('what GET shows can be sent back, and a terminal tells the Workplaces where it stands', async () => {
  await patch({ workplaces: w2 });
  const { mandants, clientSystems, workplaces } = (await control.ask('GET', '/sim/konnektors')).json[0];
  expect(await patch({ mandants, clientSystems, workplaces })).toMatchObject({ mandants, clientSystems, workplaces });
  expect((await control.ask('GET', '/sim/terminals')).json[0].workplaces).toEqual(['w1', 'w2']);
});

const SCENARIO = `
mandants: [{ id: praxis, smbs: [9-DEMO-DIGA-0001] }, { id: other, smbs: [] }]
clientSystems: [{ id: pvs }]
workplaces: [{ id: empfang, local: [CT_HERE], remote: [CT_SIM_0001], remotePinTerminal: CT_HERE }]
terminals: [{ ctId: CT_HERE }]
konnektors: [{ id: site-b, mandants: [{ id: b }] }]
`;

describe('a scenario', () => {
  test('has its own model at each Konnektor; the card is verified for its first Mandant', async () => {
    const ids = { mandant: 'praxis', clientSystem: 'pvs', workplace: 'empfang' };
    for (const body of [{ scenario: SCENARIO }, {}]) {
      expect((await control.ask('POST', '/sim/reset', body)).status).toBe(200);
      expect(await outcome('GetPinStatus', ids)).toBe('VERIFIED');
      expect(await outcome('GetPinStatus')).toBe(4004);
      expect(await outcome('GetPinStatus', { ...ids, mandant: 'other' })).toBe(4009);
      await control.ask('PATCH', control.smcb, { pinStatus: 'VERIFIABLE' });
      expect(await outcome('VerifyPin', ids)).toBe('OK');
    }
    const [first, second] = (await control.ask('GET', '/sim/konnektors')).json;
    expect(first.transport.boundTo).toBe('pvs');
    expect(second).toMatchObject({ mandants: [{ id: 'b' }], clientSystems: [{ id: 'c1', workplaces: ['w1'] }] });
  });

  test('that names what is not there is told everything, and nothing has changed', async () => {
    const scenario = readScenario(SCENARIO);
    const before = await shown();
    const refused = await control.refusal('POST', '/sim/reset', {
      scenario: {
        mandants: [{ id: 'm1', workplaces: ['w9'], terminals: [CT, 'CT_9'], smbs: ['9-NOBODY'] }, { id: 'm1' }],
        clientSystems: [{ id: 'c1', workplaces: ['w1', 'w8'] }],
        workplaces: [{ id: 'w1', local: ['CT_8'], remotePinTerminal: 'CT_7' }],
        konnektors: [{ id: 'site-b', mandants: [{ id: 'b', clientSystems: ['c7'] }] }],
      },
    });
    expect(refused).toMatchObject({
      status: 422,
      at: [
        '/clientSystems/0/workplaces/1',
        '/konnektors/0/mandants/0/clientSystems/0',
        '/mandants/0/smbs/0',
        '/mandants/0/terminals/1',
        '/mandants/0/workplaces/0',
        '/mandants/1/id',
        '/workplaces/0/local/0',
        '/workplaces/0/remotePinTerminal',
      ],
    });
    expect(await shown()).toEqual(before);
    expect(scenario.model?.mandants).toHaveLength(2);
  });
});

test('mutual TLS where TLS is switched off is told beside what dangles', async () => {
  await patch({ transport: { tls: false } });
  const given = { transport: { authentication: 'mtls' }, mandants: [{ id: 'm1', workplaces: ['w9'] }] };
  expect(await control.refusal('PATCH', '/sim/konnektors/k1', given)).toMatchObject({
    status: 422,
    at: ['/mandants/0/workplaces/0', '/transport/authentication'],
  });
});

describe('refused', () => {
  test.each<[string, string, Record<string, unknown>, string[]]>([
    [
      'everything that dangles, beside what has no form',
      'PATCH',
      { mandants: [{ id: 'm1', clientSystems: ['c9'], smbs: ['80276883119999999999'] }], running: 'no' },
      ['/mandants/0/clientSystems/0', '/mandants/0/smbs/0', '/running'],
    ],
    ['a Mandant without a name', 'PATCH', { mandants: [{}] }, ['/mandants/0/id']],
    [
      'an ID too long, a member nobody knows',
      'PATCH',
      { workplaces: [{ id: 'w'.repeat(65), x: 1 }] },
      ['/workplaces/0/id', '/workplaces/0/x'],
    ],
    ['no Mandant at all', 'PATCH', { mandants: [] }, ['/mandants']],
    [
      'the ClientSystem of clients and Mandant gone',
      'PATCH',
      { clientSystems: [{ id: 'c2' }] },
      ['/clientSystems', '/clientSystems'],
    ],
    ['clients of a ClientSystem nobody has', 'PATCH', { transport: { boundTo: 'c9' } }, ['/transport/boundTo']],
    [
      'a terminal both here and elsewhere',
      'PATCH',
      { workplaces: [{ id: 'w1', local: [CT], remote: [CT] }] },
      ['/workplaces/0/remote/0'],
    ],
    ['a card that is no SM-B', 'PATCH', { mandants: [{ id: 'm1', smbs: ['SMCKT'] }] }, ['/mandants/0/smbs/0']],
    [
      'a new Konnektor whose model dangles',
      'POST',
      { mandants: [{ id: 'm1', terminals: [CT] }] },
      ['/mandants/0/terminals/0'],
    ],
    ['a new Konnektor whose clients are nobody’s', 'POST', { transport: { boundTo: 'c9' } }, ['/transport/boundTo']],
  ])('%s', async (_what, method, body, pointers) => {
    const before = await shown();
    const given = JSON.parse(JSON.stringify(body).replace('SMCKT', bench.pki.smcktIccsn));
    const path = method === 'POST' ? '/sim/konnektors' : '/sim/konnektors/k1';
    const { status, at } = await control.refusal(method, path, given);
    expect([status, at]).toEqual([422, pointers]);
    expect(await shown()).toEqual(before);
  });
});

test('a new Konnektor has the model it is given, and its terminal a name that is free', async () => {
  await control.ask('POST', '/sim/terminals', { ctId: 'CT_SIM_0002' });
  const { status, json } = await control.ask('POST', '/sim/konnektors', {
    mandants: [{ id: 'a' }, { id: 'b', smbs: [] }],
    clientSystems: [{ id: 'pvs' }],
    // what is not said of the transport stays as the model has it
    transport: { refusedAs: 'status' },
  });
  expect([status, json.terminals, json.transport.boundTo]).toEqual([201, ['CT_SIM_0003'], 'pvs']);
  expect(json.mandants).toMatchObject([
    { id: 'a', clientSystems: ['pvs'], terminals: ['CT_SIM_0003'] },
    { id: 'b', smbs: [] },
  ]);
  const names = (await control.ask('GET', '/sim/terminals')).json.map((one: { ctId: string }) => one.ctId);
  expect(new Set(names).size).toBe(names.length);
});
