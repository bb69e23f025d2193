// JWE by ECDH-ES on brainpool and under a shared key. Judges: RFC 7518 appendix C and a JWE made by hand from RFC 7516.
import {
  createCipheriv,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  concatKdf,
  decryptJwe,
  decryptJweDirect,
  encryptJwe,
  encryptJweDirect,
  publicJwk,
} from '../../../wire/jose.ts';
import { codeOf, flipped } from '../../support/wire-error.ts';

const b64u = (value: Uint8Array | string) => Buffer.from(value).toString('base64url');
const fromB64u = (value: string) => Buffer.from(value, 'base64url');
const jsonPart = (value: unknown) => b64u(JSON.stringify(value));
const brainpool = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('ECDH-ES', () => {
  // RFC 7518 appendix C: Alice's ephemeral key, Bob's key, and what they agree on.
  const onP256 = (d: string) =>
    createPrivateKey({ key: fromB64u(d), format: 'raw-private', asymmetricKeyType: 'ec', namedCurve: 'prime256v1' });
  const alice = onP256('0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo');
  const bob = onP256('VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw');

  test('agrees on the secret and the derived key of RFC 7518 appendix C', () => {
    expect(publicJwk(alice)).toMatchObject({
      x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
      y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
    });
    const z = diffieHellman({ privateKey: alice, publicKey: createPublicKey(bob) });
    expect(z.toString('hex')).toBe('9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4');
    const parties = { apu: Buffer.from('Alice'), apv: Buffer.from('Bob') };
    const key = concatKdf({ z, algorithm: 'A128GCM', bits: 128, ...parties });
    expect(b64u(key)).toBe('VqqN6vgjbSBcIijNcacQGg');
    expect(b64u(concatKdf({ z, algorithm: 'A256GCM', bits: 128, ...parties }))).not.toBe('VqqN6vgjbSBcIijNcacQGg');
  });

  test('pads a secret whose x coordinate is short on the left', () => {
    // (a·b)·G computed another way: the product of the two private numbers times the generator.
    const n = 0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7n;
    const number = (key: KeyObject) => BigInt(`0x${key.export({ format: 'raw-private' }).toString('hex')}`);
    for (;;) {
      const [a, b] = [brainpool().privateKey, brainpool().privateKey];
      const z = diffieHellman({ privateKey: a, publicKey: createPublicKey(b) });
      if (z[0] !== 0) continue;
      const product = createECDH('brainpoolP256r1');
      product.setPrivateKey(((number(a) * number(b)) % n).toString(16).padStart(64, '0'), 'hex');
      expect(z).toEqual(product.getPublicKey().subarray(1, 33));
      const jwe = encryptJwe({ header: HEADER, plaintext: 'short', recipient: createPublicKey(b), ephemeral: a });
      expect(text(decryptJwe(jwe, b).plaintext)).toBe('short');
      return;
    }
  });

  const HEADER = { alg: 'ECDH-ES', enc: 'A256GCM', cty: 'NJWT', exp: 1700000000 };
  const idp = brainpool();
  const jwe = encryptJwe({ header: HEADER, plaintext: '{"njwt":"ü"}', recipient: idp.publicKey });
  const part = (index: number) => jwe.split('.')[index] ?? '';
  const replaced = (index: number, value: string) => jwe.split('.').with(index, value).join('.');
  const headerOf = () => JSON.parse(text(fromB64u(part(0))));

  test('on brainpool is decrypted by the recipient alone and carries its own header', () => {
    const { header, plaintext } = decryptJwe(jwe, idp.privateKey);
    expect(text(plaintext)).toBe('{"njwt":"ü"}');
    expect(header).toMatchObject({ ...HEADER, epk: { kty: 'EC', crv: 'BP-256' } });
    expect(part(1)).toBe('');
    expect(codeOf(() => decryptJwe(jwe, brainpool().privateKey))).toBe('JOSE_AEAD');
  });

  test('decrypts a JWE made by hand from RFC 7516 and 7518', () => {
    const [ephemeral, iv] = [brainpool(), Buffer.alloc(12, 9)];
    const point = ephemeral.publicKey.export({ format: 'raw-public' });
    const epk = { kty: 'EC', crv: 'BP-256', x: b64u(point.subarray(1, 33)), y: b64u(point.subarray(33)) };
    const protectedHeader = jsonPart({ epk, enc: 'A256GCM', alg: 'ECDH-ES' });
    const z = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: idp.publicKey });
    const u32 = (n: number) => Buffer.from([0, 0, n >> 8, n & 0xff]);
    const info = Buffer.concat([u32(7), Buffer.from('A256GCM'), u32(0), u32(0), u32(256)]);
    const key = createHash('sha256')
      .update(Buffer.concat([u32(1), z, info]))
      .digest();
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedHeader));
    const ciphertext = Buffer.concat([cipher.update('by hand'), cipher.final()]);
    const compact = [protectedHeader, '', b64u(iv), b64u(ciphertext), b64u(cipher.getAuthTag())].join('.');
    expect(text(decryptJwe(compact, idp.privateKey).plaintext)).toBe('by hand');
  });

  test('lets apu and apv of the header into the key', () => {
    const header = { ...HEADER, apu: 'QWxpY2U', apv: 'Qm9i' };
    const compact = encryptJwe({ header, plaintext: 'parties', recipient: createPublicKey(bob), ephemeral: alice });
    expect(text(decryptJwe(compact, bob).plaintext)).toBe('parties');
  });

  test('makes a fresh ephemeral key and IV each time', () => {
    const again = encryptJwe({ header: HEADER, plaintext: '{"njwt":"ü"}', recipient: idp.publicKey });
    expect(again.split('.')[0]).not.toBe(part(0));
    expect(again.split('.')[2]).not.toBe(part(2));
  });

  test('with a byte changed in header, IV, ciphertext or tag does not decrypt', () => {
    for (const index of [2, 3, 4]) {
      const changed = replaced(index, b64u(flipped(fromB64u(part(index)), 0)));
      expect(codeOf(() => decryptJwe(changed, idp.privateKey))).toBe('JOSE_AEAD');
    }
    expect(codeOf(() => decryptJwe(replaced(0, jsonPart({ ...headerOf(), exp: 1 })), idp.privateKey))).toBe(
      'JOSE_AEAD',
    );
  });

  const offCurve = () => ({ ...headerOf().epk, y: b64u(flipped(fromB64u(headerOf().epk.y), 31)) });
  const badEpk: [string, () => unknown][] = [
    ['missing', () => undefined],
    ['no object', () => 'epk'],
    ['on P-256', () => publicJwk(p256().publicKey)],
    ['off the curve', offCurve],
    ['of RSA', () => ({ ...headerOf().epk, kty: 'RSA' })],
  ];
  test.each(badEpk)('whose epk is %s is refused', (_name, epk) => {
    const changed = replaced(0, jsonPart({ ...headerOf(), epk: epk() }));
    expect(codeOf(() => decryptJwe(changed, idp.privateKey))).toBe('JOSE_EPK');
  });

  const badHeader: [string, object, string][] = [
    ['alg dir', { alg: 'dir' }, 'JOSE_ALG'],
    ['alg ECDH-ES+A256KW', { alg: 'ECDH-ES+A256KW' }, 'JOSE_ALG'],
    ['alg RSA-OAEP', { alg: 'RSA-OAEP' }, 'JOSE_ALG'],
    ['enc A128GCM', { enc: 'A128GCM' }, 'JOSE_ALG'],
    ['enc A256CBC-HS512', { enc: 'A256CBC-HS512' }, 'JOSE_ALG'],
    ['zip', { zip: 'DEF' }, 'JOSE_HEADER'],
    ['crit', { crit: ['exp'] }, 'JOSE_HEADER'],
  ];
  test.each(badHeader)('with %s is refused', (_name, change, code) => {
    expect(codeOf(() => decryptJwe(replaced(0, jsonPart({ ...headerOf(), ...change })), idp.privateKey))).toBe(code);
  });

  const badForm: [string, () => string][] = [
    ['four parts', () => jwe.slice(0, jwe.lastIndexOf('.'))],
    ['six parts', () => `${jwe}.`],
    ['an encrypted key', () => replaced(1, 'AAAA')],
    ['no IV', () => replaced(2, '')],
    ['a short IV', () => replaced(2, b64u(new Uint8Array(11)))],
    ['a short tag', () => replaced(4, b64u(fromB64u(part(4)).subarray(0, 12)))],
    ['a part that is not base64url', () => replaced(3, '+/+/')],
  ];
  test.each(badForm)('with %s is refused', (_name, compact) => {
    expect(codeOf(() => decryptJwe(compact(), idp.privateKey))).toBe('JOSE_FORMAT');
  });

  test('is not made with another alg, a given epk, or keys that do not fit', () => {
    const make = (header: Record<string, unknown>, ephemeral?: KeyObject) =>
      codeOf(() => encryptJwe({ header, plaintext: '', recipient: idp.publicKey, ephemeral }));
    expect(make({ ...HEADER, alg: 'dir' })).toBe('JOSE_ALG');
    expect(make({ ...HEADER, enc: 'A128GCM' })).toBe('JOSE_ALG');
    expect(make({ ...HEADER, epk: {} })).toBe('JOSE_HEADER');
    expect(make(HEADER, p256().privateKey)).toBe('JOSE_KEY');
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
    expect(codeOf(() => encryptJwe({ header: HEADER, plaintext: '', recipient: p384 }))).toBe('JOSE_KEY');
  });
});

describe('a JWE under a shared key', () => {
  const key = new Uint8Array(32).fill(3);
  const header = { alg: 'dir', enc: 'A256GCM', cty: 'NJWT', kid: '0001', exp: 1700000000 };
  const jwe = encryptJweDirect({ header, plaintext: 'code', key });

  test('is decrypted with the same key', () => {
    const opened = decryptJweDirect(jwe, key);
    expect(opened.header).toEqual(header);
    expect(text(opened.plaintext)).toBe('code');
  });

  test('is refused with another key, another key length and another alg', () => {
    expect(codeOf(() => decryptJweDirect(jwe, flipped(key, 0)))).toBe('JOSE_AEAD');
    expect(codeOf(() => decryptJweDirect(jwe, key.subarray(0, 16)))).toBe('JOSE_KEY');
    expect(codeOf(() => encryptJweDirect({ header, plaintext: '', key: key.subarray(0, 16) }))).toBe('JOSE_KEY');
    expect(codeOf(() => encryptJweDirect({ header: { ...header, alg: 'ECDH-ES' }, plaintext: '', key }))).toBe(
      'JOSE_ALG',
    );
    const recipient = brainpool();
    const agreed = encryptJwe({ header: { ...header, alg: 'ECDH-ES' }, plaintext: '', recipient: recipient.publicKey });
    expect(codeOf(() => decryptJweDirect(agreed, key))).toBe('JOSE_ALG');
  });
});
