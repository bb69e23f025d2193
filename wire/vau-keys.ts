// Keys of the VAU protocol, gemSpec_Krypt chapter 7 (epa-record-system.md 1.2, 1.3): key pairs, checks on the peer's keys,
// the two encapsulations, K1 and K2. Nothing here knows message order or trust: client and server each have their own.
// The KEM is Kyber768 of round 3 (v3.0.2), not FIPS 203: equal keys and ciphertexts, another secret. Both by one switch.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate as decapsulateMlKem,
  diffieHellman,
  encapsulate as encapsulateMlKem,
  generateKeyPairSync,
  hkdfSync,
  KeyObject,
} from 'node:crypto';
import { type CborMap, cborBytes, cborMap, cborText } from './cbor.ts';
import { WireError } from './error.ts';

export type KemScheme = 'kyber768-round3' | 'ml-kem-768';
export type EcPoint = { crv: 'P-256'; x: Uint8Array; y: Uint8Array };
export type VauPublicKeys = { ECDH_PK: EcPoint; Kyber768_PK: Uint8Array };
export type VauKeyPair = { ecdh: KeyObject; kyber: KeyObject; public: VauPublicKeys };
export type VauCiphertext = { ECDH_ct: EcPoint; Kyber768_ct: Uint8Array };
/** What both sides know after one encapsulation, 32 bytes each. */
export type SharedSecret = { ecdh: Uint8Array; kyber: Uint8Array };
export type K1 = { K1_c2s: Uint8Array; K1_s2c: Uint8Array };
/** 32 bytes each, in the order of the key derivation. */
export type K2 = {
  K2_c2s_key_confirmation: Uint8Array;
  K2_c2s_app_data: Uint8Array;
  K2_s2c_key_confirmation: Uint8Array;
  K2_s2c_app_data: Uint8Array;
  KeyID: Uint8Array;
};

const KYBER_PUBLIC_KEY = 1184;
const KYBER_PRIVATE_KEY = 2400;
const KYBER_CIPHERTEXT = 1088;
const KYBER_Q = 3329;
/** 3 polynomials of 256 coefficients, 12 bits each; the 32-byte seed follows. */
const KYBER_COEFFICIENT_BYTES = 1152;
/** PKCS #8 head of an expanded ML-KEM-768 private key: OID 2.16.840.1.101.3.4.4.2, OCTET STRING in OCTET STRING. */
const KYBER_PKCS8_HEAD = Buffer.from('30820978020100300b06096086480165030404020482096404820960', 'hex');
const P256 = { asymmetricKeyType: 'ec', namedCurve: 'prime256v1' } as const;

// ---- key pairs

export function generateVauKeyPair(): VauKeyPair {
  const ecdh = generateKeyPairSync('ec', { namedCurve: P256.namedCurve });
  const kyber = generateKeyPairSync('ml-kem-768');
  return keyPair(ecdh.privateKey, kyber.privateKey);
}

/**
 * @param o.ecdhPrivate key object, 32-byte d, or PKCS #8 DER
 * @param o.kyberPrivate 2400 bytes expanded; must belong to `kyberPublic` (1184 bytes)
 * @throws WireError VAU_KEY_CURVE, VAU_KEY_POINT, VAU_KEY_KYBER
 */
export function importVauKeyPair(o: {
  ecdhPrivate: KeyObject | Uint8Array;
  kyberPrivate: Uint8Array;
  kyberPublic: Uint8Array;
}): VauKeyPair {
  const ecdh = o.ecdhPrivate instanceof KeyObject ? o.ecdhPrivate : importEcdhPrivate(o.ecdhPrivate);
  if (ecdh.type !== 'private' || ecdh.asymmetricKeyDetails?.namedCurve !== P256.namedCurve) {
    throw new WireError('VAU_KEY_CURVE', 'the ECDH key is not a private key on P-256');
  }
  if (o.kyberPrivate.length !== KYBER_PRIVATE_KEY)
    throw new WireError('VAU_KEY_KYBER', 'the Kyber key is not 2400 bytes');
  const pair = keyPair(ecdh, importKyberPrivate(o.kyberPrivate));
  const { sharedKey, ciphertext } = encapsulateMlKem(importKyber(o.kyberPublic));
  if (!decapsulateMlKem(pair.kyber, ciphertext).equals(sharedKey)) {
    throw new WireError('VAU_KEY_KYBER', 'private and public Kyber key do not belong together');
  }
  return pair;
}

// ---- checks on what the peer sends (A_24608: curve name, lengths, point on the curve, Kyber modulus)

/** ECDH_PK and Kyber768_PK of M1 or of the signed server keys; other members are ignored. @throws WireError VAU_KEY_*, CBOR_* */
export function checkPublicKeys(map: CborMap): VauPublicKeys {
  const ECDH_PK = readPoint(cborMap(map, 'ECDH_PK'));
  const Kyber768_PK = cborBytes(map, 'Kyber768_PK');
  importKyber(Kyber768_PK);
  return { ECDH_PK, Kyber768_PK };
}

/** ECDH_ct and Kyber768_ct of M2 or of the inner layer of M3. @throws WireError VAU_KEY_*, CBOR_* */
export function readCiphertext(map: CborMap): VauCiphertext {
  const ECDH_ct = readPoint(cborMap(map, 'ECDH_ct'));
  const Kyber768_ct = cborBytes(map, 'Kyber768_ct');
  if (Kyber768_ct.length !== KYBER_CIPHERTEXT) throw new WireError('VAU_KEY_KYBER', 'the ciphertext is not 1088 bytes');
  return { ECDH_ct, Kyber768_ct };
}

export function cborPoint(p: EcPoint): { crv: string; x: Uint8Array; y: Uint8Array } {
  return { crv: p.crv, x: p.x, y: p.y };
}

// ---- encapsulation (ss_e to the client's keys of M1, ss_s to the server's signed keys)

/** The "ECDH ciphertext" is the sender's fresh public point. @throws WireError VAU_KEY_* when the keys are unusable */
export function encapsulate(
  pub: VauPublicKeys,
  scheme: KemScheme = 'kyber768-round3',
): { ct: VauCiphertext; ss: SharedSecret } {
  const ephemeral = generateKeyPairSync('ec', { namedCurve: P256.namedCurve });
  const { sharedKey, ciphertext } = encapsulateMlKem(importKyber(pub.Kyber768_PK));
  const ecdh = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: importPoint(pub.ECDH_PK) });
  return {
    ct: { ECDH_ct: exportPoint(ephemeral.publicKey), Kyber768_ct: Uint8Array.from(ciphertext) },
    ss: { ecdh, kyber: kemSecret(scheme, sharedKey, ciphertext) },
  };
}

/** A ciphertext made for other keys gives other secrets, not an error: the next AEAD step fails. @throws WireError VAU_KEY_* */
export function decapsulate(keys: VauKeyPair, ct: VauCiphertext, scheme: KemScheme = 'kyber768-round3'): SharedSecret {
  if (ct.Kyber768_ct.length !== KYBER_CIPHERTEXT)
    throw new WireError('VAU_KEY_KYBER', 'the ciphertext is not 1088 bytes');
  const ecdh = diffieHellman({ privateKey: keys.ecdh, publicKey: importPoint(ct.ECDH_ct) });
  return { ecdh, kyber: kemSecret(scheme, decapsulateMlKem(keys.kyber, ct.Kyber768_ct), ct.Kyber768_ct) };
}

/** Round 3 ends with a hash over the ciphertext that FIPS 203 dropped: SHAKE256(K ‖ SHA3-256(ct)), 32 bytes. */
function kemSecret(scheme: KemScheme, mlKemSecret: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  if (scheme === 'ml-kem-768') return mlKemSecret;
  const hash = createHash('sha3-256').update(ciphertext).digest();
  return createHash('shake256', { outputLength: 32 }).update(mlKemSecret).update(hash).digest();
}

// ---- key schedule: HKDF-SHA-256 without salt and info

/** Protects the content of M2 and M3. */
export function deriveK1(ss_e: SharedSecret): K1 {
  const key = derive(2, ss_e.ecdh, ss_e.kyber);
  return { K1_c2s: key(0), K1_s2c: key(1) };
}

/** Confirms the handshake and protects the data frames. */
export function deriveK2(ss_e: SharedSecret, ss_s: SharedSecret): K2 {
  const key = derive(5, ss_e.ecdh, ss_e.kyber, ss_s.ecdh, ss_s.kyber);
  return {
    K2_c2s_key_confirmation: key(0),
    K2_c2s_app_data: key(1),
    K2_s2c_key_confirmation: key(2),
    K2_s2c_app_data: key(3),
    KeyID: key(4),
  };
}

/** SHA-256 over the bytes as sent and received, never over a re-encoding: M1 ‖ M2 ‖ M3.AEAD_ct for M3, M1 ‖ M2 ‖ M3 for M4. */
export function transcript(...parts: Uint8Array[]): Uint8Array {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** The nth key of 32 bytes out of `count`. */
function derive(count: number, ...secrets: Uint8Array[]): (n: number) => Uint8Array {
  const okm = new Uint8Array(hkdfSync('sha256', Buffer.concat(secrets), '', '', 32 * count));
  return (n) => okm.slice(32 * n, 32 * (n + 1));
}

// ---- keys in and out of node:crypto

function keyPair(ecdh: KeyObject, kyber: KeyObject): VauKeyPair {
  const Kyber768_PK = Uint8Array.from(createPublicKey(kyber).export({ format: 'raw-public' }));
  return { ecdh, kyber, public: { ECDH_PK: exportPoint(createPublicKey(ecdh)), Kyber768_PK } };
}

function readPoint(map: CborMap): EcPoint {
  if (cborText(map, 'crv') !== 'P-256') throw new WireError('VAU_KEY_CURVE', 'the point is not named P-256');
  const point: EcPoint = { crv: 'P-256', x: cborBytes(map, 'x'), y: cborBytes(map, 'y') };
  importPoint(point);
  return point;
}

/** OpenSSL refuses a point off the curve. */
function importPoint(p: EcPoint): KeyObject {
  if (p.x.length !== 32 || p.y.length !== 32) throw new WireError('VAU_KEY_POINT', 'a coordinate is not 32 bytes');
  try {
    return createPublicKey({ ...P256, format: 'raw-public', key: Buffer.concat([Buffer.of(0x04), p.x, p.y]) });
  } catch (cause) {
    throw new WireError('VAU_KEY_POINT', 'the point does not lie on P-256', { cause });
  }
}

function exportPoint(key: KeyObject): EcPoint {
  const point = key.export({ format: 'raw-public' }); // 04 ‖ x ‖ y; OpenSSL takes a private key of zero, whose point is 00
  if (point.length !== 65) throw new WireError('VAU_KEY_POINT', 'the ECDH key has no point on P-256');
  return { crv: 'P-256', x: Uint8Array.from(point.subarray(1, 33)), y: Uint8Array.from(point.subarray(33)) };
}

function importEcdhPrivate(key: Uint8Array): KeyObject {
  try {
    if (key.length === 32) return createPrivateKey({ ...P256, format: 'raw-private', key });
    return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' });
  } catch {
    throw new WireError('VAU_KEY_POINT', 'the ECDH private key is unreadable');
  }
}

/** Length and modulus check of FIPS 203 7.2: every 12-bit coefficient below q. */
function importKyber(key: Uint8Array): KeyObject {
  if (key.length !== KYBER_PUBLIC_KEY) throw new WireError('VAU_KEY_KYBER', 'the Kyber key is not 1184 bytes');
  for (let i = 0; i < KYBER_COEFFICIENT_BYTES; i += 3) {
    const [a = 0, b = 0, c = 0] = key.subarray(i, i + 3);
    if ((a | ((b & 0x0f) << 8)) >= KYBER_Q || ((b >> 4) | (c << 4)) >= KYBER_Q) {
      throw new WireError('VAU_KEY_KYBER', 'a coefficient of the Kyber key is not below the modulus');
    }
  }
  return createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'ml-kem-768' });
}

function importKyberPrivate(key: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.concat([KYBER_PKCS8_HEAD, key]), format: 'der', type: 'pkcs8' });
  } catch {
    throw new WireError('VAU_KEY_KYBER', 'the Kyber private key is unreadable');
  }
}
