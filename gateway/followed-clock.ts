// The clock of this environment (D17): real time, or in SIM the simulator's, which runs ahead by what was advanced there. All that
// our own code judges and every due time follows it; TLS is judged by OpenSSL on real time. Each move is acknowledged by asking
// again, once timers that are due by it have fired.
import { randomUUID } from 'node:crypto';
import { createEgress, type Egress, EgressError } from './egress.ts';
import { GatewayError } from './errors.ts';
import type { Timer } from './exports/worker.ts';
import type { Logger } from './log.ts';

export type Clock = {
  now: () => number;
  /** Fires when so much time has passed, of real time or of the followed one. */
  timer: Timer;
  stop(): Promise<void>;
};

const HELD_MS = 40_000;
const AGAIN_MS = 1_000;
const LONGEST_MS = 2 ** 31 - 1;

export const systemTimer: Timer = (ms, fire) => {
  const handle = setTimeout(fire, Math.min(ms, LONGEST_MS));
  handle.unref();
  return () => clearTimeout(handle);
};

export const systemClock: Clock = { now: Date.now, timer: systemTimer, stop: async () => {} };

/** The clock of the settings; a caller that brings its own time follows no other. */
export function openClock(o: { settings: { clock?: string | undefined }; own: { now?: () => number }; log: Logger }) {
  const { clock: url } = o.settings;
  return url === undefined || o.own.now !== undefined ? systemClock : followClock({ url, log: o.log });
}

type Told = { offsetMs: number; version: number };

/** GatewayError CONFIG_INVALID where no simulator answers there: judging by another time than told would be wrong. */
export async function followClock(o: { url: string; log: Logger; realTimer?: Timer }): Promise<Clock> {
  const { log, realTimer = systemTimer } = o;
  const { origin } = new URL(o.url);
  const follower = randomUUID();
  const waiting = new Set<{ at: number; fire: () => void; cancel: () => void }>();
  let egress: Egress;
  let stopped = false;
  let told: Told;
  try {
    egress = createEgress({ environment: 'SIM', purposes: { clock: [{ origin }] } });
    told = await ask(-1);
  } catch (cause) {
    throw new GatewayError('CONFIG_INVALID', 'clock: no simulator answers there whose clock could be followed', {
      cause,
    });
  }

  async function ask(seen: number): Promise<Told> {
    const { status, body } = await egress.request('clock', {
      url: `${origin}/sim/clock?follower=${follower}&seen=${seen}`,
      method: 'GET',
      headers: { accept: 'application/json' },
      timeoutMs: HELD_MS,
      maxResponseBytes: 4096,
    });
    const said: unknown = status === 200 ? JSON.parse(Buffer.from(body).toString('utf8')) : undefined;
    const { offsetMs, version } = (said ?? {}) as Record<string, unknown>;
    if (typeof offsetMs !== 'number' || typeof version !== 'number' || !(offsetMs >= 0))
      throw new GatewayError('CONFIG_INVALID', 'clock: what answers there is no simulator');
    return { offsetMs, version };
  }

  const now = () => Date.now() + told.offsetMs;

  /** What is due by the time of now, the earliest first. */
  function fireDue(): void {
    const due = [...waiting].filter((one) => one.at <= now()).sort((a, b) => a.at - b.at);
    for (const one of due) {
      // One that fired before may have taken it back.
      if (!waiting.delete(one)) continue;
      one.cancel();
      one.fire();
    }
  }

  async function follow(): Promise<void> {
    let lost = false;
    while (!stopped) {
      try {
        const next = await ask(told.version);
        if (lost) log.info('clock followed again');
        lost = false;
        const moved = next.offsetMs !== told.offsetMs;
        told = next;
        if (!moved) continue;
        log.info('clock moved', { name: new Date(now()).toISOString() });
        fireDue();
      } catch (thrown) {
        if (stopped) return;
        if (!lost) log.error('clock not followed', { code: thrown instanceof EgressError ? thrown.code : 'INTERNAL' });
        lost = true;
        await new Promise<void>((resolve) => void realTimer(AGAIN_MS, resolve));
      }
    }
  }
  const following = follow();

  return {
    now,
    timer: (ms, fire) => {
      const one = { at: now() + ms, fire, cancel: () => {} };
      one.cancel = realTimer(ms, () => {
        if (waiting.delete(one)) fire();
      });
      waiting.add(one);
      return () => {
        one.cancel();
        waiting.delete(one);
      };
    },
    stop: async () => {
      stopped = true;
      // Whoever moves the clock next need not wait for us.
      await egress
        .request('clock', {
          url: `${origin}/sim/clock?follower=${follower}&seen=${told.version}&leave=true`,
          method: 'GET',
          timeoutMs: AGAIN_MS,
          maxResponseBytes: 4096,
        })
        .catch(() => {});
      await egress.close();
      // Its pause after a failure keeps nothing running and ends by itself.
      void following;
    },
  };
}
