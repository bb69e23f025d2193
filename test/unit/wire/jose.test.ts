// JWS and JWK on brainpool. Judges: RFC 7515 A.3 and openssl.
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  compactJws,
  decodeJws,
  ecdsaToDer,
  ecdsaToRaw,
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
    [
      'whose x ends a byte early and whose y begins with it',
      {
        ...good,
        x: b64u(fromB64u(String(good.x)).subarray(0, 31)),
        y: b64u(Buffer.concat([fromB64u(String(good.x)).subarray(31), fromB64u(String(good.y))])),
      },
    ],
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
