// Tells one target its messages, independent of every other target: in order within a series, series side by side up to a
// bound; while the target fails, one at a time until one is taken. Wakes on the event bell and on one timer, never by polling.
import { asGatewayError } from '../errors.ts';
import type { Database } from '../exports/database.ts';
import { viewEvent } from '../exports/export-view.ts';
import { readEvents } from '../exports/outbox.ts';
import type { WebhookDeliveryRow } from '../exports/schema.ts';
import type { Timer } from '../exports/worker.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { attempt, type WebhookPost } from './attempt.ts';
import { dueDeliveries, nextTimes, readTarget, registerTarget, SPREAD_AT_ONCE, spreadEvents } from './deliveries.ts';
import { Lease } from './lease.ts';
import { dropOverdue, settleDelivered, settleFailed, settleForgotten } from './settle.ts';
import type { WebhookTarget } from './targets.ts';

export type LaneHouse = {
  db: Database;
  post: WebhookPost;
  log: Logger;
  metrics: Metrics;
  now: () => number;
  random: () => number;
  timer: Timer;
  /** Of this process. */
  holder: string;
};

const PARALLEL = 8;
const LONGEST_SLEEP_MS = 3_600_000;
/** After a fault of the store itself: the only wait that no due time gives. */
const STORE_FAULT_MS = 1000;

export class Lane {
  readonly target: WebhookTarget;
  readonly #house: LaneHouse;
  readonly #lease: Lease;
  /** By seq. */
  readonly #running = new Map<number, Promise<void>>();
  #turn: Promise<void> = Promise.resolve();
  #turning = false;
  #again = false;
  #stopped = true;
  #stopTimer: () => void = () => {};
  #dropAt = 0;
  /** Until then nothing is told: what would become of it could not be written down a moment ago. */
  #faultUntil = 0;
  #idle: (() => void)[] = [];

  constructor(target: WebhookTarget, house: LaneHouse) {
    this.target = target;
    this.#house = house;
    this.#lease = new Lease({ ...house, target: target.key });
  }

  /** Remembers the target where it is new, and goes on where the last process stopped. */
  async start(): Promise<void> {
    await registerTarget(this.#house.db, this.target.key);
    await this.#lease.start();
    this.#stopped = false;
    this.wake();
  }

  /** There may be new events, or its time has come. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#turning) this.#turn = this.#look();
  }

  /** Resolves when nothing is on its way and nothing is due now; for tests. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      if (this.#stopped) this.#settleIdle();
      else this.wake();
    });
  }

  /** Begins nothing more; resolves when what is on its way has ended. What is cut off then is told again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer();
    await this.#turn;
    await Promise.all(this.#running.values());
    try {
      await this.#lease.release();
    } catch {
      // The store is gone: the lease ends by itself.
    }
    this.#settleIdle();
  }

  async #look(): Promise<void> {
    this.#turning = true;
    this.#stopTimer();
    try {
      let next: number | null = null;
      while (this.#again && !this.#stopped) {
        this.#again = false;
        next = await this.#go();
      }
      if (!this.#stopped && !this.#again) this.#sleepUntil(next);
    } catch (thrown) {
      this.#house.log.error('store fault in webhooks', { ...this.#name, code: asGatewayError(thrown).code });
      if (!this.#stopped) this.#stopTimer = this.#house.timer(STORE_FAULT_MS, () => this.wake());
    } finally {
      this.#turning = false;
    }
    if (this.#again && !this.#stopped) this.#turn = this.#look();
    else if (this.#running.size === 0) this.#settleIdle();
  }

  /** One look; the time of the next, or null when only an event can bring one. */
  async #go(): Promise<number | null> {
    const { db, now } = this.#house;
    const { key: target } = this.target;
    while ((await spreadEvents(db, { ...this.target, target, now: now() })) === SPREAD_AT_ONCE) {
      if (this.#stopped) return null;
    }
    if (now() >= this.#dropAt) await this.#drop();
    // Before the target is read: what ends meanwhile may not be in this reading, so its place is free at the next look only.
    const before = [...this.#running.keys()];
    const { gone_at, resume_at, failures } = await readTarget(db, target);
    const rests = gone_at !== null ? Number.POSITIVE_INFINITY : Math.max(resume_at ?? 0, this.#faultUntil);
    const free = (failures > 0 ? 1 : PARALLEL) - before.length;
    const due =
      rests <= now() && free > 0 ? await dueDeliveries(db, { target, now: now(), limit: free, running: before }) : [];
    if (due.length > 0) {
      const otherUntil = await this.#lease.take();
      if (otherUntil !== null) return otherUntil;
      for (const delivery of due) this.#run(delivery);
    } else if (this.#running.size === 0) await this.#lease.release();
    const times = await nextTimes(db, { target, running: [...this.#running.keys()] });
    this.#dropAt = times.drop ?? Number.POSITIVE_INFINITY;
    // With every place taken the next look comes when one is free.
    const full = this.#running.size >= (failures > 0 ? 1 : PARALLEL);
    const next = times.due === null || full ? Number.POSITIVE_INFINITY : Math.max(times.due, rests);
    const at = Math.min(next, this.#dropAt);
    return at === Number.POSITIVE_INFINITY ? null : at;
  }

  #sleepUntil(at: number | null): void {
    if (at === null) return;
    const ms = Math.min(Math.max(at - this.#house.now(), 0), LONGEST_SLEEP_MS);
    this.#stopTimer = this.#house.timer(ms, () => this.wake());
  }

  /** MON-06: what is dropped can be fetched no more either, so somebody must know. */
  async #drop(): Promise<void> {
    const { db, log, metrics, now } = this.#house;
    const dropped = await dropOverdue(db, this.target.key, now());
    if (dropped === 0) return;
    metrics.webhook(this.target.key, 'dropped', dropped);
    log.error('webhook messages dropped', { ...this.#name, code: 'WEBHOOK_DROPPED', count: dropped });
  }

  #run(delivery: WebhookDeliveryRow): void {
    const ended = this.#tell(delivery)
      .catch((thrown: unknown) => {
        // It stays as it was and is told again, with the same id, and not at once: its receiver would be told without end.
        this.#faultUntil = this.#house.now() + STORE_FAULT_MS;
        this.#house.log.error('webhook not settled', { ...this.#name, code: asGatewayError(thrown).code });
      })
      .finally(() => {
        this.#running.delete(delivery.seq);
        this.wake();
      });
    this.#running.set(delivery.seq, ended);
  }

  async #tell(delivery: WebhookDeliveryRow): Promise<void> {
    const { db, log, metrics, now, random } = this.#house;
    const { key, diga, language } = this.target;
    const read = readEvents(db, { diga, after: delivery.seq - 1, limit: 1 });
    const [event] = await read.catch((thrown) => {
      // Not what was written down: the operator is told, the target never; the next of its stream is due.
      if (asGatewayError(thrown).code === 'STORE_BROKEN') return [];
      throw thrown;
    });
    if (event?.seq !== delivery.seq) return settleForgotten(db, delivery, now());
    // Slept past the lease (a paused process): another gateway may be telling it.
    if (this.#stopped || !this.#lease.lasts) return;
    const message = { id: event.id, body: JSON.stringify(viewEvent(event, language)) };
    const outcome = await attempt({ ...this.#house, target: this.target }, message);
    if (outcome.kind === 'delivered') {
      await settleDelivered(db, delivery, now());
      metrics.webhook(key, 'delivered', 1);
      log.debug('webhook delivered', { ...this.#name, status: outcome.status, ms: outcome.ms });
      return;
    }
    // Cut off by the stop of the gateway: says nothing about the target.
    if (this.#stopped) return;
    await settleFailed(db, delivery, outcome, { now: now(), random });
    metrics.webhook(key, 'failed', 1);
    log.warn('webhook not delivered', {
      ...this.#name,
      code: outcome.code,
      ...(outcome.status !== null && { status: outcome.status }),
      attempt: delivery.attempts + 1,
      ms: outcome.ms,
    });
  }

  get #name() {
    return { diga: this.target.diga, name: this.target.id };
  }

  #settleIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
