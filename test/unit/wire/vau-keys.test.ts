// VAU keys. Judges: npm crystals-kyber and an HKDF spelled out here; the published vectors are in vau-keys-vectors.test.ts.
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import kyber from 'crystals-kyber';
import { describe, expect, test } from 'vitest';
import type { CborMap } from '../../../wire/cbor.ts';
import {
  cborPoint,
  checkPublicKeys,
  decapsulate,
  deriveK1,
  deriveK2,
  encapsulate,
  generateVauKeyPair,
  importVauKeyPair,
  type KemScheme,
  readCiphertext,
  transcript,
  type VauPublicKeys,
} from '../../../wire/vau-keys.ts';
import { codeOf, flipped } from '../../support/wire-error.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const asMap = (keys: VauPublicKeys): CborMap => ({ ECDH_PK: cborPoint(keys.ECDH_PK), Kyber768_PK: keys.Kyber768_PK });
const ecdhPrivate = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const client = generateVauKeyPair();
const server = generateVauKeyPair();

describe('encapsulation', () => {
  test.each<KemScheme>(['kyber768-round3', 'ml-kem-768'])('gives both sides the same secrets with %s', (scheme) => {
    const { ct, ss } = encapsulate(client.public, scheme);
    expect(ct.Kyber768_ct).toHaveLength(1088);
    expect(decapsulate(client, ct, scheme)).toEqual(ss);
    expect(ss.ecdh).toHaveLength(32);
    expect(ss.kyber).toHaveLength(32);
  });

  test('is round 3 unless told otherwise, and ML-KEM gives another Kyber secret', () => {
    const { ct, ss } = encapsulate(client.public);
    expect(decapsulate(client, ct, 'kyber768-round3')).toEqual(ss);
    const other = decapsulate(client, ct, 'ml-kem-768');
    expect(other.ecdh).toEqual(ss.ecdh);
    expect(text(other.kyber)).not.toBe(text(ss.kyber));
  });

  test('is opened by crystals-kyber, and opens what crystals-kyber encapsulates', () => {
    for (let i = 0; i < 5; i++) {
      const [publicKey, privateKey] = kyber.KeyGen768();
      const theirs: VauPublicKeys = { ECDH_PK: client.public.ECDH_PK, Kyber768_PK: Uint8Array.from(publicKey) };
      const sent = encapsulate(theirs);
      expect(text(Uint8Array.from(kyber.Decrypt768(sent.ct.Kyber768_ct, privateKey)))).toBe(text(sent.ss.kyber));
      const bare = encapsulate(theirs, 'ml-kem-768');
      expect(text(Uint8Array.from(kyber.Decrypt768(bare.ct.Kyber768_ct, privateKey)))).not.toBe(text(bare.ss.kyber));

      const [ciphertext, secret] = kyber.Encrypt768(client.public.Kyber768_PK);
      const ct = { ECDH_ct: server.public.ECDH_PK, Kyber768_ct: Uint8Array.from(ciphertext) };
      expect(text(decapsulate(client, ct).kyber)).toBe(text(Uint8Array.from(secret)));
      expect(text(decapsulate(client, ct, 'ml-kem-768').kyber)).not.toBe(text(Uint8Array.from(secret)));
    }
  });

  test('for other keys, or with a byte changed, gives other secrets', () => {
    const { ct, ss } = encapsulate(client.public);
    expect(text(decapsulate(server, ct).ecdh)).not.toBe(text(ss.ecdh));
    expect(text(decapsulate(server, ct).kyber)).not.toBe(text(ss.kyber));
    for (const at of [0, 500, 1087]) {
      const changed = { ...ct, Kyber768_ct: flipped(ct.Kyber768_ct, at) };
      expect(text(decapsulate(client, changed).kyber)).not.toBe(text(ss.kyber));
    }
  });

  test('refuses a ciphertext of another length', () => {
    const { ct } = encapsulate(client.public);
    for (const length of [0, 1087]) {
      const cut = { ...ct, Kyber768_ct: ct.Kyber768_ct.subarray(0, length) };
      expect(codeOf(() => decapsulate(client, cut))).toBe('VAU_KEY_KYBER');
    }
  });
});

describe('an agreement over M2 and M3', () => {
  const agree = (serverScheme: KemScheme, clientScheme: KemScheme) => {
    const e = encapsulate(client.public, serverScheme); // server, M2
    const eAtClient = decapsulate(client, e.ct, clientScheme);
    const s = encapsulate(server.public, clientScheme); // client, M3
    const sAtServer = decapsulate(server, s.ct, serverScheme);
    return {
      K1: [deriveK1(e.ss), deriveK1(eAtClient)] as const,
      K2: [deriveK2(e.ss, sAtServer), deriveK2(eAtClient, s.ss)] as const,
    };
  };

  test.each<KemScheme>(['kyber768-round3', 'ml-kem-768'])('gives both sides the same K1 and K2 with %s', (scheme) => {
    const { K1, K2 } = agree(scheme, scheme);
    expect(K1[0]).toEqual(K1[1]);
    expect(K2[0]).toEqual(K2[1]);
    expect(new Set([...Object.values(K1[0]), ...Object.values(K2[0])].map(text)).size).toBe(7);
  });

  test('fails from K1 on when one side takes ML-KEM for Kyber', () => {
    for (const { K1, K2 } of [agree('ml-kem-768', 'kyber768-round3'), agree('kyber768-round3', 'ml-kem-768')]) {
      expect(text(K1[0].K1_s2c)).not.toBe(text(K1[1].K1_s2c));
      expect(text(K1[0].K1_c2s)).not.toBe(text(K1[1].K1_c2s));
      expect(text(K2[0].KeyID)).not.toBe(text(K2[1].KeyID));
    }
  });
});

describe('the key schedule', () => {
  const secret = (first: number) => ({
    ecdh: new Uint8Array(32).fill(first),
    kyber: new Uint8Array(32).fill(first + 1),
  });
  const ss_e = secret(1);
  const ss_s = secret(3);

  /** RFC 5869 by hand: no salt (32 zeros), no info. */
  const hkdf = (ikm: Uint8Array, length: number): string => {
    const prk = createHmac('sha256', Buffer.alloc(32)).update(ikm).digest();
    let [block, okm] = [Buffer.alloc(0), ''];
    for (let i = 1; okm.length < 2 * length; i++) {
      block = createHmac('sha256', prk).update(block).update(Buffer.of(i)).digest();
      okm += block.toString('hex');
    }
    return okm;
  };

  test('is HKDF over ecdh and kyber of ss_e for K1, client to server first', () => {
    const okm = hkdf(Buffer.concat([ss_e.ecdh, ss_e.kyber]), 64);
    const { K1_c2s, K1_s2c } = deriveK1(ss_e);
    expect(text(K1_c2s) + text(K1_s2c)).toBe(okm);
  });

  test('is HKDF over ss_e and ss_s for K2, in the order of the specification', () => {
    const okm = hkdf(Buffer.concat([ss_e.ecdh, ss_e.kyber, ss_s.ecdh, ss_s.kyber]), 160);
    const k = deriveK2(ss_e, ss_s);
    const order = [k.K2_c2s_key_confirmation, k.K2_c2s_app_data, k.K2_s2c_key_confirmation, k.K2_s2c_app_data, k.KeyID];
    expect(order.map(text).join('')).toBe(okm);
  });

  test('tells ss_e from ss_s and ecdh from kyber', () => {
    const id = text(deriveK2(ss_e, ss_s).KeyID);
    expect(text(deriveK2(ss_s, ss_e).KeyID)).not.toBe(id);
    expect(text(deriveK2({ ecdh: ss_e.kyber, kyber: ss_e.ecdh }, ss_s).KeyID)).not.toBe(id);
  });

  test('has the SHA-256 of RFC 6234 as its transcript, over all parts in order', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(text(transcript(Buffer.from('abc')))).toBe(abc);
    expect(text(transcript(Buffer.from('a'), Buffer.from(''), Buffer.from('bc')))).toBe(abc);
    expect(text(transcript(Buffer.from('bc'), Buffer.from('a')))).not.toBe(abc);
  });
});

describe("the peer's public keys (A_24608)", () => {
  const good = asMap(client.public);
  const point = cborPoint(client.public.ECDH_PK);
  const kyberPk = client.public.Kyber768_PK;
  const withPoint = (change: CborMap): CborMap => ({ ...good, ECDH_PK: { ...point, ...change } });
  /** The key with its nth 12-bit coefficient set. */
  const withCoefficient = (n: number, value: number): CborMap => {
    const key = Uint8Array.from(kyberPk);
    const at = 3 * Math.floor(n / 2);
    const [a = 0, b = 0, c = 0] = key.subarray(at, at + 3);
    const triple =
      n % 2 === 0 ? [value & 0xff, (b & 0xf0) | (value >> 8), c] : [a, (b & 0x0f) | ((value & 0x0f) << 4), value >> 4];
    key.set(triple, at);
    return { ...good, Kyber768_PK: key };
  };

  test('are taken when good, whatever else stands in the map', () => {
    expect(checkPublicKeys({ ...good, iat: 1, comment: 'x', ECDH_PK: { ...point, kid: 'y' } })).toEqual(client.public);
  });

  const bad: [string, CborMap, string][] = [
    ['no ECDH_PK', { Kyber768_PK: kyberPk }, 'CBOR_MISSING'],
    ['an ECDH_PK that is no map', { ...good, ECDH_PK: new Uint8Array(65) }, 'CBOR_TYPE'],
    ['no crv', { ...good, ECDH_PK: { x: point.x, y: point.y } }, 'CBOR_MISSING'],
    ['brainpool as crv', withPoint({ crv: 'brainpoolP256r1' }), 'VAU_KEY_CURVE'],
    ["OpenSSL's name as crv", withPoint({ crv: 'prime256v1' }), 'VAU_KEY_CURVE'],
    ['a number as crv', withPoint({ crv: 1 }), 'CBOR_TYPE'],
    ['x as text', withPoint({ x: 'x' }), 'CBOR_TYPE'],
    ['a short x', withPoint({ x: point.x.subarray(1) }), 'VAU_KEY_POINT'],
    ['a long y', withPoint({ y: Buffer.concat([Buffer.of(0), point.y]) }), 'VAU_KEY_POINT'],
    [
      'an x that ends a byte early and a y that begins with it',
      withPoint({ x: point.x.subarray(0, 31), y: Buffer.concat([point.x.subarray(31), point.y]) }),
      'VAU_KEY_POINT',
    ],
    ['a point off the curve by one bit of x', withPoint({ x: flipped(point.x, 31) }), 'VAU_KEY_POINT'],
    ['a point off the curve by one bit of y', withPoint({ y: flipped(point.y, 0) }), 'VAU_KEY_POINT'],
    ['the point (0, 0)', withPoint({ x: new Uint8Array(32), y: new Uint8Array(32) }), 'VAU_KEY_POINT'],
    ['coordinates above the field', withPoint({ x: new Uint8Array(32).fill(0xff) }), 'VAU_KEY_POINT'],
    ['no Kyber768_PK', { ECDH_PK: point }, 'CBOR_MISSING'],
    ['a Kyber768_PK as text', { ...good, Kyber768_PK: 'pk' }, 'CBOR_TYPE'],
    ['a Kyber768_PK of 1183 bytes', { ...good, Kyber768_PK: kyberPk.subarray(1) }, 'VAU_KEY_KYBER'],
    ['a Kyber768_PK of 1185 bytes', { ...good, Kyber768_PK: Buffer.concat([kyberPk, Buffer.of(0)]) }, 'VAU_KEY_KYBER'],
    ['a Kyber-1024 key', { ...good, Kyber768_PK: new Uint8Array(1568) }, 'VAU_KEY_KYBER'],
    ['the modulus as first coefficient', withCoefficient(0, 3329), 'VAU_KEY_KYBER'],
    ['the modulus as second coefficient', withCoefficient(1, 3329), 'VAU_KEY_KYBER'],
    ['4095 in the middle', withCoefficient(384, 4095), 'VAU_KEY_KYBER'],
    ['the modulus as last coefficient', withCoefficient(767, 3329), 'VAU_KEY_KYBER'],
  ];
  test.each(bad)('are refused with %s', (_name, map, code) => expect(codeOf(() => checkPublicKeys(map))).toBe(code));

  test('may have 3328 as any coefficient and any bytes as seed', () => {
    for (const n of [0, 1, 767]) expect(codeOf(() => checkPublicKeys(withCoefficient(n, 3328)))).toBe('nothing thrown');
    const seed = Uint8Array.from(kyberPk).fill(0xff, 1152);
    expect(codeOf(() => checkPublicKeys({ ...good, Kyber768_PK: seed }))).toBe('nothing thrown');
  });

  test('are checked again where they are used', () => {
    const off = { ...client.public, ECDH_PK: { ...client.public.ECDH_PK, y: flipped(client.public.ECDH_PK.y, 5) } };
    expect(codeOf(() => encapsulate(off))).toBe('VAU_KEY_POINT');
    const { ct } = encapsulate(client.public);
    const offCt = { ...ct, ECDH_ct: { ...ct.ECDH_ct, x: flipped(ct.ECDH_ct.x, 5) } };
    expect(codeOf(() => decapsulate(client, offCt))).toBe('VAU_KEY_POINT');
  });
});

describe('a ciphertext of the peer', () => {
  const { ct } = encapsulate(client.public);
  const good: CborMap = { ECDH_ct: cborPoint(ct.ECDH_ct), Kyber768_ct: ct.Kyber768_ct };

  test('is read, whatever else stands in the map', () => expect(readCiphertext({ ...good, ERP: false })).toEqual(ct));

  const bad: [string, CborMap, string][] = [
    ['no ECDH_ct', { Kyber768_ct: ct.Kyber768_ct }, 'CBOR_MISSING'],
    ['no Kyber768_ct', { ECDH_ct: cborPoint(ct.ECDH_ct) }, 'CBOR_MISSING'],
    ['another curve', { ...good, ECDH_ct: { ...cborPoint(ct.ECDH_ct), crv: 'P-384' } }, 'VAU_KEY_CURVE'],
    [
      'a point off the curve',
      { ...good, ECDH_ct: { ...cborPoint(ct.ECDH_ct), y: flipped(ct.ECDH_ct.y, 3) } },
      'VAU_KEY_POINT',
    ],
    ['1087 bytes of Kyber768_ct', { ...good, Kyber768_ct: ct.Kyber768_ct.subarray(1) }, 'VAU_KEY_KYBER'],
    ['1184 bytes of Kyber768_ct', { ...good, Kyber768_ct: client.public.Kyber768_PK }, 'VAU_KEY_KYBER'],
  ];
  test.each(bad)('is refused with %s', (_name, map, code) => expect(codeOf(() => readCiphertext(map))).toBe(code));
});

describe('importing a key pair', () => {
  const [publicKey, privateKey] = kyber.KeyGen768().map((octets) => Uint8Array.from(octets));
  const kyberKeys = { kyberPrivate: privateKey ?? new Uint8Array(), kyberPublic: publicKey ?? new Uint8Array() };

  test('takes the ECDH key as key object, as 32 bytes and as PKCS #8', () => {
    const key = ecdhPrivate();
    const forms = [key, key.export({ format: 'raw-private' }), key.export({ format: 'der', type: 'pkcs8' })];
    const points = forms.map((form) => importVauKeyPair({ ecdhPrivate: form, ...kyberKeys }).public.ECDH_PK);
    const raw = createPublicKey(key).export({ format: 'raw-public' });
    for (const point of points) expect(text(point.x) + text(point.y)).toBe(raw.subarray(1).toString('hex'));
  });

  test('gives a pair that agrees with what is encapsulated to its public half', () => {
    const pair = importVauKeyPair({ ecdhPrivate: ecdhPrivate(), ...kyberKeys });
    const { ct, ss } = encapsulate(checkPublicKeys(asMap(pair.public)));
    expect(decapsulate(pair, ct)).toEqual(ss);
  });

  test('refuses keys that are broken or do not belong together', () => {
    const key = ecdhPrivate();
    const load = (change: Partial<Parameters<typeof importVauKeyPair>[0]>) =>
      codeOf(() => importVauKeyPair({ ecdhPrivate: key, ...kyberKeys, ...change }));
    expect(load({ kyberPublic: client.public.Kyber768_PK })).toBe('VAU_KEY_KYBER');
    expect(load({ kyberPrivate: kyberKeys.kyberPrivate.subarray(1) })).toBe('VAU_KEY_KYBER');
    expect(load({ kyberPrivate: flipped(kyberKeys.kyberPrivate, 2340) })).toBe('VAU_KEY_KYBER'); // hash of the public key
    expect(load({ kyberPublic: kyberKeys.kyberPublic.subarray(1) })).toBe('VAU_KEY_KYBER');
    expect(load({ ecdhPrivate: createPublicKey(key) })).toBe('VAU_KEY_CURVE');
    expect(load({ ecdhPrivate: generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey })).toBe(
      'VAU_KEY_CURVE',
    );
    expect(load({ ecdhPrivate: new Uint8Array(32) })).toBe('VAU_KEY_POINT');
    expect(load({ ecdhPrivate: new Uint8Array(31).fill(1) })).toBe('VAU_KEY_POINT');
  });
});
