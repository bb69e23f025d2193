// Leases of claims where several gateways share one PostgreSQL (D9): who holds a claim renews it while it lives; what nobody
// renews any more is taken back as after a crash (D22). Judged by the database's clock alone: those of the hosts differ.
// The claim's token stays the fence: a gateway that stood still longer than its lease finds it changed before a byte leaves.
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { isPostgres } from './locks.ts';

/** `holder`: the gateway, by the id of its data directory; `ms`: how long a claim is its own without being renewed. */
export type Lease = { holder: string; ms: number };

const CLOCK = sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** The end of a lease that begins now; `now` counts where there is one gateway only. */
export function leaseEnd(db: Queries, lease: Lease, now: number): RawBuilder<number> {
  return isPostgres(db) ? sql<number>`${CLOCK} + ${sql.lit(lease.ms)}` : sql<number>`${now + lease.ms}`;
}

/** Renews the claims of these tokens, all at once. */
export async function renewLeases(db: Database, lease: Lease, tokens: readonly string[]): Promise<void> {
  if (tokens.length === 0) return;
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('exports')
      .set({ lease_until: leaseEnd(tx, lease, 0) })
      .where('claim', 'in', [...tokens])
      .where('status', '=', 'running')
      .execute();
  });
}

/** Rows whose lease is over, for a `where`. In SQLite every claim of a process before this one is: the data directory is locked. */
export function leaseOver(db: Queries, holder?: string): Expression<SqlBool> {
  if (!isPostgres(db)) return sql<SqlBool>`1 = 1`;
  // The same data directory, and its lock is ours: whoever held the claim is dead, and nobody need wait (D22).
  const mine = holder === undefined ? sql`` : sql`OR holder = ${holder}`;
  return sql<SqlBool>`(lease_until IS NULL OR lease_until <= ${CLOCK} ${mine})`;
}

/** Milliseconds until the next lease ends that is not of these tokens, 0 when one is over, or null. */
export async function nextExpiry(db: Database, tokens: readonly string[]): Promise<number | null> {
  if (!isPostgres(db)) return null;
  let query = db
    .selectFrom('exports')
    .select((e) => [e.fn.min('lease_until').as('at'), CLOCK.as('now')])
    .where('status', '=', 'running');
  if (tokens.length > 0) query = query.where('claim', 'not in', [...tokens]);
  const row = await query.executeTakeFirst();
  return row?.at == null ? null : Math.max(0, Number(row.at) - Number(row.now));
}
