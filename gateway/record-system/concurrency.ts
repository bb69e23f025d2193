// How many exports may be on their way to one record system at once: all that the worker has, until it says that it is busy or
// takes too long; then half of it, and one more for every twenty that went well (additive increase, multiplicative decrease).

const SUCCESSES_FOR_ONE = 20;

/** One export on its way; `generation` of the limit under which it set out. */
export type Passage = { generation: number };

export class Concurrency {
  readonly #max: number;
  #limit: number;
  #running = 0;
  #successes = 0;
  #generation = 0;

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  get limit(): number {
    return this.#limit;
  }
  get running(): number {
    return this.#running;
  }

  /** Undefined: there is no place now. */
  enter(): Passage | undefined {
    if (this.#running >= this.#limit) return undefined;
    this.#running += 1;
    return { generation: this.#generation };
  }

  /** Once for each passage; answers how many places are free now. */
  leave(): number {
    this.#running -= 1;
    return Math.max(this.#limit - this.#running, 0);
  }

  succeeded(): void {
    this.#successes += 1;
    if (this.#successes < SUCCESSES_FOR_ONE || this.#limit >= this.#max) return;
    this.#successes = 0;
    this.#limit += 1;
  }

  /** Those that were on their way together say the same thing once. */
  overloaded(passage: Passage): void {
    if (passage.generation !== this.#generation) return;
    this.#generation += 1;
    this.#successes = 0;
    this.#limit = Math.max(Math.floor(this.#limit / 2), 1);
  }
}
