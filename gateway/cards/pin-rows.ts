// PIN operations in the store (KON-07): a row stands there before the Konnektor is asked. There is one open row for each card over
// all processes; a row whose process is gone ends as not known, and nothing ever begins an operation from a row.
import { type RawBuilder, sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import { type Asking, appendAudit } from '../exports/audit.ts';
import type { Queries } from '../exports/database.ts';
import { isPostgres } from '../exports/locks.ts';
import type { PinOperationsTable } from '../exports/schema.ts';
import type { Database } from '../exports/store.ts';

export type PinKind = PinOperationsTable['kind'];
export type PinRow = PinOperationsTable;

/** Longer than the Konnektor lets a person type: what has no end then lost its process. */
export const LEASE_MS = 180_000;

export type PinOrder = { id: string; kind: PinKind; iccsn: string; konnektor: string; diga: string | null; by: Asking };
export type PinEnd = { result: string | null; leftTries: number | null; code: ErrorCode | null; trace: string | null };

const CLOCK = sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** The row, or undefined where another operation is open for the card. */
export async function beginRow(
  db: Database,
  o: PinOrder & { now: number; holder: string },
): Promise<PinRow | undefined> {
  return db.transaction().execute(async (tx) => {
    await giveUp(tx, { now: o.now, iccsn: o.iccsn });
    const until: RawBuilder<number> = isPostgres(tx)
      ? sql<number>`${CLOCK} + ${sql.lit(LEASE_MS)}`
      : sql<number>`${sql.lit(o.now + LEASE_MS)}`;
    return await tx
      .insertInto('pin_operations')
      .values({
        id: o.id,
        iccsn: o.iccsn,
        konnektor: o.konnektor,
        diga: o.diga,
        kind: o.kind,
        open: 1,
        asked_by: o.by.actor.id,
        asked_at: o.now,
        holder: o.holder,
        lease_until: until,
        ended_at: null,
        result: null,
        left_tries: null,
        code: null,
        trace: null,
      })
      .onConflict((c) => c.columns(['iccsn', 'open']).doNothing())
      .returningAll()
      .executeTakeFirst();
  });
}

/** Said the moment before a person is prompted: the time for that begins now. False: it was given up meanwhile, and nobody may be. */
export async function stillOpen(db: Database, o: { id: string; now: number }): Promise<boolean> {
  const [now, until] = isPostgres(db)
    ? [CLOCK, sql<number>`${CLOCK} + ${sql.lit(LEASE_MS)}`]
    : [sql<number>`${sql.lit(o.now)}`, sql<number>`${sql.lit(o.now + LEASE_MS)}`];
  const rows = await db
    .updateTable('pin_operations')
    .set({ lease_until: until })
    .where('id', '=', o.id)
    .where('open', '=', 1)
    .where('lease_until', '>', now)
    .returning('id')
    .execute();
  return rows.length === 1;
}

/** Nothing was asked of the card: the row was only there so that nobody else would begin meanwhile. */
export async function withdrawRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom('pin_operations').where('id', '=', id).where('open', '=', 1).execute();
}

/** The end of an operation, with its entry in the audit trail (SEC-09). */
export async function endRow(db: Database, row: PinRow, o: PinEnd & { now: number; by: Asking }): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('pin_operations')
      .set({
        open: null,
        ended_at: o.now,
        result: o.result,
        left_tries: o.leftTries,
        code: o.code,
        trace: o.trace,
      })
      .where('id', '=', row.id)
      .execute();
    await appendAudit(tx, {
      ...o.by,
      at: o.now,
      action: 'pin.ended',
      object: { kind: 'card', id: row.iccsn },
      ...(row.diga !== null && { diga: row.diga }),
      result: o.code ?? 'ok',
      details: { kind: row.kind, konnektor: row.konnektor, leftTries: o.leftTries },
    });
  });
}

/**
 * Open rows whose process is gone end as not known. At a start those of this data directory: its lock is ours. Otherwise those
 * whose time is over; by the database's clock where several share it. Answers how many.
 */
export async function giveUp(tx: Queries, o: { now: number; iccsn?: string; holder?: string }): Promise<number> {
  const over = isPostgres(tx)
    ? sql<boolean>`(lease_until <= ${CLOCK} OR holder = ${o.holder ?? ''})`
    : o.holder === undefined
      ? sql<boolean>`lease_until <= ${o.now}`
      : sql<boolean>`1 = 1`;
  let query = tx
    .updateTable('pin_operations')
    .set({ open: null, ended_at: o.now, code: 'PIN_OUTCOME_UNKNOWN' })
    .where('open', '=', 1)
    .where(over);
  if (o.iccsn !== undefined) query = query.where('iccsn', '=', o.iccsn);
  const rows = await query.returningAll().execute();
  for (const row of rows)
    await appendAudit(tx, {
      at: o.now,
      actor: { kind: 'gateway', id: 'gateway' },
      action: 'pin.ended',
      object: { kind: 'card', id: row.iccsn },
      ...(row.diga !== null && { diga: row.diga }),
      result: 'PIN_OUTCOME_UNKNOWN',
      details: { kind: row.kind, konnektor: row.konnektor, leftTries: null },
    });
  return rows.length;
}

export async function readRow(db: Database, id: string): Promise<PinRow | undefined> {
  return db.selectFrom('pin_operations').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The newest of a card, of one kind where one is given, with an end where that is asked. */
export async function latestRow(
  db: Database,
  o: { iccsn: string; kind?: PinKind; ended?: true },
): Promise<PinRow | undefined> {
  let query = db.selectFrom('pin_operations').selectAll().where('iccsn', '=', o.iccsn);
  if (o.kind !== undefined) query = query.where('kind', '=', o.kind);
  if (o.ended) query = query.where('open', 'is', null);
  return query.orderBy('asked_at', 'desc').limit(1).executeTakeFirst();
}

export async function openRow(db: Database, iccsn: string): Promise<PinRow | undefined> {
  return db
    .selectFrom('pin_operations')
    .selectAll()
    .where('iccsn', '=', iccsn)
    .where('open', '=', 1)
    .executeTakeFirst();
}
