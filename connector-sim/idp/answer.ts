// What the simulated IDP checks in `signed_challenge` (epa-record-system.md 2.3; export-flow.md 4.5): the JWE for
// puk_idp_enc, the inner JWS of the SMC-B, its certificate, and the challenge itself. Every rule has an id for the journal.
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../certs/certificate.ts';
import { readCertificate } from '../../certs/certificate.ts';
import { requireKeyUsage, verifyChain } from '../../certs/trust.ts';
import { decodeJws, decryptJwe, type Jws, verifyJws } from '../../wire/jose.ts';
import type { SimPki } from '../pki.ts';
import { type Challenge, IdpRefusal } from './challenge.ts';

/** Who signed the challenge, as the ID token will say. */
export type Identity = { telematikId: string; professionOid: string; organizationName: string };
export type AcceptedAnswer = { challenge: Challenge; identity: Identity };

const refuse = (rule: string, code: string, text: string): never => {
  throw new IdpRefusal({ rule, code, error: 'access_denied', text });
};
const badChallenge = (rule: string): never => refuse(rule, '2030', 'Challenge ist ungültig');

/**
 * Judges one answer. `find` gives the outstanding challenge of exactly this text. Throws IdpRefusal 2030 (challenge or its
 * wrapping), 2032 (expired), 2020 (AUT certificate), 2013 (signature).
 */
export function judgeAnswer(o: {
  signedChallenge: string;
  /** The key of now, and those of before whose answers are still taken. */
  encKeys: readonly KeyObject[];
  pki: SimPki;
  now: number;
  find: (compact: string) => Challenge | undefined;
}): AcceptedAnswer {
  const { header, inner } = openJwe(o.signedChallenge, o.encKeys);
  const jws = readInner(inner);
  const certificate = readAutCertificate(jws, o.pki, o.now);
  try {
    verifyJws(jws, certificate.publicKey);
  } catch {
    refuse('idp.signature', '2013', 'Der Request ist nicht gültig signiert');
  }
  const { njwt, ...others } = jws.payload;
  if (typeof njwt !== 'string' || Object.keys(others).length > 0) return badChallenge('idp.challenge');
  const challenge = o.find(njwt);
  // also when the challenge was changed, comes from elsewhere or was answered before: it is known by its exact text, once
  if (challenge === undefined || challenge.used) return badChallenge('idp.challenge');
  challenge.used = true;
  if (o.now / 1000 >= challenge.exp) return refuse('idp.challenge-expired', '2032', 'Challenge ist abgelaufen');
  if (header.exp !== challenge.exp) return badChallenge('idp.jwe-exp');
  return { challenge, identity: readIdentity(certificate) };
}

function openJwe(compact: string, encKeys: readonly KeyObject[]): { header: Record<string, unknown>; inner: string } {
  let header: Record<string, unknown>;
  let payload: unknown;
  try {
    const opened = decryptByOne(compact, encKeys);
    header = opened.header;
    payload = JSON.parse(Buffer.from(opened.plaintext).toString('utf8'));
  } catch {
    return badChallenge('idp.jwe');
  }
  if (header.alg !== 'ECDH-ES' || header.enc !== 'A256GCM') return badChallenge('idp.jwe');
  if (header.cty !== 'NJWT') return badChallenge('idp.jwe-cty');
  const njwt = typeof payload === 'object' && payload !== null && 'njwt' in payload ? payload.njwt : undefined;
  return typeof njwt === 'string' ? { header, inner: njwt } : badChallenge('idp.jwe');
}

function decryptByOne(compact: string, [key, ...others]: readonly KeyObject[]): ReturnType<typeof decryptJwe> {
  if (key === undefined) return badChallenge('idp.jwe');
  try {
    return decryptJwe(compact, key);
  } catch {
    return decryptByOne(compact, others);
  }
}

function readInner(compact: string): Jws {
  let jws: Jws;
  try {
    jws = decodeJws(compact);
  } catch {
    return badChallenge('idp.jws');
  }
  const { alg, typ, cty } = jws.header;
  if (alg !== 'BP256R1') return refuse('idp.jws-alg', '2013', 'Der Request ist nicht gültig signiert');
  if (typ !== 'JWT' || cty !== 'NJWT') return badChallenge('idp.jws-header');
  return jws;
}

function readAutCertificate(jws: Jws, pki: SimPki, now: number): Certificate {
  const invalid = (rule: string): never => refuse(rule, '2020', 'Das AUT-Zertifikat ist ungültig');
  const { x5c } = jws.header;
  if (!Array.isArray(x5c) || x5c.length === 0 || typeof x5c[0] !== 'string') return invalid('idp.certificate');
  let certificate: Certificate;
  try {
    certificate = readCertificate(Buffer.from(x5c[0], 'base64'));
    const anchors = { roots: [pki.tiRoot.certificate], intermediates: [pki.smcbCa.certificate], ocspSigners: [] };
    verifyChain({ leaf: certificate, anchors, at: new Date(now) });
    requireKeyUsage(certificate, 'digitalSignature');
  } catch {
    return invalid('idp.certificate');
  }
  return certificate.admission?.registrationNumber === undefined ? invalid('idp.admission') : certificate;
}

function readIdentity(certificate: Certificate): Identity {
  const { admission } = certificate;
  return {
    telematikId: admission?.registrationNumber ?? '',
    professionOid: admission?.professionOids[0] ?? '',
    organizationName: certificate.commonName ?? '',
  };
}
