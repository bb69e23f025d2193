// The test's own VAU peer, against itself and – at key level – against wire/vau-keys.ts and wire/vau-frame.ts.
import { describe, expect, test } from 'vitest';
import { cborBytes, cborText, decodeCborMap, encodeCbor } from '../../../wire/cbor.ts';
import { frameIv, openFrame, openHandshake, sealFrame, sealHandshake } from '../../../wire/vau-frame.ts';
import {
  cborPoint,
  checkPublicKeys,
  decapsulate,
  deriveK1,
  deriveK2,
  encapsulate,
  generateVauKeyPair,
  importVauKeyPair,
  type KemScheme,
  readCiphertext,
  transcript,
} from '../../../wire/vau-keys.ts';
import {
  createPeerClient,
  createPeerServer,
  type PeerAnswer,
  type PeerServer,
  type PeerSignedKeys,
} from '../../support/kyber-peer.ts';
import { createPeerKeys, type PeerScheme, publicKeysCbor } from '../../support/kyber-peer-codec.ts';

const keys = createPeerKeys();
const signedKeys = {
  signedPubKeys: publicKeysCbor(keys, { iat: 1_700_000_000, exp: 1_702_592_000 }),
  signature: new Uint8Array(64).fill(1),
  certHash: new Uint8Array(32).fill(2),
  cdv: 1,
  ocspResponse: Buffer.from('ocsp'),
};
const inner = (bytes: Uint8Array) => Buffer.from(`answer to ${Buffer.from(bytes)}`);

/** The server behind the client's `post`, without HTTP. */
const postTo =
  (server: PeerServer) =>
  async (path: string, body: Uint8Array, contentType: string): Promise<PeerAnswer> => {
    if (path === '/VAU') {
      const { cid, m2 } = server.onM1(body);
      return { status: 200, headers: { 'vau-cid': cid }, body: m2 };
    }
    const isFrame = contentType === 'application/octet-stream';
    return {
      status: 200,
      headers: {},
      body: isFrame ? await server.onFrame(path, body, inner) : server.onM3(path, body),
    };
  };

describe('the peer against itself', () => {
  test.each<PeerScheme>(['kyber768-round3', 'ml-kem-768'])(
    'opens a channel with %s and exchanges frames',
    async (scheme) => {
      const client = await createPeerClient({ post: postTo(createPeerServer({ signedKeys, keys, scheme })), scheme });
      for (const message of ['one', 'two']) {
        expect(Buffer.from(await client.request(Buffer.from(message))).toString()).toBe(`answer to ${message}`);
      }
    },
  );

  test.each<[PeerScheme, PeerScheme]>([
    ['kyber768-round3', 'ml-kem-768'],
    ['ml-kem-768', 'kyber768-round3'],
  ])('fails when the client has %s and the server %s', async (scheme, other) => {
    const server = createPeerServer({ signedKeys, keys, scheme: other });
    await expect(createPeerClient({ post: postTo(server), scheme })).rejects.toThrow();
  });

  test("shows the server's keys to the judge, who can stop the handshake", async () => {
    const server = createPeerServer({ signedKeys, keys });
    const seen: string[] = [];
    const judgeKeys = (found: PeerSignedKeys) => {
      seen.push(Buffer.from(found.certHash).toString('hex'), String(found.cdv));
      throw new Error('not trusted');
    };
    await expect(createPeerClient({ post: postTo(server), judgeKeys })).rejects.toThrow('not trusted');
    expect(seen).toEqual(['02'.repeat(32), '1']);
  });

  test('refuses an outer error, a changed frame and an answer twice', async () => {
    const post = postTo(createPeerServer({ signedKeys, keys }));
    await expect(
      createPeerClient({ post: async () => ({ status: 500, headers: {}, body: Buffer.of() }) }),
    ).rejects.toThrow('500');
    let change = (body: Uint8Array): Uint8Array => body;
    const client = await createPeerClient({
      post: async (path, body, type) => {
        const answer = await post(path, body, type);
        return { ...answer, body: type === 'application/octet-stream' ? change(answer.body) : answer.body };
      },
    });
    let first: Uint8Array = Buffer.of();
    change = (body) => {
      first = body;
      return body.with(-1, (body.at(-1) ?? 0) ^ 1);
    };
    await expect(client.request(Buffer.from('x'))).rejects.toThrow();
    change = () => first;
    await expect(client.request(Buffer.from('x'))).rejects.toThrow('not the answer');
  });
});

describe('the key schedule of ours against the peer', () => {
  /** M1–M4 as client, at key level, with our codecs; returns what the frames need. */
  const openAgainst = (server: PeerServer, scheme: KemScheme) => {
    const own = generateVauKeyPair();
    const m1 = encodeCbor({
      MessageType: 'M1',
      ECDH_PK: cborPoint(own.public.ECDH_PK),
      Kyber768_PK: own.public.Kyber768_PK,
    });
    const { cid, m2 } = server.onM1(m1);
    const second = decodeCborMap(m2);
    const ssE = decapsulate(own, readCiphertext(second), scheme);
    const { K1_c2s, K1_s2c } = deriveK1(ssE);
    const signed = decodeCborMap(openHandshake(K1_s2c, cborBytes(second, 'AEAD_ct')));
    const { ct, ss } = encapsulate(checkPublicKeys(decodeCborMap(cborBytes(signed, 'signed_pub_keys'))), scheme);
    const content = { ECDH_ct: cborPoint(ct.ECDH_ct), Kyber768_ct: ct.Kyber768_ct, ERP: false, ESO: false };
    const AEAD_ct = sealHandshake(K1_c2s, encodeCbor(content));
    const k2 = deriveK2(ssE, ss);
    const confirmation = sealHandshake(k2.K2_c2s_key_confirmation, transcript(m1, m2, AEAD_ct));
    const m3 = encodeCbor({ MessageType: 'M3', AEAD_ct, AEAD_ct_key_confirmation: confirmation });
    const m4 = decodeCborMap(server.onM3(cid, m3));
    const confirmed = openHandshake(k2.K2_s2c_key_confirmation, cborBytes(m4, 'AEAD_ct_key_confirmation'));
    expect(Buffer.from(confirmed).equals(transcript(m1, m2, m3))).toBe(true);
    return { cid, k2 };
  };

  test('completes M1 to M4 as client and exchanges a frame', async () => {
    const server = createPeerServer({ signedKeys, keys });
    const { cid, k2 } = openAgainst(server, 'kyber768-round3');
    const header = { pu: false, kind: 'request', counter: 1n, keyId: k2.KeyID } as const;
    const pieces: Uint8Array[] = [];
    const iv = frameIv(1n, Buffer.alloc(4));
    for await (const piece of sealFrame({ header, key: k2.K2_c2s_app_data, iv, plaintext: Buffer.from('hello') }))
      pieces.push(piece);
    const answer = openFrame({
      key: k2.K2_s2c_app_data,
      frame: await server.onFrame(cid, Buffer.concat(pieces), inner),
    });
    expect(Buffer.from(answer.plaintext).toString()).toBe('answer to hello');
    expect(answer.header).toEqual({ ...header, kind: 'response' });
  });

  test('does not get past M2 against an ML-KEM peer', () => {
    const server = createPeerServer({ signedKeys, keys, scheme: 'ml-kem-768' });
    expect(() => openAgainst(server, 'kyber768-round3')).toThrow(expect.objectContaining({ code: 'VAU_AEAD' }));
    expect(openAgainst(server, 'ml-kem-768').cid).toMatch(/^\//);
  });

  test('opens M1 of the peer and answers it as server', async () => {
    const own = importVauKeyPair(keys);
    let k2: ReturnType<typeof deriveK2> | undefined;
    let m1: Uint8Array = Buffer.of();
    let m2: Uint8Array = Buffer.of();
    let ssE: ReturnType<typeof decapsulate> | undefined;
    const post = async (path: string, body: Uint8Array): Promise<PeerAnswer> => {
      if (path === '/VAU') {
        const { ct, ss } = encapsulate(checkPublicKeys(decodeCborMap(body)));
        const signed = encodeCbor({
          signed_pub_keys: signedKeys.signedPubKeys,
          'signature-ES256': signedKeys.signature,
          cert_hash: signedKeys.certHash,
          cdv: 1,
          ocsp_response: signedKeys.ocspResponse,
        });
        const AEAD_ct = sealHandshake(deriveK1(ss).K1_s2c, signed);
        m1 = body;
        m2 = encodeCbor({ MessageType: 'M2', ECDH_ct: cborPoint(ct.ECDH_ct), Kyber768_ct: ct.Kyber768_ct, AEAD_ct });
        ssE = ss;
        return { status: 200, headers: { 'vau-cid': '/c' }, body: m2 };
      }
      if (ssE === undefined) throw new Error('M3 before M1');
      const m3 = decodeCborMap(body);
      expect(cborText(m3, 'MessageType')).toBe('M3');
      const content = openHandshake(deriveK1(ssE).K1_c2s, cborBytes(m3, 'AEAD_ct'));
      k2 = deriveK2(ssE, decapsulate(own, readCiphertext(decodeCborMap(content))));
      const confirmed = openHandshake(k2.K2_c2s_key_confirmation, cborBytes(m3, 'AEAD_ct_key_confirmation'));
      expect(Buffer.from(confirmed).equals(transcript(m1, m2, cborBytes(m3, 'AEAD_ct')))).toBe(true);
      const confirmation = sealHandshake(k2.K2_s2c_key_confirmation, transcript(m1, m2, body));
      return {
        status: 200,
        headers: {},
        body: encodeCbor({ MessageType: 'M4', AEAD_ct_key_confirmation: confirmation }),
      };
    };
    const client = await createPeerClient({ post });
    expect(Buffer.from(client.channel.KeyID).toString('hex')).toBe(Buffer.from(k2?.KeyID ?? []).toString('hex'));
    expect(Buffer.from(client.channel.c2s).equals(k2?.K2_c2s_app_data ?? Buffer.of())).toBe(true);
  });
});
