// Data frames and inner requests at the simulator's VAU: each rule of A_24628-01 broken alone (epa-record-system.md 1.5, 1.6).
import { describe, expect, test } from 'vitest';
import { parseResponse } from '../../../../wire/http-message.ts';
import { AGENT, ask, bytesOf, createTestSim, jsonOf } from '../../../support/sim-services.ts';
import { openChannel } from '../../../support/vau-test-client.ts';
import { DAY, errorOf, innerGet } from '../../../support/vau-test-judge.ts';
import { flipped } from '../../../support/wire-error.ts';

const status = { path: '/VAU-Status' };

describe('data frames', () => {
  const message = (): Uint8Array => innerGet('/VAU-Status');

  test('echo the request counter, whatever it starts with', async () => {
    const channel = await openChannel(createTestSim().recordSystem);
    const answer = bytesOf(await channel.send(await channel.frame(message(), 0n)));
    expect(parseResponse(channel.open(answer)).status).toBe(200);
    expect(Buffer.from(answer).readBigUInt64BE(3)).toBe(0n);
  });

  test('of record system 2 carry no inner Content-Length', async () => {
    const channel = await openChannel(createTestSim().otherSystem);
    const { response } = await channel.exchange(status);
    expect(response.headers.map(([name]) => name.toLowerCase())).not.toContain('content-length');
  });

  const change = (at: number, value: number) => (frame: Uint8Array) => {
    const copy = Uint8Array.from(frame);
    copy[at] = value;
    return copy;
  };
  const broken: [what: string, edit: (frame: Uint8Array) => Uint8Array, http: number, code: number, rule: string][] = [
    ['version 1', change(0, 1), 400, 6, 'vau.frame-version'],
    ['the PU flag', change(1, 1), 403, 4, 'vau.frame-pu'],
    ['an unknown PU byte', change(1, 2), 403, 4, 'vau.frame-pu'],
    ['the type of a response', change(2, 2), 403, 7, 'vau.frame-type'],
    ['another KeyID', (f) => flipped(f, 11), 403, 8, 'vau.frame-key-id'],
    ['a changed counter', (f) => flipped(f, 10), 403, 3, 'vau.frame-aead'],
    ['a flipped ciphertext', (f) => flipped(f, 60), 403, 3, 'vau.frame-aead'],
    ['a flipped tag', (f) => flipped(f, -1), 403, 3, 'vau.frame-aead'],
    ['71 bytes', (f) => f.subarray(0, 71), 400, 6, 'vau.frame-length'],
  ];
  test.each(broken)('with %s are refused', async (_what, edit, http, code, rule) => {
    const channel = await openChannel(createTestSim().recordSystem);
    expect(errorOf(await channel.send(edit(await channel.frame(message()))))).toEqual({ http, code, rule });
  });

  test('are refused with a counter used before, with content that is no HTTP, and at an unknown VAU-CID', async () => {
    const channel = await openChannel(createTestSim().recordSystem);
    await channel.send(await channel.frame(message(), 5n));
    expect(errorOf(await channel.send(await channel.frame(message(), 5n)))).toEqual({
      http: 500,
      code: 0,
      rule: 'vau.frame-counter',
    });
    expect(errorOf(await channel.send(await channel.frame(Buffer.from('hello'), 6n)))).toEqual({
      http: 400,
      code: 1,
      rule: 'vau.inner-http',
    });
    const { service } = channel;
    const headers: [string, string][] = [
      ['Content-Type', 'application/octet-stream'],
      ['x-useragent', AGENT],
    ];
    const unknown = await ask(service, {
      method: 'POST',
      url: '/c-1/unknown',
      headers,
      body: await channel.frame(message(), 7n),
    });
    expect(errorOf(unknown)).toEqual({ http: 403, code: 9, rule: 'vau.unknown-cid' });
  });

  test('are refused with an IV used before: under one key it would give the plaintext away', async () => {
    const channel = await openChannel(createTestSim().recordSystem);
    const iv = Buffer.alloc(12, 7);
    await channel.send(await channel.frame(message(), 1n, { iv }));
    const answer = await channel.send(await channel.frame(message(), 2n, { iv }));
    expect(errorOf(answer)).toEqual({ http: 500, code: 0, rule: 'vau.frame-iv' });
  });

  test('may overtake each other: a lower counter that was not used yet is taken, once', async () => {
    const channel = await openChannel(createTestSim().recordSystem);
    for (const counter of [7n, 6n]) {
      const answer = bytesOf(await channel.send(await channel.frame(message(), counter)));
      expect(Buffer.from(answer).readBigUInt64BE(3)).toBe(counter);
    }
    expect(errorOf(await channel.send(await channel.frame(message(), 6n)))).toMatchObject({
      rule: 'vau.frame-counter',
    });
  });

  test.each([
    ['/VAU/some-other-instance', 'application/octet-stream'],
    ['/a//B', 'application/cbor'],
  ])('at %s, which is nobody’s VAU-CID, are error 9', async (url, type) => {
    const { recordSystem } = createTestSim();
    const headers: [string, string][] = [
      ['Content-Type', type],
      ['x-useragent', AGENT],
    ];
    const answer = await ask(recordSystem, { method: 'POST', url, headers, body: Buffer.alloc(80, 2) });
    expect(errorOf(answer)).toEqual({ http: 403, code: 9, rule: 'vau.unknown-cid' });
  });

  test('are no longer taken after 24 h or a reset of the world', async () => {
    const sim = createTestSim();
    const old = await openChannel(sim.recordSystem);
    sim.advance(DAY + 1);
    expect(errorOf(await old.send(await old.frame(message())))).toMatchObject({ code: 9 });
    const young = await openChannel(sim.recordSystem);
    sim.world.reset();
    expect(errorOf(await young.send(await young.frame(message())))).toMatchObject({ code: 9 });
  });
});

describe('inner requests', () => {
  test('without Host are refused with 400', async () => {
    const channel = await openChannel(createTestSim().recordSystem);
    const message = Buffer.from(`GET /VAU-Status HTTP/1.1\r\nx-useragent: ${AGENT}\r\nContent-Length: 0\r\n\r\n`);
    const { inner } = await channel.send(await channel.frame(message));
    expect(inner?.[0]).toMatchObject({ rule: 'inner.host', response: { status: 400 } });
  });

  test.each([
    ['an unknown path', { path: '/epa/unknown' }, 404, 'inner.path'],
    ['another method', { path: '/VAU-Status', method: 'POST' }, 405, 'inner.method'],
    [
      'no x-useragent of the form',
      { path: '/VAU-Status', headers: [['x-useragent', 'curl']] as [string, string][] },
      400,
      'inner.useragent',
    ],
    [
      'an entitlement operation without login',
      { path: '/epa/basic/api/v1/ps/entitlements', method: 'POST' },
      403,
      'inner.session',
    ],
  ])('with %s are refused in JSON', async (_what, request, code, expectedRule) => {
    const channel = await openChannel(createTestSim().recordSystem);
    const { response, rule } = await channel.exchange(request);
    expect({ status: response.status, rule }).toEqual({ status: code, rule: expectedRule });
    expect(jsonOf(response)).toHaveProperty('errorCode');
  });
});
