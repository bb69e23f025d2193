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
    throw answerInvalid(`Konnektor ${client.access.id}: C.AUT of ${card} has no brainpoolP256r1 key`, {
      check: 'smcb.curve',
    });
  requireUnexpired(certificate, iccsn, at);
  judge(card, 'SMCB_UNTRUSTED', 'smcb.chain', () => verifyChain({ leaf: certificate, anchors, at }));
  judge(card, 'SMCB_UNTRUSTED', 'smcb.key-usage', () => requireKeyUsage(certificate, 'digitalSignature'));
  judge(card, 'SMCB_WRONG_ROLE', 'smcb.role', () => requireRole(certificate, ROLE.diga));
}

function judge(card: string, code: ErrorCode, check: string, act: () => unknown): void {
  try {
    act();
  } catch (cause) {
    if (!(cause instanceof CertError)) throw cause;
    const message = `${card}: ${cause.message}`;
    // The card's own dates have been looked at before: this is an authority above it.
    if (cause.code === 'CERT_EXPIRED' || cause.code === 'CERT_NOT_YET_VALID')
      throw new GatewayError('CERTIFICATE_EXPIRED', message, { cause, check: 'smcb.chain-validity' });
    throw new GatewayError(code, message, { cause, check });
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
