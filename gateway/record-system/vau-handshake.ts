// M1–M4 of the VAU protocol as the client does them (gemSpec_Krypt 7, A_24425-01, A_24608, A_24622, A_24623;
// epa-record-system.md 1.1–1.4): ephemeral keys out, server keys judged, both secrets mixed, confirmation checked.
// Nothing of the insured's is ever encrypted before M4 has proved that the other side holds the signed keys.
import { cborBytes, cborText, decodeCborMap, encodeCbor } from '../../wire/cbor.ts';
import { WireError } from '../../wire/error.ts';
import { openHandshake, sealHandshake } from '../../wire/vau-frame.ts';
import {
  cborPoint,
  decapsulate,
  deriveK1,
  deriveK2,
  encapsulate,
  generateVauKeyPair,
  type K2,
  readCiphertext,
  transcript,
  type VauKeyPair,
} from '../../wire/vau-keys.ts';
import type { EgressResponse } from '../egress.ts';
import { GatewayError } from '../errors.ts';
import { hasType, outerRefusal } from './outer-answer.ts';
import { asUnreachable, type EgressPort, RECORD_SYSTEM_CODES, type RecordSystemAccess } from './outside.ts';
import type { VauTrust } from './vau-trust.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;
const HANDSHAKE_MAX_BYTES = 64 * 1024;
/** A_24608, A_24622: a path of at most 200 of these characters. */
const VAU_CID = /^\/[A-Za-z0-9\-/]{1,199}$/;

export type HandshakeOptions = {
  recordSystem: RecordSystemAccess;
  egress: EgressPort;
  trust: VauTrust;
  userAgent: string;
  /** VAU-NP of an earlier login: the router finds the instance that knows this user (A_24757). */
  pseudonym?: string | undefined;
  generateKeys?: () => VauKeyPair;
};

/** `url` is where every later message of this channel goes: the provider's own origin and its VAU-CID. */
export type Handshake = { url: string; keys: K2 };

/**
 * GatewayError VAU_HANDSHAKE_FAILED (named check), VAU_SERVER_UNTRUSTED, RECORD_SYSTEM_UNREACHABLE, RECORD_BUSY,
 * RECORD_SYSTEM_TLS_UNTRUSTED, CONFIG_INVALID (vau.pu).
 */
export async function handshake(o: HandshakeOptions): Promise<Handshake> {
  const { origin } = new URL(o.recordSystem.url);
  const own = (o.generateKeys ?? generateVauKeyPair)();

  const M1 = encodeCbor({
    MessageType: 'M1',
    ECDH_PK: cborPoint(own.public.ECDH_PK),
    Kyber768_PK: own.public.Kyber768_PK,
  });
  const answer2 = await post(o, `${origin}/VAU`, M1);
  const M2 = answer2.body;
  const cid = answer2.headers['vau-cid'] ?? '';
  if (!VAU_CID.test(cid)) throw failed('vau.cid');
  // Joined as text: `//` at its start would make a URL parser take it for another host.
  const url = `${origin}${cid}`;

  const { ss_e, signedKeys } = step('vau.m2', () => {
    const map = decodeCborMap(M2);
    requireType(map, 'M2');
    const secret = decapsulate(own, readCiphertext(map));
    return { ss_e: secret, signedKeys: openHandshake(deriveK1(secret).K1_s2c, cborBytes(map, 'AEAD_ct')) };
  });
  // All of A_24624-01 before M3 (SES-04).
  const serverKeys = await o.trust.judge(o.recordSystem, signedKeys);

  const { ct, ss: ss_s } = encapsulate(serverKeys);
  const inner = encodeCbor({
    ECDH_ct: cborPoint(ct.ECDH_ct),
    Kyber768_ct: ct.Kyber768_ct,
    ERP: false,
    ESO: false,
  });
  const AEAD_ct = sealHandshake(deriveK1(ss_e).K1_c2s, inner);
  const keys = deriveK2(ss_e, ss_s);
  const M3 = encodeCbor({
    MessageType: 'M3',
    AEAD_ct,
    AEAD_ct_key_confirmation: sealHandshake(keys.K2_c2s_key_confirmation, transcript(M1, M2, AEAD_ct)),
  });
  const { body: M4 } = await post(o, url, M3);
  const confirmation = step('vau.m4', () => {
    const map = decodeCborMap(M4);
    requireType(map, 'M4');
    return cborBytes(map, 'AEAD_ct_key_confirmation');
  });
  // Only who holds the private halves of the signed keys can make this: the proof that they are not a replay.
  if (!confirms(keys, confirmation, transcript(M1, M2, M3)))
    throw new GatewayError('VAU_SERVER_UNTRUSTED', 'the VAU failed a trust check', { check: 'vau.m4-confirmation' });
  return { url, keys };
}

async function post(o: HandshakeOptions, url: string, body: Uint8Array): Promise<EgressResponse> {
  const answer = await o.egress
    .request('record-system', {
      url,
      method: 'POST',
      headers: {
        'content-type': 'application/cbor',
        accept: 'application/cbor',
        'x-useragent': o.userAgent,
        ...(o.pseudonym !== undefined && { 'vau-np': o.pseudonym }),
      },
      body,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      maxResponseBytes: HANDSHAKE_MAX_BYTES,
    })
    .catch((thrown: unknown) => {
      throw asUnreachable(thrown, RECORD_SYSTEM_CODES);
    });
  if (answer.status !== 200 || !hasType(answer, 'application/cbor')) throw outerRefusal('handshake', answer);
  return answer;
}

function requireType(map: Parameters<typeof cborText>[0], type: string): void {
  if (cborText(map, 'MessageType') !== type) throw new WireError('VAU_MESSAGE', `this is no ${type}`);
}

function confirms(keys: K2, sealed: Uint8Array, expected: Uint8Array): boolean {
  try {
    return Buffer.from(openHandshake(keys.K2_s2c_key_confirmation, sealed)).equals(expected);
  } catch (thrown) {
    if (thrown instanceof WireError) return false;
    throw thrown;
  }
}

/** The wire's code is part of the check's name: `vau.m2-vau-aead` and `vau.m2-cbor-missing` are different events. */
function step<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw failed(`${name}-${cause.code.toLowerCase().replaceAll('_', '-')}`, cause);
  }
}

function failed(check: string, cause?: unknown): GatewayError {
  return new GatewayError('VAU_HANDSHAKE_FAILED', 'a message of the VAU handshake is not what the protocol says', {
    check,
    ...(cause !== undefined && { cause }),
  });
}
