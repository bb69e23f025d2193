// What the one door to the outside refuses before a connection (decisions.md D18): what is not on the allow-list, what the
// allow-list cannot hold, and addresses behind a name that are not reached.
import { afterEach, describe, expect, test } from 'vitest';
import { createEgress, EgressError, type EgressOptions } from '../../../gateway/egress.ts';
import { addressAllowed } from '../../../gateway/egress-address.ts';
import {
  byAddress,
  client,
  clientRoot,
  echo,
  egressBench,
  get,
  limits,
  post,
  refusal,
} from '../../support/egress-bench.ts';

const { close, serve, egressTo, toServer } = egressBench();
afterEach(close);

describe('the allow-list', () => {
  test.each([
    ['another port', () => 'https://127.0.0.1:1/'],
    ['another host', () => 'https://example.org/'],
    ['another scheme', (origin: string) => origin.replace('https:', 'http:')],
    ['a user name in the URL', (origin: string) => origin.replace('https://', 'https://user@')],
    ['no URL', () => 'connector.sds'],
    ['a file', () => 'file:///etc/passwd'],
  ])('refuses %s without a connection', async (_name, urlOf) => {
    const server = await serve(echo);
    const { code, bytesSent } = await refusal(post(toServer(server), urlOf(server.origin)));
    expect([code, bytesSent, server.seen.connections]).toEqual(['NOT_ALLOWED', false, 0]);
  });
  test('of one purpose is not that of another', async () => {
    const server = await serve(echo);
    const request = toServer(server).request('konnektor', { url: server.origin, method: 'GET', ...limits });
    expect(await refusal(request)).toMatchObject({ code: 'NOT_ALLOWED', bytesSent: false });
    expect(server.seen.connections).toBe(0);
  });
  test('knows two entries of one origin by their id, and neither without it', async () => {
    const server = await serve(echo, { clientCa: clientRoot.certPem });
    const target = { origin: server.origin, ca: server.ca };
    const egress = egressTo([
      { ...target, id: 'with', cert: client.certPem, key: client.keyPem },
      { ...target, id: 'without' },
    ]);
    expect((await get(egress, server.origin, { target: 'with' })).status).toBe(200);
    expect((await refusal(get(egress, server.origin, { target: 'without' }))).code).toBe('TLS_UNTRUSTED');
    expect((await refusal(get(egress, server.origin))).code).toBe('NOT_ALLOWED');
    expect((await refusal(get(egress, server.origin, { target: 'third' }))).code).toBe('NOT_ALLOWED');
  });
  test.each([
    [
      'the same origin twice without ids',
      'SIM',
      [
        { origin: 'https://a.test', ca: 'x' },
        { origin: 'https://a.test/', ca: 'x' },
      ],
    ],
    ['plain http outside SIM', 'PU', [{ origin: 'http://127.0.0.1:1' }]],
    ['plain http to a host that is not this one', 'SIM', [{ origin: 'http://a.test' }]],
    ['https without trust anchors', 'SIM', [{ origin: 'https://a.test' }]],
    ['another scheme', 'SIM', [{ origin: 'ftp://a.test' }]],
    ['no origin', 'SIM', [{ origin: 'a.test' }]],
    ['a scheme without hosts', 'SIM', [{ origin: 'mailto:a@a.test' }]],
    ['a user name', 'SIM', [{ origin: 'https://user@a.test', ca: 'x' }]],
  ] as const)('cannot hold %s', (_name, environment, targets) => {
    const ca = byAddress.root.certPem;
    const real = targets.map((one) => ({ ...one, ...('ca' in one && { ca }) }));
    expect(() => createEgress({ environment, purposes: { idp: real } })).toThrow(EgressError);
  });
});

describe('the address behind a name', () => {
  const rule = (environment: EgressOptions['environment'], loopbackOnly = false) => ({ environment, loopbackOnly });

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '169.254.169.254', 'fe80::1'])(
    'is refused in PU, RU and TU when it is %s, and allowed in SIM',
    (address) => {
      for (const environment of ['PU', 'RU', 'TU'] as const)
        expect(addressAllowed(address, rule(environment))).toBe(false);
      expect(addressAllowed(address, rule('SIM'))).toBe(true);
    },
  );
  test.each(['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', 'no address'])('is never %s', (address) => {
    expect(addressAllowed(address, rule('SIM'))).toBe(false);
    expect(addressAllowed(address, rule('PU'))).toBe(false);
  });
  test.each(['10.0.0.41', '192.168.1.4', '100.102.3.4', 'fd00::4', '2001:db8::1'])(
    'may be %s everywhere',
    (address) => {
      expect(addressAllowed(address, rule('PU'))).toBe(true);
      expect(addressAllowed(address, rule('SIM', true))).toBe(false);
    },
  );
  test('is checked when connecting: localhost is refused in PU, the literal of the configuration is not', async () => {
    const server = await serve(echo);
    const named = server.origin.replace('127.0.0.1', 'localhost');
    const targets = [
      { origin: named, ca: server.ca },
      { origin: server.origin, ca: server.ca },
    ];
    const egress = egressTo(targets, 'PU');
    expect(await refusal(post(egress, named))).toMatchObject({ code: 'NOT_ALLOWED', bytesSent: false });
    expect(server.seen.connections).toBe(0);
    expect((await post(egress, server.origin)).status).toBe(200);
  });
});
