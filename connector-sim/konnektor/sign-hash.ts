// How a card signs a hash it is given (konnektor.md 2.5): ECDSA as it stands, RSA with PKCS #1 v1.5 or PSS (RFC 8017 8.1,
// 8.2). Node signs data, not hashes, with RSA; so the encoding is made here and the key's bare operation does the rest.
import { constants, createHash, type KeyObject, privateEncrypt, randomBytes } from 'node:crypto';
import { signDigest } from '../../wire/jose.ts';

export const SCHEMES = ['RSASSA-PSS', 'RSASSA-PKCS1-v1_5'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** By the length of the hash: its name, and the DER in front of it in a DigestInfo (RFC 8017 9.2, note 1). */
const hashes: Readonly<Record<number, { name: string; prefix: string }>> = {
  32: { name: 'sha256', prefix: '3031300d060960864801650304020105000420' },
  48: { name: 'sha384', prefix: '3041300d060960864801650304020205000430' },
  64: { name: 'sha512', prefix: '3051300d060960864801650304020305000440' },
};

export function isHashLength(length: number): boolean {
  return hashes[length] !== undefined;
}

/** DER. ECDSA takes the leftmost 256 bits of a longer hash on this curve (FIPS 186-5 6.4). */
export function signEcc(hash: Uint8Array, key: KeyObject): Uint8Array {
  return signDigest(hash.subarray(0, 32), key);
}

export function signRsa(hash: Uint8Array, key: KeyObject, scheme: Scheme): Uint8Array {
  const kind = hashes[hash.length];
  if (kind === undefined) throw new RangeError('no hash of that length');
  if (scheme === 'RSASSA-PKCS1-v1_5') {
    const digestInfo = Buffer.concat([Buffer.from(kind.prefix, 'hex'), hash]);
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encodePss(hash, kind.name, bits - 1));
}

/** EMSA-PSS-ENCODE with MGF1 and a salt as long as the hash (RFC 8017 9.1.1). */
function encodePss(hash: Uint8Array, name: string, emBits: number): Buffer {
  const salt = randomBytes(hash.length);
  const h = createHash(name).update(Buffer.alloc(8)).update(hash).update(salt).digest();
  const db = Buffer.alloc(Math.ceil(emBits / 8) - h.length - 1);
  db[db.length - salt.length - 1] = 1;
  salt.copy(db, db.length - salt.length);
  const mask = mgf1(h, db.length, name);
  const masked = db.map((byte, i) => byte ^ (mask[i] ?? 0));
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * Math.ceil(emBits / 8) - emBits));
  return Buffer.concat([masked, h, Buffer.of(0xbc)]);
}

function mgf1(seed: Uint8Array, length: number, name: string): Buffer {
  const parts: Buffer[] = [];
  for (let counter = 0, made = 0; made < length; counter += 1) {
    const c = Buffer.alloc(4);
    c.writeUInt32BE(counter);
    const part = createHash(name).update(seed).update(c).digest();
    parts.push(part);
    made += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}
