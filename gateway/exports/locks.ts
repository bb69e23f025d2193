// Locks of a transaction where several gateways share one PostgreSQL (D9, EXP-07). SQLite has one writer at a time, so there
// they do nothing. Order in every transaction, so that none waits in a circle: the insured, then exports by seq, then the
// ledger; who holds the ledger locks no more rows.
import { PostgresAdapter, sql } from 'kysely';
import type { Queries } from './database.ts';
import { OPEN } from './schema.ts';

/** Any number, only the same in every gateway; the second key is the schema's, so installations side by side do not wait. */
const LEDGER = 0x6c_65_64;

/** Whether these queries go to PostgreSQL. */
export function isPostgres(db: Queries): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Before an insert whose `seq` says the order of commits (events, audit): held to the end of the transaction, so that numbers
 * become visible in their order and a reader that follows `after` misses none.
 */
export async function lockLedger(tx: Queries): Promise<void> {
  if (!isPostgres(tx)) return;
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(LEDGER)}, hashtext(current_schema()))`.execute(tx);
}

/** The open exports of these insured, whose rows the caller holds already: what is read of them afterwards stays true. */
export async function lockOpenExports(tx: Queries, lookupKeys: readonly string[]): Promise<void> {
  if (!isPostgres(tx) || lookupKeys.length === 0) return;
  await tx
    .selectFrom('exports')
    .select('seq')
    .where('lookup_key', 'in', [...lookupKeys])
    .where('status', 'in', [...OPEN])
    .orderBy('seq')
    .forUpdate()
    .execute();
}
