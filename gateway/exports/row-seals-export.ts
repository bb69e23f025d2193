// The seal of an export (row-seals.ts): its row, its documents, and the newest of its events and timeline entries, which an older
// copy of all of them would contradict.
import { GatewayError } from '../errors.ts';
import type { Queries } from './database.ts';
import { prepared, preparedOne } from './prepared.ts';
import { broken, inOneView, matches, putSeal, readSeal, sealIn, sealingOf } from './row-seals.ts';
import type { ExportRow } from './schema.ts';
import { coveredValues, DOCUMENT_COLUMNS, EXPORT_COLUMNS } from './sealed-columns.ts';

/** Last thing of every transaction that changes an export or a document of it, after its event. */
export async function sealExport(tx: Queries, id: string): Promise<void> {
  const found = await readForSeal(tx, id);
  await sealRead(tx, found, found.row.event_seq);
}

/** As sealExport, of what was just read in this transaction; `event`: its newest one by now. */
export async function sealRead(tx: Queries, found: ReadForSeal, event: number | null): Promise<void> {
  await putSeal(tx, { kind: 'export', key: found.row.id, rev: Number(event ?? 0), text: exportText(found) });
}

/** The export with all that its seal is about. INTERNAL where there is none. */
export async function readForSeal(db: Queries, id: string): Promise<ReadForSeal> {
  const found = await readWithSeal(db, id);
  if (found === undefined) throw new GatewayError('INTERNAL', 'there is no such export to seal');
  return found;
}

/** Whether an export is what was sealed; false is told to the operator. */
export async function exportIsSound(db: Queries, id: string): Promise<boolean> {
  const sound = await inOneView(db, async (view) => {
    const found = await readWithSeal(view, id);
    if (found === undefined) return (await readSeal(view, 'export', id)) === undefined;
    const seal = sealIn(found.row);
    if (seal === undefined) return false;
    const rev = Number(found.row.event_seq ?? 0);
    if (rev !== seal.rev && !(rev === 0 && (await eventsErasedUpTo(view, seal.rev)))) return false;
    return matches(view, 'export', id, seal, exportText(found));
  });
  if (!sound) sealingOf(db).broken('export', id);
  return sound;
}

/** STORE_BROKEN. */
export async function requireSoundExport(db: Queries, id: string): Promise<void> {
  if (!(await exportIsSound(db, id))) throw broken();
}

type ReadForSeal = NonNullable<Awaited<ReturnType<typeof readWithSeal>>>;

const rowWithSeal = preparedOne((db, id: string) =>
  db
    .selectFrom('exports as e')
    .leftJoin('row_seals as s', (join) => join.onRef('s.key', '=', 'e.id').on('s.kind', '=', 'export'))
    .selectAll('e')
    .select(['s.rev as seal_rev', 's.mac as seal_mac'])
    .select((x) => [
      x
        .selectFrom('timeline as t')
        .select((y) => y.fn.max('t.n').as('n'))
        .whereRef('t.export_id', '=', 'e.id')
        .as('entry_n'),
      x
        .selectFrom('events as v')
        .select((y) => y.fn.max('v.seq').as('seq'))
        .whereRef('v.export_id', '=', 'e.id')
        .as('event_seq'),
    ])
    .where('e.id', '=', id),
);
const documentsOf = prepared((db, id: string) =>
  db.selectFrom('documents').selectAll().where('export_id', '=', id).orderBy('part'),
);

async function readWithSeal(db: Queries, id: string) {
  const row = await rowWithSeal(db, id);
  return row === undefined ? undefined : { row, documents: (await documentsOf(db, id)).rows };
}

const exportText = ({ row, documents }: ReadForSeal) =>
  JSON.stringify([
    coveredValues<ExportRow>(EXPORT_COLUMNS, row),
    documents.map((document) => coveredValues(DOCUMENT_COLUMNS, document)),
    Number(row.entry_n ?? 0),
  ]);

/** Events are erased oldest first: one that is gone lawfully lies before all that are left. */
async function eventsErasedUpTo(db: Queries, rev: number): Promise<boolean> {
  const first = await db
    .selectFrom('events')
    .select((e) => e.fn.min('seq').as('seq'))
    .executeTakeFirst();
  return first?.seq == null || rev < Number(first.seq);
}
