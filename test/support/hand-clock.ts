// A clock moved by hand, with timers that fire in order when their time has come.
import type { Timer } from '../../gateway/record-system/timer.ts';

export function handClock(at = Date.parse('2026-11-25T10:00:00Z')) {
  let now = at;
  const waiting = new Map<symbol, { at: number; fire: () => void }>();
  const timer: Timer = (ms, fire) => {
    const key = Symbol();
    waiting.set(key, { at: now + ms, fire });
    return () => void waiting.delete(key);
  };
  const passed = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const [next] = [...waiting].filter(([, one]) => one.at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      now = Math.max(now, next[1].at);
      waiting.delete(next[0]);
      next[1].fire();
    }
    now = end;
  };
  return { now: () => now, timer, passed, waiting: () => waiting.size };
}
