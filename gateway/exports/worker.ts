// Claims due exports and runs their journeys: one per series at a time, series in parallel (EXP-07). Wakes on events and
// on one timer for the next due time, never by polling; takes up after a crash what the last process left (EXP-03, D22).
import { asGatewayError } from '../errors.ts';
import { endByAge, nextAgeLimit } from './age-limits.ts';
import { type Claim, claimDue, isClaimLost, nextDue, wakeExports } from './claims.ts';
import { dropErasedPages, type Queries } from './database.ts';
import { runJourney } from './journey.ts';
import { eraseUnneededKvnrs, nextKvnrErasure } from './kvnr-retention.ts';
import { nextExpiry, renewLeases } from './leases.ts';
import { isPostgres } from './locks.ts';
import { eraseEvents } from './outbox.ts';
import type { OpenSession } from './ports.ts';
import { recoverAfterCrash, recoverExpired, releaseClaim } from './recovery.ts';
import { eraseStaged } from './staging.ts';
import { cancelOverdue, eraseDue, isDeferredDue, nextSweep, supersedeByDeferred } from './sweep.ts';
import type { House } from './trip.ts';

/** Sets one timer and answers how to take it back. */
export type Timer = (ms: number, fire: () => void) => () => void;

const LONGEST_SLEEP_MS = 3_600_000;
/** How many exports are on their way at once: those with a large document beside the others, so that neither waits for the other. */
export type Slots = { small: number; large: number; fromBytes: number };

/** After a fault of the store itself: the only wait that no due time gives. */
const STORE_FAULT_MS = 1000;

export class Worker<S extends OpenSession> {
  readonly #house: House<S>;
  readonly #slots: Slots;
  readonly #timer: Timer;
  readonly #onChange: () => void;
  readonly #running = new Map<Promise<void>, Claim>();
  #stopRenewing = () => {};
  #renewing = false;
  /** What these waited for came while they ran: they had failed already, or were about to. */
  readonly #wokenRunning = new Set<string>();
  /** Claims whose end could not be stored. */
  readonly #unsettled = new Set<Claim>();
  #turn: Promise<void> = Promise.resolve();
  #erased = true;
  #stopTimer: () => void = () => {};
  #sweepAt = 0;
  #lookedAt = 0;
  #turning = false;
  #again = false;
  #resting = false;
  #stopped = true;
  #idle: (() => void)[] = [];

  /** `onChange`: exports may have changed their state, and there may be events of it. */
  constructor(o: { house: Omit<House<S>, 'onChannel'>; slots: Slots; timer?: Timer; onChange?: () => void }) {
    this.#house = { ...o.house, onChannel: (ids) => void this.#wakeThese(ids) };
    this.#slots = o.slots;
    this.#timer = o.timer ?? systemTimer;
    this.#onChange = o.onChange ?? (() => {});
  }

  /** Recovers, then begins to claim. */
  async start(): Promise<void> {
    const recovered = await recoverAfterCrash(this.#house.db, this.#house.now(), {
      holder: this.#house.lease.holder,
      checkpoint: this.#house.checkpoint,
    });
    if (recovered.requeued + recovered.unclear > 0)
      this.#house.log.warn('exports recovered', { count: recovered.requeued + recovered.unclear });
    this.#stopped = false;
    this.wake();
  }

  /** Something may be due: an export was accepted, retried, settled, or its time has come. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#turning) this.#turn = this.#look();
  }

  /** Content was erased outside a turn: its pages leave the log with the next rest (RET-04). */
  erased(): void {
    this.#erased = true;
    this.wake();
  }

  /** Resolves when nothing runs and nothing is due now. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      if (this.#stopped) this.#settleIdle();
      else this.wake();
    });
  }

  /** Claims nothing more; resolves when what is on its way has ended, or after `ms`: the rest is recovered at the next start. */
  async stop(ms: number): Promise<void> {
    this.#stopped = true;
    this.#stopTimer();
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#timer(ms, resolve);
    });
    const ended = this.#turn.then(() => Promise.allSettled([...this.#running.keys()]));
    await Promise.race([ended, deadline]);
    cancel();
    this.#stopRenewing();
    this.#settleIdle();
  }

  async #look(): Promise<void> {
    this.#turning = true;
    this.#stopTimer();
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        this.#resting = false;
        await this.#release();
        const expired = await recoverExpired(this.#house.db, this.#house.now());
        if (expired > 0) this.#house.log.warn('exports recovered', { count: expired });
        await this.#sweep();
        await this.#claim();
        this.#onChange();
      }
      await this.#sleep();
      // Not before the timer stands.
      if (this.#resting && !this.#again) this.#settleIdle();
    } catch (thrown) {
      this.#house.log.error('store fault in the worker', { code: asGatewayError(thrown).code });
      if (!this.#stopped) this.#stopTimer = this.#timer(STORE_FAULT_MS, () => this.wake());
    } finally {
      this.#turning = false;
    }
    if (this.#again && !this.#stopped) this.#turn = this.#look();
  }

  async #release(): Promise<void> {
    for (const claim of this.#unsettled) {
      await releaseClaim(this.#house.db, claim, this.#house.now());
      this.#unsettled.delete(claim);
    }
  }

  async #claim(): Promise<void> {
    const free = this.#free();
    if ((free.small <= 0 && free.large <= 0) || this.#stopped) return;
    this.#lookedAt = this.#house.now();
    const claims = await claimDue(this.#house.db, this.#lookedAt, free, this.#house);
    for (const claim of claims) this.#run(claim);
    if (claims.length > 0 || this.#running.size > 0 || this.#again) return;
    if (this.#erased) {
      this.#erased = false;
      await this.#house.checkpoint?.('pages.before');
      await dropErasedPages(this.#house.db);
      await this.#house.checkpoint?.('pages.after');
    }
    this.#resting = true;
  }

  #free(): Slots {
    const { small, large, fromBytes } = this.#slots;
    const running = [...this.#running.values()].filter(({ document }) => document.bytes >= fromBytes).length;
    return { small: small - (this.#running.size - running), large: large - running, fromBytes };
  }

  #run(claim: Claim): void {
    const journey = runJourney(claim, this.#house)
      .then(
        () => {},
        (thrown) => {
          if (isClaimLost(thrown)) return this.#house.log.info('claim lost', { export: claim.row.id });
          // settle() itself failed: what is stored says whether bytes may have left, and goes back with the next turn.
          this.#unsettled.add(claim);
          this.#house.log.error('export not settled', { export: claim.row.id, code: asGatewayError(thrown).code });
        },
      )
      .finally(() => {
        this.#running.delete(journey);
        if (this.#wokenRunning.delete(claim.row.id)) void this.#wakeThese([claim.row.id]);
        this.#erased = true;
        this.#onChange();
        this.wake();
      });
    this.#running.set(journey, claim);
    this.#renew();
  }

  /** While something runs its leases are kept alive (leases.ts); a renewal that fails is tried again with the next. */
  #renew(): void {
    const { db, lease, log } = this.#house;
    if (this.#renewing || !isPostgres(db)) return;
    this.#renewing = true;
    this.#stopRenewing = this.#timer(lease.ms / 3, () => {
      void renewLeases(db, lease, this.#tokens())
        .catch((thrown) => log.warn('leases not renewed', { code: asGatewayError(thrown).code }))
        .then(() => {
          this.#renewing = false;
          if (this.#running.size > 0) this.#renew();
        });
    });
  }

  #tokens(): string[] {
    return [...this.#running.values()].map(({ token }) => token);
  }

  /** What time alone does (sweep.ts); deadlines and erasing only when their time has come. */
  async #sweep(): Promise<void> {
    const { db, now, metrics, log, ended } = this.#house;
    // Each whole or not at all: a crash in between must not leave content that nothing erases any more.
    const whole = <T>(run: (tx: Queries) => Promise<T>) => db.transaction().execute(run);
    const deferred = await isDeferredDue(db, now());
    for (const id of deferred ? await whole((tx) => supersedeByDeferred(tx, now())) : []) {
      ended(id);
      metrics.exportEntered('superseded', 'SUPERSEDED');
      log.info('export superseded', { export: id, code: 'SUPERSEDED' });
    }
    if (now() < this.#sweepAt) return;
    for (const { id, code } of await whole((tx) => cancelOverdue(tx, now()))) {
      ended(id);
      metrics.exportEntered('cancelled', code);
      log.info('export cancelled', { export: id, code });
    }
    const { ageLimits } = this.#house;
    for (const { id, code } of await whole((tx) => endByAge(tx, { limits: ageLimits, now: now() }))) {
      ended(id);
      metrics.exportEntered(code === 'WRITE_UNRESOLVED' ? 'failed' : 'cancelled', code);
      log.warn('export ended by its age', { export: id, code });
    }
    const erased = await whole((tx) => eraseDue(tx, now()));
    await whole((tx) => eraseEvents(tx, now()));
    const { kvnrGraceDays: graceDays } = this.#house;
    const forgotten = await whole((tx) => eraseUnneededKvnrs(tx, { now: now(), graceDays }));
    await whole((tx) => eraseStaged(tx, now()));
    this.#erased = true;
    if (erased > 0) log.info('content erased', { count: erased });
    if (forgotten > 0) log.info('KVNR erased', { count: forgotten });
  }

  /** Sets the one timer for whatever is due next. */
  async #sleep(): Promise<void> {
    const { db, now } = this.#house;
    const { ageLimits, kvnrGraceDays: graceDays } = this.#house;
    const sweeps = [
      await nextSweep(db),
      await nextAgeLimit(db, ageLimits),
      await nextKvnrErasure(db, { now: now(), graceDays }),
    ];
    this.#sweepAt = Math.min(...sweeps.map((at) => at ?? Number.POSITIVE_INFINITY));
    // After the very instant of the last look: what became due since then would otherwise be seen by neither.
    const { small, large } = this.#free();
    const due = small <= 0 && large <= 0 ? null : await nextDue(db, this.#lookedAt);
    const expiry = await nextExpiry(db, this.#tokens());
    const at = Math.min(due ?? Number.POSITIVE_INFINITY, this.#sweepAt, now() + (expiry ?? Number.POSITIVE_INFINITY));
    if (this.#stopped || at === Number.POSITIVE_INFINITY) return;
    this.#stopTimer = this.#timer(Math.min(Math.max(at - now(), 0), LONGEST_SLEEP_MS), () => this.wake());
  }

  /** What these waited for has come. */
  wakeThese(ids: string[]): void {
    if (ids.length > 0 && !this.#stopped) void this.#wakeThese(ids);
  }

  async #wakeThese(ids: string[]): Promise<void> {
    // One whose try has not ended has no wait yet that could be cut short; it would be set afterwards, and nobody came again.
    const running = new Set([...this.#running.values()].map(({ row }) => row.id));
    for (const id of ids) if (running.has(id)) this.#wokenRunning.add(id);
    try {
      await wakeExports(this.#house.db, ids, this.#house.now());
      this.wake();
    } catch (thrown) {
      // They keep their own times and run then.
      this.#house.log.error('store fault in the worker', { code: asGatewayError(thrown).code });
    }
  }

  #settleIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

const systemTimer: Timer = (ms, fire) => {
  const handle = setTimeout(fire, ms);
  return () => clearTimeout(handle);
};
