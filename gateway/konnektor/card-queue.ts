// One call to a card at a time, the others wait in order (KON-13): a terminal has one display and a card one channel. How long
// each waited and took is told, and how many wait can be asked.

/** One card operation: how long it waited for the card and how long it took, in milliseconds. */
export type CardUse = { iccsn: string; waitedMs: number; tookMs: number };

export class CardQueues {
  readonly #now: () => number;
  readonly #observe: (use: CardUse) => void;
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #lengths = new Map<string, number>();
  readonly #held = new Map<string, Error>();

  constructor(o: { now: () => number; observe?: ((use: CardUse) => void) | undefined }) {
    this.#now = o.now;
    this.#observe = o.observe ?? (() => {});
  }

  /** A person types at the card's terminal while `work` runs: who comes meanwhile gets `error` at once and does not wait for that. */
  async hold<T>(iccsn: string, error: Error, work: () => Promise<T>): Promise<T> {
    const held = this.#run(iccsn, work);
    this.#held.set(iccsn, error);
    try {
      return await held;
    } finally {
      this.#held.delete(iccsn);
    }
  }

  /** Runs `work` when everything that was queued for this card before has ended, however it ended. */
  async run<T>(iccsn: string, work: () => Promise<T>): Promise<T> {
    const error = this.#held.get(iccsn);
    if (error !== undefined) throw error;
    return this.#run(iccsn, work);
  }

  async #run<T>(iccsn: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(iccsn);
    const queuedAt = this.#now();
    this.#lengths.set(iccsn, this.length(iccsn) + 1);
    const run = async (): Promise<T> => {
      await before;
      const startedAt = this.#now();
      try {
        return await work();
      } finally {
        this.#observe({ iccsn, waitedMs: startedAt - queuedAt, tookMs: this.#now() - startedAt });
      }
    };
    const running = run();
    const settled = running.then(
      () => {},
      () => {},
    );
    this.#tails.set(iccsn, settled);
    try {
      return await running;
    } finally {
      this.#lengths.set(iccsn, this.length(iccsn) - 1);
      if (this.#tails.get(iccsn) === settled) {
        this.#tails.delete(iccsn);
        this.#lengths.delete(iccsn);
      }
    }
  }

  /** Calls to this card that run or wait. */
  length(iccsn: string): number {
    return this.#lengths.get(iccsn) ?? 0;
  }
}
