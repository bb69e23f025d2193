// Faults switched on at the Konnektor (TST-02): every gematik code of konnektor.md section 4 at every operation, and what else an
// answer may suffer; the operation itself is not carried out where the fault strikes before it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FAULT_POINTS } from '../../../../connector-sim/tables/fault-points.ts';
import { KONNEKTOR_ERRORS } from '../../../../connector-sim/tables/konnektor-errors.ts';
import {
  BENCH_OPERATIONS,
  context,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

/** As the reference lists them, generic ones of gemSpec_OM included. */
const CODES = [
  1, 2, 3, 4, 101, 102, 103, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4014, 4015,
  4016, 4018, 4020, 4021, 4032, 4039, 4040, 4041, 4043, 4044, 4045, 4047, 4048, 4049, 4050, 4051, 4052, 4053, 4058,
  4060, 4063, 4064, 4065, 4066, 4067, 4068, 4071, 4072, 4085, 4092, 4093, 4094, 4095, 4097, 4101, 4110, 4111, 4118,
  4126, 4169, 4174, 4192, 4202, 4203, 4204, 4209, 4221, 4222, 4278, 4288,
];

let bench: KonnektorBench;
beforeAll(async () => {
  bench = await startKonnektorBench();
});
afterAll(() => bench.stop());
beforeEach(() => {
  bench.faults.clear();
});

test('the table knows every code of the reference', () => {
  expect(CODES.filter((code) => KONNEKTOR_ERRORS[code] === undefined)).toEqual([]);
});

test('every operation of the Konnektor has its place for faults, and each place is seen here', () => {
  const places = Object.keys(FAULT_POINTS).filter(
    (at) => FAULT_POINTS[at]?.includes('soap-fault') && at.startsWith('konnektor.'),
  );
  expect(places.toSorted()).toEqual(BENCH_OPERATIONS.map((name) => `konnektor.${name}`).toSorted());
});

describe('faults switched on', () => {
  test('soap-fault answers the code asked for, once, without acting', async () => {
    bench.faults.add({ at: 'konnektor.GetCards', kind: 'soap-fault', times: 1, params: { code: 4002 } });
    expect((await bench.call('GetCards', context())).code).toBe(4002);
    expect((await bench.call('GetCards', context())).code).toBeNull();
  });

  test('a fault with HTTP 200 is still a fault', async () => {
    bench.faults.add({ at: 'konnektor.GetCards', kind: 'soap-fault', params: { code: 4040, status: 200 } });
    const answer = await bench.call('GetCards', context());
    expect([answer.status, answer.code]).toEqual([200, 4040]);
  });

  test('match by ICCSN strikes that card only', async () => {
    const pin = (h: string) =>
      `${context()}<CONN:CardHandle>${h}</CONN:CardHandle><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
    bench.faults.add({
      at: 'konnektor.GetPinStatus',
      kind: 'soap-fault',
      params: { code: 4045 },
      match: { iccsn: bench.pki.smcktIccsn },
    });
    const kt = bench.world.konnektor.cards.get(bench.pki.smcktIccsn)?.cardHandle ?? '';
    expect((await bench.call('GetPinStatus', pin(kt))).code).toBe(4045);
    expect((await bench.call('GetPinStatus', pin(bench.cardHandle()))).code).toBeNull();
  });

  test('http-status answers an HTML page', async () => {
    bench.faults.add({ at: 'konnektor.connector.sds', kind: 'http-status', times: 1, params: { status: 503 } });
    const first = await bench.raw('/connector.sds', { method: 'GET' });
    const second = await bench.raw('/connector.sds', { method: 'GET' });
    expect([first.status, second.status]).toEqual([503, 200]);
  });
});

const state = () =>
  JSON.stringify(
    [...bench.world.konnektor.cards.values()].map((c) => [c.cardHandle, c.inserted, c.leftTries, [...c.verifiedFor]]),
  );

describe.each(BENCH_OPERATIONS)('%s', (operation) => {
  const at = `konnektor.${operation}`;
  const call = () => bench.call(operation, messageOf(bench, operation));
  const http = async () => {
    const headers = { 'content-type': 'text/xml; charset=utf-8', soapaction: bench.soapAction(operation) };
    return bench.raw(bench.path(operation), { headers, body: bench.envelope(operation, messageOf(bench, operation)) });
  };

  test('each code is answered as a fault, and nothing is done', async () => {
    const before = state();
    for (const code of CODES) {
      bench.faults.add({ at, kind: 'soap-fault', times: 1, params: { code } });
      const answer = await call();
      expect([answer.status, answer.code, findText(answer.soap.fault?.detail[0], 'ErrorText')]).toEqual([
        500,
        code,
        KONNEKTOR_ERRORS[code]?.text,
      ]);
    }
    expect(state()).toBe(before);
  });

  test('with another HTTP status and a code of the vendor before gematik’s', async () => {
    bench.faults.add({ at, kind: 'soap-fault', times: 1, params: { code: 4045, status: 200, vendorCode: 10_815 } });
    const answer = await call();
    const codes = answer.soap.fault?.detail[0]?.children
      .filter((e) => e.name === 'Trace')
      .map((e) => findText(e, 'Code'));
    expect([answer.status, codes]).toEqual([200, ['10815', '4045']]);
  });

  test('an HTML page with 200 or 503, half the XML, noise in its place', async () => {
    const before = state();
    for (const status of [200, 503]) {
      bench.faults.add({ at, kind: 'http-status', times: 1, params: { status } });
      expect(await http()).toEqual({ status, text: '<html><body>simulated</body></html>' });
    }
    expect(state()).toBe(before);
    for (const kind of ['truncate', 'garbage']) {
      bench.faults.add({ at, kind, times: 1, params: { inBody: true } });
      const { text } = await http();
      expect([kind, text.length > 0, text.endsWith('Envelope>')]).toEqual([kind, true, false]);
    }
  });

  test.each(['drop-request', 'reset-request', 'drop-response', 'reset', 'truncate', 'garbage'])(
    '%s ends the connection',
    async (kind) => {
      bench.faults.add({ at, kind, times: 1 });
      await expect(http()).rejects.toThrow();
    },
  );

  test('delay answers, later', async () => {
    bench.faults.add({ at, kind: 'delay', times: 1, params: { ms: 1 } });
    expect([200, 500]).toContain((await call()).status);
    expect(bench.faults.list()).toEqual([]);
  });
});
