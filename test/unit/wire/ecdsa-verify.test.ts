// verifyDigest against OpenSSL: what OpenSSL signs over the data verifies over its hash, and nothing else does.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ecdsaToRaw, signDigest } from '../../../wire/ecdsa.ts';
import { verifyDigest } from '../../../wire/ecdsa-verify.ts';
import { codeOf, flipped } from '../../support/wire-error.ts';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();
const ORDER = Buffer.from('a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7', 'hex');

const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');

describe.each(['brainpoolP256r1', 'prime256v1'])('on %s', (namedCurve) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });

  test('a signature that OpenSSL made verifies over the hash, as DER and as r and s', () => {
    for (let i = 0; i < 8; i++) {
      const data = randomBytes(40);
      expect(verifyDigest(sha256(data), sign('sha256', data, privateKey), publicKey)).toBe(true);
      const raw = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verifyDigest(sha256(data), raw, publicKey)).toBe(true);
    }
  });
  test('a signature made over the bare hash verifies', () => {
    const hash = randomBytes(32);
    expect(verifyDigest(hash, signDigest(hash, privateKey), publicKey)).toBe(true);
  });
  test('a hash of all zeros or all ones is a number like any other', () => {
    for (const hash of [new Uint8Array(32), new Uint8Array(32).fill(255)])
      expect(verifyDigest(hash, signDigest(hash, privateKey), publicKey)).toBe(true);
  });
  test('another hash, another key, a flipped bit in r or s do not verify', () => {
    const data = randomBytes(40);
    const raw = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const other = generateKeyPairSync('ec', { namedCurve }).publicKey;
    expect(verifyDigest(flipped(sha256(data), 3), raw, publicKey)).toBe(false);
    expect(verifyDigest(sha256(data), raw, other)).toBe(false);
    expect(verifyDigest(sha256(data), flipped(raw, 31), publicKey)).toBe(false);
    expect(verifyDigest(sha256(data), flipped(raw, -1), publicKey)).toBe(false);
  });
  test('the hash hashed once more, as crypto.sign would do with it, does not verify', () => {
    const hash = sha256(randomBytes(40));
    expect(verifyDigest(hash, sign('sha256', hash, privateKey), publicKey)).toBe(false);
  });
});

describe('what is no signature', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
  const hash = randomBytes(32);

  test('r or s at or above the group order is refused without a computation', () => {
    const one = Buffer.concat([new Uint8Array(31), Uint8Array.of(1)]);
    expect(verifyDigest(hash, Buffer.concat([ORDER, one]), publicKey)).toBe(false);
    expect(verifyDigest(hash, Buffer.concat([one, new Uint8Array(32).fill(255)]), publicKey)).toBe(false);
  });
  test('the right signature with s written one group order higher is another one', () => {
    const n = BigInt(`0x${ORDER.toString('hex')}`);
    for (;;) {
      const raw = ecdsaToRaw(signDigest(hash, privateKey));
      const higher = numberOf(raw.subarray(32)) + n;
      // Half of them do not fit.
      if (higher >= 1n << 256n) continue;
      expect(verifyDigest(hash, raw, publicKey)).toBe(true);
      expect(verifyDigest(hash, Buffer.concat([raw.subarray(0, 32), bytesOf(higher)]), publicKey)).toBe(false);
      return;
    }
  });
  test('r and s that lead to the point at infinity are no signature', () => {
    const n = BigInt(`0x${ORDER.toString('hex')}`);
    const r = 5n;
    // u·G + v·Q with hash = −r·d: u = −v·d.
    const d = numberOf(privateKey.export({ format: 'raw-private' }));
    const back = bytesOf((((-r * d) % n) + n) % n);
    expect(verifyDigest(back, Buffer.concat([bytesOf(r), bytesOf(7n)]), publicKey)).toBe(false);
  });
  test.each([
    ['zeros', () => verifyDigest(hash, new Uint8Array(64), publicKey), 'JOSE_ECDSA'],
    ['63 bytes', () => verifyDigest(hash, new Uint8Array(63).fill(1), publicKey), 'JOSE_ECDSA'],
    [
      'a hash of 20 bytes',
      () => verifyDigest(hash.subarray(12), signDigest(hash, privateKey), publicKey),
      'JOSE_ECDSA',
    ],
    ['a private key', () => verifyDigest(hash, signDigest(hash, privateKey), privateKey), 'JOSE_KEY'],
    [
      'a key on P-384',
      () =>
        verifyDigest(
          hash,
          signDigest(hash, privateKey),
          generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey,
        ),
      'JOSE_KEY',
    ],
    [
      'an RSA key',
      () =>
        verifyDigest(hash, signDigest(hash, privateKey), generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
      'JOSE_KEY',
    ],
  ])('%s', (_name, act, code) => expect(codeOf(act)).toBe(code));
});
