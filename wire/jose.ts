// JWS and JWE in compact form as the IDP-Dienst and the record systems use them: RFC 7515, 7516, 7518, with the names of
// gematik's brainpool profile, alg BP256R1 and crv BP-256 (export-flow.md 4.3–4.6). No JOSE library knows these names.
// Keys never come out of a message: jku, x5u, jwk and x5c of a header are ignored here, the caller brings the key it trusts.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto';
import { ecdsaToRaw } from './ecdsa.ts';
import { WireError } from './error.ts';

export { ecdsaToDer, ecdsaToRaw, signDigest } from './ecdsa.ts';

type Json = Record<string, unknown>;
export type Jws = { header: Json; payload: Json; signingInput: string; signature: Uint8Array };

/** JWK curve name → OpenSSL's name. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['P-256', 'prime256v1'],
  ['BP-256', 'brainpoolP256r1'],
]);
/** The curves a JWS alg may be made on. ES256 on brainpool is no slip: the client attestation demands it (A_24590, A_25444-01). */
const SIGNATURE_CURVES: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['BP256R1', ['brainpoolP256r1']],
  ['ES256', ['prime256v1', 'brainpoolP256r1']],
]);

// ---- JWS (RFC 7515)

/** Takes a compact JWS apart; nothing is verified yet. @throws WireError JOSE_FORMAT, JOSE_HEADER */
export function decodeJws(compact: string): Jws {
  const [header, payload, signature, ...rest] = compact.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw new WireError('JOSE_FORMAT', 'a compact JWS has three parts');
  }
  return {
    header: decodeHeader(header),
    payload: decodeJson(decodeBase64url(payload)),
    signingInput: `${header}.${payload}`,
    signature: decodeBase64url(signature),
  };
}

/** ECDSA with SHA-256, r‖s. @throws WireError JOSE_ALG (alg none included), JOSE_KEY, JOSE_SIGNATURE */
export function verifyJws(jws: Jws, key: KeyObject): void {
  const curves = SIGNATURE_CURVES.get(jws.header.alg);
  if (curves === undefined) throw new WireError('JOSE_ALG', 'the JWS is not signed with BP256R1 or ES256');
  if (!curves.includes(curveOf(key)))
    throw new WireError('JOSE_KEY', 'the key lies on another curve than the alg says');
  const verifier = { key, dsaEncoding: 'ieee-p1363' } as const;
  if (jws.signature.length !== 64 || !verify('sha256', Buffer.from(jws.signingInput), verifier, jws.signature)) {
    throw new WireError('JOSE_SIGNATURE', 'the signature of the JWS is wrong');
  }
}

export function signingInput(header: object, payload: object): string {
  return `${encodeBase64url(JSON.stringify(header))}.${encodeBase64url(JSON.stringify(payload))}`;
}

/** @throws WireError JOSE_ECDSA when the signature is not 64 bytes r‖s */
export function compactJws(input: string, rawSignature: Uint8Array): string {
  if (rawSignature.length !== 64) throw new WireError('JOSE_ECDSA', 'r and s are not 64 bytes');
  return `${input}.${encodeBase64url(rawSignature)}`;
}

/** A compact JWS signed by whoever signs the hash: the SMC-B through ExternalAuthenticate (DER or raw). @throws WireError JOSE_ECDSA */
export async function signJws(
  header: object,
  payload: object,
  sign: (sha256: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const input = signingInput(header, payload);
  return compactJws(input, ecdsaToRaw(await sign(createHash('sha256').update(input).digest())));
}

// ---- JWK (RFC 7517; built by hand, node:crypto refuses brainpool JWKs)

/** kty, crv, x, y of an EC key (a private key gives its public half), then `extra`. @throws WireError JOSE_KEY */
export function publicJwk(key: KeyObject, extra: object = {}): Json {
  const crv = jwkCurve(key);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const point = publicKey.export({ format: 'raw-public' }); // 04 ‖ x ‖ y, also of a key read compressed
  return {
    kty: 'EC',
    crv,
    x: encodeBase64url(point.subarray(1, 33)),
    y: encodeBase64url(point.subarray(33)),
    ...extra,
  };
}

/** The public EC key of a JWK on P-256 or BP-256; its point lies on the curve. Other members are ignored. @throws WireError JOSE_JWK */
export function publicKeyFromJwk(jwk: Json): KeyObject {
  const namedCurve = jwk.kty === 'EC' && typeof jwk.crv === 'string' ? CURVES.get(jwk.crv) : undefined;
  if (namedCurve === undefined) throw new WireError('JOSE_JWK', 'the JWK is not an EC key on P-256 or BP-256');
  const point = Buffer.concat([Buffer.of(0x04), coordinate(jwk.x), coordinate(jwk.y)]);
  try {
    // OpenSSL refuses a point off the curve here.
    return createPublicKey({ key: point, format: 'raw-public', asymmetricKeyType: 'ec', namedCurve });
  } catch (cause) {
    throw new WireError('JOSE_JWK', 'the point of the JWK does not lie on its curve', { cause });
  }
}

function coordinate(value: unknown): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64url(value, 'JOSE_JWK') : new Uint8Array();
  if (bytes.length !== 32) throw new WireError('JOSE_JWK', 'a coordinate of the JWK is not 32 bytes');
  return bytes;
}

// ---- JWE (RFC 7516), ECDH-ES direct key agreement or a shared key, always A256GCM

/**
 * @param o.header complete but for `epk`: alg ECDH-ES, enc A256GCM
 * @param o.ephemeral private key on the recipient's curve; fresh when absent
 * @throws WireError JOSE_ALG, JOSE_HEADER, JOSE_KEY
 */
export function encryptJwe(o: {
  header: Json;
  plaintext: Uint8Array | string;
  recipient: KeyObject;
  ephemeral?: KeyObject;
}): string {
  checkAlg(o.header, 'ECDH-ES');
  if ('epk' in o.header) throw new WireError('JOSE_HEADER', 'the epk is made here');
  const curve = CURVES.get(jwkCurve(o.recipient)) ?? '';
  const ephemeral = o.ephemeral ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
  if (curveOf(ephemeral) !== curve) throw new WireError('JOSE_KEY', 'the ephemeral key lies on another curve');
  const header = { ...o.header, epk: publicJwk(ephemeral) };
  return seal(header, agreedKey(header, ephemeral, o.recipient), o.plaintext);
}

/** @throws WireError JOSE_FORMAT, JOSE_HEADER, JOSE_ALG, JOSE_EPK (other curve, off the curve, missing), JOSE_AEAD */
export function decryptJwe(compact: string, privateKey: KeyObject): { header: Json; plaintext: Uint8Array } {
  return open(compact, 'ECDH-ES', (header) => {
    let epk: KeyObject;
    try {
      epk = publicKeyFromJwk(asObject(header.epk));
    } catch (cause) {
      throw new WireError('JOSE_EPK', 'the ephemeral key of the JWE is unusable', { cause });
    }
    if (curveOf(epk) !== curveOf(privateKey))
      throw new WireError('JOSE_EPK', 'the ephemeral key lies on another curve');
    return agreedKey(header, privateKey, epk);
  });
}

/** alg dir with a 32-byte key, as the IDP seals its authorization codes. @throws WireError JOSE_ALG, JOSE_KEY */
export function encryptJweDirect(o: { header: Json; plaintext: Uint8Array | string; key: Uint8Array }): string {
  checkAlg(o.header, 'dir');
  return seal(o.header, o.key, o.plaintext);
}

/** @throws WireError JOSE_FORMAT, JOSE_HEADER, JOSE_ALG, JOSE_KEY, JOSE_AEAD */
export function decryptJweDirect(compact: string, key: Uint8Array): { header: Json; plaintext: Uint8Array } {
  return open(compact, 'dir', () => key);
}

/** Concat KDF of RFC 7518 4.6.2 with SHA-256; `algorithm` is enc for direct agreement. At most 256 bits, one round. */
export function concatKdf(o: {
  z: Uint8Array;
  algorithm: string;
  bits: number;
  apu: Uint8Array;
  apv: Uint8Array;
}): Uint8Array {
  const prefixed = (bytes: Uint8Array) => [uint32(bytes.length), bytes];
  const otherInfo = [...prefixed(Buffer.from(o.algorithm)), ...prefixed(o.apu), ...prefixed(o.apv), uint32(o.bits)];
  const round = createHash('sha256').update(Buffer.concat([uint32(1), o.z, ...otherInfo]));
  return round.digest().subarray(0, o.bits / 8);
}

function agreedKey(header: Json, privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const party = (value: unknown) => (typeof value === 'string' ? decodeBase64url(value) : new Uint8Array());
  const z = diffieHellman({ privateKey, publicKey }); // the x coordinate, 32 bytes, padded left
  return concatKdf({ z, algorithm: 'A256GCM', bits: 256, apu: party(header.apu), apv: party(header.apv) });
}

function seal(header: Json, key: Uint8Array, plaintext: Uint8Array | string): string {
  checkKey(key);
  const iv = randomBytes(12);
  const encodedHeader = encodeBase64url(JSON.stringify(header));
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(encodedHeader, 'ascii'));
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(plaintext)), cipher.final()]);
  return [encodedHeader, '', ...[iv, ciphertext, cipher.getAuthTag()].map(encodeBase64url)].join('.');
}

function open(
  compact: string,
  alg: string,
  keyFor: (header: Json) => Uint8Array,
): { header: Json; plaintext: Uint8Array } {
  const [encodedHeader, encryptedKey, iv, ciphertext, tag, ...rest] = compact.split('.');
  if (!encodedHeader || encryptedKey !== '' || !iv || ciphertext === undefined || !tag || rest.length > 0) {
    throw new WireError('JOSE_FORMAT', 'not a compact JWE of five parts with an empty encrypted key');
  }
  const header = decodeHeader(encodedHeader);
  checkAlg(header, alg);
  const [nonce, sealed, authTag] = [decodeBase64url(iv), decodeBase64url(ciphertext), decodeBase64url(tag)];
  if (nonce.length !== 12 || authTag.length !== 16)
    throw new WireError('JOSE_FORMAT', 'IV or tag of the JWE is too short');
  const key = keyFor(header);
  checkKey(key);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      .setAAD(Buffer.from(encodedHeader, 'ascii'))
      .setAuthTag(authTag);
    return { header, plaintext: Buffer.concat([decipher.update(sealed), decipher.final()]) };
  } catch (cause) {
    throw new WireError('JOSE_AEAD', 'the JWE does not decrypt', { cause });
  }
}

// ---- shared small parts

/** crit and zip change what the message means; neither is understood, so both are refused (RFC 7515 4.1.11). */
function decodeHeader(encoded: string): Json {
  const header = decodeJson(decodeBase64url(encoded));
  if ('crit' in header || 'zip' in header)
    throw new WireError('JOSE_HEADER', 'the header demands what is not understood');
  return header;
}

function checkAlg(header: Json, alg: string): void {
  if (header.alg !== alg || header.enc !== 'A256GCM')
    throw new WireError('JOSE_ALG', `the JWE is not ${alg} with A256GCM`);
}

function checkKey(key: Uint8Array): void {
  if (key.length !== 32) throw new WireError('JOSE_KEY', 'the key of the JWE is not 32 bytes');
}

function curveOf(key: KeyObject): string {
  return key.asymmetricKeyDetails?.namedCurve ?? '';
}

function jwkCurve(key: KeyObject): string {
  for (const [crv, named] of CURVES) if (named === curveOf(key)) return crv;
  throw new WireError('JOSE_KEY', 'the key is not on P-256 or brainpoolP256r1');
}

function encodeBase64url(value: Uint8Array | string): string {
  return Buffer.from(value).toString('base64url');
}

/** Strict: the alphabet of RFC 4648 5, no padding, no stray bits; one text per byte string. */
function decodeBase64url(text: string, code = 'JOSE_FORMAT'): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new WireError(code, 'a part is not base64url');
  return bytes;
}

function decodeJson(bytes: Uint8Array): Json {
  try {
    return asObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    // No cause: V8's message quotes the text it could not read.
    throw new WireError('JOSE_FORMAT', 'a part is not a JSON object');
  }
}

function asObject(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value));
  throw new WireError('JOSE_FORMAT', 'not a JSON object');
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
