// What is looked at by its time and when somebody asks (certificates, alarms): one look at a time, the next one counted from the
// beginning of the last. Starts nothing before its first time has come.
import type { Timer } from './exports/worker.ts';

export type RegularLook = {
  /** Joins the look that runs. */
  look(): Promise<void>;
  stop(): void;
};

/** `lookNow` must not throw: who looks says what a failed look means. */
export function lookRegularly(o: {
  lookNow: () => Promise<void>;
  firstMs: number;
  everyMs: number;
  now: () => number;
  timer: Timer;
}): RegularLook {
  let running: Promise<void> | undefined;
  let stopped = false;
  let cancel = () => {};
  const look = (): Promise<void> => {
    running ??= o.lookNow().finally(() => {
      running = undefined;
    });
    return running;
  };
  const again = (ms: number) => {
    cancel = o.timer(ms, async () => {
      // One that is on its way began before the time that has come now.
      await running;
      const began = o.now();
      await look();
      // A clock that has gone on meanwhile is looked after at once.
      if (!stopped) again(Math.max(0, began + o.everyMs - o.now()));
    });
  };
  again(o.firstMs);
  return {
    look,
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
