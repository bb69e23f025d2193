// Reading an OCSP answer (RFC 6960 4.2.1) into plain values, strictly and without judging: one basic response about one
// certificate, its certHash extension, who claims to have made it, and the signed bytes as they came.
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { type Certificate, readCertificate } from './certificate.ts';
import { checkDer, contextTag, decodeDer, members, octets, oidText } from './der.ts';
import { CertError, reading } from './error.ts';
import { type CertId, readCertId } from './ocsp-cert-id.ts';

export type OcspStatus = 'good' | 'revoked' | 'unknown';

export const BASIC_RESPONSE_OID = '1.3.6.1.5.5.7.48.1.1';
export const CERT_HASH_OID = '1.3.36.8.3.13';

/** What a responder says; `certificates` are those it sent along: candidates for its own, never trusted by being there. */
export type OcspAnswer = {
  certId: CertId;
  status: OcspStatus;
  producedAt: Date;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  certHash: { algorithm: string; value: Uint8Array } | undefined;
  responder: { nameDer: Uint8Array } | { keyHash: Uint8Array };
  signed: Uint8Array;
  signatureAlgorithm: string;
  signature: Uint8Array;
  certificates: Certificate[];
};

function refuse(rule: string): never {
  throw new CertError('OCSP_UNREADABLE', rule);
}

function readStatus(block: unknown): OcspStatus {
  const tag = block instanceof asn1js.BaseBlock ? contextTag(block) : undefined;
  if (tag === 0) return 'good';
  if (tag === 1) return 'revoked';
  return tag === 2 ? 'unknown' : refuse('certStatus');
}

function readResponder(block: unknown): OcspAnswer['responder'] {
  if (block instanceof pkijs.RelativeDistinguishedNames) return { nameDer: new Uint8Array(block.valueBeforeDecode) };
  return { keyHash: octets(block) };
}

/** An extension that must be understood and is not makes the answer unusable (RFC 6960 4.4). */
function extensionsByOid(extensions: readonly pkijs.Extension[] | undefined): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const { extnID, critical, extnValue } of extensions ?? []) {
    if (values.has(extnID)) refuse('an extension stands twice');
    if (critical && extnID !== CERT_HASH_OID) refuse('unknown critical extension');
    values.set(extnID, new Uint8Array(extnValue.valueBlock.valueHexView));
  }
  return values;
}

/** CertHash ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, certificateHash OCTET STRING } */
function readCertHash(value: Uint8Array | undefined): OcspAnswer['certHash'] {
  if (value === undefined) return undefined;
  const [algorithm, hash, ...more] = members(decodeDer(value));
  if (more.length > 0) refuse('certHash: unknown member');
  return { algorithm: oidText(members(algorithm)[0]), value: octets(hash) };
}

/** The embedded certificates as they came: pkijs would encode them anew. */
function embeddedCertificates(basic: Uint8Array): Certificate[] {
  const certs = members(decodeDer(basic))[3];
  if (!(certs instanceof asn1js.Constructed)) return [];
  return members(certs.valueBlock.value[0]).map((c) => readCertificate(new Uint8Array(c.valueBeforeDecodeView)));
}

function basicResponseOf(der: Uint8Array): Uint8Array {
  checkDer(der);
  const response = pkijs.OCSPResponse.fromBER(new Uint8Array(der));
  const status = response.responseStatus.valueBlock.valueDec;
  // RFC 6960 2.3: tryLater, unauthorized … are not signed and prove nothing.
  if (status !== 0) throw new CertError('OCSP_NOT_SUCCESSFUL', `responder answered with status ${status}`);
  if (response.responseBytes?.responseType !== BASIC_RESPONSE_OID) refuse('not a basic response');
  const basic = new Uint8Array(response.responseBytes.response.valueBlock.valueHexView);
  checkDer(basic);
  return basic;
}

/**
 * Reads an answer. Throws CertError OCSP_UNREADABLE (no DER, no basic response, version, unknown critical extension),
 * OCSP_NOT_SUCCESSFUL, OCSP_NOT_ONE_RESPONSE (A_24624-01: about exactly one certificate).
 */
export function readOcspAnswer(der: Uint8Array): OcspAnswer {
  return reading('OCSP_UNREADABLE', 'OCSP answer', () => {
    const bytes = basicResponseOf(der);
    const basic = pkijs.BasicOCSPResponse.fromBER(new Uint8Array(bytes));
    const data = basic.tbsResponseData;
    if ((data.version ?? 0) !== 0) refuse('version');
    const [single, ...more] = data.responses;
    if (single === undefined || more.length > 0) {
      throw new CertError('OCSP_NOT_ONE_RESPONSE', 'not about exactly one certificate');
    }
    extensionsByOid(data.responseExtensions);
    if (basic.signature.valueBlock.unusedBits !== 0) refuse('signature');
    return {
      certId: readCertId(single.certID),
      status: readStatus(single.certStatus),
      producedAt: data.producedAt,
      thisUpdate: single.thisUpdate,
      nextUpdate: single.nextUpdate,
      certHash: readCertHash(extensionsByOid(single.singleExtensions).get(CERT_HASH_OID)),
      responder: readResponder(data.responderID),
      signed: new Uint8Array(data.tbsView),
      signatureAlgorithm: basic.signatureAlgorithm.algorithmId,
      signature: new Uint8Array(basic.signature.valueBlock.valueHexView),
      certificates: embeddedCertificates(bytes),
    };
  });
}
