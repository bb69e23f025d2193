// CertID (RFC 6960 4.1.1): how OCSP requests and answers name the certificate they are about, by hashes of its issuer's
// name and key and by its serial number. Read, written and compared as plain text.
import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Certificate } from './certificate.ts';
import { CertError } from './error.ts';

export type CertIdHash = 'sha1' | 'sha256';

/** Hashes and serial number as lower-case hex. */
export type CertId = { hash: CertIdHash; issuerNameHash: string; issuerKeyHash: string; serialNumber: string };

/** The hash identifies an issuer that is checked otherwise; it protects nothing, so SHA-1 may stand here. */
const HASH_OIDS: Readonly<Record<CertIdHash, string>> = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' };

function hashHex(hash: CertIdHash, bytes: Uint8Array): string {
  return createHash(hash).update(bytes).digest('hex');
}

/** The name of `c` under `issuer`. */
export function certIdOf(c: Certificate, issuer: Certificate, hash: CertIdHash): CertId {
  return {
    hash,
    issuerNameHash: hashHex(hash, issuer.subjectDer),
    issuerKeyHash: hashHex(hash, issuer.publicKeyBits),
    serialNumber: c.serialNumber,
  };
}

export function sameCertId(a: CertId, b: CertId): boolean {
  const sameIssuer = a.hash === b.hash && a.issuerNameHash === b.issuerNameHash && a.issuerKeyHash === b.issuerKeyHash;
  return sameIssuer && a.serialNumber === b.serialNumber;
}

function octetString(hex: string): asn1js.OctetString {
  return new asn1js.OctetString({ valueHex: new Uint8Array(Buffer.from(hex, 'hex')) });
}

export function writeCertId(id: CertId): pkijs.CertID {
  // An INTEGER whose first bit is set would be negative.
  const serial = /^[89a-f]/.test(id.serialNumber) ? `00${id.serialNumber}` : id.serialNumber;
  return new pkijs.CertID({
    hashAlgorithm: new pkijs.AlgorithmIdentifier({
      algorithmId: HASH_OIDS[id.hash],
      algorithmParams: new asn1js.Null(),
    }),
    issuerNameHash: octetString(id.issuerNameHash),
    issuerKeyHash: octetString(id.issuerKeyHash),
    serialNumber: new asn1js.Integer({ valueHex: new Uint8Array(Buffer.from(serial, 'hex')) }),
  });
}

function hexOf(block: asn1js.OctetString | asn1js.Integer): string {
  return Buffer.from(block.valueBlock.valueHexView).toString('hex');
}

/** Throws CertError OCSP_UNREADABLE for a hash that is neither SHA-1 nor SHA-256. */
export function readCertId(id: pkijs.CertID): CertId {
  const oid = id.hashAlgorithm.algorithmId;
  const hash = oid === HASH_OIDS.sha1 ? 'sha1' : oid === HASH_OIDS.sha256 ? 'sha256' : undefined;
  if (hash === undefined) throw new CertError('OCSP_UNREADABLE', 'CertID: unknown hash algorithm');
  return {
    hash,
    issuerNameHash: hexOf(id.issuerNameHash),
    issuerKeyHash: hexOf(id.issuerKeyHash),
    serialNumber: hexOf(id.serialNumber).replace(/^00(?=.)/, ''),
  };
}
