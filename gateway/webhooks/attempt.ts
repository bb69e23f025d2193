// One try to tell a target one message, and what its answer means (Standard Webhooks 1.0.0): 2xx is delivered, 410 ends the
// target, everything else is tried again. What the receiver writes into its answer is neither kept nor shown.
import { EgressError, type EgressErrorCode, type EgressRequest, type EgressResponse } from '../egress.ts';
import type { ErrorCode } from '../errors.ts';
import { signedHeaders } from './signature.ts';
import type { WebhookTarget } from './targets.ts';

export type WebhookMessage = { id: string; body: string };
export type AttemptOutcome =
  | { kind: 'delivered'; status: number; ms: number }
  | { kind: 'failed'; code: ErrorCode; status: number | null; retryAfterMs: number | null; ms: number };

/** Egress with purpose `webhook`. */
export type WebhookPost = (request: EgressRequest) => Promise<EgressResponse>;

/** For everything together; a receiver answers first and works afterwards. */
export const ATTEMPT_LIMIT_MS = 10_000;
const ANSWER_BYTES = 65_536;
/** A receiver may ask for patience, not for silence. */
const LONGEST_RETRY_AFTER_MS = 12 * 3_600_000;

/** Never throws. `limitMs` is ATTEMPT_LIMIT_MS but in tests. */
export async function attempt(
  o: { target: WebhookTarget; post: WebhookPost; now: () => number; limitMs?: number },
  message: WebhookMessage,
): Promise<AttemptOutcome> {
  const { target, post, now } = o;
  const begun = now();
  const failed = (code: ErrorCode, more: { status: number; retryAfterMs: number | null } | null): AttemptOutcome => ({
    kind: 'failed',
    code,
    status: more?.status ?? null,
    retryAfterMs: more?.retryAfterMs ?? null,
    ms: now() - begun,
  });
  let answer: EgressResponse;
  try {
    answer = await post({
      url: target.url,
      target: target.key,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'diga-epa-gateway',
        ...signedHeaders({ ...message, atMs: begun, secrets: target.secrets }),
      },
      body: Buffer.from(message.body),
      timeoutMs: o.limitMs ?? ATTEMPT_LIMIT_MS,
      maxResponseBytes: ANSWER_BYTES,
    });
  } catch (thrown) {
    return failed(thrown instanceof EgressError ? CODE[thrown.code] : 'INTERNAL', null);
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', status, ms: now() - begun };
  const asked = status === 429 || status === 503 ? retryAfter(answer.headers['retry-after'], now()) : null;
  return failed(status === 410 ? 'WEBHOOK_GONE' : 'WEBHOOK_REFUSED', { status, retryAfterMs: asked });
}

const CODE: Record<EgressErrorCode, ErrorCode> = {
  NOT_ALLOWED: 'WEBHOOK_ADDRESS_REFUSED',
  UNREACHABLE: 'WEBHOOK_UNREACHABLE',
  TLS_UNTRUSTED: 'WEBHOOK_TLS_UNTRUSTED',
  PIN_MISMATCH: 'WEBHOOK_TLS_UNTRUSTED',
  KEY_WEAK: 'WEBHOOK_TLS_UNTRUSTED',
  PROXY_UNREACHABLE: 'WEBHOOK_UNREACHABLE',
  PROXY_REFUSED: 'WEBHOOK_UNREACHABLE',
  TIMEOUT: 'WEBHOOK_UNANSWERED',
  RESET: 'WEBHOOK_UNANSWERED',
  TOO_LARGE: 'WEBHOOK_UNANSWERED',
  PROTOCOL: 'WEBHOOK_UNANSWERED',
  BODY_FAILED: 'INTERNAL',
};

/** Seconds or a date (RFC 9110 section 10.2.3) as ms from now; null where it says nothing usable. */
function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const ms = /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : null;
}
