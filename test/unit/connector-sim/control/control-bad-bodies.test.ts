// Every bad call of the simulator's control API: refused with all its faults at once, and nothing changed.
import { beforeEach, describe, expect, test } from 'vitest';
import { type ControlBench, createControlBench } from '../../../support/control-bench.ts';

const NEW_KVNR = 'X110411675';

let bench: ControlBench;
beforeEach(() => {
  bench = createControlBench();
});

describe('bad bodies', () => {
  test.each<[string, Parameters<ControlBench['ask']>, { status: number; code: string; at?: string[] }]>([
    ['broken JSON', ['PUT', `/sim/records/${NEW_KVNR}`, '{'], { status: 400, code: 'BODY_INVALID' }],
    [
      'another media type',
      ['POST', '/sim/clock', '{}', { 'content-type': 'text/plain' }],
      { status: 415, code: 'BODY_INVALID' },
    ],
    [
      'a KVNR with a wrong check digit',
      ['PUT', '/sim/records/X110411676', { recordSystem: 'epa-as-1' }],
      { status: 422, code: 'BODY_INVALID', at: ['/kvnr'] },
    ],
    [
      'a new record without its system',
      ['PUT', `/sim/records/${NEW_KVNR}`, {}],
      { status: 422, code: 'BODY_INVALID', at: ['/recordSystem'] },
    ],
    [
      'everything about a record at once',
      [
        'PUT',
        '/sim/records/x1',
        { recordSystem: 'epa-as-3', status: 'GONE', entitled: [''], hidden: 1, keepIds: null, extra: 1 },
      ],
      {
        status: 422,
        code: 'BODY_INVALID',
        at: ['/entitled/0', '/extra', '/hidden', '/keepIds', '/kvnr', '/recordSystem', '/status'],
      },
    ],
    ['a list as record', ['PUT', `/sim/records/${NEW_KVNR}`, []], { status: 422, code: 'BODY_INVALID', at: [''] }],
    [
      'a terminal half connected',
      ['PATCH', '/sim/terminals/CT_SIM_0001', { connected: 'half', x: 1 }],
      { status: 422, code: 'BODY_INVALID', at: ['/connected', '/x'] },
    ],
    ['an unknown terminal', ['PATCH', '/sim/terminals/CT_X', { connected: true }], { status: 404, code: 'NOT_FOUND' }],
    ['an unknown card', ['PATCH', '/sim/cards/1', {}], { status: 404, code: 'NOT_FOUND' }],
    [
      'everything about a card at once',
      [
        'PATCH',
        'SMCB',
        {
          pinStatus: 'OPEN',
          leftTries: 4,
          enteredPin: '1234',
          signDelayMs: -1,
          certificateExpires: 'soon',
          holder: 'x',
        },
      ],
      {
        status: 422,
        code: 'BODY_INVALID',
        at: ['/certificateExpires', '/enteredPin', '/holder', '/leftTries', '/pinStatus', '/signDelayMs'],
      },
    ],
    [
      'a slot another card is in',
      ['PATCH', 'SMCB', { slotId: 4 }],
      { status: 422, code: 'BODY_INVALID', at: ['/slotId'] },
    ],
    [
      'a slot the terminal does not have',
      ['PATCH', 'SMCB', { slotId: 5 }],
      { status: 422, code: 'BODY_INVALID', at: ['/slotId'] },
    ],
    [
      'a terminal nobody has',
      ['PATCH', 'SMCB', { ctId: 'CT_X' }],
      { status: 422, code: 'BODY_INVALID', at: ['/ctId'] },
    ],
    [
      'a blocked PIN with tries left',
      ['PATCH', 'SMCB', { pinStatus: 'BLOCKED', leftTries: 2 }],
      { status: 422, code: 'BODY_INVALID', at: ['/leftTries'] },
    ],
    [
      'a verified PIN without tries',
      ['PATCH', 'SMCB', { pinStatus: 'VERIFIED', leftTries: 0 }],
      { status: 422, code: 'BODY_INVALID', at: ['/leftTries'] },
    ],
    [
      'a PIN on an SMC-KT',
      ['PATCH', 'SMCKT', { pinStatus: 'VERIFIED', enteredPin: 'right' }],
      { status: 422, code: 'BODY_INVALID', at: ['/enteredPin', '/pinStatus'] },
    ],
    [
      'a fault nobody plays',
      ['POST', '/sim/faults', { at: 'x', kind: 'y', z: 1 }],
      { status: 422, code: 'BODY_INVALID', at: ['/at', '/kind', '/z'] },
    ],
    [
      'a fault at no place',
      ['POST', '/sim/faults', { at: 'x', kind: 'y' }],
      { status: 422, code: 'FAULT_UNKNOWN', at: ['/at', '/kind'] },
    ],
    ['an unknown fault removed', ['DELETE', '/sim/faults/f99'], { status: 404, code: 'NOT_FOUND' }],
    [
      'a clock that goes back',
      ['POST', '/sim/clock', { now: '2026-01-30T00:00:00Z' }],
      { status: 409, code: 'CLOCK_BACKWARD' },
    ],
    [
      'a duration that is none',
      ['POST', '/sim/clock', { advance: '90 days' }],
      { status: 422, code: 'BODY_INVALID', at: ['/advance'] },
    ],
    [
      'an empty duration',
      ['POST', '/sim/clock', { advance: 'PT' }],
      { status: 422, code: 'BODY_INVALID', at: ['/advance'] },
    ],
    [
      'a negative duration',
      ['POST', '/sim/clock', { advance: '-P1D' }],
      { status: 422, code: 'BODY_INVALID', at: ['/advance'] },
    ],
    [
      'both ways to set the clock',
      ['POST', '/sim/clock', { advance: 'P1D', now: '2027-01-01T00:00:00Z', by: 1 }],
      { status: 422, code: 'BODY_INVALID', at: ['', '/by'] },
    ],
    ['no way to set the clock', ['POST', '/sim/clock', {}], { status: 422, code: 'BODY_INVALID', at: [''] }],
    [
      'a duration that is none and an unknown member',
      ['POST', '/sim/clock', { advance: 'soon', by: 1 }],
      { status: 422, code: 'BODY_INVALID', at: ['/advance', '/by'] },
    ],
    [
      'a card whose number and type are others',
      ['PATCH', 'SMCB', { iccsn: '80276883110000000000', cardType: 'HBA', inserted: false }],
      { status: 422, code: 'BODY_INVALID', at: ['/cardType', '/iccsn'] },
    ],
    [
      'a card without what it has',
      ['PATCH', 'SMCB', { telematikId: null, pinStatus: null }],
      { status: 422, code: 'BODY_INVALID', at: ['/pinStatus', '/telematikId'] },
    ],
    [
      'a scenario with faults of its own',
      ['POST', '/sim/reset', { seed: -1, scenario: { seed: 'x', insured: [{ recordSystem: 'epa-as-3' }], steps: [] } }],
      {
        status: 422,
        code: 'BODY_INVALID',
        at: ['/scenario/insured/0/recordSystem', '/scenario/seed', '/scenario/steps', '/seed'],
      },
    ],
    ['a journal of no service', ['GET', '/sim/journal?service=nobody'], { status: 400, code: 'QUERY_INVALID' }],
    [
      'trimmed that is neither',
      ['GET', '/sim/records/KVNR/documents?trimmed=yes'],
      { status: 400, code: 'QUERY_INVALID' },
    ],
    [
      'a time without offset',
      ['POST', '/sim/clock', { now: '2027-01-01T00:00:00' }],
      { status: 422, code: 'BODY_INVALID', at: ['/now'] },
    ],
    [
      'a seed that is none',
      ['POST', '/sim/reset', { seed: 'x', other: 1 }],
      { status: 422, code: 'BODY_INVALID', at: ['/other', '/seed'] },
    ],
    [
      'a scenario that is no YAML',
      ['POST', '/sim/reset', { scenario: '{' }],
      { status: 422, code: 'BODY_INVALID', at: ['/scenario'] },
    ],
    ['an unknown query', ['GET', '/sim/journal?since=1'], { status: 400, code: 'QUERY_INVALID' }],
    ['a query twice', ['GET', '/sim/journal?after=1&after=2'], { status: 400, code: 'QUERY_INVALID' }],
    ['a journal after nothing', ['GET', '/sim/journal?after=x'], { status: 400, code: 'QUERY_INVALID' }],
    ['documents of no record', ['GET', `/sim/records/${NEW_KVNR}/documents`], { status: 404, code: 'NOT_FOUND' }],
    ['another method', ['POST', '/sim/state'], { status: 405, code: 'METHOD_NOT_ALLOWED' }],
    ['another address', ['GET', '/sim/nothing'], { status: 404, code: 'NOT_FOUND' }],
    ['a broken escape', ['GET', '/sim/records/%zz/documents'], { status: 404, code: 'NOT_FOUND' }],
  ])('%s', async (_what, [method, path, body, headers], expected) => {
    const before = JSON.stringify((await bench.ask('GET', '/sim/state')).json);
    const target = path
      .replace('KVNR', bench.world.insured[0] ?? '')
      .replace('SMCB', bench.smcb)
      .replace('SMCKT', `/sim/cards/${bench.pki.smcktIccsn}`);
    const { at, ...rest } = await bench.refusal(method, target, body, headers);
    expect({ ...rest, at }).toEqual({ at: [], ...expected });
    expect(JSON.stringify((await bench.ask('GET', '/sim/state')).json)).toBe(before);
  });

  test.each(['evil.example', 'evil.example:6006', '127.0.0.1', '127.0.0.1:6007', ''])(
    'a foreign Host %j',
    async (host) => {
      for (const path of ['/', '/sim/settings', '/sim/journal', '/sim/state']) {
        expect(await bench.refusal('GET', path, undefined, { host })).toEqual({
          status: 421,
          code: 'HOST_REFUSED',
          at: [],
        });
      }
    },
  );
});
