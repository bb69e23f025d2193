// JOSE on brainpool for the foreign peers, from node:crypto alone (export-flow.md 1.7, 4.3 to 4.6): DER to r‖s, JWS by the card,
// JWE ECDH-ES to puk_idp_enc. The card signs a hash; who asks it is the peer's business.
import {
  createCipheriv,
  createECDH,
  createHash,
  createPublicKey,
  type KeyObject,
  randomBytes,
  verify,
  X509Certificate,
} from 'node:crypto';

export type Json = Record<string, unknown>;
/** ExternalAuthenticate: 32-byte hash in, DER out. */
export type Card = { certificateBase64: string; sign: (hash: Buffer) => Promise<Buffer> };

const b64u = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url');
const SPKI = Buffer.from('305a301406072a8648ce3d020106092b240303020801010703420004', 'hex');

export function claimsOf(jwt: string, part: 0 | 1 = 1): Json {
  return JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString('utf8')) as Json;
}

/** A JWK of the IDP on BP-256. */
export function brainpoolKey(jwk: Json): KeyObject {
  if (jwk.kty !== 'EC' || jwk.crv !== 'BP-256') throw new Error('not a key on BP-256');
  const point = ['x', 'y'].map((name) => Buffer.from(String(jwk[name]), 'base64url'));
  return createPublicKey({ key: Buffer.concat([SPKI, ...point]), format: 'der', type: 'spki' });
}

export function certificateKey(base64: string): KeyObject {
  return new X509Certificate(Buffer.from(base64, 'base64')).publicKey;
}

/** ECDSA with SHA-256, r‖s; throws when it does not fit. */
export function verifyJwt(jwt: string, key: KeyObject): void {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const given = Buffer.from(signature, 'base64url');
  if (!verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, given))
    throw new Error('signature does not fit');
}

export async function cardJwt(header: Json, payload: Json, card: Card): Promise<string> {
  const input = `${b64u(JSON.stringify(header))}.${b64u(JSON.stringify(payload))}`;
  const der = await card.sign(createHash('sha256').update(input, 'ascii').digest());
  return `${input}.${b64u(derToRaw(der))}`;
}

/** Each integer padded on the left (the pitfall of export-flow.md 1.7). */
function derToRaw(der: Buffer): Buffer {
  const out = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const value = der.subarray(at + 2, at + 2 + length);
    const magnitude = value[0] === 0 ? value.subarray(1) : value;
    magnitude.copy(out, end - magnitude.length);
    at += 2 + length;
  }
  return out;
}

/** `exp` is the challenge's; Concat KDF with AlgorithmID A256GCM, no party information. */
export function encryptedAnswer(o: { inner: string; exp: unknown; jwk: Json }): string {
  const ephemeral = createECDH('brainpoolP256r1');
  const own = ephemeral.generateKeys();
  const [x = '', y = ''] = [o.jwk.x, o.jwk.y].map(String);
  const z = ephemeral.computeSecret(
    Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
  );
  const number = (n: number) => Buffer.from([0, 0, n >> 8, n & 0xff]);
  const info = [number(7), Buffer.from('A256GCM'), number(0), number(0), number(256)];
  const key = createHash('sha256')
    .update(Buffer.concat([number(1), z, ...info]))
    .digest();
  const epk = { kty: 'EC', crv: 'BP-256', x: b64u(own.subarray(1, 33)), y: b64u(own.subarray(33)) };
  const header = b64u(JSON.stringify({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'NJWT', exp: o.exp, epk }));
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header, 'ascii'));
  const sealed = Buffer.concat([cipher.update(JSON.stringify({ njwt: o.inner })), cipher.final()]);
  return [header, '', b64u(iv), b64u(sealed), b64u(cipher.getAuthTag())].join('.');
}

/** registrationNumber of the Admission extension (1.3.36.8.3.3): the PrintableString (tag 0x13) that begins like a Telematik-ID. */
export function telematikIdIn(certificateBase64: string): string {
  const der = Buffer.from(certificateBase64, 'base64');
  const from = der.indexOf(Buffer.from('06052b24080303', 'hex'));
  for (let at = der.indexOf(0x13, from); from >= 0 && at >= 0; at = der.indexOf(0x13, at + 1)) {
    const text = der.subarray(at + 2, at + 2 + (der[at + 1] ?? 0)).toString('latin1');
    if (/^\d-[\x20-\x7e]+$/.test(text)) return text;
  }
  return '';
}
