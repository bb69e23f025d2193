// PKCS#12 files with a client key (RFC 7292), as Konnektors hand them out (konnektor.md 7): AES and 3DES, BER and DER by
// node:crypto; RC2-40, which OpenSSL knows no longer, by node-forge, used nowhere else and loaded for such a file only.
// Whatever is wrong with a file is said with what to do about it.
import { createPrivateKey, type KeyObject, parsePKCS12, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import * as asn1js from 'asn1js';
import type * as Forge from 'node-forge';
import { oidText } from './der.ts';
import { CertError } from './error.ts';

export type Pkcs12 = {
  /** PKCS#8 as PEM. */
  key: string;
  /** The certificate of the key, then the others of the file in their order, PEM. */
  chain: string;
  certificate: X509Certificate;
  /** Encrypted by RC2-40: the file should be exported again. */
  legacy: boolean;
};

/** What a file holds, by whichever reader. */
type Content = { keys: KeyObject[]; certificates: X509Certificate[]; legacy: boolean };

/** How to look into one by hand. */
export const PKCS12_CONTENTS = 'openssl pkcs12 -in FILE -info -noout';
const MAKE = 'openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.pem -out NEW.p12';
const CONVERT = `openssl pkcs12 -legacy -in FILE -nodes -out ALL.pem, then openssl pkcs12 -export -in ALL.pem -out NEW.p12`;

/**
 * Reads one file. Throws CertError PKCS12_UNREADABLE, PKCS12_PASSWORD, PKCS12_ALGORITHM, PKCS12_NO_KEY, PKCS12_TWO_KEYS,
 * PKCS12_NO_CERTIFICATE; no message holds anything of the file.
 */
export function readPkcs12(file: Uint8Array, password: string): Pkcs12 {
  const seen = keyBagsOf(file);
  const { keys, certificates, legacy } = contentOf(file, password);
  const [key] = keys;
  if (key === undefined)
    throw new CertError('PKCS12_NO_KEY', `holds no private key: export it again together with its key (${MAKE})`);
  if (seen > 1 || keys.length > 1)
    throw new CertError(
      'PKCS12_TWO_KEYS',
      `holds ${Math.max(seen, keys.length)} private keys, and which one is meant cannot be known: take out one with its certificate (openssl pkcs12 -in FILE -nodes shows them) and export that (${MAKE})`,
    );
  const own = certificates.filter((one) => one.checkPrivateKey(key));
  // A renewed certificate of the same key lies beside the old one: the one that lasts longest is meant.
  own.sort((a, b) => b.validToDate.getTime() - a.validToDate.getTime());
  const [certificate] = own;
  if (certificate === undefined)
    throw new CertError(
      'PKCS12_NO_CERTIFICATE',
      `holds ${certificates.length === 0 ? 'no certificate' : 'no certificate that belongs to its key'}: export the key again together with its certificate (${MAKE})`,
    );
  const others = certificates.filter((one) => !own.includes(one));
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: [certificate, ...others].map((one) => one.toString()).join(''),
    certificate,
    legacy,
  };
}

function contentOf(file: Uint8Array, password: string): Content {
  try {
    const { privateKey, certificate, additionalCertificates } = parsePKCS12(file, { passphrase: password });
    return {
      keys: privateKey ? [privateKey] : [],
      certificates: [...(certificate ? [certificate] : []), ...additionalCertificates],
      legacy: false,
    };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (/MAC_VERIFY|BAD_DECRYPT/.test(code)) throw wrongPassword(cause);
    if (code !== 'ERR_CRYPTO_UNSUPPORTED_OPERATION') throw unreadable(cause);
    return legacyContentOf(file, password);
  }
}

const require = createRequire(import.meta.url);

/** RC2-40 (PBE-SHA1-RC2-40), the old default of many programs. Keys and certificates leave node-forge as DER. */
function legacyContentOf(file: Uint8Array, password: string): Content {
  const { asn1, pkcs12, pki }: typeof Forge = require('node-forge');
  const derOf = (value: Forge.Asn1) => Buffer.from(asn1.toDer(value).getBytes(), 'binary');
  try {
    const pfx = asn1.fromDer(Buffer.from(file).toString('binary'));
    const bags = pkcs12.pkcs12FromAsn1(pfx, false, password).safeContents.flatMap((safe) => safe.safeBags);
    const keys = bags.filter((bag) => KEY_BAGS.has(bag.type));
    const certificates = bags.filter((bag) => bag.type === CERTIFICATE_BAG);
    return {
      keys: keys.map(({ key, asn1: raw }) =>
        createPrivateKey({
          key: derOf(raw ?? pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(key ?? {}))),
          format: 'der',
          type: 'pkcs8',
        }),
      ),
      certificates: certificates.map(
        ({ cert, asn1: raw }) => new X509Certificate(derOf(raw ?? pki.certificateToAsn1(cert ?? {}))),
      ),
      legacy: true,
    };
  } catch (cause) {
    // Its password was right, or the file has no check of it: node:crypto looks at that before it decrypts.
    throw new CertError(
      'PKCS12_ALGORITHM',
      `is encrypted in a way that is not read here (AES, 3DES and RC2-40 are), or its password is wrong: convert it (${CONVERT})`,
      { cause },
    );
  }
}

const wrongPassword = (cause: unknown): CertError =>
  new CertError('PKCS12_PASSWORD', `is not opened by this password: try it by hand (${PKCS12_CONTENTS})`, { cause });

const unreadable = (cause?: unknown): CertError =>
  new CertError('PKCS12_UNREADABLE', `is no PKCS#12 file that can be read: see what it is (${PKCS12_CONTENTS})`, {
    cause,
  });

/** RFC 7292 section 4.2: keyBag and pkcs8ShroudedKeyBag. */
const KEY_BAGS: ReadonlySet<string> = new Set(['1.2.840.113549.1.12.10.1.1', '1.2.840.113549.1.12.10.1.2']);
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3';
const PKCS7_DATA = '1.2.840.113549.1.7.1';

/**
 * The private keys that lie open or shrouded in the file, which node:crypto does not tell: it takes the first one. Those in a part
 * that is encrypted as a whole, where certificates are put, are not seen.
 */
function keyBagsOf(file: Uint8Array): number {
  try {
    // PFX = version, authSafe (data), macData; authSafe = ContentInfo+; of each kind `data` the content is SafeBag+.
    const [, authSafe] = childrenOf(berOf(file));
    return childrenOf(berOf(dataOf(authSafe)))
      .filter((part) => oidText(childrenOf(part)[0]) === PKCS7_DATA)
      .flatMap((part) => childrenOf(berOf(dataOf(part))))
      .filter((bag) => KEY_BAGS.has(oidText(childrenOf(bag)[0]))).length;
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** One value, whatever its form (RFC 7292 allows BER), and nothing behind it. */
function berOf(bytes: Uint8Array): asn1js.AsnType {
  const { offset, result } = asn1js.fromBER(new Uint8Array(bytes), { parseEmbedded: false });
  if (offset !== bytes.length) throw unreadable();
  return result;
}

function childrenOf(value: unknown): asn1js.BaseBlock[] {
  if (!(value instanceof asn1js.Constructed)) throw unreadable();
  return value.valueBlock.value;
}

/** The octets of a ContentInfo of kind `data`: [0] EXPLICIT OCTET STRING, in BER perhaps in pieces. */
function dataOf(contentInfo: unknown): Uint8Array {
  const [kind, explicit] = childrenOf(contentInfo);
  const [content] = childrenOf(explicit);
  if (oidText(kind) !== PKCS7_DATA || !(content instanceof asn1js.OctetString)) throw unreadable();
  return new Uint8Array(content.getValue());
}
