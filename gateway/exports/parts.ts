// An export of several documents (D4): its parts are written one after the other, each with a chain of its own, and the
// export is `written` only when every part is. Tries, answers and doubt of an export are always those of its first open part.
import type { ExpressionBuilder } from 'kysely';
import type { Queries } from './database.ts';
import type { DocumentRow, ExportStatus, ExportsTable, StoreTables } from './schema.ts';

/** A part in one of these is over, whatever becomes of the others. */
export const PART_DONE: readonly ExportStatus[] = ['written', 'unchanged'];

/** The part that is to be written next. */
export async function firstOpenPart(tx: Queries, exportId: string): Promise<DocumentRow> {
  return tx
    .selectFrom('documents')
    .selectAll()
    .where('export_id', '=', exportId)
    .where('status', 'not in', [...PART_DONE])
    .orderBy('position')
    .orderBy('part')
    .limit(1)
    .executeTakeFirstOrThrow();
}

/** Bytes of that part, of the exports of a query that calls them `e`. */
export function firstOpenBytes(x: ExpressionBuilder<StoreTables & { e: ExportsTable }, 'e'>) {
  return x
    .selectFrom('documents as d')
    .select('d.bytes')
    .whereRef('d.export_id', '=', 'e.id')
    .where('d.status', 'not in', [...PART_DONE])
    .orderBy('d.position')
    .orderBy('d.part')
    .limit(1);
}

/** Statuses of the other parts of an export. */
export async function otherParts(tx: Queries, of: Pick<DocumentRow, 'export_id' | 'part'>): Promise<ExportStatus[]> {
  const rows = await tx
    .selectFrom('documents')
    .select('status')
    .where('export_id', '=', of.export_id)
    .where('part', '!=', of.part)
    .execute();
  return rows.map((r) => r.status);
}

/** Whether a part of the export is in the record: then it is never superseded and never cancelled as if it were not (D3). */
export async function hasWrittenPart(tx: Queries, exportId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('documents')
    .select('part')
    .where('export_id', '=', exportId)
    .where('status', '=', 'written')
    .executeTakeFirst();
  return row !== undefined;
}

/** The parts that are not done end as their export does, in the caller's transaction. */
export async function endOpenParts(tx: Queries, exportId: string, status: ExportStatus): Promise<void> {
  await tx
    .updateTable('documents')
    .set({ status })
    .where('export_id', '=', exportId)
    .where('status', 'not in', [...PART_DONE])
    .execute();
}

/**
 * The part with the newest data: parts are named by their first day. A PDF beside the MIO stands back: the document of such an
 * export is the MIO, whose ID backends keep.
 */
export function newestOf<D extends { part: string }>(documents: readonly D[]): D | undefined {
  const main = documents.filter((d) => d.part !== 'pdf');
  return (main.length > 0 ? main : documents).reduce<D | undefined>(
    (newest, d) => (newest === undefined || d.part > newest.part ? d : newest),
    undefined,
  );
}
