// Is this VAU the record system's? Judges the signed public keys of M2 before M3 uses them (A_24624-01, A_24957, A_24958;
// epa-record-system.md 1.4, export-flow.md 3.4; SES-04): an ordered list of named checks, each of which alone stops the
// handshake. Nothing is optional and nothing is remembered but the certificates themselves.
import { verify } from 'node:crypto';
import { ROLE } from '../../certs/admission.ts';
import { type Certificate, readCertificate } from '../../certs/certificate.ts';
import { CertError, type CertErrorCode } from '../../certs/error.ts';
import { judgeOcspResponse } from '../../certs/ocsp.ts';
import { requireKeyUsage, requireRole, type TrustAnchors, verifyChain } from '../../certs/trust.ts';
import { type CborMap, type CborValue, cborBytes, cborUint, decodeCborMap } from '../../wire/cbor.ts';
import { WireError } from '../../wire/error.ts';
import { checkPublicKeys, type VauPublicKeys } from '../../wire/vau-keys.ts';
import { GatewayError } from '../errors.ts';
import { asUnreachable, type Clock, type EgressPort, RECORD_SYSTEM_CODES, type RecordSystemAccess } from './outside.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Our clock and theirs may differ by so much. */
const CLOCK_SKEW_SECONDS = 60;
const KEYS_LIFETIME_SECONDS = 30 * 24 * 60 * 60;
const OCSP_MAX_AGE_MS = DAY_MS;
/** A_24958: a root younger than two years is no anchor for a VAU. */
const ROOT_MIN_AGE_MS = 2 * 365 * DAY_MS;
const CERT_DATA_TIMEOUT_MS = 10_000;
const CERT_DATA_MAX_BYTES = 64 * 1024;
const MAX_REMEMBERED = 100;

export type VauTrustOptions = {
  egress: EgressPort;
  anchors: () => TrustAnchors;
  userAgent: string;
  now: Clock;
  /** Told of every certificate that was judged good, with the OCSP answer beside it (CRT-01). */
  seen?: (recordSystem: string, certificate: Certificate, ocsp: JudgedOcsp) => void;
};
export type JudgedOcsp = { producedAt: Date; nextUpdate: Date | undefined };

type CertData = { cert: Certificate; supplied: Certificate[] };
type SignedKeys = {
  signedPubKeys: Uint8Array;
  signature: Uint8Array;
  certHash: Uint8Array;
  cdv: number;
  ocsp: Uint8Array;
};

/** One per gateway: holds the CertData already seen (by provider, cert_hash and cdv; A_24958 lets it be kept for ever). */
export class VauTrust {
  readonly #o: VauTrustOptions;
  readonly #certData = new Map<string, CertData>();

  constructor(options: VauTrustOptions) {
    this.#o = options;
  }

  /**
   * @param signedKeys the decrypted M2.AEAD_ct
   * @returns the keys M3 may be encrypted to
   * @throws GatewayError VAU_SERVER_UNTRUSTED with `check`; RECORD_SYSTEM_UNREACHABLE when CertData cannot be asked for
   */
  async judge(recordSystem: RecordSystemAccess, signedKeys: Uint8Array): Promise<VauPublicKeys> {
    const now = this.#o.now();
    const at = new Date(now);
    const anchors = this.#o.anchors();

    const m2 = check('vau.signed-keys', () => readSignedKeys(signedKeys));
    const data = await this.#certDataFor(recordSystem, m2);
    const [, issuer] = checkChain(data, anchors, at);
    // Exactly one profession OID, oid_epa_vau; no other certificate of the TI will do, not even one of this provider.
    check('vau.role', () => requireRole(data.cert, ROLE.epaVau));
    check('vau.key-usage', () => requireKeyUsage(data.cert, 'digitalSignature'));
    const ocsp = checkOcsp(() =>
      judgeOcspResponse({
        response: m2.ocsp,
        certificate: data.cert,
        issuer: issuer ?? data.cert,
        anchors,
        at,
        maxAgeMs: OCSP_MAX_AGE_MS,
        requireCertHash: true,
      }),
    );
    // r‖s; a DER signature (lib-vau before 1.0.13) has another length and is refused (epa-record-system.md 1.9).
    if (m2.signature.length !== 64) throw untrusted('vau.keys-signature-form');
    if (!signatureHolds(m2, data.cert)) throw untrusted('vau.keys-signature');

    const keys = check('vau.signed-keys', () => decodeCborMap(m2.signedPubKeys));
    const [iat, exp] = check('vau.signed-keys', () => [cborUint(keys, 'iat'), cborUint(keys, 'exp')] as const);
    if (iat * 1000 > now + CLOCK_SKEW_SECONDS * 1000) throw untrusted('vau.keys-not-yet');
    if (exp * 1000 <= now) throw untrusted('vau.keys-expired');
    if (exp - iat > KEYS_LIFETIME_SECONDS) throw untrusted('vau.keys-lifetime');
    const judged = checkKeys(keys);
    this.#o.seen?.(recordSystem.id, data.cert, ocsp);
    return judged;
  }

  /** `GET /CertData.<hex>-<cdv>` on the outer connection (A_24957); kept only once its hash is the announced one. */
  async #certDataFor(recordSystem: RecordSystemAccess, { certHash, cdv }: SignedKeys): Promise<CertData> {
    const name = `CertData.${Buffer.from(certHash).toString('hex')}-${cdv}`;
    const key = `${recordSystem.id} ${name}`;
    const known = this.#certData.get(key);
    if (known !== undefined) return known;
    const answer = await this.#o.egress
      .request('record-system', {
        url: new URL(`/${name}`, recordSystem.url).href,
        method: 'GET',
        headers: { accept: 'application/cbor', 'x-useragent': this.#o.userAgent },
        timeoutMs: CERT_DATA_TIMEOUT_MS,
        maxResponseBytes: CERT_DATA_MAX_BYTES,
      })
      .catch((thrown: unknown) => {
        throw asUnreachable(thrown, RECORD_SYSTEM_CODES);
      });
    if (answer.status >= 500)
      throw new GatewayError('RECORD_SYSTEM_UNREACHABLE', 'CertData is not served now', {
        foreign: { status: answer.status },
      });
    if (answer.status !== 200) throw untrusted('vau.cert-data');
    const data = check('vau.cert-data', () => readCertData(answer.body));
    if (!Buffer.from(data.cert.sha256).equals(certHash)) throw untrusted('vau.cert-hash');
    const oldest = this.#certData.keys().next();
    if (this.#certData.size >= MAX_REMEMBERED && !oldest.done) this.#certData.delete(oldest.value);
    this.#certData.set(key, data);
    return data;
  }
}

function readSignedKeys(bytes: Uint8Array): SignedKeys {
  const map = decodeCborMap(bytes);
  const cdv = cborUint(map, 'cdv');
  if (cdv < 1) throw new WireError('CBOR_TYPE', 'cdv starts at 1');
  return {
    signedPubKeys: cborBytes(map, 'signed_pub_keys'),
    signature: cborBytes(map, 'signature-ES256'),
    certHash: cborBytes(map, 'cert_hash', 32),
    cdv,
    ocsp: cborBytes(map, 'ocsp_response'),
  };
}

function readCertData(bytes: Uint8Array): CertData {
  const map = decodeCborMap(bytes);
  const chain: CborValue | undefined = map.rca_chain;
  if (!Array.isArray(chain)) throw new WireError('CBOR_TYPE', 'rca_chain is no array');
  const supplied = [cborBytes(map, 'ca'), ...chain].map((der) => {
    if (!(der instanceof Uint8Array)) throw new WireError('CBOR_TYPE', 'rca_chain holds no certificates');
    return readCertificate(der);
  });
  return { cert: readCertificate(cborBytes(map, 'cert')), supplied };
}

/** Path to one of our own roots; what the server supplies are only candidates in between. */
function checkChain({ cert, supplied }: CertData, anchors: TrustAnchors, at: Date): Certificate[] {
  let chain: Certificate[];
  try {
    chain = verifyChain({ leaf: cert, supplied, anchors, at });
  } catch (cause) {
    const outOfTime =
      cause instanceof CertError && (cause.code === 'CERT_EXPIRED' || cause.code === 'CERT_NOT_YET_VALID');
    throw untrusted(outOfTime ? 'vau.validity' : 'vau.chain', cause);
  }
  const root = chain.at(-1);
  if (root === undefined || at.getTime() - root.notBefore.getTime() < ROOT_MIN_AGE_MS) throw untrusted('vau.root-age');
  return chain;
}

const OCSP_CHECK: Partial<Record<CertErrorCode, string>> = {
  OCSP_UNREADABLE: 'vau.ocsp-unreadable',
  OCSP_NOT_SUCCESSFUL: 'vau.ocsp-unreadable',
  OCSP_NOT_ONE_RESPONSE: 'vau.ocsp-unreadable',
  OCSP_OTHER_CERTIFICATE: 'vau.ocsp-certificate',
  OCSP_REVOKED: 'vau.ocsp-revoked',
  OCSP_UNKNOWN: 'vau.ocsp-unknown',
  OCSP_STALE: 'vau.ocsp-stale',
  OCSP_FUTURE: 'vau.ocsp-future',
  OCSP_CERT_HASH: 'vau.ocsp-cert-hash',
  OCSP_SIGNATURE: 'vau.ocsp-signature',
  OCSP_RESPONDER_UNTRUSTED: 'vau.ocsp-responder',
};

function checkOcsp<T>(judge: () => T): T {
  try {
    return judge();
  } catch (cause) {
    if (!(cause instanceof CertError)) throw cause;
    throw untrusted(OCSP_CHECK[cause.code] ?? 'vau.ocsp-responder', cause);
  }
}

function signatureHolds({ signedPubKeys, signature }: SignedKeys, { publicKey }: Certificate): boolean {
  try {
    return verify('sha256', signedPubKeys, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}

/** A_24608: curve, length, point on the curve; Kyber length and modulus. */
function checkKeys(keys: CborMap): VauPublicKeys {
  try {
    return checkPublicKeys(keys);
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    const kyber = cause.code === 'VAU_KEY_KYBER' || !(keys.Kyber768_PK instanceof Uint8Array);
    throw untrusted(kyber ? 'vau.kyber-key' : 'vau.ecdh-key', cause);
  }
}

function check<T>(name: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof CertError || cause instanceof WireError) throw untrusted(name, cause);
    throw cause;
  }
}

function untrusted(check: string, cause?: unknown): GatewayError {
  return new GatewayError('VAU_SERVER_UNTRUSTED', 'the VAU failed a trust check', {
    check,
    ...(cause !== undefined && { cause }),
  });
}
