// Who the VAU of a simulated record system says it is: signed public keys, AUT certificate, chain and stapled OCSP response
// (gemSpec_Krypt A_24425, A_24624-01, A_24957; epa-record-system.md 1.2 and 1.4), and the same with exactly one thing wrong.
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { ROLE } from '../../certs/admission.ts';
import type { Certificate } from '../../certs/certificate.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { createOcspResponse } from '../../certs/ocsp.ts';
import type { CborMap } from '../../wire/cbor.ts';
import { ecdsaToDer } from '../../wire/jose.ts';
import { cborPoint, generateVauKeyPair, type VauKeyPair } from '../../wire/vau-keys.ts';
import type { SimPki } from '../pki.ts';
import type { RecordSystemId } from '../records.ts';
import type { VendorProfile } from '../tables/vendors.ts';
import { writeCbor } from './cbor-form.ts';

const DAY = 86_400_000;

export type VauIdentity = { issued: Issued; ca: Certificate; ocspIssuer: Certificate; chain: readonly Certificate[] };
/** One thing that the fault at `vau.handshake` breaks. */
export type IdentityBreak = { kind: string; what: string };

/** The VAU AUT certificate of one record system as the PKI minted it. */
export function trueIdentity(pki: SimPki, id: 'epa-as-1' | 'epa-as-2'): VauIdentity {
  const { componentCa, tiRoot, vau } = pki;
  const ca = componentCa.certificate;
  return { issued: vau[id], ca, ocspIssuer: ca, chain: [tiRoot.certificate] };
}

export const WRONG_CERTIFICATES = ['role', 'root', 'expired', 'key-usage', 'foreign'] as const;

/** What another holds, shown by somebody without its private keys: the other record system's, or the IDP's (TST-02). */
export function borrowedIdentity(pki: SimPki, id: RecordSystemId, which: string): VauIdentity | undefined {
  if (which === 'other-vau') return trueIdentity(pki, id === 'epa-as-1' ? 'epa-as-2' : 'epa-as-1');
  const ca = pki.componentCa.certificate;
  const chain = [pki.tiRoot.certificate];
  return which === 'genuine-idp' ? { issued: pki.idpSigner, ca, ocspIssuer: ca, chain } : undefined;
}

/** A coherent identity that fails one check of the client: keys, signature, cert_hash and CertData all agree. */
export function wrongIdentity(pki: SimPki, which: string, now: number): VauIdentity {
  const profile = {
    commonName: 'VAU wrong',
    curve: 'P-256' as const,
    keyUsage: ['digitalSignature'],
    admission: { professionItems: [], professionOids: [ROLE.epaVau], registrationNumber: undefined },
    notBefore: new Date(now - 2 * DAY),
    notAfter: new Date(now + 365 * DAY),
  };
  const componentCa = pki.componentCa.certificate;
  const under = (issued: Issued, ca: Certificate, root: Certificate): VauIdentity => ({
    issued,
    ca,
    ocspIssuer: ca,
    chain: [root],
  });
  switch (which) {
    case 'role': {
      const admission = { ...profile.admission, professionOids: [ROLE.idpd] };
      return under(mintLeaf(pki.componentCa, { ...profile, admission }), componentCa, pki.tiRoot.certificate);
    }
    case 'expired':
      return under(
        mintLeaf(pki.componentCa, { ...profile, notAfter: new Date(now - DAY) }),
        componentCa,
        pki.tiRoot.certificate,
      );
    case 'key-usage':
      // the extension is missing
      return under(mintLeaf(pki.componentCa, { ...profile, keyUsage: [] }), componentCa, pki.tiRoot.certificate);
    case 'foreign': {
      // issued by an end-entity certificate of the TI: signatures all fit, but the issuer is no CA
      const issuer = pki.vau['epa-as-1'];
      const identity = under(mintLeaf(issuer, profile), issuer.certificate, pki.tiRoot.certificate);
      return { ...identity, chain: [componentCa, pki.tiRoot.certificate] };
    }
    default: {
      // 'root': a chain that looks like the TI's and ends in a root of its own
      const life = { notBefore: new Date(now - 100 * DAY), notAfter: new Date(now + 1000 * DAY) };
      const root = mintRoot('TI Root CA', life);
      const ca = mintCa(root, 'Komponenten-CA', life);
      return under(mintLeaf(ca, profile), ca.certificate, root.certificate);
    }
  }
}

/** The server's long-term keys with the time they are signed for (gematik: 30 days). */
export type VauServerKeys = { pair: VauKeyPair; iat: number; exp: number };

export function createServerKeys(now: number): VauServerKeys {
  const iat = Math.floor(now / 1000);
  return { pair: generateVauKeyPair(), iat, exp: iat + 30 * 86_400 };
}

/** The plaintext of M2.AEAD_ct: signed_pub_keys, signature, cert_hash, cdv, ocsp_response. */
export function signedKeys(o: {
  identity: VauIdentity;
  keys: VauServerKeys;
  cdv: number;
  pki: SimPki;
  now: number;
  /** Named instead of the certificate's own hash. */
  certHash?: Uint8Array | undefined;
  /** Everything that is wrong at once. */
  broken: readonly IdentityBreak[];
  manner: VendorProfile;
}): Uint8Array {
  const { identity, keys, broken, manner } = o;
  const pub = writeCbor(manner.cborMaps, publicKeysMap(keys, broken, o.now));
  return writeCbor(manner.cborMaps, {
    signed_pub_keys: pub,
    'signature-ES256': keySignature(pub, identity.issued.privateKey, broken),
    cert_hash: o.certHash ?? createHash('sha256').update(identity.issued.certificate.der).digest(),
    cdv: o.cdv,
    ocsp_response: stapledOcsp(o),
  });
}

/** Whether this is among what is wrong; without `what` any of the kind is. */
const has = (broken: readonly IdentityBreak[], kind: string, what?: string): boolean =>
  broken.some((one) => one.kind === kind && (what === undefined || one.what === what));

function publicKeysMap(keys: VauServerKeys, broken: readonly IdentityBreak[], now: number): CborMap {
  const { ECDH_PK, Kyber768_PK } = keys.pair.public;
  let point = cborPoint(ECDH_PK);
  let kyber = Kyber768_PK;
  let { iat, exp } = keys;
  if (has(broken, 'wrong-key', 'signed-curve')) {
    const y = Uint8Array.from(ECDH_PK.y);
    y[31] = (y[31] ?? 0) ^ 1;
    point = { crv: 'P-256', x: ECDH_PK.x, y };
  }
  if (has(broken, 'wrong-key', 'crv')) point = { ...ECDH_PK, crv: 'P-384' };
  if (has(broken, 'wrong-key', 'kyber')) {
    kyber = Uint8Array.from(Kyber768_PK);
    kyber.fill(0xff, 0, 2); // first coefficient 4095, not below q = 3329
  }
  if (has(broken, 'wrong-key', 'kyber-length')) kyber = Kyber768_PK.subarray(0, 1183);
  const seconds = Math.floor(now / 1000);
  if (has(broken, 'expired')) [iat, exp] = [seconds - 31 * 86_400, seconds - 86_400];
  if (has(broken, 'wrong-claim', 'future')) [iat, exp] = [seconds + 3600, seconds + 86_400];
  if (has(broken, 'wrong-claim', 'life')) exp = iat + 31 * 86_400;
  const signed = { ECDH_PK: point, Kyber768_PK: kyber, iat, comment: 'VAU server keys (TEST-ONLY)' };
  return has(broken, 'wrong-claim', 'no-exp') ? signed : { ...signed, exp };
}

/** ECDSA-SHA-256 as r‖s of 64 bytes (lib-vau since 1.0.13). */
function keySignature(pub: Uint8Array, key: KeyObject, broken: readonly IdentityBreak[]): Uint8Array {
  const signed = has(broken, 'wrong-signature', 'keys') ? Buffer.concat([pub, Buffer.of(0)]) : pub;
  const raw = sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' });
  return has(broken, 'wrong-signature', 'der') ? ecdsaToDer(raw) : raw;
}

function stapledOcsp(o: {
  identity: VauIdentity;
  pki: SimPki;
  now: number;
  broken: readonly IdentityBreak[];
  manner: VendorProfile;
}): Uint8Array {
  const { identity, pki, broken, manner } = o;
  if (has(broken, 'wrong-ocsp', 'unreadable')) return Buffer.from('no OCSP response');
  const { ocspSigner, idpSigner } = pki;
  const foreignKey = { certificate: ocspSigner.certificate, privateKey: idpSigner.privateKey };
  const hours = has(broken, 'stale', 'future') ? 2 : has(broken, 'stale') ? -25 : 0;
  return createOcspResponse({
    certificate: has(broken, 'wrong-ocsp', 'other-certificate') ? idpSigner.certificate : identity.issued.certificate,
    issuer: identity.ocspIssuer,
    status: has(broken, 'revoked', 'unknown') ? 'unknown' : has(broken, 'revoked') ? 'revoked' : 'good',
    producedAt: new Date(o.now + hours * 3_600_000),
    signer: has(broken, 'wrong-signature', 'ocsp')
      ? foreignKey
      : has(broken, 'wrong-ocsp', 'responder')
        ? idpSigner
        : ocspSigner,
    responderId: manner.ocspResponder,
    signerEmbedded: manner.ocspSignerEmbedded,
    ...(has(broken, 'wrong-ocsp', 'cert-hash') && { certHash: randomBytes(32) }),
    ...(has(broken, 'wrong-ocsp', 'no-cert-hash') && { certHash: null }),
  });
}
