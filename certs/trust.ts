// Judging certificates: the path to a TI root, and what its leaf may be used for (RFC 5280 section 6, gemSpec_PKI;
// CRT-06, CRT-07). Fails closed (D14): a check that cannot be made is a refusal. What the other side sends along is
// never an anchor, only a candidate (export-flow.md 3.4 step 3).
import { isAcceptedKey } from './algorithms.ts';
import { type Certificate, sameCertificate, signedBy } from './certificate.ts';
import { CertError } from './error.ts';

export type TrustAnchors = {
  roots: readonly Certificate[];
  /** CAs known beforehand (TSL): candidates that save the other side from sending them, not anchors. */
  intermediates: readonly Certificate[];
  /** OCSP responders named by the TSL; see ocsp.ts. */
  ocspSigners: readonly Certificate[];
  /** The intermediates are all there are: a trust-service list says which CAs are in force, whatever the other side sends. */
  listed?: true;
};

/** Signature checks one chain may cost: a peer that supplies many look-alikes must not keep us busy. */
const MAX_SIGNATURE_CHECKS = 64;

/** Validity period, inclusive at both ends (RFC 5280 4.1.2.5). CERT_NOT_YET_VALID or CERT_EXPIRED. */
export function requireValidAt(c: Certificate, at: Date): void {
  // Written so that an invalid time (NaN) is refused too.
  if (!(at >= c.notBefore)) throw new CertError('CERT_NOT_YET_VALID', 'not yet valid');
  if (!(at <= c.notAfter)) throw new CertError('CERT_EXPIRED', 'no longer valid');
}

/** What holds for every certificate of a path: validity, key (CRT-07), nothing critical that we do not understand. */
export function requireUsable(c: Certificate, at: Date): void {
  requireValidAt(c, at);
  if (!isAcceptedKey(c.publicKey)) throw new CertError('CERT_ALGORITHM', 'key type, curve or length not accepted');
  if (c.unknownCriticalExtensions.length > 0) throw new CertError('CERT_EXTENSION', 'unknown critical extension');
}

/** CERT_KEY_USAGE where the extension is absent or lacks `usage`. */
export function requireKeyUsage(c: Certificate, usage: string): void {
  if (c.keyUsage?.has(usage) !== true) throw new CertError('CERT_KEY_USAGE', `key usage ${usage} missing`);
}

/** Exactly this one profession OID (CRT-06; A_24624-01 for oid_epa_vau), else CERT_ROLE. */
export function requireRole(c: Certificate, oid: string): void {
  const oids = c.admission?.professionOids ?? [];
  if (oids.length !== 1 || oids[0] !== oid) throw new CertError('CERT_ROLE', 'not exactly the profession expected');
}

function sameName(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function isSelfIssued(c: Certificate): boolean {
  return sameName(c.subjectDer, c.issuerDer);
}

/** May `issuer` stand above `path`? `path` is leaf first; its last certificate is the one issued. */
function requireIssuer(issuer: Certificate, path: readonly Certificate[], at: Date): void {
  requireUsable(issuer, at);
  if (!issuer.isCa) throw new CertError('CERT_NOT_A_CA', 'issuer is no certificate authority');
  requireKeyUsage(issuer, 'keyCertSign');
  // RFC 5280 6.1.4 (l): self-issued certificates do not count, and the leaf never does.
  const below = path.slice(1).filter((c) => !isSelfIssued(c)).length;
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    throw new CertError('CERT_PATH_LENGTH', 'more authorities below than the path length allows');
  }
}

type Path = readonly [Certificate, ...Certificate[]];
type Found = { path: Certificate[] } | { refusal: CertError };
type Search = { candidates: readonly Certificate[]; roots: readonly Certificate[]; at: Date; checksLeft: number };

function untrusted(message: string): Found {
  return { refusal: new CertError('CERT_CHAIN_UNTRUSTED', message) };
}

/** Depth first over every candidate of the right name: cross certificates may lead astray before one leads home. */
function extend(search: Search, path: Path): Found {
  const top = path[path.length - 1] ?? path[0];
  if (search.roots.some((root) => sameCertificate(root, top))) return { path: [...path] };
  let refused = untrusted('no path to a trusted root');
  for (const candidate of search.candidates) {
    if (!sameName(candidate.subjectDer, top.issuerDer) || path.some((c) => sameCertificate(c, candidate))) continue;
    const found = climb(search, path, candidate);
    if ('path' in found) return found;
    // The first definite reason says more than "no path".
    if ('refusal' in refused && refused.refusal.code === 'CERT_CHAIN_UNTRUSTED') refused = found;
  }
  return refused;
}

/** One step up from `top`, the last of `path`, to `candidate`, and on from there. */
function climb(search: Search, path: Path, candidate: Certificate): Found {
  if (search.checksLeft-- <= 0) return untrusted('too many candidates');
  const top = path[path.length - 1] ?? path[0];
  try {
    if (!top.signatureAccepted) throw new CertError('CERT_ALGORITHM', 'signature algorithm not accepted');
    if (!signedBy(top, candidate)) throw new CertError('CERT_SIGNATURE', 'signature does not verify');
    requireIssuer(candidate, path, search.at);
  } catch (e) {
    if (e instanceof CertError) return { refusal: e };
    throw e;
  }
  return extend(search, [...path, candidate]);
}

/**
 * The path from `leaf` to a root, leaf first, root last; every certificate of it is valid at `at`, every issuer may
 * issue, every signature verifies, and the last is byte for byte one of `anchors.roots` (whose own signature proves
 * nothing and is not looked at). Throws CertError CERT_*: the definite reason if one candidate gave one, else
 * CERT_CHAIN_UNTRUSTED.
 */
export function verifyChain(o: {
  leaf: Certificate;
  supplied?: readonly Certificate[];
  anchors: TrustAnchors;
  at: Date;
}): Certificate[] {
  requireUsable(o.leaf, o.at);
  const candidates = [...o.anchors.roots, ...o.anchors.intermediates, ...(o.anchors.listed ? [] : (o.supplied ?? []))];
  const search = { candidates, roots: o.anchors.roots, at: o.at, checksLeft: MAX_SIGNATURE_CHECKS };
  const found = extend(search, [o.leaf]);
  if ('refusal' in found) throw found.refusal;
  return found.path;
}
