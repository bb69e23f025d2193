// Cards that let a call run into its time limit while their Konnektor answers (KON-11, MON-04): who wants such a card is told at once and
// does not wait for that limit as well, until it is heard again. The look at the Konnektor asks it meanwhile, beside everything else.
import { asGatewayError, type GatewayError } from '../errors.ts';
import { isCardTimeout, isConnectionLoss } from './faults.ts';

/** Asked again after that even where nobody looks at its Konnektor. */
const BELIEVED_MS = 60_000;

export class SilentCards {
  readonly #now: () => number;
  readonly #silent = new Map<string, { error: GatewayError; since: number }>();
  readonly #probing = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What this card was last found silent by. */
  error(iccsn: string): GatewayError | undefined {
    const known = this.#silent.get(iccsn);
    return known !== undefined && Math.abs(this.#now() - known.since) < BELIEVED_MS ? known.error : undefined;
  }

  /** Throws for a card that is silent now, without asking it. */
  check(iccsn: string): void {
    const error = this.error(iccsn);
    if (error !== undefined) throw error;
  }

  /** Runs a call to the card and learns from its end. */
  async heard<T>(iccsn: string, call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      this.#silent.delete(iccsn);
      return answer;
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (isCardTimeout(error)) this.#silent.set(iccsn, { error, since: this.#now() });
      // A refusal is an answer; without the Konnektor nothing is learnt of the card.
      else if (!isConnectionLoss(error)) this.#silent.delete(iccsn);
      throw thrown;
    }
  }

  /** Asks a silent card once at a time; `back` is called when it was heard again. Never throws. */
  async probe(iccsn: string, ask: () => Promise<unknown>, back: () => void): Promise<void> {
    if (this.#probing.has(iccsn)) return;
    this.#probing.add(iccsn);
    try {
      await ask().catch(() => {});
    } finally {
      this.#probing.delete(iccsn);
    }
    if (!this.#silent.has(iccsn)) back();
  }
}
