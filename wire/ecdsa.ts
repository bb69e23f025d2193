// The two forms of an ECDSA signature on a 256-bit curve, DER (Konnektor, X.509) and r‖s (JOSE, RFC 7518 3.4), and the
// signature over a bare SHA-256 hash as a card makes it (konnektor.md 2.5). node:crypto cannot sign a given hash with an
// EC key: crypto.sign(null, …) hashes once more. So signDigest computes ECDSA itself (SEC 1 4.1.3): OpenSSL multiplies
// the point, BigInt does the rest. BigInt is not constant in time: only for test cards, never for a production key.
import { createECDH, type KeyObject } from 'node:crypto';
import { WireError } from './error.ts';

const HALF = 32;

/** Group orders of the two curves, SEC 2 2.4.2 and RFC 5639 3.4. */
const ORDER: ReadonlyMap<string, bigint> = new Map([
  ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  ['brainpoolP256r1', 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n],
]);

/**
 * The signature as 64 bytes r‖s, short values padded on the LEFT (the other side makes 1.2 % of logins fail, export-flow.md 1.7).
 * Some Konnektors deliver r‖s themselves: bytes that are one exact DER ECDSA-Sig-Value are DER, any other 64 bytes are r‖s.
 * @throws WireError JOSE_ECDSA
 */
export function ecdsaToRaw(signature: Uint8Array): Uint8Array {
  const raw = parseDer(signature) ?? (signature.length === 2 * HALF ? Uint8Array.from(signature) : undefined);
  if (raw === undefined) throw new WireError('JOSE_ECDSA', 'the signature is neither DER nor 64 bytes r and s');
  if (isZero(raw.subarray(0, HALF)) || isZero(raw.subarray(HALF))) {
    throw new WireError('JOSE_ECDSA', 'r or s of the signature is zero');
  }
  return raw;
}

/** @throws WireError JOSE_ECDSA when the input is not 64 bytes */
export function ecdsaToDer(raw: Uint8Array): Uint8Array {
  if (raw.length !== 2 * HALF) throw new WireError('JOSE_ECDSA', 'r and s are not 64 bytes');
  const body = Buffer.concat([derInteger(raw.subarray(0, HALF)), derInteger(raw.subarray(HALF))]);
  return Uint8Array.from([0x30, body.length, ...body]);
}

/**
 * ECDSA over the given hash as the card's ExternalAuthenticate makes it; DER. `nonce` fixes the secret number k and is
 * for the vectors of RFC 6979 alone: a repeated k gives the key away.
 * @throws WireError JOSE_ECDSA when the hash is not 32 bytes, JOSE_KEY when the key is not a private key on one of the two curves
 */
export function signDigest(sha256: Uint8Array, key: KeyObject, nonce?: Uint8Array): Uint8Array {
  if (sha256.length !== HALF) throw new WireError('JOSE_ECDSA', 'the hash to sign is not 32 bytes');
  const curve = key.type === 'private' ? (key.asymmetricKeyDetails?.namedCurve ?? '') : '';
  const n = ORDER.get(curve);
  if (n === undefined) throw new WireError('JOSE_KEY', 'not a private key on P-256 or brainpoolP256r1');
  const d = toBigInt(key.export({ format: 'raw-private' }));
  for (;;) {
    const multiplier = createECDH(curve);
    if (nonce === undefined) multiplier.generateKeys();
    else multiplier.setPrivateKey(nonce);
    const k = toBigInt(multiplier.getPrivateKey());
    const r = toBigInt(multiplier.getPublicKey().subarray(1, 1 + HALF)) % n;
    const s = (inverse(k, n) * ((toBigInt(sha256) + r * d) % n)) % n;
    if (r !== 0n && s !== 0n) return ecdsaToDer(Buffer.concat([fromBigInt(r), fromBigInt(s)]));
    if (nonce !== undefined) throw new WireError('JOSE_ECDSA', 'this nonce gives no signature');
  }
}

/** r‖s of a strict DER SEQUENCE { INTEGER r, INTEGER s } that fills the input exactly, else undefined. */
function parseDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 0x7f) return undefined;
  const raw = new Uint8Array(2 * HALF);
  let at = 2;
  for (const end of [HALF, 2 * HALF]) {
    const length = der[at + 1] ?? 0;
    const value = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || length === 0 || value.length !== length) return undefined;
    const [first = 0, second = 0] = value;
    if (first >= 0x80) return undefined; // negative
    if (first === 0 && length > 1 && second < 0x80) return undefined; // not the shortest form
    const magnitude = first === 0 ? value.subarray(1) : value;
    if (magnitude.length > HALF) return undefined;
    raw.set(magnitude, end - magnitude.length);
    at += 2 + length;
  }
  return at === der.length ? raw : undefined;
}

function derInteger(half: Uint8Array): Uint8Array {
  const start = half.findIndex((byte) => byte !== 0);
  const magnitude = start < 0 ? [0] : [...half.subarray(start)];
  const value = (magnitude[0] ?? 0) >= 0x80 ? [0, ...magnitude] : magnitude;
  return Uint8Array.from([0x02, value.length, ...value]);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function fromBigInt(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(2 * HALF, '0'), 'hex');
}

/** a⁻¹ mod n by the extended Euclidean algorithm; n is prime and 0 < a < n. */
function inverse(a: bigint, n: bigint): bigint {
  let [r0, r1, t0, t1] = [n, a, 0n, 1n];
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - q * r1, t1, t0 - q * t1];
  }
  return ((t0 % n) + n) % n;
}
