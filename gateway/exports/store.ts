// The store's door: opens the database and gives its readings to API, admin and journey. What changes an export stands in
// accept.ts (before 202), claims.ts (claim, sent, settle) and sweep.ts (deadlines, erasing).

import { join } from 'node:path';
import type { PostgresSettings } from '../tables/settings-manifest.ts';
import type { Checkpoint } from './checkpoints.ts';
import {
  type Database,
  openDatabase,
  openDatabaseToRead,
  openPostgres,
  openPostgresToRead,
  type Queries,
  SCHEMA,
} from './database.ts';
import { preparedOne } from './prepared.ts';
import { requireSoundExport } from './row-seals-export.ts';
import { readSealedSeries } from './row-seals-series.ts';
import {
  type DocumentRow,
  type ExportRow,
  type ExportStatus,
  OPEN,
  type SeriesRow,
  type TimelineRow,
} from './schema.ts';

export type { Database } from './database.ts';

/** One export with all that belongs to it; `behind` is the open export of its series that goes first (EXP-07). */
export type StoredExport = { row: ExportRow; documents: DocumentRow[]; timeline: TimelineRow[]; behind: string | null };

/** All that are given must hold; the times are exclusive. */
export type ListFilter = {
  limit: number;
  statuses?: readonly ExportStatus[];
  diga?: string | undefined;
  series?: string | undefined;
  reference?: string | undefined;
  lookupKey?: string;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  before?: number;
};

/** Opens the PostgreSQL of the settings, or `gateway.db` in the data directory, whose lock the caller holds (D9). */
export function openStore(
  directory: string,
  postgres?: PostgresSettings,
  { name = 'epa-gateway', checkpoint }: { name?: string; checkpoint?: Checkpoint | undefined } = {},
): Promise<Database> {
  return postgres === undefined
    ? openDatabase(join(directory, 'gateway.db'), SCHEMA, checkpoint)
    : openPostgres(postgres, name, { checkpoint });
}

/** The same to read only, beside a gateway that may be at work on it (D9). */
export function openStoreToRead(directory: string, postgres?: PostgresSettings): Promise<Database> {
  return postgres === undefined ? openDatabaseToRead(join(directory, 'gateway.db')) : openPostgresToRead(postgres);
}

/** The export `id` of `diga` (any DiGA when undefined), or undefined. */
export async function readExport(db: Queries, id: string, diga?: string): Promise<StoredExport | undefined> {
  let query = db.selectFrom('exports').selectAll().where('id', '=', id);
  if (diga !== undefined) query = query.where('diga', '=', diga);
  const row = await query.executeTakeFirst();
  // Also where there is none: a deleted row has left its seal.
  await requireSoundExport(db, id);
  return row === undefined ? undefined : (await withParts(db, [row]))[0];
}

/** Whether nothing can happen to the export any more; also true where there is none. */
export async function isFinal(db: Queries, id: string): Promise<boolean> {
  const row = await db.selectFrom('exports').select('status').where('id', '=', id).executeTakeFirst();
  return row === undefined || !OPEN.includes(row.status);
}

/** Newest first, `before` is the seq of the last one seen. */
export async function listExports(db: Queries, filter: ListFilter): Promise<StoredExport[]> {
  let query = db.selectFrom('exports').selectAll().orderBy('seq', 'desc').limit(filter.limit);
  if (filter.diga !== undefined) query = query.where('diga', '=', filter.diga);
  if (filter.series !== undefined) query = query.where('series', '=', filter.series);
  if (filter.lookupKey !== undefined) query = query.where('lookup_key', '=', filter.lookupKey);
  if (filter.reference !== undefined) query = query.where('reference', '=', filter.reference);
  if (filter.createdAfter !== undefined) query = query.where('created_at', '>', filter.createdAfter);
  if (filter.createdBefore !== undefined) query = query.where('created_at', '<', filter.createdBefore);
  if (filter.before !== undefined) query = query.where('seq', '<', filter.before);
  if (filter.statuses !== undefined) query = query.where('status', 'in', [...filter.statuses]);
  const rows = await query.execute();
  for (const row of rows) await requireSoundExport(db, row.id);
  return withParts(db, rows);
}

async function withParts(db: Queries, rows: ExportRow[]): Promise<StoredExport[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((r) => r.id);
  const documents = await db
    .selectFrom('documents')
    .selectAll()
    .where('export_id', 'in', ids)
    .orderBy('part')
    .execute();
  const timeline = await db.selectFrom('timeline').selectAll().where('export_id', 'in', ids).orderBy('n').execute();
  const result: StoredExport[] = [];
  for (const row of rows)
    result.push({
      row,
      documents: documents.filter((d) => d.export_id === row.id),
      timeline: timeline.filter((t) => t.export_id === row.id),
      behind: row.status === 'queued' ? await exportBefore(db, row) : null,
    });
  return result;
}

/** The open export of a series that goes before `row` (EXP-07), or null. */
export async function exportBefore(
  db: Queries,
  row: Pick<ExportRow, 'lookup_key' | 'series' | 'seq'>,
): Promise<string | null> {
  const first = await db
    .selectFrom('exports')
    .select('id')
    .where('lookup_key', '=', row.lookup_key)
    .where('series', '=', row.series)
    .where('status', 'in', [...OPEN])
    .where('seq', '<', row.seq)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return first?.id ?? null;
}

/** The newest confirmed document of a series, or undefined before the first. STORE_BROKEN. */
export function readSeries(
  db: Queries,
  of: { lookup_key: string; series: string },
  part: string,
): Promise<SeriesRow | undefined> {
  return readSealedSeries(db, { lookup_key: of.lookup_key, series: of.series, part });
}

/** A sealed chunk, for seal.ts. */
export async function readChunk(db: Queries, exportId: string, part: string, n: number) {
  return (await chunkRow(db, exportId, part, n))?.sealed;
}

const chunkRow = preparedOne((db, exportId: string, part: string, n: number) =>
  db
    .selectFrom('sealed_chunks')
    .select('sealed')
    .where('export_id', '=', exportId)
    .where('part', '=', part)
    .where('n', '=', n),
);

/** Open exports per status with the age of the oldest, for the metrics (MON-02). */
export async function queueDepth(db: Queries, now: number) {
  const rows = await db
    .selectFrom('exports')
    .select((e) => ['status', e.fn.countAll<number>().as('count'), e.fn.min('created_at').as('oldest')])
    .where('status', 'in', [...OPEN])
    .groupBy('status')
    .execute();
  return rows.map((r) => ({
    status: r.status,
    count: Number(r.count),
    oldestSeconds: Math.max(0, (now - Number(r.oldest)) / 1000),
  }));
}

/** An export that waits for weeks is tried every minute: its first entries and its latest are kept, not all of them. */
const TIMELINE_FIRST = 20;
const TIMELINE_LATEST = 100;

/** Appends to the timeline of one export, in the caller's transaction. */
export async function appendTimeline(
  db: Queries,
  exportId: string,
  steps: readonly { at: number; step: string; ms?: number; code?: string }[],
): Promise<void> {
  if (steps.length === 0) return;
  const last = await lastEntry(db, exportId);
  const from = Number(last?.n ?? 0) + 1;
  await db
    .insertInto('timeline')
    .values(
      steps.map((s, i) => ({
        export_id: exportId,
        n: from + i,
        at: s.at,
        step: s.step,
        ms: s.ms === undefined ? null : Math.round(s.ms),
        code: s.code ?? null,
      })),
    )
    .execute();
  const before = from + steps.length - TIMELINE_LATEST;
  if (before <= TIMELINE_FIRST) return;
  await db
    .deleteFrom('timeline')
    .where('export_id', '=', exportId)
    .where('n', '>', TIMELINE_FIRST)
    .where('n', '<', before)
    .execute();
}

const lastEntry = preparedOne((db, exportId: string) =>
  db
    .selectFrom('timeline')
    .select((e) => e.fn.max('n').as('n'))
    .where('export_id', '=', exportId),
);
