// Tells one channel what it is still to be told, oldest first; wakes when there is something new and on one timer.
import { asGatewayError } from '../errors.ts';
import type { Database } from '../exports/database.ts';
import type { Timer } from '../exports/worker.ts';
import type { Logger } from '../log.ts';
import type { AlarmChannel } from './channels.ts';
import { claim, headOf, messageOf, settle } from './messages.ts';

export type AlarmLane = {
  wake(): void;
  /** Resolves when nothing is due now and nothing is on its way; for tests. */
  idle(): Promise<void>;
  stop(): Promise<void>;
};

const LONGEST_SLEEP_MS = 3_600_000;
const STORE_FAULT_MS = 60_000;

export function startLane(o: {
  channel: AlarmChannel;
  db: Database;
  now: () => number;
  timer: Timer;
  log: Logger;
}): AlarmLane {
  const { channel, db, now, log } = o;
  const name = channel.id;
  let running: Promise<void> = Promise.resolve();
  let again = false;
  let busy = false;
  let stopped = false;
  let cancel = () => {};

  /** One message, or the time of the next; null: none is waiting. */
  async function next(): Promise<number | null> {
    const head = await headOf(db, name);
    if (head === undefined || head.next_at === null) return null;
    const due = Number(head.next_at);
    if (due > now()) return due;
    if (!(await claim(db, head, now()))) return now();
    const outcome = await channel.send(messageOf(head));
    const settled = await settle(db, head, outcome, now());
    if (outcome.ok) log.info('alarm told', { name, ms: outcome.ms });
    else log.warn(settled === 'given-up' ? 'alarm given up' : 'alarm not told', { name, code: outcome.code });
    return now();
  }

  async function look(): Promise<void> {
    cancel();
    let sleep = LONGEST_SLEEP_MS;
    try {
      while (again && !stopped) {
        again = false;
        for (let at = await next(); at !== null && !stopped; at = await next()) {
          sleep = Math.min(LONGEST_SLEEP_MS, Math.max(at - now(), 0));
          if (sleep > 0) break;
          sleep = LONGEST_SLEEP_MS;
        }
      }
    } catch (thrown) {
      log.error('store fault in alarms', { name, code: asGatewayError(thrown).code });
      sleep = STORE_FAULT_MS;
    }
    if (!stopped) cancel = o.timer(sleep, wake);
  }

  function wake(): void {
    again = true;
    if (busy || stopped) return;
    busy = true;
    running = look().finally(() => {
      busy = false;
      if (again && !stopped) wake();
    });
  }

  return {
    wake,
    idle: async () => {
      wake();
      for (let seen: Promise<void> | undefined; seen !== running; ) {
        seen = running;
        await seen;
      }
    },
    stop: async () => {
      stopped = true;
      cancel();
      await running;
    },
  };
}
