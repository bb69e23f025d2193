// Whether one service of a record system is worth asking (circuit breaker): after three failures in a row nobody asks it but
// one probe after each pause, and everybody who waited is woken as soon as one got through. No time of anybody is spent on it
// meanwhile, and it needs no restart and no operator to go on.
import type { GatewayError } from '../errors.ts';
import type { Clock } from './outside.ts';
import type { Timer } from './timer.ts';

const FAILURES = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export type BreakerOptions = {
  now: Clock;
  timer: Timer;
  /** The pause is over: whoever comes now is the probe. Told again after each further pause in which nobody came. */
  onProbe: () => void;
  /** It answers again. */
  onRecovery: () => void;
};

/** What one request is told before it is made: go, go as the probe, or the error that the last ones ended with. */
export type Gate = 'open' | 'probe' | GatewayError;

export class Breaker {
  readonly #o: BreakerOptions;
  #failures = 0;
  /** Set while nobody but a probe may ask. */
  #shut: { error: GatewayError; since: number; until: number; pauseMs: number; probing: boolean } | undefined;
  #stopTimer = () => {};
  #everAnswered = false;

  constructor(options: BreakerOptions) {
    this.#o = options;
  }

  /** Since when it is not asked, and why; undefined: it is. */
  get shut(): { since: number; error: GatewayError } | undefined {
    return this.#shut;
  }

  /** Since the start of this process; before that nobody can say how it stands. */
  get everAnswered(): boolean {
    return this.#everAnswered;
  }

  /** Called once before each request; who is the probe must report. */
  gate(): Gate {
    const shut = this.#shut;
    if (shut === undefined) return 'open';
    if (shut.probing || this.#o.now() < shut.until) return shut.error;
    shut.probing = true;
    return 'probe';
  }

  /** It answered, whatever it said. */
  answered(): void {
    this.#everAnswered = true;
    this.#failures = 0;
    if (this.#shut === undefined) return;
    this.#shut = undefined;
    this.#stopTimer();
    this.#o.onRecovery();
  }

  /** It did not. Who had asked before it was shut says nothing new. */
  failed(error: GatewayError, as: Gate): void {
    const shut = this.#shut;
    if (shut === undefined) {
      this.#failures += 1;
      if (this.#failures >= FAILURES) this.#shutFor(FIRST_PAUSE_MS, error, this.#o.now());
    } else if (as === 'probe') this.#shutFor(Math.min(2 * shut.pauseMs, LONGEST_PAUSE_MS), error, shut.since);
  }

  /** The probe never got as far as asking: the next one may. */
  undecided(as: Gate): void {
    if (this.#shut !== undefined && as === 'probe') this.#shut.probing = false;
  }

  /** Another service of the same record system answers again: no reason to wait for the end of the pause. */
  probeNow(): void {
    if (this.#shut === undefined || this.#shut.probing) return;
    this.#shut.until = this.#o.now();
    this.#o.onProbe();
  }

  stop(): void {
    this.#stopTimer();
  }

  #shutFor(pauseMs: number, error: GatewayError, since: number): void {
    this.#failures = 0;
    this.#shut = { error, since, until: this.#o.now() + pauseMs, pauseMs, probing: false };
    this.#tellAfter(pauseMs);
  }

  #tellAfter(ms: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#o.timer(ms, () => {
      this.#tellAfter(LONGEST_PAUSE_MS);
      if (this.#shut?.probing === false) this.#o.onProbe();
    });
  }
}
