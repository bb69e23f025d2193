// PIN operations in the store (KON-07): a row stands there before the Konnektor is asked. There is one open row for each card over
// all processes. One whose end nobody knows says so at once and holds its card until the entry must have ended at the terminal;
// nothing ever begins an operation from a row.
import { type RawBuilder, sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import { type Asking, appendAudit } from '../exports/audit.ts';
import type { Queries } from '../exports/database.ts';
import { isPostgres } from '../exports/locks.ts';
import type { PinOperationsTable } from '../exports/schema.ts';
import type { Database } from '../exports/store.ts';

export type PinKind = PinOperationsTable['kind'];
export type PinRow = PinOperationsTable;

/** Longer than the Konnektor lets a person type: no terminal asks any more then, whatever became of process and connection. */
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
    .where('code', 'is', null)
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

/** Nobody knows what the person has typed, or types still: told at once, while the row holds its card until its time is over. */
export async function loseRow(db: Database, row: PinRow, o: { now: number; by: Asking }): Promise<void> {
  await db.transaction().execute((tx) => tellLost(tx, { ...o, which: sql<boolean>`${sql.ref('id')} = ${row.id}` }));
}

/**
 * Rows that a process of before left open are not known: those of this data directory, whose lock is ours. Their entries may still
 * be open at the terminal. Answers how many.
 */
export async function loseRowsOf(tx: Queries, o: { now: number; holder: string }): Promise<number> {
  const which = isPostgres(tx) ? sql<boolean>`holder = ${o.holder}` : sql<boolean>`1 = 1`;
  return tellLost(tx, { now: o.now, by: GATEWAY, which });
}

/** Ends the open rows whose time is over, as not known; by the database's clock where several share it. */
export async function giveUp(tx: Queries, o: { now: number; iccsn?: string }): Promise<void> {
  const over = isPostgres(tx) ? sql<boolean>`lease_until <= ${CLOCK}` : sql<boolean>`lease_until <= ${o.now}`;
  const which = o.iccsn === undefined ? over : sql<boolean>`${over} AND iccsn = ${o.iccsn}`;
  await tellLost(tx, { now: o.now, by: GATEWAY, which });
  await tx
    .updateTable('pin_operations')
    .set({ open: null, ended_at: o.now })
    .where('open', '=', 1)
    .where(which)
    .execute();
}

const GATEWAY: Asking = { actor: { kind: 'gateway', id: 'gateway' } };

/** Each once, with its entry in the audit trail. */
async function tellLost(tx: Queries, o: { now: number; by: Asking; which: RawBuilder<boolean> }): Promise<number> {
  const rows = await tx
    .updateTable('pin_operations')
    .set({ code: 'PIN_OUTCOME_UNKNOWN' })
    .where('open', '=', 1)
    .where('code', 'is', null)
    .where(o.which)
    .returningAll()
    .execute();
  for (const row of rows)
    await appendAudit(tx, {
      ...o.by,
      at: o.now,
      action: 'pin.ended',
      object: { kind: 'card', id: row.iccsn },
      ...(row.diga !== null && { diga: row.diga }),
      result: 'PIN_OUTCOME_UNKNOWN',
      details: { kind: row.kind, konnektor: row.konnektor, leftTries: null },
    });
  return rows.length;
}

/** It is another Konnektor's session that the entry is for; nobody was prompted yet. */
export async function moveRow(db: Database, row: PinRow, konnektor: string): Promise<PinRow> {
  if (row.konnektor !== konnektor)
    await db.updateTable('pin_operations').set({ konnektor }).where('id', '=', row.id).where('open', '=', 1).execute();
  return { ...row, konnektor };
}

export async function readRow(db: Database, id: string): Promise<PinRow | undefined> {
  return db.selectFrom('pin_operations').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function latestRow(db: Database, iccsn: string): Promise<PinRow | undefined> {
  return ofCard(db, iccsn).limit(1).executeTakeFirst();
}

/**
 * Uses of the PUK that are surely left: what the last attempt that told it has told, less one for each after it, which may have
 * cost one. Null: none has told it.
 */
export async function pukUsesLeft(db: Database, iccsn: string): Promise<number | null> {
  const uses = await ofCard(db, iccsn)
    .where('kind', '=', 'unblock')
    .where('open', 'is', null)
    .limit(PUK_USES)
    .execute();
  const told = uses.findIndex(({ left_tries: left }) => left !== null);
  const left = uses[told]?.left_tries ?? null;
  return left === null ? null : Math.max(0, left - told);
}

/** In the whole life of a card (konnektor.md 2.2). */
const PUK_USES = 10;

const ofCard = (db: Database, iccsn: string) =>
  db
    .selectFrom('pin_operations')
    .selectAll()
    .where('iccsn', '=', iccsn)
    .orderBy('asked_at', 'desc')
    .orderBy('id', 'desc');

export async function openRow(db: Database, iccsn: string): Promise<PinRow | undefined> {
  return db
    .selectFrom('pin_operations')
    .selectAll()
    .where('iccsn', '=', iccsn)
    .where('open', '=', 1)
    .executeTakeFirst();
}
