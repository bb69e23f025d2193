// ECDSA over a bare hash on brainpoolP256r1, as a card makes it, for the foreign Konnektor: BigInt and createECDH alone.
import { createECDH, type KeyObject } from 'node:crypto';

const N = 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n;

/** ECDSA over a given hash on brainpoolP256r1 (SEC 1 4.1.3): node:crypto signs no bare hash. */
export function signHash(hash: Uint8Array, key: KeyObject): Buffer {
  // RFC 5915: SEQUENCE { 1, OCTET STRING d … }
  const d = BigInt(`0x${key.export({ format: 'der', type: 'sec1' }).subarray(7, 39).toString('hex')}`);
  const once = createECDH('brainpoolP256r1');
  const r = BigInt(`0x${once.generateKeys().subarray(1, 33).toString('hex')}`) % N;
  const k = BigInt(`0x${once.getPrivateKey().toString('hex')}`);
  const e = BigInt(`0x${Buffer.from(hash).toString('hex')}`);
  const s = (power(k, N - 2n) * ((e + r * d) % N)) % N;
  return Buffer.from([r, s].map((n) => n.toString(16).padStart(64, '0')).join(''), 'hex');
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base % N, e = exponent; e > 0n; e >>= 1n, b = (b * b) % N)
    if ((e & 1n) === 1n) result = (result * b) % N;
  return result;
}

export function derOf(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((half) => {
    const start = half.findIndex((byte) => byte !== 0);
    const value = half.subarray(start);
    const sign = (value[0] ?? 0) >= 0x80 ? [0] : [];
    return Buffer.from([2, sign.length + value.length, ...sign, ...value]);
  });
  const body = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
