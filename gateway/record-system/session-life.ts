// How long a record system lets a user session live, learnt from those that ended (D12: unknown, 20 minutes to 24 hours in
// the sources). Only "not signed on" teaches it: a channel that was dropped says nothing about the life of a session.

/** Below this an end is an accident: renewing that often would cost more than the accidents. */
const SHORTEST_MS = 20_000;
/** Between the last good answer and the end lies the life; with a longer gap than this only its upper bound is known. */
const GAP_MS = 30_000;
const GAP_SHARE = 0.2;
const LEAST_AHEAD_MS = 5_000;
/** From this part of the configured age on a session is renewed beside its use: make before break. */
const RENEW_FROM = 0.9;
/** A session that was renewed in good health might have lived longer. */
const GROWTH = 1.25;

export class SessionLife {
  readonly #maxAgeMs: number;
  #seenMs: number | undefined;

  /** `maxAgeMs`: the age at which a session is replaced whatever is learnt. */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** What has been learnt, in ms. */
  get seenMs(): number | undefined {
    return this.#seenMs;
  }

  /** The user was signed on at `aliveAt` and no longer at `now`. */
  ended({ openedAt, aliveAt, now }: { openedAt: number; aliveAt: number; now: number }): void {
    const lived = aliveAt - openedAt;
    const atMost = now - openedAt;
    const exact = atMost - lived <= Math.max(GAP_MS, GAP_SHARE * atMost);
    const seen = exact ? lived : Math.min(this.#seenMs ?? Number.POSITIVE_INFINITY, atMost);
    if (seen >= SHORTEST_MS) this.#seenMs = seen;
  }

  /** A session was replaced ahead of time and had not ended. */
  outlived(): void {
    if (this.#seenMs === undefined) return;
    this.#seenMs *= GROWTH;
    if (this.#seenMs >= this.#maxAgeMs) this.#seenMs = undefined;
  }

  /** Age from which a session is renewed ahead; `loginMs`: how long the last login took. */
  renewAtMs(loginMs: number): number {
    const configured = RENEW_FROM * this.#maxAgeMs;
    if (this.#seenMs === undefined) return configured;
    return Math.min(configured, Math.max(this.#seenMs - Math.max(LEAST_AHEAD_MS, 2 * loginMs), this.#seenMs / 2));
  }
}
