// Looks that somebody asks for (`?fresh=true`): whoever asks while one is due shares it, and one begins a few seconds after the one before
// at the earliest, however many ask. A Konnektor is shared with others, and each look costs it several calls.
import type { Timer } from '../exports/worker.ts';

export const FRESH_EVERY_MS = 2_000;

/** Answers how to ask for a look that begins after the question; it resolves when that has ended. */
export function freshLooks(o: {
  look: () => Promise<void>;
  now: () => number;
  timer: Timer;
  everyMs?: number;
}): () => Promise<void> {
  const { everyMs = FRESH_EVERY_MS } = o;
  let begunAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  async function begin(before: Promise<void>): Promise<void> {
    await before.catch(() => {});
    const pause = Math.min(begunAt + everyMs - o.now(), everyMs);
    if (pause > 0) await new Promise<void>((resolve) => void o.timer(pause, resolve));
    begunAt = o.now();
    next = undefined;
    running = o.look();
    await running;
  }
  return () => {
    next ??= begin(running);
    return next;
  };
}
