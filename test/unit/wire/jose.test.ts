// JWS, JWK and JWE on brainpool. Judges: RFC 7515 A.3, RFC 7518 appendix C, openssl, and a JWE made by hand from the RFC.
import {
  createCipheriv,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  compactJws,
  concatKdf,
  decodeJws,
  decryptJwe,
  decryptJweDirect,
  ecdsaToDer,
  ecdsaToRaw,
  encryptJwe,
  encryptJweDirect,
  publicJwk,
  publicKeyFromJwk,
  signDigest,
  signingInput,
  signJws,
  verifyJws,
} from '../../../wire/jose.ts';
import { opensslSigns, opensslVerifies, testWithOpenssl } from '../../support/openssl.ts';
import { codeOf, flipped, wireErrorOf } from '../../support/wire-error.ts';

const b64u = (value: Uint8Array | string) => Buffer.from(value).toString('base64url');
const fromB64u = (value: string) => Buffer.from(value, 'base64url');
const jsonPart = (value: unknown) => b64u(JSON.stringify(value));
const brainpool = () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' });
const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

const card = brainpool();
const cardSigns = async (sha256: Uint8Array) => signDigest(sha256, card.privateKey);
const BP = { alg: 'BP256R1', typ: 'JWT' };

describe('a JWS', () => {
  // RFC 7515 A.3
  const rfc7515 =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q';
  const rfc7515Key = publicKeyFromJwk({
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  });

  test('of RFC 7515 A.3 is read and verified', () => {
    const jws = decodeJws(rfc7515);
    expect(jws.header).toEqual({ alg: 'ES256' });
    expect(jws.payload).toEqual({ iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true });
    expect(codeOf(() => verifyJws(jws, rfc7515Key))).toBe('nothing thrown');
  });

  test('of RFC 7515 A.3 with one byte changed in any part is refused', () => {
    const [header = '', payload = '', signature = ''] = rfc7515.split('.');
    const changed = [
      [b64u('{"alg":"ES256" }'), payload, signature],
      [header, b64u(flipped(fromB64u(payload), 9)), signature],
      [header, payload, b64u(flipped(fromB64u(signature), 0))],
      [header, payload, b64u(flipped(fromB64u(signature), -1))],
    ];
    for (const parts of changed) {
      expect(codeOf(() => verifyJws(decodeJws(parts.join('.')), rfc7515Key))).toBe('JOSE_SIGNATURE');
    }
  });

  test('made by the card over the hash alone verifies with BP256R1 and, for the client attestation, with ES256', async () => {
    for (const alg of ['BP256R1', 'ES256']) {
      const jws = decodeJws(await signJws({ alg, typ: 'JWT' }, { njwt: 'a.b.c' }, cardSigns));
      expect(jws.payload).toEqual({ njwt: 'a.b.c' });
      expect(codeOf(() => verifyJws(jws, card.publicKey))).toBe('nothing thrown');
    }
  });

  test('is made from a Konnektor that answers DER and from one that answers r and s', async () => {
    const raw = async (sha256: Uint8Array) => ecdsaToRaw(signDigest(sha256, card.privateKey));
    for (const signer of [cardSigns, raw]) {
      const jws = decodeJws(await signJws(BP, { n: 1 }, signer));
      expect(codeOf(() => verifyJws(jws, card.publicKey))).toBe('nothing thrown');
    }
  });

  testWithOpenssl('of ours is accepted by openssl, and one of openssl by us', async () => {
    const input = signingInput(BP, { n: 1 });
    const hash = createHash('sha256').update(input).digest();
    const ours = sign('sha256', Buffer.from(input), { key: card.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(opensslVerifies({ sha256: hash, signature: ecdsaToDer(ours), key: card.publicKey })).toBe(true);
    const theirs = opensslSigns(input, card.privateKey);
    const compact = await signJws(BP, { n: 1 }, async () => theirs);
    expect(codeOf(() => verifyJws(decodeJws(compact), card.publicKey))).toBe('nothing thrown');
  });

  const withHeader = (header: object) => decodeJws(compactJws(signingInput(header, {}), new Uint8Array(64).fill(1)));

  test.each(['none', 'HS256', 'ES384', 'RS256', 'bp256r1', undefined, null, 7])('with alg %s is refused', (alg) => {
    expect(codeOf(() => verifyJws(withHeader({ alg }), card.publicKey))).toBe('JOSE_ALG');
  });

  test('verifies only with a key on the curve of its alg', () => {
    const others = [p256().publicKey, generateKeyPairSync('ed25519').publicKey];
    for (const key of others) expect(codeOf(() => verifyJws(withHeader(BP), key))).toBe('JOSE_KEY');
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
    expect(codeOf(() => verifyJws(withHeader({ alg: 'ES256' }), p384))).toBe('JOSE_KEY');
  });

  test('signed by another key is refused', async () => {
    const jws = decodeJws(await signJws(BP, { n: 1 }, cardSigns));
    expect(codeOf(() => verifyJws(jws, brainpool().publicKey))).toBe('JOSE_SIGNATURE');
  });

  test('never verifies with the key its own header offers', async () => {
    const thief = brainpool();
    const header = {
      ...BP,
      jwk: publicJwk(thief.publicKey),
      jku: 'https://thief.example/keys',
      x5u: 'https://thief.example',
    };
    const jws = decodeJws(await signJws(header, { n: 1 }, async (hash) => signDigest(hash, thief.privateKey)));
    expect(codeOf(() => verifyJws(jws, card.publicKey))).toBe('JOSE_SIGNATURE');
  });

  test('with a DER signature is refused: JOSE wants r and s', () => {
    const input = signingInput(BP, { n: 1 });
    const der = sign('sha256', Buffer.from(input), card.privateKey);
    expect(codeOf(() => verifyJws(decodeJws(`${input}.${b64u(der)}`), card.publicKey))).toBe('JOSE_SIGNATURE');
    expect(codeOf(() => compactJws(input, der))).toBe('JOSE_ECDSA');
  });

  test('whose header has crit or zip is refused', () => {
    expect(codeOf(() => withHeader({ ...BP, crit: ['exp'] }))).toBe('JOSE_HEADER');
    expect(codeOf(() => withHeader({ ...BP, crit: [] }))).toBe('JOSE_HEADER');
    expect(codeOf(() => withHeader({ ...BP, zip: 'DEF' }))).toBe('JOSE_HEADER');
  });

  const whole = `${jsonPart(BP)}.${jsonPart({})}.${b64u(new Uint8Array(64))}`;
  const broken: [string, string][] = [
    ['empty', ''],
    ['of two parts', whole.slice(0, whole.lastIndexOf('.'))],
    ['of four parts', `${whole}.`],
    ['with base64 padding', `${whole}==`],
    ['in plain base64', `${jsonPart(BP)}.${jsonPart({})}.${Buffer.alloc(64, 0xff).toString('base64')}`],
    ['with a line break', `${whole}\n`],
    ['with stray bits at the end', `${whole.slice(0, -1)}B`],
    ['with a header that is no JSON', `${b64u('alg')}.${jsonPart({})}.${b64u('x')}`],
    ['with a header that is an array', `${jsonPart([BP])}.${jsonPart({})}.${b64u('x')}`],
    ['with a payload that is null', `${jsonPart(BP)}.${jsonPart(null)}.${b64u('x')}`],
    ['with a payload that is not UTF-8', `${jsonPart(BP)}.${b64u(Buffer.from('{"a":"\xff"}', 'latin1'))}.${b64u('x')}`],
  ];
  test.each(broken)('%s is refused', (_name, compact) => {
    expect(codeOf(() => decodeJws(compact))).toBe('JOSE_FORMAT');
  });

  test('that cannot be read says nothing of its content', () => {
    const secret = `${jsonPart(BP)}.${b64u('{"kvnr":X110661675}')}.${b64u('x')}`;
    const error = wireErrorOf(() => decodeJws(secret));
    expect(String(error)).not.toContain('X1106');
    expect(error.cause).toBeUndefined();
  });
});

describe('a JWK', () => {
  test.each(['brainpoolP256r1', 'P-256'])('of %s names curve and point and is read back', (namedCurve) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
    const jwk = publicJwk(publicKey, { kid: 'puk_idp_enc', use: 'enc' });
    expect(jwk).toMatchObject({
      kty: 'EC',
      crv: namedCurve === 'P-256' ? 'P-256' : 'BP-256',
      kid: 'puk_idp_enc',
      use: 'enc',
    });
    expect(publicKeyFromJwk(jwk).equals(publicKey)).toBe(true);
    expect(publicJwk(privateKey)).toEqual(publicJwk(publicKey));
    expect('d' in publicJwk(privateKey)).toBe(false);
  });

  const good = publicJwk(card.publicKey);
  const bad: [string, Record<string, unknown>][] = [
    ['of RSA', { ...good, kty: 'RSA' }],
    ['without kty', { ...good, kty: undefined }],
    ['on P-384', { ...good, crv: 'P-384' }],
    ["with OpenSSL's curve name", { ...good, crv: 'brainpoolP256r1' }],
    ['named P-256 with a brainpool point', { ...good, crv: 'P-256' }],
    ['without y', { ...good, y: undefined }],
    ['with a number as x', { ...good, x: 5 }],
    ['with a short x', { ...good, x: b64u(new Uint8Array(31).fill(1)) }],
    ['with a long y', { ...good, y: b64u(new Uint8Array(33).fill(1)) }],
    ['with x in base64', { ...good, x: `${good.x}=` }],
    ['off the curve', { ...good, y: b64u(flipped(fromB64u(String(good.y)), 31)) }],
    ['with the point zero', { ...good, x: b64u(new Uint8Array(32)), y: b64u(new Uint8Array(32)) }],
  ];
  test.each(bad)('%s is refused', (_name, jwk) => expect(codeOf(() => publicKeyFromJwk(jwk))).toBe('JOSE_JWK'));

  test('is the same for a key that was read with a compressed point', () => {
    const point = card.publicKey.export({ format: 'raw-public' });
    const compressed = Buffer.concat([Buffer.of(0x02 + ((point[64] ?? 0) & 1)), point.subarray(1, 33)]);
    const spki = Buffer.concat([
      Buffer.from('303a301406072a8648ce3d020106092b2403030208010107032200', 'hex'),
      compressed,
    ]);
    expect(publicJwk(createPublicKey({ key: spki, format: 'der', type: 'spki' }))).toEqual(good);
  });

  test('cannot be made of a key on another curve', () => {
    expect(codeOf(() => publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey))).toBe('JOSE_KEY');
    expect(codeOf(() => publicJwk(generateKeyPairSync('ed25519').publicKey))).toBe('JOSE_KEY');
  });
});

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
