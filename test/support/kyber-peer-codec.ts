// The primitives of the tests' own VAU peer (kyber-peer.ts): secrets from crystals-kyber and createECDH, AES-GCM, frames,
// CBOR written with maps of indefinite length. Nothing of wire/ is used here, on purpose.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { decode } from 'cborg';
import kyber from 'crystals-kyber';

export type PeerScheme = 'kyber768-round3' | 'ml-kem-768';
export type PeerKeys = { ecdhPrivate: Uint8Array; kyberPrivate: Uint8Array; kyberPublic: Uint8Array };
export type Secret = { ecdh: Uint8Array; kem: Uint8Array };
export type Fields = Record<string, unknown>;
export type CborItem = string | number | boolean | Uint8Array | { [key: string]: CborItem };

/** Fresh keys; for a server, `publicKeysCbor` of them is what its certificate signs. */
export function createPeerKeys(): PeerKeys {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const [kyberPublic, kyberPrivate] = kyber.KeyGen768();
  const ecdhPrivate = Buffer.alloc(32);
  const d = ecdh.getPrivateKey();
  d.copy(ecdhPrivate, 32 - d.length);
  return { ecdhPrivate, kyberPrivate: Uint8Array.from(kyberPrivate), kyberPublic: Uint8Array.from(kyberPublic) };
}

/** The signed_pub_keys of these keys, times in seconds. */
export function publicKeysCbor(keys: PeerKeys, o: { iat: number; exp: number; comment?: string }): Uint8Array {
  const ECDH_PK = pointOf(keys.ecdhPrivate);
  return cbor({
    ECDH_PK,
    Kyber768_PK: keys.kyberPublic,
    iat: o.iat,
    exp: o.exp,
    comment: o.comment ?? 'TEST-ONLY peer',
  });
}

// ---- secrets

export function encapsulateTo(point: Fields, kyberPublic: Uint8Array, scheme: PeerScheme) {
  const ephemeral = createPeerKeys().ecdhPrivate;
  const [Kyber768_ct, kem] = scheme === 'ml-kem-768' ? mlKemEncapsulate(kyberPublic) : kyber.Encrypt768(kyberPublic);
  const secret: Secret = { ecdh: agree(ephemeral, point), kem: Uint8Array.from(kem) };
  return { ECDH_ct: pointOf(ephemeral), Kyber768_ct: Uint8Array.from(Kyber768_ct), secret };
}

export function secretOf(message: Fields, keys: PeerKeys, scheme: PeerScheme): Secret {
  const ct = bytes(message, 'Kyber768_ct');
  const kem =
    scheme === 'ml-kem-768' ? mlKemDecapsulate(keys.kyberPrivate, ct) : kyber.Decrypt768(ct, keys.kyberPrivate);
  return { ecdh: agree(keys.ecdhPrivate, nested(message, 'ECDH_ct')), kem: Uint8Array.from(kem) };
}

function mlKemEncapsulate(publicKey: Uint8Array): [Uint8Array, Uint8Array] {
  const spki = Buffer.concat([Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex'), publicKey]);
  const { ciphertext, sharedKey } = encapsulate(createPublicKey({ key: spki, format: 'der', type: 'spki' }));
  return [ciphertext, sharedKey];
}

function mlKemDecapsulate(privateKey: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const head = Buffer.from('30820978020100300b06096086480165030404020482096404820960', 'hex');
  return decapsulate(
    createPrivateKey({ key: Buffer.concat([head, privateKey]), format: 'der', type: 'pkcs8' }),
    ciphertext,
  );
}

function agree(ecdhPrivate: Uint8Array, point: Fields): Uint8Array {
  if (point.crv !== 'P-256') throw new Error('the point is not named P-256');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(ecdhPrivate);
  return ecdh.computeSecret(Buffer.concat([Buffer.of(4), bytes(point, 'x'), bytes(point, 'y')]));
}

export function pointOf(ecdhPrivate: Uint8Array): { crv: string; x: Uint8Array; y: Uint8Array } {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(ecdhPrivate);
  const point = ecdh.getPublicKey();
  return { crv: 'P-256', x: point.subarray(1, 33), y: point.subarray(33) };
}

export function derive(count: 2, ...secrets: Secret[]): [Buffer, Buffer];
export function derive(count: 5, ...secrets: Secret[]): [Buffer, Buffer, Buffer, Buffer, Buffer];
export function derive(count: number, ...secrets: Secret[]): Buffer[] {
  const ikm = Buffer.concat(secrets.flatMap((secret) => [secret.ecdh, secret.kem]));
  const okm = Buffer.from(hkdfSync('sha256', ikm, Buffer.alloc(0), Buffer.alloc(0), count * 32));
  return Array.from({ length: count }, (_, i) => okm.subarray(i * 32, i * 32 + 32));
}

// ---- AES-GCM, frames

export function seal(
  key: Uint8Array,
  plaintext: Uint8Array,
  iv: Uint8Array = randomBytes(12),
  aad: Uint8Array = Buffer.alloc(0),
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function unseal(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array = Buffer.alloc(0)): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

export function frameHead(o: { pu: boolean; type: 1 | 2; counter: bigint; KeyID: Uint8Array }): Buffer {
  const counter = o.counter.toString(16).padStart(16, '0');
  return Buffer.concat([Buffer.of(2, o.pu ? 1 : 0, o.type), Buffer.from(counter, 'hex'), o.KeyID]);
}

/** The counter in the IV is little endian unless told otherwise, as one other implementation has it: receivers must not read it. */
export function sealFrame(
  key: Uint8Array,
  head: Uint8Array,
  count: bigint,
  inner: Uint8Array,
  ivCounter: 'little-endian' | 'big-endian' = 'little-endian',
): Buffer {
  const iv = randomBytes(12);
  if (ivCounter === 'big-endian') iv.writeBigUInt64BE(count, 4);
  else iv.writeBigUInt64LE(count, 4);
  return Buffer.concat([head, seal(key, inner, iv, head)]);
}

export function unsealFrame(key: Uint8Array, frame: Uint8Array): Buffer {
  return unseal(key, frame.subarray(43), frame.subarray(0, 43));
}

// ---- CBOR: written with maps of indefinite length, read by cborg alone

export function cbor(item: CborItem): Buffer {
  if (typeof item === 'boolean') return Buffer.of(item ? 0xf5 : 0xf4);
  if (typeof item === 'number') return cborHead(0, item);
  if (typeof item === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(item)), Buffer.from(item)]);
  if (item instanceof Uint8Array) return Buffer.concat([cborHead(2, item.length), item]);
  const members = Object.entries(item).flatMap(([key, value]) => [cbor(key), cbor(value)]);
  return Buffer.concat([Buffer.of(0xbf), ...members, Buffer.of(0xff)]);
}

function cborHead(major: number, n: number): Buffer {
  const head = major << 5;
  if (n < 24) return Buffer.of(head | n);
  if (n < 256) return Buffer.of(head | 24, n);
  if (n < 65536) return Buffer.of(head | 25, n >> 8, n & 0xff);
  return Buffer.of(head | 26, n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);
}

export function fields(message: Uint8Array, type?: string): Fields {
  const map: unknown = decode(message);
  if (typeof map !== 'object' || map === null) throw new Error('the CBOR item is no map');
  const found: Fields = Object.fromEntries(Object.entries(map));
  if (type !== undefined && found.MessageType !== type) throw new Error(`the message is not ${type}`);
  return found;
}

export function bytes(map: Fields, key: string): Uint8Array {
  const value = map[key];
  if (!(value instanceof Uint8Array)) throw new Error(`${key} is not bytes`);
  return value;
}

export function nested(map: Fields, key: string): Fields {
  const value = map[key];
  if (typeof value !== 'object' || value === null) throw new Error(`${key} is no map`);
  return Object.fromEntries(Object.entries(value));
}
