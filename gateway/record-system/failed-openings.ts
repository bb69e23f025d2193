// The memory of a session that could not be opened: a login may fail after the card has signed twice, and a thousand exports
// that wait for it must not each find that out for themselves.
import { asGatewayError, GatewayError } from '../errors.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Until somebody has acted; whoever did says so by /retry, and a card that is usable again by itself. */
const OPERATOR_PAUSE_MS = 15_000;
/** Suggested by I_Authorization_Service after an internal error at the end of the login. */
const AFTER_SIGNATURES_MS = 600_000;
/** Challenge and attestation: what a login costs. */
const LOGIN_SIGNATURES = 2;

/** What the last opening ended with, told again: nobody was asked, so it says nothing new about anybody. */
export class RememberedFailure extends GatewayError {
  constructor(cause: GatewayError) {
    const { code, message, foreign, check } = cause;
    super(code, message, { cause, ...(foreign && { foreign }), ...(check !== undefined && { check }) });
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
    const doubled = Math.min(2 * (this.#last?.pauseMs ?? FIRST_PAUSE_MS / 2), LONGEST_PAUSE_MS);
    const pauseMs =
      error.code === 'RECORD_BUSY' && signatures >= LOGIN_SIGNATURES
        ? AFTER_SIGNATURES_MS
        : error.kind === 'operator'
          ? OPERATOR_PAUSE_MS
          : doubled;
    this.#last = { error, until: now + pauseMs, pauseMs: Math.min(pauseMs, LONGEST_PAUSE_MS) };
  }

  /** Something has changed: the next caller tries anew. */
  forgive(): void {
    if (this.#last !== undefined) this.#last.until = Number.NEGATIVE_INFINITY;
  }

  succeeded(): void {
    this.#last = undefined;
  }
}
