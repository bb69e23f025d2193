// ECDSA forms and the card's signature over a bare hash. Judges: RFC 6979 A.2.5, node:crypto's verify, the openssl command.
import { createHash, createPrivateKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ecdsaToDer, ecdsaToRaw, signDigest } from '../../../wire/ecdsa.ts';
import { opensslVerifies, testWithOpenssl } from '../../support/openssl.ts';
import { codeOf } from '../../support/wire-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const sha256 = (data: string) => createHash('sha256').update(data).digest();
const card = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
const half = (last: number[]) => [...new Array<number>(32 - last.length).fill(0), ...last];

describe('ecdsaToRaw', () => {
  test('turns the DER signatures of node:crypto on brainpool into r and s that verify', () => {
    for (let i = 0; i < 20; i++) {
      const data = Buffer.from(`message ${i}`);
      const raw = ecdsaToRaw(sign('sha256', data, card.privateKey));
      expect(raw).toHaveLength(64);
      expect(verify('sha256', data, { key: card.publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
    }
  });

  test('pads a short r and a short s on the left, as real signatures bring them', () => {
    // Each is 1 in 256: the loop goes on until it has met both, and every signature on the way must verify.
    const met = { r: false, s: false };
    for (let i = 0; !met.r || !met.s; i++) {
      const der = signDigest(sha256(`short ${i}`), card.privateKey);
      const [rLength, raw] = [der[3] ?? 0, ecdsaToRaw(der)];
      const sLength = der[5 + rLength] ?? 0;
      if (rLength < 32) {
        met.r = true;
        expect(raw[0]).toBe(0);
        expect(text(raw.subarray(32 - rLength, 32))).toBe(text(der.subarray(4, 4 + rLength)));
      }
      if (sLength < 32) {
        met.s = true;
        expect(raw[32]).toBe(0);
        expect(text(raw.subarray(64 - sLength))).toBe(text(der.subarray(-sLength)));
      }
      const key = { key: card.publicKey, dsaEncoding: 'ieee-p1363' } as const;
      if (rLength < 32 || sLength < 32) expect(verify('sha256', Buffer.from(`short ${i}`), key, raw)).toBe(true);
    }
  });

  test('pads crafted values of every length, down to one byte', () => {
    expect([...ecdsaToRaw(hex('3006 0201 01 0201 7f'))]).toEqual([...half([1]), ...half([0x7f])]);
    expect([...ecdsaToRaw(hex('3008 0202 0080 0202 1234'))]).toEqual([...half([0x80]), ...half([0x12, 0x34])]);
    const long = `02 21 00 ${'ff'.repeat(32)}`;
    expect(text(ecdsaToRaw(hex(`3026 ${long} 0201 05`)))).toBe('ff'.repeat(32) + text(Uint8Array.from(half([5]))));
  });

  test('leaves 64 bytes r and s alone, also when they begin like DER', () => {
    const raw = Uint8Array.from([0x30, ...new Array<number>(63).fill(0x11)]);
    expect(ecdsaToRaw(raw)).toEqual(raw);
    const nearlyDer = Uint8Array.from([0x30, 62, 0x02, 29, ...new Array<number>(60).fill(0x11)]);
    expect(ecdsaToRaw(nearlyDer)).toEqual(nearlyDer);
  });

  test('reads 64 bytes that are one exact DER value as DER', () => {
    const integer = [0x02, 29, ...new Array<number>(29).fill(0x11)];
    const der = Uint8Array.from([0x30, 62, ...integer, ...integer]);
    expect(der).toHaveLength(64);
    expect(text(ecdsaToRaw(der))).toBe(`000000${'11'.repeat(29)}000000${'11'.repeat(29)}`);
  });

  const bad: [string, string][] = [
    ['an empty answer', ''],
    ['63 bytes', '11'.repeat(63)],
    ['65 bytes', '11'.repeat(65)],
    ['a negative r', '3006 0201 80 0201 01'],
    ['a negative s', '3006 0201 01 0201 ff'],
    ['an r not in its shortest form', '3007 0202 0001 0201 01'],
    ['an s not in its shortest form', '3007 0201 01 0202 007f'],
    ['an r of 33 bytes', `3026 0221 01${'00'.repeat(32)} 0201 01`],
    ['an s of 34 bytes', `3027 0201 01 0222 00ff${'00'.repeat(32)}`],
    ['an empty integer', '3005 0200 0201 01'],
    ['a zero r', '3006 0201 00 0201 01'],
    ['a zero s', '3006 0201 01 0201 00'],
    ['a third integer', '3009 0201 01 0201 01 0201 01'],
    ['only one integer', '3003 0201 01'],
    ['bytes behind the sequence', '3006 0201 01 0201 01 00'],
    ['a length longer than the bytes', '3007 0201 01 0201 01'],
    ['a cut integer', '3006 0201 01 0202 01'],
    ['the long form of a length', '308106 0201 01 0201 01'],
    ['an indefinite length', '3080 0201 01 0201 01 0000'],
    ['another tag inside', '3006 0301 01 0201 01'],
    ['another tag outside', '3106 0201 01 0201 01'],
    ['a zero r in the raw form', `${'00'.repeat(32)}${'11'.repeat(32)}`],
    ['a zero s in the raw form', `${'11'.repeat(32)}${'00'.repeat(32)}`],
  ];
  test.each(bad)('refuses %s', (_name, bytes) => {
    expect(codeOf(() => ecdsaToRaw(hex(bytes)))).toBe('JOSE_ECDSA');
  });
});

describe('ecdsaToDer', () => {
  test('is undone by ecdsaToRaw for all r and s', () => {
    const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 });
    const nonZero = bytes.filter((raw) => raw.subarray(0, 32).some(Boolean) && raw.subarray(32).some(Boolean));
    fc.assert(
      fc.property(nonZero, (raw) => {
        expect(ecdsaToRaw(ecdsaToDer(raw))).toEqual(raw);
      }),
    );
  });

  test('writes the shortest form', () => {
    expect(text(ecdsaToDer(Uint8Array.from([...half([1]), ...half([0x80])])))).toBe('300702010102020080');
  });

  test.each([0, 63, 65])('refuses %i bytes', (length) => {
    expect(codeOf(() => ecdsaToDer(new Uint8Array(length)))).toBe('JOSE_ECDSA');
  });
});

describe('signDigest', () => {
  test('gives the signature of RFC 6979 A.2.5 with its nonce', () => {
    const x = hex('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721');
    const k = hex('A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60');
    const key = createPrivateKey({ key: x, format: 'raw-private', asymmetricKeyType: 'ec', namedCurve: 'prime256v1' });
    const raw = text(ecdsaToRaw(signDigest(sha256('sample'), key, k)));
    expect(raw.slice(0, 64).toUpperCase()).toBe('EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716');
    expect(raw.slice(64).toUpperCase()).toBe('F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8');
  });

  test('signs the hash itself: node:crypto verifies over the data, not over the hash', () => {
    const signature = signDigest(sha256('data'), card.privateKey);
    expect(verify('sha256', Buffer.from('data'), card.publicKey, signature)).toBe(true);
    expect(verify('sha256', sha256('data'), card.publicKey, signature)).toBe(false);
    expect(verify('sha256', Buffer.from('date'), card.publicKey, signature)).toBe(false);
  });

  test('never repeats a signature', () => {
    const all = Array.from({ length: 10 }, () => text(signDigest(sha256('same'), card.privateKey)));
    expect(new Set(all).size).toBe(10);
  });

  test.each([0, 20, 31, 33, 48])('refuses a hash of %i bytes', (length) => {
    expect(codeOf(() => signDigest(new Uint8Array(length), card.privateKey))).toBe('JOSE_ECDSA');
  });

  test('refuses a public key, another curve and another kind of key', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    for (const key of [card.publicKey, p384, ed]) {
      expect(codeOf(() => signDigest(sha256('data'), key))).toBe('JOSE_KEY');
    }
  });

  testWithOpenssl('is accepted by openssl pkeyutl, and a changed hash is not', () => {
    const der = signDigest(sha256('data'), card.privateKey);
    expect(opensslVerifies({ sha256: sha256('data'), signature: der, key: card.publicKey })).toBe(true);
    expect(opensslVerifies({ sha256: sha256('date'), signature: der, key: card.publicKey })).toBe(false);
  });
});
