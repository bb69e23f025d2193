// Reading X.509 certificates (RFC 5280, gemSpec_PKI) into plain values. The key and the signature check come from
// node:crypto's X509Certificate, the extensions from pkijs/asn1js as data classes. Never toLegacyObject() or
// getPeerCertificate(): both crash Node on brainpool keys (SEC-05).
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Admission } from './admission.ts';
import { isAcceptedSignature } from './algorithms.ts';
import { checkDer, decodeDer } from './der.ts';
import { CertError, reading } from './error.ts';
import { readExtensions } from './extensions.ts';
import { readName } from './names.ts';

export type Certificate = {
  der: Uint8Array;
  sha256: Uint8Array;
  /** 1, 2 or 3; extensions exist from 3 on, so an older certificate is never a CA. */
  version: number;
  /** RFC 4514 text; compare subjectDer and issuerDer instead. */
  subject: string;
  issuer: string;
  subjectDer: Uint8Array;
  issuerDer: Uint8Array;
  commonName: string | undefined;
  /** Lower-case hex of the positive integer, two digits a byte. */
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  publicKey: KeyObject;
  /** Content of the key's BIT STRING: what key identifiers and OCSP key hashes are made from. */
  publicKeyBits: Uint8Array;
  /** True where the signature algorithm is one of CRT-07's (no SHA-1, no MD5). */
  signatureAccepted: boolean;
  isCa: boolean;
  pathLength: number | undefined;
  /** RFC 5280 names (digitalSignature, keyCertSign …); undefined where the extension is absent. */
  keyUsage: ReadonlySet<string> | undefined;
  /** serverAuth, clientAuth, OCSPSigning …; other purposes as their OID. */
  extendedKeyUsage: ReadonlySet<string>;
  admission: Admission | undefined;
  keyIdentifier: Uint8Array | undefined;
  authorityKeyIdentifier: Uint8Array | undefined;
  /** OIDs of critical extensions that nothing here understands: such a certificate must not be used (RFC 5280 4.2). */
  unknownCriticalExtensions: readonly string[];
};

const EC_PUBLIC_KEY = '1.2.840.10045.2.1';

function serialText(content: Uint8Array): string {
  if ((content[0] ?? 0) >= 0x80) throw new CertError('CERT_UNREADABLE', 'serial number is negative');
  const hex = Buffer.from(content).toString('hex');
  return hex.length > 2 && hex.startsWith('00') ? hex.slice(2) : hex;
}

/**
 * Reads one certificate from its DER; PEM, BER, trailing bytes, a repeated extension or one that cannot be read are
 * refused. Nothing is judged here: validity, chain, role are trust.ts. Throws CertError CERT_UNREADABLE.
 */
export function readCertificate(der: Uint8Array): Certificate {
  return reading('CERT_UNREADABLE', 'certificate', () => read(new Uint8Array(der)));
}

function read(der: Uint8Array): Certificate {
  checkDer(der);
  const x509 = new X509Certificate(der);
  const data = pkijs.Certificate.fromBER(der);
  const subjectDer = new Uint8Array(data.subject.valueBeforeDecode);
  const issuerDer = new Uint8Array(data.issuer.valueBeforeDecode);
  const subject = readName(decodeDer(subjectDer));
  const [notBefore, notAfter] = [x509.validFromDate, x509.validToDate];
  // Of a time that is none (31 February) Node hands out whatever lay in memory, and pkijs counts on into the next month: only what
  // both read alike is a time.
  const alike = (at: Date, { value }: pkijs.Time) => at.getTime() === value.getTime();
  if (!alike(notBefore, data.notBefore) || !alike(notAfter, data.notAfter))
    throw new CertError('CERT_UNREADABLE', 'validity is no time');
  requireNamedCurve(data.subjectPublicKeyInfo.algorithm);
  const { algorithmId, algorithmParams } = data.signatureAlgorithm;
  return {
    der,
    sha256: new Uint8Array(createHash('sha256').update(der).digest()),
    version: data.version + 1,
    subject: subject.text,
    issuer: readName(decodeDer(issuerDer)).text,
    subjectDer,
    issuerDer,
    commonName: subject.commonName,
    serialNumber: serialText(data.serialNumber.valueBlock.valueHexView),
    notBefore,
    notAfter,
    publicKey: x509.publicKey,
    publicKeyBits: new Uint8Array(data.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
    signatureAccepted: isAcceptedSignature(algorithmId, algorithmParams),
    ...readExtensions(data.extensions ?? []),
  };
}

/** RFC 5480 2.1.1: named curves only. OpenSSL would accept explicit parameters, and with them look-alikes of a curve. */
function requireNamedCurve({ algorithmId, algorithmParams }: pkijs.AlgorithmIdentifier): void {
  if (algorithmId !== EC_PUBLIC_KEY || algorithmParams instanceof asn1js.ObjectIdentifier) return;
  throw new CertError('CERT_UNREADABLE', 'public key with explicit curve parameters');
}

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;

/** Reads every CERTIFICATE block in order; text between blocks is ignored. No block at all is CERT_UNREADABLE. */
export function readPem(pem: string): Certificate[] {
  const blocks = [...pem.matchAll(PEM)].map((m) => readCertificate(Buffer.from(m[1] ?? '', 'base64')));
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN CERTIFICATE-----').length - 1) {
    throw new CertError('CERT_UNREADABLE', 'PEM: no certificate, or a broken block');
  }
  return blocks;
}

export function toPem(c: Certificate): string {
  const lines =
    Buffer.from(c.der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** True if `issuer`'s key made `c`'s signature. Says nothing about names, validity or the right to issue. */
export function signedBy(c: Certificate, issuer: Certificate): boolean {
  return new X509Certificate(c.der).verify(issuer.publicKey);
}

/** Byte-for-byte the same certificate. */
export function sameCertificate(a: Certificate, b: Certificate): boolean {
  return Buffer.compare(a.der, b.der) === 0;
}
