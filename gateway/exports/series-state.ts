// Is the record up to date (`GET /v1/series`, api.md section 2): per series in which a backend used its own reference, what
// was last written and what still wants to be. The backend asks by its own id: the KVNR plays no part (D15).
import type { Queries } from './database.ts';
import { OPEN, type SeriesRow } from './schema.ts';
import { readExport, readSeries, type StoredExport } from './store.ts';

export type SeriesState = {
  diga: string;
  series: string;
  /** The newest export was written, or was the same as what is written, and nothing is open. */
  upToDate: boolean;
  written: (SeriesRow & { writtenAt: number | null }) | null;
  /** Nothing is sent until an import (D2). */
  frozen: boolean;
  /** What is known of the newest document is not proven (D1). */
  doubtful: boolean;
  /** The newest open export. */
  open: StoredExport | null;
  /** The newest export that no newer one superseded: why the record is not up to date. */
  newest: StoredExport | null;
};

/** More series than any app has for one user; the latest used ones are answered. */
const MAX_SERIES = 100;

/** Latest used first. */
export async function readSeriesStates(
  db: Queries,
  of: { reference: string; diga?: string | undefined; series?: string | undefined },
): Promise<SeriesState[]> {
  let query = db
    .selectFrom('exports')
    .select(['diga', 'lookup_key', 'series'])
    .where('reference', '=', of.reference)
    .groupBy(['diga', 'lookup_key', 'series'])
    .orderBy((e) => e.fn.max('seq'), 'desc')
    .limit(MAX_SERIES);
  if (of.diga !== undefined) query = query.where('diga', '=', of.diga);
  if (of.series !== undefined) query = query.where('series', '=', of.series);
  const states: SeriesState[] = [];
  for (const place of await query.execute()) {
    const newestOf = async (open: boolean): Promise<StoredExport | null> => {
      const all = db
        .selectFrom('exports')
        .select('id')
        .where('lookup_key', '=', place.lookup_key)
        .where('series', '=', place.series)
        .orderBy('seq', 'desc')
        .limit(1);
      const row = await (open
        ? all.where('status', 'in', [...OPEN])
        : all.where('status', '!=', 'superseded')
      ).executeTakeFirst();
      return row === undefined ? null : ((await readExport(db, row.id)) ?? null);
    };
    const heads = await readHeads(db, place);
    const head = heads.at(-1);
    const [open, newest] = [await newestOf(true), await newestOf(false)];
    states.push({
      diga: place.diga,
      series: place.series,
      upToDate: open === null && (newest?.row.status === 'written' || newest?.row.status === 'unchanged'),
      written: head === undefined ? null : await writtenOf(db, head),
      frozen: heads.some((one) => one.frozen === 1),
      doubtful: heads.some((one) => one.doubtful === 1),
      open,
      newest,
    });
  }
  return states;
}

/** The newest document of each part, the part with the newest data last. */
async function readHeads(db: Queries, place: { lookup_key: string; series: string }): Promise<SeriesRow[]> {
  const rows = await db
    .selectFrom('series')
    .select('part')
    .where('lookup_key', '=', place.lookup_key)
    .where('series', '=', place.series)
    .where('part', '!=', 'pdf')
    .orderBy('part')
    .execute();
  const heads: SeriesRow[] = [];
  // Also the one of a series without rows: a row that was taken away has left its seal.
  for (const part of new Set(['', ...rows.map((row) => row.part)])) {
    const head = await readSeries(db, place, part);
    if (head !== undefined) heads.push(head);
  }
  return heads;
}

/** Null for a document of which nobody knows whether it arrived (WRITE_UNRESOLVED). */
async function writtenOf(db: Queries, head: SeriesRow): Promise<SeriesState['written']> {
  const document = await db
    .selectFrom('documents')
    .select(['written_at', 'status'])
    .where('entry_uuid', '=', head.entry_uuid)
    .executeTakeFirst();
  if (document !== undefined && document.status !== 'written') return null;
  return { ...head, writtenAt: head.written_at ?? document?.written_at ?? null };
}
