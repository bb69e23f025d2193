// What happens to exports by the passing of time or by newer ones, outside their own journey: superseding (D3), the end of
// the prescription and notAfter (EXP-17), erasing of content (RET-01, RET-04).
import { type ErrorCode, GatewayError } from '../errors.ts';
import { type Asking, appendAudit } from './audit.ts';
import type { Queries } from './database.ts';
import { nextEventErasure, recordEvent } from './outbox.ts';
import { tidyMemories } from './part-memory.ts';
import { endOpenParts, hasWrittenPart } from './parts.ts';
import { preparedOne } from './prepared.ts';
import { exportIsSound } from './row-seals-export.ts';
import type { ExportStatus } from './schema.ts';
import { nextStagedErasure } from './staging.ts';
import { appendTimeline } from './store.ts';

type Place = { id: string; seq: number; lookup_key: string; series: string };

/** Older exports of the series that were never sent and want only the latest end as superseded (D3). Their ids. */
export async function supersedeOlder(db: Queries, newer: Place, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('exports')
    .select('id')
    .where('lookup_key', '=', newer.lookup_key)
    .where('series', '=', newer.series)
    .where('seq', '<', newer.seq)
    .where('status', 'in', ['queued', 'waiting'])
    .where('queue', '=', 'latest')
    .where('unanswered', '=', 0)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('documents')
            .select('part')
            .whereRef('documents.export_id', '=', 'exports.id')
            .where('documents.status', '=', 'written'),
        ),
      ),
    )
    .execute();
  for (const { id } of rows)
    await endExport(db, id, { status: 'superseded', code: 'SUPERSEDED', now, export: newer.id, eraseAt: now });
  return rows.map((r) => r.id);
}

/** The newest export of the series that may go now and was accepted after `older`, or undefined. */
export async function newerThan(db: Queries, older: Omit<Place, 'id'>, now: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('exports')
    .select('id')
    .where('lookup_key', '=', older.lookup_key)
    .where('series', '=', older.series)
    .where('seq', '>', older.seq)
    .where('status', 'in', ['queued', 'running', 'waiting', 'unclear', 'written', 'unchanged'])
    .where((e) => e.or([e('not_before', 'is', null), e('not_before', '<=', now)]))
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** Cancels open exports whose time is over and of which no try is unanswered. What is on the wire is finished first. */
export async function cancelOverdue(db: Queries, now: number): Promise<{ id: string; code: ErrorCode }[]> {
  const rows = await db
    .selectFrom('exports')
    .select(['id', 'deadline_code'])
    .where('status', 'in', ['queued', 'waiting'])
    .where('unanswered', '=', 0)
    .where('deadline_at', '<=', now)
    .execute();
  for (const row of rows)
    await endExport(db, row.id, { status: 'cancelled', code: row.deadline_code, now, eraseAt: now });
  return rows.map((r) => ({ id: r.id, code: r.deadline_code }));
}

/** `POST /{id}/cancel`: an export of which no try is on the wire or unanswered ends, its content is erased (RET-01). `by` stands in the audit trail. */
export async function cancelExport(
  db: Queries,
  o: { id: string; diga: string | undefined; now: number; by?: Asking },
): Promise<void> {
  const { id, diga, now } = o;
  let query = db.selectFrom('exports').select(['status', 'unanswered', 'diga']).where('id', '=', id);
  if (diga !== undefined) query = query.where('diga', '=', diga);
  const row = await query.executeTakeFirst();
  if (row === undefined) throw new GatewayError('NOT_FOUND', 'there is no such export');
  if ((row.status !== 'queued' && row.status !== 'waiting') || row.unanswered > 0 || (await hasWrittenPart(db, id)))
    throw new GatewayError(
      'STATE_CONFLICT',
      'only an export that surely wrote nothing and is not on its way can be cancelled',
    );
  if (o.by !== undefined) {
    const object = { kind: 'export', id } as const;
    await appendAudit(db, { ...o.by, at: now, action: 'export.cancel-asked', object, diga: row.diga });
  }
  await endExport(db, id, { status: 'cancelled', code: 'CANCELLED', now, eraseAt: now });
}

/** Whether supersedeByDeferred has anything to do: asked at every turn, without a transaction. */
export const isDeferredDue = async (db: Queries, now: number): Promise<boolean> =>
  (await firstDeferred(db, now)) !== undefined;

const firstDeferred = preparedOne((db, now: number) => deferredDue(db, now).limit(1));

const deferredDue = (db: Queries, now: number) =>
  db
    .selectFrom('exports')
    .select(['id', 'seq', 'lookup_key', 'series'])
    .where('status', '=', 'waiting')
    .where('reason_code', '=', 'NOT_BEFORE')
    .where('next_attempt_at', '<=', now);

/** Deferred exports whose time has come are queued and replace older ones of their series that never went (D3). */
export async function supersedeByDeferred(db: Queries, now: number): Promise<string[]> {
  const due = await deferredDue(db, now).execute();
  const superseded: string[] = [];
  for (const row of await soundOnly(db, due, now)) {
    await db
      .updateTable('exports')
      .set({ status: 'queued', reason_code: null, reason_since: null, updated_at: now })
      .where('id', '=', row.id)
      .execute();
    superseded.push(...(await supersedeOlder(db, row, now)));
    await recordEvent(db, row.id, now);
  }
  return superseded;
}

/** Drops the content whose time has come: first the key, then the rows (RET-04). Number of exports erased. */
export async function eraseDue(db: Queries, now: number): Promise<number> {
  const rows = await db
    .selectFrom('exports')
    .select('id')
    .where('erase_at', '<=', now)
    .where('wrapped_key', 'is not', null)
    .limit(500)
    .execute();
  for (const { id } of rows) await eraseContent(db, id);
  return rows.length;
}

/** Key and sealed chunks of one export, in the caller's transaction; without the key the chunks in a backup are noise. */
export async function eraseContent(db: Queries, id: string): Promise<void> {
  await db
    .updateTable('exports')
    .set({ wrapped_key: null, wrapped_under: null, erase_at: null })
    .where('id', '=', id)
    .execute();
  await db.deleteFrom('sealed_chunks').where('export_id', '=', id).execute();
}

/** The chunks of one part that is written while others are still to come; they share the key (RET-01). */
export async function erasePart(db: Queries, of: { export_id: string; part: string }): Promise<void> {
  await db.deleteFrom('sealed_chunks').where('export_id', '=', of.export_id).where('part', '=', of.part).execute();
}

/** Earliest time at which a deadline passes or content or an event is to be erased, or null. Deferred exports are due exports (claims.ts). */
export async function nextSweep(db: Queries): Promise<number | null> {
  const times: (number | null | undefined)[] = [];
  for (const status of ['queued', 'waiting'] as const) {
    times.push((await firstDeadline(db, status))?.at);
  }
  const erase = await firstErasure(db);
  const known = [...times, erase?.at, await nextEventErasure(db), await nextStagedErasure(db)].filter(
    (t): t is number => typeof t === 'number',
  );
  return known.length === 0 ? null : Math.min(...known);
}

const firstDeadline = preparedOne((db, status: ExportStatus) =>
  db
    .selectFrom('exports')
    .select((e) => e.fn.min('deadline_at').as('at'))
    .where('status', '=', status),
);
const firstErasure = preparedOne((db) =>
  db
    .selectFrom('exports')
    .select((e) => e.fn.min('erase_at').as('at'))
    .where('erase_at', 'is not', null),
);

type Ending = { status: ExportStatus; code: ErrorCode; now: number; eraseAt: number; export?: string };

const BROKEN_KEPT_MS = 14 * 86_400_000;
const brokenAt = (now: number): Ending => ({
  status: 'failed',
  code: 'STORE_BROKEN',
  now,
  eraseAt: now + BROKEN_KEPT_MS,
});

/** Those of the rows that are what was sealed; the others end as failed and are never sent. In the caller's transaction. */
export async function soundOnly<Row extends { id: string }>(
  tx: Queries,
  rows: readonly Row[],
  now: number,
): Promise<Row[]> {
  const sound: Row[] = [];
  for (const row of rows)
    if (await exportIsSound(tx, row.id)) sound.push(row);
    else await endExport(tx, row.id, brokenAt(now));
  return sound;
}

/** Ends an export outside its journey, in the caller's transaction; a journey that holds it has lost its claim (D9). */
export async function endExport(db: Queries, id: string, ordered: Ending): Promise<void> {
  // A row that is not what was sealed ends all the same, and says so (STORE_BROKEN); its content is kept for whoever looks.
  const o = (await exportIsSound(db, id)) ? ordered : brokenAt(ordered.now);
  await db
    .updateTable('exports')
    .set({
      status: o.status,
      reason_code: o.code,
      reason_check: null,
      reason_foreign: null,
      reason_export: o.export ?? null,
      reason_since: o.now,
      next_attempt_at: null,
      phase: null,
      claim: null,
      holder: null,
      lease_until: null,
      updated_at: o.now,
    })
    .where('id', '=', id)
    .execute();
  await endOpenParts(db, id, o.status);
  const place = await db.selectFrom('exports').select(['lookup_key', 'series']).where('id', '=', id).executeTakeFirst();
  if (place !== undefined) await tidyMemories(db, place);
  await appendTimeline(db, id, [{ at: o.now, step: o.status, code: o.code }]);
  if (o.eraseAt <= o.now) await eraseContent(db, id);
  else await db.updateTable('exports').set({ erase_at: o.eraseAt }).where('id', '=', id).execute();
  await recordEvent(db, id, o.now);
}
