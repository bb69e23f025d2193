// Several gateways on one PostgreSQL write one after another (D9, EXP-07), as the transactions of one SQLite do: each takes
// the store's lock right after BEGIN. So every statement sees all that was committed before, nothing waits in a circle, and
// numbers (exports by series, events, audit) become visible in their order: one set of queries is right on both.
import { PostgresAdapter } from 'kysely';
import type { Queries } from './database.ts';

/** Any number, only the same in every gateway; the second key is the schema's, so installations side by side do not wait. */
const WRITING = 0x65_70_61;

/** Held to the end of the transaction. */
export const LOCK_STORE = `SELECT pg_advisory_xact_lock(${WRITING}, hashtext(current_schema()))`;

/** Whether these queries go to PostgreSQL. */
export function isPostgres(db: Queries): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}
