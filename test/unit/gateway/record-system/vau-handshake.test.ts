// M1–M4 as the client does them (epa-record-system.md 1.1–1.3): what it refuses besides the server's keys (vau-trust.test.ts).
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, createPki, errorOf, type Pki, type Route, refusalOf } from './peers.ts';
import { type Opening, openVauChannel, type Twist, vauError } from './vau-peer.ts';

let pki: Pki;
beforeAll(() => {
  pki = createPki();
});

const CBOR = { 'content-type': 'application/cbor' };

const openChannel = (o?: Opening) => openVauChannel(pki, o);

describe('the handshake', () => {
  const answers: [title: string, twist: Twist, refusal: string][] = [
    ['no VAU-CID', { cid: '' }, 'VAU_HANDSHAKE_FAILED vau.cid'],
    ['a VAU-CID that is an address', { cid: 'https://evil.test/x' }, 'VAU_HANDSHAKE_FAILED vau.cid'],
    ['a VAU-CID with a query', { cid: '/a?b' }, 'VAU_HANDSHAKE_FAILED vau.cid'],
    ['a VAU-CID of 201 characters', { cid: `/${'a'.repeat(200)}` }, 'VAU_HANDSHAKE_FAILED vau.cid'],
    ['an M2 of another type', { m2: (m) => ({ ...m, MessageType: 'M4' }) }, 'VAU_HANDSHAKE_FAILED vau.m2-vau-message'],
    ['an M2 without AEAD_ct', { m2: ({ AEAD_ct: _, ...m }) => m }, 'VAU_HANDSHAKE_FAILED vau.m2-cbor-missing'],
    [
      'an M2 of another secret (as of bare ML-KEM)',
      { m2: (m) => ({ ...m, AEAD_ct: new Uint8Array(1500) }) },
      'VAU_HANDSHAKE_FAILED vau.m2-vau-aead',
    ],
    [
      'a short Kyber ciphertext',
      { m2: (m) => ({ ...m, Kyber768_ct: new Uint8Array(1087) }) },
      'VAU_HANDSHAKE_FAILED vau.m2-vau-key-kyber',
    ],
    // Only the private halves of the signed keys make this: their replay is an impostor.
    [
      'a replay of signed keys',
      { m4: (m) => ({ ...m, AEAD_ct_key_confirmation: new Uint8Array(60) }) },
      'VAU_SERVER_UNTRUSTED vau.m4-confirmation',
    ],
    ['an M4 of another type', { m4: (m) => ({ ...m, MessageType: 'M2' }) }, 'VAU_HANDSHAKE_FAILED vau.m4-vau-message'],
  ];
  it.each(answers)('refuses %s', async (_title, twist, refusal) => {
    expect(await refusalOf(openChannel({ twist }))).toBe(refusal);
  });

  it('keeps what the VAU said when it refuses a message', async () => {
    const before: Route = ({ request }) =>
      request.url.endsWith('/VAU')
        ? { status: 400, headers: CBOR, body: vauError(10, 'verification of public keys failed') }
        : undefined;
    const error = await errorOf(openChannel({ before }));
    expect(error.code).toBe('VAU_HANDSHAKE_FAILED');
    expect(error.foreign).toEqual({ status: 400, code: 'VAU 10', text: 'verification of public keys failed' });
  });

  const JSON_TYPE = { 'content-type': 'application/json' };
  it.each<[title: string, answer: Answer, refusal: string]>([
    [
      'the wrong environment',
      { status: 403, headers: CBOR, body: vauError(4, 'PU/nonPU Failure') },
      'CONFIG_INVALID vau.pu',
    ],
    [
      'an unknown CID',
      { status: 403, headers: CBOR, body: vauError(9, 'unknown CID') },
      'VAU_HANDSHAKE_FAILED vau.status',
    ],
    ['too many requests', { status: 429, headers: JSON_TYPE, body: '{}' }, 'RECORD_BUSY'],
    ['a pause', { status: 503, headers: { 'retry-after': '5' } }, 'RECORD_BUSY'],
    ['an infrastructure that is gone', { status: 503, headers: JSON_TYPE }, 'RECORD_SYSTEM_UNREACHABLE'],
    [
      'a redirect',
      { status: 307, headers: { location: 'https://evil.test/' } },
      'RECORD_SYSTEM_UNREACHABLE egress.redirect',
    ],
    ['a size limit', { status: 413 }, 'RECORD_SYSTEM_UNREACHABLE'],
    ['a web page', { status: 200, headers: { 'content-type': 'text/html' } }, 'VAU_HANDSHAKE_FAILED vau.status'],
  ])('says what it means when M1 or M3 meets %s', async (_title, answer, refusal) => {
    for (const message of [1, 2]) {
      let posts = 0;
      const before: Route = ({ request }) => {
        if (request.method === 'POST') posts += 1;
        return request.method === 'POST' && posts === message ? answer : undefined;
      };
      expect(await refusalOf(openChannel({ before }))).toBe(refusal);
      expect(posts).toBe(message);
    }
  });

  it('sends VAU-NP of an earlier login with M1', async () => {
    const { egress } = await openChannel({ options: { pseudonym: 'c9a7' } });
    expect(egress.calls[0]?.request.headers?.['vau-np']).toBe('c9a7');
  });

  it('refuses to hand out keys in PU', async () => {
    expect(await refusalOf(openChannel({ options: { pu: true, nonPuTracing: true } }))).toBe('CONFIG_INVALID');
  });
});
