// OCSP (RFC 6960) as the Telematikinfrastruktur uses it (gemSpec_PKI, A_24624-01): requests and answers about one
// certificate, the certHash extension (OID 1.3.36.8.3.13), and the judgement of an answer, stapled or fetched (CRT-04).
// Writing serves the simulator's responder, judging the gateway; openssl judges both.
import { createHash, type KeyObject, sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { ECDSA_WITH_SHA256, verifySignature } from './algorithms.ts';
import { type Certificate, sameCertificate, signedBy } from './certificate.ts';
import { checkDer, decodeDer, encodeDer, sequence, tagged } from './der.ts';
import { CertError, reading } from './error.ts';
import { extension } from './extensions.ts';
import { BASIC_RESPONSE_OID, CERT_HASH_OID, type OcspAnswer, type OcspStatus, readOcspAnswer } from './ocsp-answer.ts';
import { type CertId, type CertIdHash, certIdOf, readCertId, sameCertId, writeCertId } from './ocsp-cert-id.ts';
import { requireUsable, type TrustAnchors } from './trust.ts';

export type { OcspStatus };

const SHA256_OID = '2.16.840.1.101.3.4.2.1';

/** TI services keep their clocks by NTP: more than a minute ahead of ours is no drift, but a wrong or forged time. */
const CLOCK_TOLERANCE_MS = 60_000;

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** Asks about one certificate; SHA-1 in the CertID, which every responder understands (RFC 5019 2.1.1). */
export function createOcspRequest(c: Certificate, issuer: Certificate): Uint8Array {
  const request = new pkijs.Request({ reqCert: writeCertId(certIdOf(c, issuer, 'sha1')) });
  const tbsRequest = new pkijs.TBSRequest({ requestList: [request] });
  return encodeDer(new pkijs.OCSPRequest({ tbsRequest }).toSchema(true));
}

/** Reads a request about exactly one certificate. Throws CertError OCSP_UNREADABLE. */
export function readOcspRequest(der: Uint8Array): CertId {
  return reading('OCSP_UNREADABLE', 'OCSP request', () => {
    checkDer(der);
    const [request, ...more] = pkijs.OCSPRequest.fromBER(new Uint8Array(der)).tbsRequest.requestList;
    if (request === undefined || more.length > 0) throw new CertError('OCSP_UNREADABLE', 'not exactly one request');
    return readCertId(request.reqCert);
  });
}

/** CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }, implicitly tagged. */
function writeStatus(status: OcspStatus, revokedAt: Date): asn1js.BaseBlock {
  if (status === 'revoked') return tagged(1, new asn1js.GeneralizedTime({ valueDate: revokedAt }));
  return new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: status === 'good' ? 0 : 2 } });
}

/** CertHash ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, certificateHash OCTET STRING } (Common PKI part 4). */
function writeCertHash(hash: Uint8Array): pkijs.Extension {
  const algorithm = sequence(new asn1js.ObjectIdentifier({ value: SHA256_OID }));
  const value = sequence(algorithm, new asn1js.OctetString({ valueHex: new Uint8Array(hash) }));
  return extension(CERT_HASH_OID, false, encodeDer(value));
}

/** RFC 6960 4.2.2.1: times without fractions of a second. */
function wholeSeconds(d: Date): Date {
  return new Date(Math.floor(d.getTime() / 1000) * 1000);
}

/**
 * A signed answer about one certificate, with the signer's certificate embedded and named by its key hash unless said. `certHash`
 * undefined: the right one; null: left out; bytes: these. `revokedAt` defaults to thisUpdate, thisUpdate to producedAt.
 */
export function createOcspResponse(o: {
  certificate: Certificate;
  issuer: Certificate;
  status: OcspStatus;
  producedAt: Date;
  thisUpdate?: Date;
  nextUpdate?: Date;
  revokedAt?: Date;
  signer: { certificate: Certificate; privateKey: KeyObject };
  certHash?: Uint8Array | null;
  certIdHash?: CertIdHash;
  responderId?: 'key' | 'name';
  /** false: whoever judges it must know the signer's certificate (RFC 6960 4.2.1: certs is optional). */
  signerEmbedded?: boolean;
}): Uint8Array {
  const thisUpdate = wholeSeconds(o.thisUpdate ?? o.producedAt);
  const single = new pkijs.SingleResponse({
    certID: writeCertId(certIdOf(o.certificate, o.issuer, o.certIdHash ?? 'sha1')),
    certStatus: writeStatus(o.status, wholeSeconds(o.revokedAt ?? thisUpdate)),
    thisUpdate,
  });
  if (o.nextUpdate !== undefined) single.nextUpdate = wholeSeconds(o.nextUpdate);
  if (o.certHash !== null) single.singleExtensions = [writeCertHash(o.certHash ?? sha256(o.certificate.der))];
  const signer = o.signer.certificate;
  const keyHash = new Uint8Array(createHash('sha1').update(signer.publicKeyBits).digest());
  const data = new pkijs.ResponseData({
    responderID:
      o.responderId === 'name'
        ? new pkijs.RelativeDistinguishedNames({ schema: decodeDer(signer.subjectDer) })
        : new asn1js.OctetString({ valueHex: keyHash }),
    producedAt: wholeSeconds(o.producedAt),
    responses: [single],
  });
  const tbs = encodeDer(data.toSchema(true));
  data.tbsView = tbs;
  const basic = new pkijs.BasicOCSPResponse({
    tbsResponseData: data,
    signatureAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: ECDSA_WITH_SHA256 }),
    signature: new asn1js.BitString({ valueHex: new Uint8Array(sign('sha256', tbs, o.signer.privateKey)) }),
    ...(o.signerEmbedded !== false && { certs: [pkijs.Certificate.fromBER(new Uint8Array(signer.der))] }),
  });
  const response = new pkijs.OCSPResponse({
    responseStatus: new asn1js.Enumerated({ value: 0 }),
    responseBytes: new pkijs.ResponseBytes({
      responseType: BASIC_RESPONSE_OID,
      response: new asn1js.OctetString({ valueHex: encodeDer(basic.toSchema()) }),
    }),
  });
  return encodeDer(response.toSchema());
}

function isNamed(c: Certificate, responder: OcspAnswer['responder']): boolean {
  if ('nameDer' in responder) return Buffer.compare(c.subjectDer, responder.nameDer) === 0;
  return createHash('sha1').update(c.publicKeyBits).digest().equals(responder.keyHash);
}

/** RFC 6960 4.2.2.2: locally configured (TSL), or delegated by the very CA that issued the certificate in question. */
function isAuthorised(responder: Certificate, issuer: Certificate, anchors: TrustAnchors): boolean {
  if (anchors.ocspSigners.some((known) => sameCertificate(known, responder))) return true;
  if (!responder.extendedKeyUsage.has('OCSPSigning')) return false;
  const issuedByIt = Buffer.compare(responder.issuerDer, issuer.subjectDer) === 0;
  return issuedByIt && responder.signatureAccepted && signedBy(responder, issuer);
}

function maySign(c: Certificate): boolean {
  return c.keyUsage === undefined || c.keyUsage.has('digitalSignature') || c.keyUsage.has('nonRepudiation');
}

/** The certificate that made the answer, authorised and valid at `at`; OCSP_RESPONDER_UNTRUSTED, OCSP_SIGNATURE. */
function requireResponder(answer: OcspAnswer, o: { issuer: Certificate; anchors: TrustAnchors; at: Date }): void {
  const candidates = [...o.anchors.ocspSigners, ...answer.certificates].filter((c) => isNamed(c, answer.responder));
  const authorised = candidates.filter((c) => maySign(c) && isAuthorised(c, o.issuer, o.anchors));
  let cause: unknown;
  const usable = authorised.filter((c) => {
    try {
      requireUsable(c, o.at);
      return true;
    } catch (e) {
      cause = e;
      return false;
    }
  });
  if (usable.length === 0) throw new CertError('OCSP_RESPONDER_UNTRUSTED', 'no authorised responder', { cause });
  const { signatureAlgorithm: oid, signed: data, signature } = answer;
  if (!usable.some((c) => verifySignature({ oid, key: c.publicKey, data, signature }))) {
    throw new CertError('OCSP_SIGNATURE', 'signature does not verify');
  }
}

function requireFresh(answer: OcspAnswer, at: Date, maxAgeMs: number): void {
  const now = at.getTime();
  const latest = Math.max(answer.producedAt.getTime(), answer.thisUpdate.getTime());
  if (Number.isNaN(latest)) throw new CertError('OCSP_FUTURE', 'made at a time that is none');
  if (latest > now + CLOCK_TOLERANCE_MS)
    throw new CertError('OCSP_FUTURE', `made in the future, ${Math.round((latest - now) / 1000)} s ahead of our clock`);
  if (!(now - answer.producedAt.getTime() <= maxAgeMs)) throw new CertError('OCSP_STALE', 'older than allowed');
  if (answer.nextUpdate !== undefined && !(now <= answer.nextUpdate.getTime())) {
    throw new CertError('OCSP_STALE', 'past its next update');
  }
}

function requireCertHashOf(answer: OcspAnswer, certificate: Certificate, required: boolean): void {
  if (answer.certHash === undefined) {
    if (required) throw new CertError('OCSP_CERT_HASH', 'certHash missing');
    return;
  }
  const { algorithm, value } = answer.certHash;
  // Present but wrong is refused even where it is not required: the responder knows another certificate.
  if (algorithm !== SHA256_OID || Buffer.compare(value, certificate.sha256) !== 0) {
    throw new CertError('OCSP_CERT_HASH', 'certHash of another certificate');
  }
}

/**
 * Judges an answer about `certificate`, whose `issuer` the caller has taken from a verified chain (A_24624-01, CRT-04):
 * returns only for "good". Order: readable, about this certificate, made by an authorised responder, fresh, status,
 * certHash, so that OCSP_REVOKED is never said on the word of a stranger. Throws CertError OCSP_*.
 */
export function judgeOcspResponse(o: {
  response: Uint8Array;
  certificate: Certificate;
  issuer: Certificate;
  anchors: TrustAnchors;
  at: Date;
  /** Greatest age of producedAt: 24 h for the answer stapled to M2. */
  maxAgeMs: number;
  requireCertHash: boolean;
}): { producedAt: Date; nextUpdate: Date | undefined } {
  const answer = readOcspAnswer(o.response);
  if (!sameCertId(answer.certId, certIdOf(o.certificate, o.issuer, answer.certId.hash))) {
    throw new CertError('OCSP_OTHER_CERTIFICATE', 'about another certificate');
  }
  requireResponder(answer, o);
  requireFresh(answer, o.at, o.maxAgeMs);
  if (answer.status === 'revoked') throw new CertError('OCSP_REVOKED', 'revoked');
  if (answer.status === 'unknown') throw new CertError('OCSP_UNKNOWN', 'unknown to the responder');
  requireCertHashOf(answer, o.certificate, o.requireCertHash);
  return { producedAt: answer.producedAt, nextUpdate: answer.nextUpdate };
}
