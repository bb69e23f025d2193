// The handshake of the simulator's VAU, against a peer that shares no code with it, and every refusal of M1 and M3 (A_24635;
// epa-record-system.md 1.2–1.4, 1.7).
import { describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../../../../connector-sim/http-server.ts';
import { type CborMap, type CborValue, cborBytes, cborText, cborUint } from '../../../../wire/cbor.ts';
import { parseResponse } from '../../../../wire/http-message.ts';
import { createPeerClient } from '../../../support/kyber-peer.ts';
import { AGENT, ask, bytesOf, createTestSim, jsonOf, type TestSim } from '../../../support/sim-services.ts';
import { type Edits, finishHandshake, HandshakeRefused, startHandshake } from '../../../support/vau-test-client.ts';
import { errorOf, failedChecks, innerGet } from '../../../support/vau-test-judge.ts';
import { flipped } from '../../../support/wire-error.ts';

async function refused(sim: TestSim, edits: Edits): Promise<HttpAnswer> {
  try {
    await finishHandshake(sim.recordSystem, await startHandshake(sim.recordSystem, edits), edits);
  } catch (error) {
    if (error instanceof HandshakeRefused) return error.answer;
    throw error;
  }
  throw new Error('nothing was refused');
}

const bytesAt = (map: CborMap, name: string): CborValue => map[name] ?? null;

describe('handshake', () => {
  const peer = (sim: TestSim, scheme: 'kyber768-round3' | 'ml-kem-768') =>
    createPeerClient({
      scheme,
      post: async (url, body, type) => {
        const headers: [string, string][] = [
          ['Content-Type', type],
          ['x-useragent', AGENT],
        ];
        const answer = await ask(sim.recordSystem, { method: 'POST', url, headers, body });
        const named = Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value]));
        return { status: answer.status, headers: named, body: bytesOf(answer) };
      },
    });

  test('and a request complete against a peer of crystals-kyber that shares no code with the simulator', async () => {
    const client = await peer(createTestSim(), 'kyber768-round3');
    const response = parseResponse(await client.request(innerGet('/VAU-Status')));
    expect(jsonOf(response)).toMatchObject({
      'User-Authentication': 'None',
      KeyID: Buffer.from(client.channel.KeyID).toString('hex'),
    });
  });

  test('fails against a peer with bare ML-KEM', async () => {
    await expect(peer(createTestSim(), 'ml-kem-768')).rejects.toThrow();
    await expect(startHandshake(createTestSim().recordSystem, { bareMlKem: true })).rejects.toMatchObject({
      code: 'VAU_AEAD',
    });
  });

  test('gives VAU-CIDs of the allowed form, different by seed', async () => {
    const cids = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (seed) => (await startHandshake(createTestSim({ seed }).recordSystem)).cid),
    );
    for (const cid of cids) expect(cid).toMatch(/^\/[A-Za-z0-9-/]{1,199}$/);
    expect(new Set(cids.map((cid) => cid.replace(/[0-9a-fA-F]{32,}$/, ''))).size).toBeGreaterThan(1);
  });

  test('shows keys that pass every check of a client, signed for thirty days', async () => {
    const sim = createTestSim();
    const { signed } = await startHandshake(sim.recordSystem);
    expect(await failedChecks(sim, signed)).toEqual([]);
    expect(cborBytes(signed.map, 'cert_hash')).toHaveLength(32);
    expect(cborUint(signed.publicKeys, 'exp') - cborUint(signed.publicKeys, 'iat')).toBe(30 * 86_400);
    expect(cborText(signed.publicKeys, 'comment')).not.toBe('');
  });

  test('answers a path of CertData it never named with 404', async () => {
    const answer = await ask(createTestSim().recordSystem, { url: `/CertData.${'0'.repeat(64)}-1` });
    expect(answer).toMatchObject({ status: 404, rule: 'certdata.unknown' });
  });

  const point = (map: CborMap, change: CborMap): CborMap => ({
    ...map,
    ECDH_PK: { ...(map.ECDH_PK as CborMap), ...change },
  });
  const refusals: [what: string, edits: Edits, http: number, code: number, rule: string][] = [
    ['M1 without the ECDH key', { m1: ({ ECDH_PK: _, ...rest }) => rest }, 400, 2, 'vau.m1-missing'],
    ['M1 without the Kyber key', { m1: ({ Kyber768_PK: _, ...rest }) => rest }, 400, 2, 'vau.m1-missing'],
    ['M1 of another message type', { m1: (m) => ({ ...m, MessageType: 'M3' }) }, 400, 2, 'vau.message-type'],
    ['M1 with another curve name', { m1: (m) => point(m, { crv: 'brainpoolP256r1' }) }, 400, 10, 'vau.m1-keys'],
    [
      'M1 with a point off the curve',
      { m1: (m) => point(m, { x: new Uint8Array(32).fill(7) }) },
      400,
      10,
      'vau.m1-keys',
    ],
    ['M1 with a short coordinate', { m1: (m) => point(m, { x: new Uint8Array(31) }) }, 400, 10, 'vau.m1-keys'],
    [
      'M1 with a Kyber key beyond the modulus',
      { m1: (m) => ({ ...m, Kyber768_PK: new Uint8Array(1184).fill(255) }) },
      400,
      10,
      'vau.m1-keys',
    ],
    ['M1 with a short Kyber key', { m1: (m) => ({ ...m, Kyber768_PK: new Uint8Array(1183) }) }, 400, 10, 'vau.m1-keys'],
    [
      'M3 without key confirmation',
      { m3: ({ AEAD_ct_key_confirmation: _, ...rest }) => rest },
      400,
      2,
      'vau.m3-missing',
    ],
    [
      'M3 with a flipped ciphertext',
      { m3: (m) => ({ ...m, AEAD_ct: flipped(bytesAt(m, 'AEAD_ct') as Uint8Array, -1) }) },
      403,
      3,
      'vau.m3-aead',
    ],
    [
      'M3 with a flipped confirmation',
      {
        m3: (m) => ({
          ...m,
          AEAD_ct_key_confirmation: flipped(bytesAt(m, 'AEAD_ct_key_confirmation') as Uint8Array, -1),
        }),
      },
      403,
      3,
      'vau.m3-confirmation',
    ],
    ['M3 with another transcript', { confirmation: (hash) => flipped(hash, 0) }, 403, 5, 'vau.m3-transcript'],
    ['M3 with an inner layer that is no map', { m3Inner: () => ['ERP', 'ESO'] }, 400, 1, 'vau.m3-inner'],
    ['M3 without ESO', { m3Inner: ({ ESO: _, ...rest }) => rest }, 400, 2, 'vau.m3-missing'],
    [
      'M3 with a Kyber ciphertext for other keys',
      { m3Inner: (m) => ({ ...m, Kyber768_ct: flipped(bytesAt(m, 'Kyber768_ct') as Uint8Array, 3) }) },
      403,
      3,
      'vau.m3-confirmation',
    ],
    [
      'M3 with a point off the curve',
      { m3Inner: (m) => ({ ...m, ECDH_ct: { ...(m.ECDH_ct as CborMap), y: new Uint8Array(32).fill(9) } }) },
      400,
      10,
      'vau.m3-keys',
    ],
  ];
  test.each(refusals)('refuses %s', async (_what, edits, http, code, rule) => {
    expect(errorOf(await refused(createTestSim(), edits))).toEqual({ http, code, rule });
  });

  test('refuses what is no CBOR, has another content type or no x-useragent', async () => {
    const { recordSystem } = createTestSim();
    const cbor: [string, string] = ['Content-Type', 'application/cbor'];
    const agent: [string, string] = ['x-useragent', AGENT];
    const post = (headers: [string, string][]) =>
      ask(recordSystem, { method: 'POST', url: '/VAU', headers, body: Buffer.from('no') });
    expect(errorOf(await post([cbor, agent]))).toEqual({ http: 400, code: 1, rule: 'vau.cbor' });
    expect(errorOf(await post([['Content-Type', 'text/plain'], agent]))).toEqual({
      http: 400,
      code: 1,
      rule: 'vau.content-type',
    });
    expect(errorOf(await post([cbor]))).toEqual({ http: 400, code: 2, rule: 'vau.useragent' });
  });

  test('takes one M3 per M1: a failed one ends the channel', async () => {
    const sim = createTestSim();
    const started = await startHandshake(sim.recordSystem);
    const wrong = finishHandshake(sim.recordSystem, started, { confirmation: (hash) => flipped(hash, 0) });
    await expect(wrong).rejects.toBeInstanceOf(HandshakeRefused);
    await expect(finishHandshake(sim.recordSystem, started)).rejects.toMatchObject({
      answer: { rule: 'vau.unknown-cid' },
    });
  });
});
