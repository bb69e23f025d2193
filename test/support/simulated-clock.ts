// The simulator's clock as the gateway's own (D17), with timers that fire when either the real time or the simulated one has
// passed: a test goes to the next due time at once, and nothing else about the gateway changes.
import type { Timer } from '../../gateway/exports/worker.ts';

type Waiting = { at: number; fire: () => void; handle: NodeJS.Timeout };

export class SimulatedClock {
  readonly #world: { now: () => number; advance: (ms: number) => void };
  readonly #waiting = new Set<Waiting>();

  constructor(world: { now: () => number; advance: (ms: number) => void }) {
    this.#world = world;
  }

  now = (): number => this.#world.now();

  timer: Timer = (ms, fire) => {
    const waiting: Waiting = {
      at: this.now() + ms,
      fire,
      handle: setTimeout(() => {
        this.#waiting.delete(waiting);
        fire();
      }, ms).unref(),
    };
    this.#waiting.add(waiting);
    return () => this.#take(waiting);
  };

  /** Goes to this moment, where it lies ahead, and fires what is due then, the earliest first. */
  advanceTo(at: number): void {
    this.#world.advance(Math.max(at - this.now(), 0));
    const due = [...this.#waiting].filter((one) => one.at <= this.now()).sort((a, b) => a.at - b.at);
    for (const one of due) if (this.#take(one)) one.fire();
  }

  #take(waiting: Waiting): boolean {
    clearTimeout(waiting.handle);
    return this.#waiting.delete(waiting);
  }
}
