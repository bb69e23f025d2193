// Whether an SMC-B may act for a DiGA: its C.AUT chains to this environment's anchors, is valid, and carries exactly
// oid_diga (CRT-06; export-flow.md 1.5). Fails closed (D14).
import { ROLE } from '../../certs/admission.ts';
import type { Certificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { requireKeyUsage, requireRole, type TrustAnchors, verifyChain } from '../../certs/trust.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { answerInvalid } from './faults.ts';
import type { KonnektorClient } from './soap-client.ts';

/** A card of one Konnektor that carries the wanted Telematik-ID. The handle is good for this insertion only. */
export type FoundCard = {
  client: KonnektorClient;
  iccsn: string;
  cardType: string;
  ctId: string;
  cardHandle: string;
  certificate: Certificate;
};

/** Throws SMCB_UNTRUSTED, CERTIFICATE_EXPIRED, SMCB_WRONG_ROLE, or KONNEKTOR_ANSWER_INVALID where the answer to our ECC question is no ECC. */
export function judgeCard({ certificate, iccsn, client }: FoundCard, anchors: TrustAnchors, at: Date): void {
  const card = `card ${iccsn}`;
  if (certificate.publicKey.asymmetricKeyDetails?.namedCurve !== 'brainpoolP256r1')
    throw answerInvalid(`Konnektor ${client.access.id}: C.AUT of ${card} has no brainpoolP256r1 key`);
  requireUnexpired(certificate, iccsn, at);
  try {
    verifyChain({ leaf: certificate, anchors, at });
    requireKeyUsage(certificate, 'digitalSignature');
    requireRole(certificate, ROLE.diga);
  } catch (thrown) {
    if (!(thrown instanceof CertError)) throw thrown;
    const [code, check] = refusalOf(thrown);
    throw new GatewayError(code, `${card}: ${thrown.message}`, { cause: thrown, check });
  }
}

export const isValidAt = ({ notBefore, notAfter }: Certificate, at: Date): boolean => at >= notBefore && at <= notAfter;

function requireUnexpired(certificate: Certificate, iccsn: string, at: Date): void {
  if (isValidAt(certificate, at)) return;
  const { notBefore, notAfter } = certificate;
  const day = (date: Date) => date.toISOString().slice(0, 10);
  throw new GatewayError(
    'CERTIFICATE_EXPIRED',
    `C.AUT of card ${iccsn} is valid from ${day(notBefore)} to ${day(notAfter)} only`,
    { check: 'smcb.validity' },
  );
}

function refusalOf({ code }: CertError): [ErrorCode, string] {
  if (code === 'CERT_ROLE') return ['SMCB_WRONG_ROLE', 'smcb.role'];
  // The card's own dates have been looked at before: this is an authority above it.
  if (code === 'CERT_EXPIRED' || code === 'CERT_NOT_YET_VALID') return ['CERTIFICATE_EXPIRED', 'smcb.chain-validity'];
  return ['SMCB_UNTRUSTED', 'smcb.chain'];
}
