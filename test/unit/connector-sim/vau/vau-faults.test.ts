// Faults at `vau.handshake` and `vau.data`: each breaks exactly the one check of a client that docs/faults.md names.
import { describe, expect, test } from 'vitest';
import { isNetworkFault, losesAnswer } from '../../../../connector-sim/network-faults.ts';
import { FRAME_BREAKS } from '../../../../connector-sim/tables/frame-breaks.ts';
import { cborBytes, cborText, decodeCborMap } from '../../../../wire/cbor.ts';
import { parseResponse } from '../../../../wire/http-message.ts';
import { bytesOf, createTestSim } from '../../../support/sim-services.ts';
import { finishHandshake, openChannel, startHandshake } from '../../../support/vau-test-client.ts';
import { errorOf, failedChecks, innerGet } from '../../../support/vau-test-judge.ts';
import { codeOf } from '../../../support/wire-error.ts';

describe('faults', () => {
  test.each([
    ['wrong-signature', { what: 'keys' }],
    ['wrong-signature', { what: 'der' }],
    ['wrong-signature', { what: 'ocsp' }],
    ['wrong-key', { what: 'signed-curve' }],
    ['wrong-key', { what: 'crv' }],
    ['wrong-key', { what: 'kyber' }],
    ['wrong-key', { what: 'kyber-length' }],
    ['wrong-certificate', { which: 'role' }],
    ['wrong-certificate', { which: 'root' }],
    ['wrong-certificate', { which: 'expired' }],
    ['wrong-certificate', { which: 'key-usage' }],
    ['wrong-certificate', { which: 'foreign' }],
    ['wrong-certificate', { which: 'hash' }],
    ['wrong-claim', { what: 'future' }],
    ['wrong-claim', { what: 'life' }],
    ['wrong-claim', { what: 'no-exp' }],
    ['wrong-ocsp', { what: 'responder' }],
    ['wrong-ocsp', { what: 'other-certificate' }],
    ['wrong-ocsp', { what: 'cert-hash' }],
    ['wrong-ocsp', { what: 'no-cert-hash' }],
    ['wrong-ocsp', { what: 'unreadable' }],
    ['revoked', {}],
    ['revoked', { what: 'unknown' }],
    ['stale', {}],
    ['stale', { what: 'future' }],
    ['expired', {}],
    ['wrong-certificate', { which: 'genuine-idp' }],
  ])('%s %o at vau.handshake breaks exactly one check of the server keys', async (kind, params) => {
    const sim = createTestSim();
    sim.faults.add({ at: 'vau.handshake', kind, params, times: 1 });
    const { signed } = await startHandshake(sim.recordSystem);
    const failed = await failedChecks(sim, signed);
    expect(failed).toEqual([expectedFailure(kind, params)]);
    expect(await failedChecks(sim, (await startHandshake(sim.recordSystem)).signed)).toEqual([]);
  });

  test('also breaks as many checks as it names', async () => {
    const sim = createTestSim();
    const also = [
      { kind: 'revoked' },
      { kind: 'wrong-certificate', which: 'role' },
      { kind: 'wrong-key', what: 'kyber' },
    ];
    sim.faults.add({ at: 'vau.handshake', kind: 'wrong-signature', params: { also }, times: 1 });
    const { signed } = await startHandshake(sim.recordSystem);
    expect((await failedChecks(sim, signed)).sort()).toEqual(['keys', 'ocsp', 'role', 'signature']);
  });

  test('other-vau shows genuine keys of another that pass every check, and cannot confirm them', async () => {
    const sim = createTestSim();
    const add = (times: number) =>
      sim.faults.add({ at: 'vau.handshake', kind: 'wrong-certificate', params: { which: 'other-vau' }, times });
    add(1);
    expect(await failedChecks(sim, (await startHandshake(sim.recordSystem)).signed)).toEqual([]);
    add(1);
    await expect(openChannel(sim.recordSystem)).rejects.toMatchObject({ code: 'VAU_AEAD' });
  });

  test('replay sends the answer of before once more', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const send = async () => bytesOf(await channel.send(await channel.frame(innerGet('/VAU-Status'))));
    const first = await send();
    sim.faults.add({ at: 'vau.data', kind: 'wrong-frame', params: { what: 'replay' }, times: 1 });
    expect(Buffer.from(await send()).equals(first)).toBe(true);
    expect(Buffer.from(await send()).equals(first)).toBe(false);
  });

  test('wrong-key curve, ml-kem and aead break M2, m4 and m4-key break M4', async () => {
    const sim = createTestSim();
    for (const what of ['curve', 'ml-kem', 'aead']) {
      sim.faults.add({ at: 'vau.handshake', kind: 'wrong-key', params: { what }, times: 1 });
      await expect(startHandshake(sim.recordSystem)).rejects.toThrow();
    }
    sim.faults.add({ at: 'vau.handshake', kind: 'wrong-key', params: { what: 'm4' }, times: 1 });
    expect((await openChannel(sim.recordSystem)).confirmed).toBe(false);
    sim.faults.add({ at: 'vau.handshake', kind: 'wrong-key', params: { what: 'm4-key' }, times: 1 });
    await expect(openChannel(sim.recordSystem)).rejects.toMatchObject({ code: 'VAU_AEAD' });
  });

  test.each(['chars', 'long', 'url', 'relative', 'query', 'missing'])(
    'wrong-cid %s gives a VAU-CID outside the form',
    async (what) => {
      const sim = createTestSim();
      sim.faults.add({ at: 'vau.handshake', kind: 'wrong-cid', params: { what }, times: 1 });
      expect((await startHandshake(sim.recordSystem)).cid).not.toMatch(/^\/[A-Za-z0-9-/]{1,199}$/);
    },
  );

  test.each(FRAME_BREAKS.map((what) => [what]))(
    'wrong-frame %s at vau.data breaks one check of the answer',
    async (what) => {
      const sim = createTestSim();
      const channel = await openChannel(sim.recordSystem);
      sim.faults.add({ at: 'vau.data', kind: 'wrong-frame', params: { what }, times: 1 });
      const counter = channel.nextCounter();
      const message = innerGet('/VAU-Status');
      const frame = Buffer.from(bytesOf(await channel.send(await channel.frame(message, counter))));
      const seen: string[] = [];
      if (frame.length < 72) seen.push('short');
      if (frame[0] !== 2) seen.push('version');
      if (frame[1] !== 0) seen.push('pu');
      if (frame[2] !== 2) seen.push('type');
      if (frame.length > 72 && frame.readBigUInt64BE(3) !== counter) seen.push('counter');
      if (Buffer.compare(frame.subarray(11, 43), channel.k2.KeyID) !== 0) seen.push('key-id');
      const opened = what === 'version' || what === 'short' ? 'nothing thrown' : codeOf(() => channel.open(frame));
      if (opened !== 'nothing thrown') seen.push('aead');
      else if (what === 'inner-http' && codeOf(() => parseResponse(channel.open(frame))) !== 'nothing thrown')
        seen.push('inner-http');
      const expected = { ciphertext: 'aead', key: 'aead', replay: 'counter' } as Record<string, string>;
      expect(seen).toEqual([expected[what] ?? what]);
    },
  );

  test('restart at vau.data answers Restart with our KeyID and forgets every channel', async () => {
    const sim = createTestSim();
    const [one, two] = [await openChannel(sim.recordSystem), await openChannel(sim.recordSystem)];
    sim.faults.add({ at: 'vau.data', kind: 'restart', times: 1 });
    const map = decodeCborMap(bytesOf(await one.send(await one.frame(Buffer.from('x')))));
    expect(cborText(map, 'MessageType')).toBe('Restart');
    expect(Buffer.compare(cborBytes(map, 'KeyID'), one.k2.KeyID)).toBe(0);
    expect(errorOf(await two.send(await two.frame(Buffer.from('x'))))).toMatchObject({ code: 9 });
  });

  test('a foreign Restart at vau.data names another KeyID and forgets nothing', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'vau.data', kind: 'restart', params: { what: 'foreign' }, times: 1 });
    const map = decodeCborMap(bytesOf(await channel.send(await channel.frame(Buffer.from('x')))));
    expect(Buffer.compare(cborBytes(map, 'KeyID'), channel.k2.KeyID)).not.toBe(0);
    expect((await channel.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
  });

  test('drop-channel forgets this channel alone, before it acts', async () => {
    const sim = createTestSim();
    const [one, two] = [await openChannel(sim.recordSystem), await openChannel(sim.recordSystem)];
    sim.faults.add({ at: 'vau.data', kind: 'drop-channel', times: 1 });
    const answer = await one.send(await one.frame(innerGet('/VAU-Status')));
    expect(errorOf(answer)).toEqual({ http: 403, code: 9, rule: 'fault' });
    expect(answer.inner).toBe(undefined);
    expect(errorOf(await one.send(await one.frame(innerGet('/VAU-Status'))))).toMatchObject({
      rule: 'vau.unknown-cid',
    });
    expect((await two.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
  });

  test('drop-channel after has acted, and what it answered is lost', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'vau.data', kind: 'drop-channel', params: { when: 'after' }, times: 1 });
    const answer = await channel.send(await channel.frame(innerGet('/epa/authz/v1/getNonce')));
    expect(errorOf(answer)).toMatchObject({ code: 9, rule: 'fault' });
    expect(answer.inner).toMatchObject([{ operation: 'getNonce', response: null }]);
    expect(errorOf(await channel.send(await channel.frame(innerGet('/VAU-Status'))))).toMatchObject({ code: 9 });
  });

  test('drop-channel that cuts leaves the answer to the connection', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    sim.faults.add({ at: 'vau.data', kind: 'drop-channel', params: { answer: 'cut' }, times: 1 });
    const { fault } = await channel.send(await channel.frame(innerGet('/VAU-Status')));
    expect([isNetworkFault(fault), losesAnswer(fault)]).toEqual([true, true]);
    expect(isNetworkFault({ id: 'f', at: 'vau.data', kind: 'drop-channel' })).toBe(false);
  });

  test('cbor-error answers the error that is asked for', async () => {
    const sim = createTestSim();
    sim.faults.add({ at: 'vau.handshake', kind: 'cbor-error', params: { code: 4 }, times: 1 });
    await expect(startHandshake(sim.recordSystem)).rejects.toMatchObject({ answer: { status: 403, rule: 'fault' } });
  });

  test('cbor-error and restart at vau.m3 strike the second message, and the channel is none', async () => {
    const sim = createTestSim();
    sim.faults.add({ at: 'vau.m3', kind: 'cbor-error', params: { code: 5 }, times: 1 });
    const started = await startHandshake(sim.recordSystem);
    await expect(finishHandshake(sim.recordSystem, started)).rejects.toMatchObject({ answer: { status: 403 } });
    await expect(finishHandshake(sim.recordSystem, started)).rejects.toMatchObject({
      answer: { rule: 'vau.unknown-cid' },
    });
    sim.faults.add({ at: 'vau.m3', kind: 'restart', times: 1 });
    await expect(openChannel(sim.recordSystem)).rejects.toMatchObject({ code: 'CBOR_MISSING' });
    expect((await openChannel(sim.recordSystem)).confirmed).toBe(true);
  });

  test('http-status at vau.status stands inside the frame, with its headers', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const params = { status: 503, headers: { 'Retry-After': '30' } };
    sim.faults.add({ at: 'vau.status', kind: 'http-status', params, times: 1 });
    const { outer, response } = await channel.exchange({ path: '/VAU-Status' });
    expect([outer.status, response.status]).toEqual([200, 503]);
    expect(response.headers.find(([name]) => name === 'Retry-After')).toEqual(['Retry-After', '30']);
    expect((await channel.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
  });

  test('drop-request at vau.data loses the request before it acts, drop-response after', async () => {
    const sim = createTestSim();
    const channel = await openChannel(sim.recordSystem);
    const nonce = () => innerGet('/epa/authz/v1/getNonce');
    sim.faults.add({ at: 'vau.data', kind: 'drop-request', times: 1 });
    expect((await channel.send(await channel.frame(nonce()))).inner?.[0]?.response).toBe(null);
    sim.faults.add({ at: 'vau.data', kind: 'drop-response', times: 1 });
    const answer = await channel.send(await channel.frame(nonce()));
    expect(answer.fault?.kind).toBe('drop-response');
    expect(answer.inner?.[0]?.response?.status).toBe(200);
  });
});

function expectedFailure(kind: string, params: { what?: string; which?: string }): string {
  if (kind === 'wrong-signature') return params.what === 'ocsp' ? 'ocsp' : 'signature';
  if (kind === 'wrong-certificate' && params.which === 'key-usage') return 'usage';
  if (kind === 'wrong-claim') return params.what === 'no-exp' ? 'expiry' : 'life';
  if (kind === 'wrong-certificate')
    return { role: 'role', 'genuine-idp': 'role', hash: 'hash' }[params.which ?? ''] ?? 'chain';
  const others: Record<string, string> = { 'wrong-key': 'keys', expired: 'expiry' };
  return others[kind] ?? 'ocsp';
}
