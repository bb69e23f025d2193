// ECDSA verified over a bare SHA-256 hash (SEC 1 section 4.1.4), as the gateway must after ExternalAuthenticate: it holds
// only the hash, and node:crypto's verify always hashes once more. Everything here is public, so BigInt may take its time
// (some 20 ms); the curve constants come from SEC 2 2.4.2 and RFC 5639 3.4.
import type { KeyObject } from 'node:crypto';
import { ecdsaToRaw } from './ecdsa.ts';
import { WireError } from './error.ts';

type Curve = { p: bigint; a: bigint; n: bigint; g: Point };
type Point = { x: bigint; y: bigint } | null; // null: the point at infinity

const CURVES: ReadonlyMap<string, Curve> = new Map([
  [
    'prime256v1',
    {
      p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
      a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
      n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
      g: {
        x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
        y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
      },
    },
  ],
  [
    'brainpoolP256r1',
    {
      p: 0xa9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377n,
      a: 0x7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9n,
      n: 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n,
      g: {
        x: 0x8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262n,
        y: 0x547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997n,
      },
    },
  ],
]);

/**
 * Whether `signature` (DER or r‖s) is one of `key` over this hash. False for a wrong or out-of-range signature.
 * @throws WireError JOSE_ECDSA when it is neither form or the hash is not 32 bytes, JOSE_KEY for a key on another curve
 */
export function verifyDigest(sha256: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  if (sha256.length !== 32) throw new WireError('JOSE_ECDSA', 'the hash is not 32 bytes');
  const curve = CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (curve === undefined || key.type !== 'public')
    throw new WireError('JOSE_KEY', 'not a public key on P-256 or brainpoolP256r1');
  const raw = ecdsaToRaw(signature);
  const r = toBigInt(raw.subarray(0, 32));
  const s = toBigInt(raw.subarray(32));
  const { n } = curve;
  if (r >= n || s >= n) return false;
  const w = inverse(s, n);
  const sum = twoMultiples(curve, mod(toBigInt(sha256) * w, n), mod(r * w, n), pointOf(key));
  return sum !== null && mod(sum.x, n) === r;
}

/** The public point; node has checked that it lies on the curve. */
function pointOf(key: KeyObject): Point {
  // The uncompressed point ends the SubjectPublicKeyInfo.
  const spki = key.export({ format: 'der', type: 'spki' });
  return { x: toBigInt(spki.subarray(-64, -32)), y: toBigInt(spki.subarray(-32)) };
}

/** u·G + v·Q, both bit by bit together. */
function twoMultiples(curve: Curve, u: bigint, v: bigint, q: Point): Point {
  const steps: Point[] = [null, curve.g, q, add(curve, curve.g, q)];
  let sum: Point = null;
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = add(curve, sum, sum);
    const step = steps[Number(((u >> bit) & 1n) | (((v >> bit) & 1n) << 1n))];
    if (step) sum = add(curve, sum, step);
  }
  return sum;
}

function add({ p, a }: Curve, left: Point, right: Point): Point {
  if (left === null) return right;
  if (right === null) return left;
  const same = left.x === right.x;
  if (same && mod(left.y + right.y, p) === 0n) return null;
  const slope = same
    ? (3n * left.x * left.x + a) * inverse(mod(2n * left.y, p), p)
    : (right.y - left.y) * inverse(mod(right.x - left.x, p), p);
  const x = mod(slope * slope - left.x - right.x, p);
  return { x, y: mod(slope * (left.x - x) - left.y, p) };
}

const mod = (value: bigint, m: bigint): bigint => ((value % m) + m) % m;

const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** value⁻¹ mod m by the extended Euclidean algorithm; m is prime, 0 < value < m. */
function inverse(value: bigint, m: bigint): bigint {
  let [r0, r1, t0, t1] = [m, value, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1];
  }
  return mod(t0, m);
}
