// The memory of a session that could not be opened: a login may fail after the card has signed twice, and a thousand exports
// that wait for it must not each find that out for themselves.
import { asGatewayError, GatewayError } from '../errors.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/**
 * Until somebody has acted; whoever did says so by /retry. Before the card has signed there is no pause at all: looking
 * costs nothing, and the first export after the repair should not be told what was.
 */
const OPERATOR_PAUSE_MS = 15_000;
/** Suggested by I_Authorization_Service after an internal error at the end of the login. */
const AFTER_SIGNATURES_MS = 600_000;
/** Challenge and attestation: what a login costs. */
const LOGIN_SIGNATURES = 2;

/** What the last opening ended with, told again: nobody was asked, so it says nothing new about anybody. */
export class RememberedFailure extends GatewayError {
  constructor(cause: GatewayError) {
    const { code, message, foreign, check, retryAfterSeconds } = cause;
    super(code, message, {
      cause,
      ...(foreign && { foreign }),
      ...(check !== undefined && { check }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  }
}

export class FailedOpenings {
  #last: { error: GatewayError; until: number; pauseMs: number } | undefined;

  /** Throws what the last opening ended with, while its pause lasts. */
  check(now: number): void {
    if (this.#last !== undefined && now < this.#last.until) throw new RememberedFailure(this.#last.error);
  }

  /** The code of the last opening where it failed. */
  get code(): GatewayError['code'] | null {
    return this.#last?.error.code ?? null;
  }

  /** `signatures`: how many the card had made for it. */
  failed(thrown: unknown, { now, signatures }: { now: number; signatures: number }): void {
    const error = asGatewayError(thrown);
    const pauseMs = pauseAfter(error, signatures, this.#last?.pauseMs ?? 0);
    this.#last = { error, until: now + pauseMs, pauseMs };
  }

  /** Something has changed: the next caller tries anew. */
  forgive(): void {
    if (this.#last !== undefined) this.#last.until = Number.NEGATIVE_INFINITY;
  }

  succeeded(): void {
    this.#last = undefined;
  }
}

function pauseAfter(error: GatewayError, signatures: number, before: number): number {
  if (error.code === 'RECORD_BUSY' && signatures >= LOGIN_SIGNATURES) return AFTER_SIGNATURES_MS;
  if (error.kind === 'operator') return signatures > 0 ? OPERATOR_PAUSE_MS : 0;
  return Math.min(Math.max(2 * before, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
}
