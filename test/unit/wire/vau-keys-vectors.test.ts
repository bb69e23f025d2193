// VAU keys judged by published vectors: NIST round 3 of Kyber768 and the server keys of gematik's lib-vau.
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cborBytes, cborUint, decodeCborMap } from '../../../wire/cbor.ts';
import { ecdsaToRaw } from '../../../wire/ecdsa.ts';
import {
  checkPublicKeys,
  decapsulate,
  encapsulate,
  generateVauKeyPair,
  importVauKeyPair,
} from '../../../wire/vau-keys.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { codeOf, flipped } from '../../support/wire-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const ecdhPrivate = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const client = generateVauKeyPair();

describeWithSchemas('the NIST vectors of round 3', (dir) => {
  type Vector = { count: string; pk: string; sk: string; ct: string; ss: string };
  const vectors = (): Vector[] =>
    JSON.parse(readFileSync(`${dir}/schemas/epa/vau-test-vectors/kyber768-round3-kat-first3.json`, 'utf8')).vectors;
  const load = (v: Vector) =>
    importVauKeyPair({ ecdhPrivate: ecdhPrivate(), kyberPrivate: hex(v.sk), kyberPublic: hex(v.pk) });
  const ct = (v: Vector) => ({ ECDH_ct: client.public.ECDH_PK, Kyber768_ct: hex(v.ct) });

  test('are decapsulated to their secret, and ML-KEM gives another', () => {
    expect(vectors().map((v) => v.count)).toEqual(['0', '1', '2']);
    for (const v of vectors()) {
      expect(text(decapsulate(load(v), ct(v)).kyber).toUpperCase()).toBe(v.ss);
      expect(text(decapsulate(load(v), ct(v), 'ml-kem-768').kyber).toUpperCase()).not.toBe(v.ss);
    }
  });

  test('with a byte of the ciphertext changed give another secret', () => {
    for (const v of vectors()) {
      const changed = { ...ct(v), Kyber768_ct: flipped(hex(v.ct), 1000) };
      expect(text(decapsulate(load(v), changed).kyber).toUpperCase()).not.toBe(v.ss);
    }
  });

  test('do not mix: the keys of one count refuse the public key of the next', () => {
    const [first, second] = vectors();
    if (first === undefined || second === undefined) throw new Error('the file has no two vectors');
    expect(codeOf(() => load({ ...first, pk: second.pk }))).toBe('VAU_KEY_KYBER');
  });
});

describeWithSchemas("gematik's published server keys", (dir) => {
  const file = (name: string) => readFileSync(`${dir}/schemas/epa/vau-test-vectors/${name}`);
  const keys = () => decodeCborMap(file('vau_server_keys.cbor'));
  const signed = () => decodeCborMap(file('vau_server_signed_pub_keys.cbor'));
  const load = () =>
    importVauKeyPair({
      ecdhPrivate: cborBytes(keys(), 'ECDH_PrivKey'),
      kyberPrivate: cborBytes(keys(), 'Kyber768_PrivKey'),
      kyberPublic: cborBytes(keys(), 'Kyber768_PK'),
    });

  test('are imported and are the keys of the signed map', () => {
    const pair = load();
    const map = decodeCborMap(cborBytes(signed(), 'signed_pub_keys'));
    expect(checkPublicKeys(map)).toEqual(pair.public);
    expect(cborUint(map, 'exp') - cborUint(map, 'iat')).toBeLessThanOrEqual(30 * 86400);
    const { ct, ss } = encapsulate(checkPublicKeys(map));
    expect(decapsulate(pair, ct)).toEqual(ss);
  });

  test('are signed with the published P-256 key; its signature is DER, the old form', () => {
    const key = createPublicKey(createPrivateKey({ key: file('vau-sig-key.der'), format: 'der', type: 'pkcs8' }));
    const signature = cborBytes(signed(), 'signature-ES256');
    const data = cborBytes(signed(), 'signed_pub_keys');
    const raw = { key, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', data, raw, ecdsaToRaw(signature))).toBe(true);
    expect(verify('sha256', data, raw, signature)).toBe(false);
    expect(verify('sha256', flipped(data, 40), raw, ecdsaToRaw(signature))).toBe(false);
    expect(verify('sha256', data, raw, ecdsaToRaw(flipped(signature, 20)))).toBe(false);
  });
});
