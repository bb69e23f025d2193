// The checks of send_authcode_sc on the client attestation (I_Authorization_Service 1.6.1; epa-record-system.md 2.4): shape,
// certificate, role, signature, times, nonce. gematik's own mock leaves the signature out; this one does not (TST-03).
import { readCertificate } from '../../certs/certificate.ts';
import { requireKeyUsage, verifyChain } from '../../certs/trust.ts';
import { decodeJws, type Jws, verifyJws } from '../../wire/jose.ts';
import type { SimPki } from '../pki.ts';
import { LOGIN_ROLES } from '../tables/roles.ts';

/** A refusal of the Authorization Service: HTTP status and errorCode as its OpenAPI has them, and the rule. */
export class AuthzRefusal extends Error {
  readonly status: number;
  readonly errorCode: string;
  readonly rule: string;

  constructor(status: number, errorCode: string, rule: string) {
    super(`${errorCode} by ${rule}`);
    this.name = 'AuthzRefusal';
    this.status = status;
    this.errorCode = errorCode;
    this.rule = rule;
  }
}

export const malformed = (rule: string): AuthzRefusal => new AuthzRefusal(400, 'malformedRequest', rule);
export const invalidAuth = (rule: string): AuthzRefusal => new AuthzRefusal(403, 'invalAuth', rule);
export const mismatch = (rule: string): AuthzRefusal => new AuthzRefusal(409, 'statusMismatch', rule);

const LIFE_S = 20 * 60;
const TOLERANCE_S = 15;

/**
 * Judges the attestation; answers the Telematik-ID of its certificate. Throws AuthzRefusal. `at` in ms is the record
 * system's time, `nonce` the one stored in this session.
 */
export function judgeAttestation(o: {
  clientAttest: string;
  nonce: string;
  pki: SimPki;
  at: number;
  /** false from ePA 3.1.3 on: the nonce's own life bounds it then */
  expiryChecked: boolean;
}): { telematikId: string } {
  // base64url without padding in all three parts, as RFC 7515 has it
  if (!/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(o.clientAttest))
    throw malformed('authz.attestation-form');
  let jws: Jws;
  try {
    jws = decodeJws(o.clientAttest);
  } catch {
    throw malformed('authz.attestation-form');
  }
  // ES256 even though the key lies on brainpoolP256r1 (A_24590, A_25444-01)
  if (jws.header.alg !== 'ES256') throw invalidAuth('authz.attestation-alg');
  if (jws.header.typ !== 'JWT') throw invalidAuth('authz.attestation-typ');
  const certificate = attestationCertificate(jws, o.pki, o.at);
  if (!(certificate.admission?.professionOids ?? []).some((oid) => LOGIN_ROLES.has(oid)))
    throw invalidAuth('authz.role');
  try {
    verifyJws(jws, certificate.publicKey);
  } catch {
    throw invalidAuth('authz.attestation-signature');
  }
  judgeTimes(jws.payload, o.at / 1000, o.expiryChecked);
  if (jws.payload.nonce !== o.nonce) throw invalidAuth('authz.attestation-nonce');
  return { telematikId: certificate.admission?.registrationNumber ?? '' };
}

function attestationCertificate(jws: Jws, pki: SimPki, at: number) {
  const { x5c } = jws.header;
  if (!Array.isArray(x5c) || x5c.length !== 1 || typeof x5c[0] !== 'string' || !/^[A-Za-z0-9+/]+=*$/.test(x5c[0]))
    throw invalidAuth('authz.attestation-x5c');
  try {
    const certificate = readCertificate(Buffer.from(x5c[0], 'base64'));
    const anchors = { roots: [pki.tiRoot.certificate], intermediates: [pki.smcbCa.certificate], ocspSigners: [] };
    verifyChain({ leaf: certificate, anchors, at: new Date(at) });
    requireKeyUsage(certificate, 'digitalSignature');
    return certificate;
  } catch {
    throw invalidAuth('authz.attestation-certificate');
  }
}

/** iat − 15 s <= now, and where it is checked exp = iat + 20 min and now < exp + 15 s. */
function judgeTimes(claims: Record<string, unknown>, now: number, expiryChecked: boolean): void {
  const { iat, exp } = claims;
  if (!Number.isSafeInteger(iat) || now < Number(iat) - TOLERANCE_S) throw invalidAuth('authz.attestation-time');
  if (!expiryChecked) return;
  if (!Number.isSafeInteger(exp)) throw invalidAuth('authz.attestation-time');
  const [from, to] = [Number(iat), Number(exp)];
  if (to - from !== LIFE_S) throw invalidAuth('authz.attestation-life');
  if (now >= to + TOLERANCE_S) throw invalidAuth('authz.attestation-time');
}
