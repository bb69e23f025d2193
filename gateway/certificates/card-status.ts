// Whether a card's certificate is revoked (CRT-04): asked of the responder of the settings, judged (signature, responder, freshness;
// certs/ocsp.ts), counted until its nextUpdate, kept across restarts. "Revoked" and "unknown" stop the card at once; a responder that
// cannot be asked, or whose answer is worth nothing, leaves it in use for the grace time of the settings.
import type { Certificate } from '../../certs/certificate.ts';
import { CertError } from '../../certs/error.ts';
import { createOcspRequest, judgeOcspResponse } from '../../certs/ocsp.ts';
import { readOcspAnswer } from '../../certs/ocsp-answer.ts';
import { type TrustAnchors, verifyChain } from '../../certs/trust.ts';
import type { Settings } from '../config.ts';
import { asGatewayError, type ErrorCode, GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { fingerprintOf, type OcspSight } from './entry.ts';
import type { KeptAnswers } from './kept-answers.ts';

export type CardStatus = {
  /** CERTIFICATE_REVOKED, CERTIFICATE_NOT_RELEASED, OCSP_UNREACHABLE (grace over); asks where what is known does not count any more. */
  require(certificate: Certificate): Promise<void>;
  /** Without asking: it must not be used now. */
  blocked(certificate: Certificate): boolean;
  /** Asks of those whose answer has run out, of all cards that are there; never throws. */
  refresh(certificates: readonly Certificate[]): Promise<void>;
  sight(certificate: Certificate): OcspSight | undefined;
  /** Called when this certificate must not be used any more. Also one that nobody has used yet, and those of a card that do not sign. */
  onBlocked(listener: Blocked): void;
  /** Since when the responder cannot be asked about a card, about whichever the longest; null: it can. */
  failingSince(): Failing | null;
};

/** `code`: CERTIFICATE_REVOKED, or CERTIFICATE_NOT_RELEASED for one its issuer does not know. */
type Blocked = (certificate: Certificate, code: ErrorCode) => void;

/** `reason`: of the first failure, without a name in it. */
type Failing = { at: number; check: string | null; reason: string };

type Known = {
  sight: OcspSight | undefined;
  firstAskedAt: number;
  /** A question that failed is not asked again before. */
  againAt: number;
};

const HOUR = 3_600_000;
const MAX_AGE_MS = 24 * HOUR;
/** A card that was revoked may have been so by mistake: asked anew, never used meanwhile. */
const BLOCKED_AGAIN_MS = HOUR;
const FAILED_AGAIN_MS = 60_000;

export function createCardStatus(o: {
  ocsp: NonNullable<Settings['trust']['ocsp']>;
  /** The DER of a request to the DER of an answer. */
  ask: (request: Uint8Array) => Promise<Uint8Array>;
  anchors: () => TrustAnchors;
  kept: KeptAnswers;
  now: () => number;
  log: Logger;
  /** Told of an answer that failed a check (SEC-11). */
  failed: (thrown: unknown) => void;
}): CardStatus {
  const { ocsp, kept, now, log } = o;
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Known>>();
  const listeners: Blocked[] = [];
  /** By fingerprint: what is known of one card says nothing of another. */
  const failing = new Map<string, Failing>();

  const until = ({ producedAt, nextUpdate }: OcspSight) => nextUpdate ?? producedAt + ocsp.cacheHours * HOUR;
  const graceEnds = ({ sight, firstAskedAt }: Known) =>
    (sight === undefined ? firstAskedAt : until(sight)) + ocsp.graceHours * HOUR;

  /** What the store remembers, judged anew as of then: whoever can write there must not be able to say that a card is good. */
  async function remembered(certificate: Certificate): Promise<Known> {
    const fingerprint = fingerprintOf(certificate);
    const before = known.get(fingerprint);
    if (before !== undefined) return before;
    const row = await kept.read(fingerprint);
    const found: Known = { sight: undefined, firstAskedAt: row?.firstAskedAt ?? now(), againAt: 0 };
    if (row?.answer != null && row.answeredAt !== null)
      try {
        found.sight = judge(certificate, row.answer, row.answeredAt);
      } catch {
        log.warn('kept OCSP answer not believed', { code: 'OCSP_UNREACHABLE' });
      }
    if (row === undefined) await kept.asked(fingerprint, found.firstAskedAt);
    return known.getOrInsert(fingerprint, found);
  }

  function judge(certificate: Certificate, response: Uint8Array, at: number): OcspSight {
    const anchors = o.anchors();
    const [, issuer] = verifyChain({ leaf: certificate, anchors, at: new Date(at) });
    if (issuer === undefined) throw new CertError('OCSP_RESPONDER_UNTRUSTED', 'a root is nobody to be asked about');
    const judging = { response, certificate, issuer, anchors, at: new Date(at), maxAgeMs: MAX_AGE_MS };
    try {
      const { producedAt, nextUpdate } = judgeOcspResponse({ ...judging, requireCertHash: true });
      return sightOf('good', producedAt, nextUpdate, at);
    } catch (thrown) {
      // Said only on the word of an authorised responder, and fresh (certs/ocsp.ts).
      const status = thrown instanceof CertError ? STOPS[thrown.code] : undefined;
      if (status === undefined) throw thrown;
      const { producedAt, nextUpdate } = readOcspAnswer(response);
      return sightOf(status, producedAt, nextUpdate, at);
    }
  }

  async function ask(certificate: Certificate): Promise<Known> {
    const entry = await remembered(certificate);
    const key = fingerprintOf(certificate);
    const at = now();
    if (entry.againAt > at) return entry;
    const blockedBefore = isBlocked(entry);
    const issuer = issuerOf(certificate, at);
    if (issuer === undefined) {
      failing.delete(key);
      return entry;
    }
    try {
      const answer = await o.ask(createOcspRequest(certificate, issuer));
      const sight = judge(certificate, answer, now());
      // An older answer played again must not undo what is known already.
      if (entry.sight !== undefined && sight.producedAt < entry.sight.producedAt)
        throw new CertError('OCSP_STALE', 'older than the one before');
      entry.sight = sight;
      entry.againAt = 0;
      failing.delete(key);
      await kept.put(key, answer, now());
      log.info('certificate status', { code: sight.status });
    } catch (thrown) {
      entry.againAt = at + FAILED_AGAIN_MS;
      const error = failure(thrown);
      failing.set(key, {
        reason: error.message,
        ...failing.get(key),
        at: failing.get(key)?.at ?? at,
        check: error.check ?? null,
      });
      o.failed(error);
      log.warn('certificate status not found out', { code: error.code, check: error.check });
    }
    const code = entry.sight && OF_STATUS[entry.sight.status];
    if (!blockedBefore && code !== undefined) for (const listener of listeners) listener(certificate, code);
    return entry;
  }

  /** Who is to be asked about it; undefined: it is expired or nobody's, which no responder has failed at (card-trust.ts refuses it). */
  function issuerOf(certificate: Certificate, at: number): Certificate | undefined {
    try {
      return verifyChain({ leaf: certificate, anchors: o.anchors(), at: new Date(at) })[1];
    } catch (thrown) {
      // Without a trust-service list in force nobody can be asked either: that is its own alarm (CRT-05).
      if (thrown instanceof CertError || thrown instanceof GatewayError) return undefined;
      throw thrown;
    }
  }

  /** One question however many wait. */
  function asked(certificate: Certificate): Promise<Known> {
    const key = fingerprintOf(certificate);
    return asking.getOrInsertComputed(key, () => ask(certificate).finally(() => asking.delete(key)));
  }

  const isBlocked = ({ sight }: Known) => sight !== undefined && sight.status !== 'good';
  const isDue = ({ sight }: Known) =>
    sight === undefined || now() >= (sight.status === 'good' ? until(sight) : sight.checkedAt + BLOCKED_AGAIN_MS);

  return {
    require: async (certificate) => {
      let entry = await remembered(certificate);
      if (isDue(entry)) entry = await asked(certificate);
      if (entry.sight?.status === 'revoked')
        throw new GatewayError('CERTIFICATE_REVOKED', "the card's certificate is revoked", {
          check: 'smcb.ocsp-revoked',
        });
      if (entry.sight?.status === 'unknown')
        throw new GatewayError('CERTIFICATE_NOT_RELEASED', "the card's certificate is unknown to its issuer", {
          check: 'smcb.ocsp-unknown',
        });
      if (isDue(entry) && now() >= graceEnds(entry))
        throw new GatewayError('OCSP_UNREACHABLE', "the status of the card's certificate cannot be found out");
    },
    blocked: (certificate) => {
      const entry = known.get(fingerprintOf(certificate));
      return entry !== undefined && (isBlocked(entry) || (isDue(entry) && now() >= graceEnds(entry)));
    },
    refresh: async (certificates) => {
      // A card that is not there any more is asked about no more: its failure would never end.
      const there = new Set(certificates.map(fingerprintOf));
      for (const key of failing.keys()) if (!there.has(key)) failing.delete(key);
      for (const certificate of certificates)
        try {
          if (isDue(await remembered(certificate))) await asked(certificate);
        } catch (thrown) {
          log.error('certificate status not kept', { code: asGatewayError(thrown).code });
        }
    },
    sight: (certificate) => known.get(fingerprintOf(certificate))?.sight,
    onBlocked: (listener) => void listeners.push(listener),
    failingSince: () => [...failing.values()].sort((a, b) => a.at - b.at)[0] ?? null,
  };
}

const OF_STATUS: Partial<Record<OcspSight['status'], ErrorCode>> = {
  revoked: 'CERTIFICATE_REVOKED',
  unknown: 'CERTIFICATE_NOT_RELEASED',
};

const STOPS: Partial<Record<CertError['code'], 'revoked' | 'unknown'>> = {
  OCSP_REVOKED: 'revoked',
  OCSP_UNKNOWN: 'unknown',
};

const sightOf = (
  status: OcspSight['status'],
  producedAt: Date,
  nextUpdate: Date | undefined,
  checkedAt: number,
): OcspSight => ({
  status,
  producedAt: producedAt.getTime(),
  nextUpdate: nextUpdate?.getTime() ?? null,
  checkedAt,
});

/** An answer that failed a check is a security event (`smcb.ocsp-…`); one that did not come is not. */
function failure(thrown: unknown): GatewayError {
  if (thrown instanceof CertError)
    return new GatewayError(
      'OCSP_UNREACHABLE',
      `the answer of the OCSP responder is not to be believed: ${thrown.message}`,
      {
        cause: thrown,
        check: `smcb.${thrown.code.toLowerCase().replaceAll('_', '-')}`,
      },
    );
  const error = asGatewayError(thrown);
  return error.code === 'INTERNAL'
    ? new GatewayError('OCSP_UNREACHABLE', 'the OCSP responder cannot be asked', { cause: thrown })
    : error;
}
