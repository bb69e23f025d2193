// A second VAU peer, client and server, for tests alone: M1–M4 and data frames of gemSpec_Krypt 7 (epa-record-system.md 1)
// from npm crystals-kyber and bare node:crypto, written without wire/vau-keys.ts, wire/vau-frame.ts and wire/cbor.ts, so a
// mistake of ours cannot agree with itself (D21). It writes CBOR with indefinite lengths as lib-vau does. With the scheme
// 'ml-kem-768' it is the peer that took FIPS 203 for Kyber, and every handshake with a right one must fail.
import { createHash, randomBytes } from 'node:crypto';
import {
  bytes,
  type CborItem,
  cbor,
  createPeerKeys,
  derive,
  encapsulateTo,
  fields,
  frameHead,
  nested,
  type PeerKeys,
  type PeerScheme,
  pointOf,
  type Secret,
  seal,
  sealFrame,
  secretOf,
  unseal,
  unsealFrame,
} from './kyber-peer-codec.ts';

/** Header names in lower case. */
export type PeerAnswer = { status: number; headers: Record<string, string | string[] | undefined>; body: Uint8Array };
/** What M2 carries: the signed server keys and what they are judged by. */
export type PeerSignedKeys = {
  signedPubKeys: Uint8Array;
  signature: Uint8Array;
  certHash: Uint8Array;
  cdv: number;
  ocspResponse: Uint8Array;
};
export type PeerChannel = { KeyID: Uint8Array; c2s: Uint8Array; s2c: Uint8Array };
export type PeerClient = {
  cid: string;
  /** The keys of the channel, as VAU-nonPU-Tracing wants them. */
  channel: PeerChannel;
  /** One inner HTTP message up, one down; throws (cause: the answer) on any outer error or a frame that is not ours. */
  request(inner: Uint8Array): Promise<Uint8Array>;
};
export type PeerServer = {
  onM1(m1: Uint8Array): { cid: string; m2: Uint8Array };
  onM3(cid: string, m3: Uint8Array): Uint8Array;
  onFrame(
    cid: string,
    frame: Uint8Array,
    handler: (inner: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Promise<Uint8Array>;
};

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

// ---- client

/** Runs M1–M4 at once; `judgeKeys` sees the server's keys before M3 is sent and stops the handshake by throwing. */
export async function createPeerClient(o: {
  post: (path: string, body: Uint8Array, contentType: string) => Promise<PeerAnswer>;
  judgeKeys?: (keys: PeerSignedKeys) => void | Promise<void>;
  scheme?: PeerScheme;
  /** Scheme for the server's signed keys alone; default `scheme`. */
  longTermScheme?: PeerScheme;
  /** Known from elsewhere and used in place of those in M2, which stays closed. */
  knownKeys?: PeerSignedKeys;
  pu?: boolean;
  /** First request counter: 1 as most clients have it, 0 in one. */
  firstCounter?: bigint;
  /** How the counter stands in the IV; a receiver must not read it. */
  ivCounter?: 'little-endian' | 'big-endian';
}): Promise<PeerClient> {
  const scheme = o.scheme ?? 'kyber768-round3';
  const { ecdhPrivate, kyberPrivate, kyberPublic } = createPeerKeys();
  const call = async (path: string, body: Uint8Array, contentType: string): Promise<PeerAnswer> => {
    const answer = await o.post(path, body, contentType);
    if (answer.status === 200) return answer;
    throw new Error(`the VAU answered ${answer.status}`, { cause: answer });
  };

  const m1 = cbor({ ECDH_PK: pointOf(ecdhPrivate), Kyber768_PK: kyberPublic, MessageType: 'M1' });
  const first = await call('/VAU', m1, 'application/cbor');
  const cid = first.headers['vau-cid'];
  if (typeof cid !== 'string' || !/^\/[A-Za-z0-9/-]{1,199}$/.test(cid)) throw new Error('no usable VAU-CID');

  const m2 = fields(first.body, 'M2');
  const ssE = secretOf(m2, { ecdhPrivate, kyberPrivate, kyberPublic }, scheme);
  const [k1c2s, k1s2c] = derive(2, ssE);
  const serverKeys = o.knownKeys ?? signedKeysIn(unseal(k1s2c, bytes(m2, 'AEAD_ct')));
  await o.judgeKeys?.(serverKeys);

  const published = fields(serverKeys.signedPubKeys);
  const s = encapsulateTo(nested(published, 'ECDH_PK'), bytes(published, 'Kyber768_PK'), o.longTermScheme ?? scheme);
  const sealedInner = seal(k1c2s, cbor({ ECDH_ct: s.ECDH_ct, Kyber768_ct: s.Kyber768_ct, ERP: false, ESO: false }));
  const [confirmC2s, c2s, confirmS2c, s2c, KeyID] = derive(5, ssE, s.secret);
  const confirmation = seal(confirmC2s, sha256(m1, first.body, sealedInner));
  const m3 = cbor({ MessageType: 'M3', AEAD_ct: sealedInner, AEAD_ct_key_confirmation: confirmation });

  const second = await call(cid, m3, 'application/cbor');
  const m4 = unseal(confirmS2c, bytes(fields(second.body, 'M4'), 'AEAD_ct_key_confirmation'));
  if (!m4.equals(sha256(m1, first.body, m3))) throw new Error('M4 confirms another transcript');

  let next = o.firstCounter ?? 1n;
  const request = async (inner: Uint8Array): Promise<Uint8Array> => {
    const counter = next;
    next += 1n;
    const head = frameHead({ pu: o.pu ?? false, type: 1, counter, KeyID });
    const frame = sealFrame(c2s, head, counter, inner, o.ivCounter);
    const answer = await call(cid, frame, 'application/octet-stream');
    const expected = frameHead({ pu: o.pu ?? false, type: 2, counter, KeyID });
    if (!expected.equals(answer.body.subarray(0, 43)))
      throw new Error('the frame is not the answer', { cause: answer });
    return unsealFrame(s2c, answer.body);
  };
  return { cid, channel: { KeyID, c2s, s2c }, request };
}

function signedKeysIn(plaintext: Uint8Array): PeerSignedKeys {
  const signed = fields(plaintext);
  return {
    signedPubKeys: bytes(signed, 'signed_pub_keys'),
    signature: bytes(signed, 'signature-ES256'),
    certHash: bytes(signed, 'cert_hash'),
    cdv: Number(signed.cdv),
    ocspResponse: bytes(signed, 'ocsp_response'),
  };
}

// ---- server

/** A server for any number of channels; whoever drives it carries the bytes. Throws on everything that does not fit. */
export function createPeerServer(o: {
  signedKeys: PeerSignedKeys;
  keys: PeerKeys;
  scheme?: PeerScheme;
  /** Scheme of the signed keys alone; default `scheme`. */
  longTermScheme?: PeerScheme;
  pu?: boolean;
  /** Further members of M2, of the signed keys and of M4, which a client has to ignore. */
  more?: Record<string, CborItem>;
  inventCid?: () => string;
}): PeerServer {
  const scheme = o.scheme ?? 'kyber768-round3';
  const opening = new Map<string, { m1: Uint8Array; m2: Uint8Array; ssE: Secret }>();
  const channels = new Map<string, PeerChannel & { sealed: bigint }>();

  const onM1 = (m1: Uint8Array) => {
    const client = fields(m1, 'M1');
    const e = encapsulateTo(nested(client, 'ECDH_PK'), bytes(client, 'Kyber768_PK'), scheme);
    const [, k1s2c] = derive(2, e.secret);
    const signed = cbor({
      signed_pub_keys: o.signedKeys.signedPubKeys,
      'signature-ES256': o.signedKeys.signature,
      cert_hash: o.signedKeys.certHash,
      cdv: o.signedKeys.cdv,
      ocsp_response: o.signedKeys.ocspResponse,
      ...o.more,
    });
    const m2 = cbor({
      MessageType: 'M2',
      ECDH_ct: e.ECDH_ct,
      Kyber768_ct: e.Kyber768_ct,
      AEAD_ct: seal(k1s2c, signed),
      ...o.more,
    });
    const cid = o.inventCid?.() ?? `/VAU/peer-${randomBytes(8).toString('hex')}`;
    opening.set(cid, { m1: Uint8Array.from(m1), m2, ssE: e.secret });
    return { cid, m2 };
  };

  const onM3 = (cid: string, m3: Uint8Array) => {
    const state = opening.get(cid);
    if (state === undefined) throw new Error('no handshake under this CID');
    opening.delete(cid);
    const message = fields(m3, 'M3');
    const [k1c2s] = derive(2, state.ssE);
    const inner = fields(unseal(k1c2s, bytes(message, 'AEAD_ct')));
    if (inner.ERP !== false || inner.ESO !== false) throw new Error('ERP and ESO are not false');
    const ssS = secretOf(inner, o.keys, o.longTermScheme ?? scheme);
    const [confirmC2s, c2s, confirmS2c, s2c, KeyID] = derive(5, state.ssE, ssS);
    const confirmed = unseal(confirmC2s, bytes(message, 'AEAD_ct_key_confirmation'));
    if (!confirmed.equals(sha256(state.m1, state.m2, bytes(message, 'AEAD_ct'))))
      throw new Error('M3 confirms another transcript');
    channels.set(cid, { KeyID, c2s, s2c, sealed: 0n });
    const confirmation = seal(confirmS2c, sha256(state.m1, state.m2, m3));
    return cbor({ MessageType: 'M4', AEAD_ct_key_confirmation: confirmation, ...o.more });
  };

  const onFrame: PeerServer['onFrame'] = async (cid, frame, handler) => {
    const channel = channels.get(cid);
    if (channel === undefined) throw new Error('no channel under this CID');
    const counter = Buffer.from(frame).readBigUInt64BE(3);
    const expected = frameHead({ pu: o.pu ?? false, type: 1, counter, KeyID: channel.KeyID });
    if (!expected.equals(frame.subarray(0, 43))) throw new Error('not a request frame of this channel');
    const answer = await handler(unsealFrame(channel.c2s, frame));
    channel.sealed += 1n;
    const head = frameHead({ pu: o.pu ?? false, type: 2, counter, KeyID: channel.KeyID });
    return sealFrame(channel.s2c, head, channel.sealed, answer);
  };
  return { onM1, onM3, onFrame };
}
