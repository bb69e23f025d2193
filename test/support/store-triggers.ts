// Triggers in the store, the same in SQLite and in PostgreSQL: one that refuses a change, and a witness of its own that
// writes down every status as it is stored.
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../../gateway/exports/store.ts';
import { onPostgres } from './stores.ts';

type Change = {
  table: 'exports' | 'events' | 'sealed_chunks' | 'webhook_deliveries' | 'webhook_targets';
  on: 'INSERT' | 'UPDATE' | 'DELETE';
  status?: string;
};

/** Refuses such changes of rows (of exports: those that would get `status`) until the answered function is called. */
export async function breakStore(db: Database, { table, on, status }: Change): Promise<() => Promise<void>> {
  const condition = status === undefined ? sql`` : sql`WHEN (NEW.status = ${sql.lit(status)})`;
  const when = sql`BEFORE ${sql.raw(on)} ON ${sql.table(table)}`;
  if (onPostgres) {
    await sql`CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
      AS 'BEGIN RAISE EXCEPTION ''disk is full''; END'`.execute(db);
    await sql`CREATE TRIGGER broken ${when} FOR EACH ROW ${condition} EXECUTE FUNCTION refuse()`.execute(db);
  } else
    await sql`CREATE TRIGGER broken ${when} ${condition} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`.execute(db);
  return async () => {
    await (onPostgres ? sql`DROP TRIGGER broken ON ${sql.table(table)}` : sql`DROP TRIGGER broken`).execute(db);
  };
}

/** From now on every status of every export is written down; `seenStatuses` answers them in their order. */
export async function watchStatuses(db: Database): Promise<void> {
  const insert = sql`INSERT INTO witness (export, status) VALUES (NEW.id, NEW.status);`;
  const trigger = (name: string, on: RawBuilder<unknown>, condition: RawBuilder<unknown>) =>
    onPostgres
      ? sql`CREATE TRIGGER ${sql.raw(name)} AFTER ${on} ON exports FOR EACH ROW ${condition} EXECUTE FUNCTION saw()`
      : sql`CREATE TRIGGER ${sql.raw(name)} AFTER ${on} ON exports ${condition} BEGIN ${insert} END`;
  const number = onPostgres ? sql`bigserial PRIMARY KEY` : sql`INTEGER PRIMARY KEY`;
  await sql`CREATE TABLE witness (n ${number}, export TEXT, status TEXT)`.execute(db);
  if (onPostgres)
    await sql`CREATE FUNCTION saw() RETURNS trigger LANGUAGE plpgsql AS ${sql.lit(
      'BEGIN INSERT INTO witness (export, status) VALUES (NEW.id, NEW.status); RETURN NULL; END',
    )}`.execute(db);
  await trigger('seen_new', sql`INSERT`, sql``).execute(db);
  await trigger('seen_change', sql`UPDATE OF status`, sql`WHEN (OLD.status <> NEW.status)`).execute(db);
}

export async function seenStatuses(db: Database): Promise<{ export: string; status: string }[]> {
  const seen = await sql<{ export: string; status: string }>`SELECT export, status FROM witness ORDER BY n`.execute(db);
  return seen.rows;
}
