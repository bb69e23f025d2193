// One gateway at a time tells a target (order within a series): a lease in the target's row, taken over once it is over. With
// SQLite the data directory has one process anyway (D9), so what the last one held is free at a start.
import type { Database } from '../exports/database.ts';
import { isPostgres } from '../exports/locks.ts';
import { ATTEMPT_LIMIT_MS } from './attempt.ts';

const LEASE_MS = 60_000;

export class Lease {
  readonly #db: Database;
  readonly #target: string;
  readonly #holder: string;
  readonly #now: () => number;
  #until = 0;

  /** `holder`: of this process. */
  constructor(o: { db: Database; target: string; holder: string; now: () => number }) {
    this.#db = o.db;
    this.#target = o.target;
    this.#holder = o.holder;
    this.#now = o.now;
  }

  /** Before the first `take`. */
  async start(): Promise<void> {
    if (isPostgres(this.#db)) return;
    await this.#set({ holder: null, held_until: null });
  }

  /** Null when held now for longer than half its time; else when to ask again. */
  async take(): Promise<number | null> {
    const now = this.#now();
    if (this.#until - now > LEASE_MS / 2) return null;
    const until = now + LEASE_MS;
    const taken = await this.#db
      .updateTable('webhook_targets')
      .set({ holder: this.#holder, held_until: until })
      .where('target', '=', this.#target)
      .where((e) => e.or([e('holder', 'is', null), e('holder', '=', this.#holder), e('held_until', '<=', now)]))
      .executeTakeFirst();
    if (Number(taken.numUpdatedRows) > 0) {
      this.#until = until;
      return null;
    }
    const { held_until } = await this.#db
      .selectFrom('webhook_targets')
      .select('held_until')
      .where('target', '=', this.#target)
      .executeTakeFirstOrThrow();
    return held_until ?? now;
  }

  /** Whether a try that begins now ends within the lease; not so in a process that slept past it. */
  get lasts(): boolean {
    return this.#until - this.#now() > ATTEMPT_LIMIT_MS;
  }

  /** Others may go on at once. Costs a write, so only where there are others. */
  async release(): Promise<void> {
    if (this.#until === 0 || !isPostgres(this.#db)) return;
    this.#until = 0;
    await this.#set({ holder: null, held_until: null }, this.#holder);
  }

  async #set(values: { holder: null; held_until: null }, holder?: string): Promise<void> {
    let query = this.#db.updateTable('webhook_targets').set(values).where('target', '=', this.#target);
    if (holder !== undefined) query = query.where('holder', '=', holder);
    await query.execute();
  }
}
