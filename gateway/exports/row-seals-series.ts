// The seals of a series' newest document and of an insured (row-seals.ts).
import { type Expression, expressionBuilder, type Selectable } from 'kysely';
import type { Queries } from './database.ts';
import { preparedOne } from './prepared.ts';
import { broken, inOneView, matches, putSeal, readSeal, sealIn, sealingOf, textOf } from './row-seals.ts';
import type { SeriesRow, StoreTables } from './schema.ts';
import { INSURED_COLUMNS, SERIES_COLUMNS } from './sealed-columns.ts';

type InsuredRow = Selectable<StoreTables['insured']>;
type SealedInsured = { [Column in keyof StoreTables['insured']]: unknown };
type Place = Pick<SeriesRow, 'lookup_key' | 'series' | 'part'>;

export const seriesKey = (of: Place) => JSON.stringify([of.lookup_key, of.series, of.part]);

/** After a series' newest document changed; where an import took it away, that there is none is sealed. */
export async function sealSeries(tx: Queries, of: Place): Promise<void> {
  const row = await seriesRow(tx, of);
  await putSeal(tx, { kind: 'series', key: seriesKey(of), rev: 0, text: seriesText(row) });
}

/** The newest document of a series, or undefined before the first. STORE_BROKEN: changed, deleted or older than what was written. */
export async function readSealedSeries(db: Queries, of: Place): Promise<SeriesRow | undefined> {
  let row: SeriesRow | undefined;
  const sound = await inOneView(db, async (view) => {
    row = await seriesRow(view, of);
    const seal = await readSeal(view, 'series', seriesKey(of));
    if (row === undefined && seal === undefined) return !(await writtenLater(view, of, undefined));
    if (!matches(view, 'series', seriesKey(of), seal, seriesText(row))) return false;
    return row === undefined || !(await writtenLater(view, of, row));
  });
  if (sound) return row;
  sealingOf(db).broken('series', '');
  throw broken();
}

const seriesText = (row: SeriesRow | undefined) => (row === undefined ? 'none' : textOf(SERIES_COLUMNS, row));

/** After an insured was met first, or revoked. */
export async function sealInsured(tx: Queries, lookupKey: string): Promise<void> {
  const row = await tx.selectFrom('insured').selectAll().where('lookup_key', '=', lookupKey).executeTakeFirstOrThrow();
  await putSeal(tx, { kind: 'insured', key: lookupKey, rev: 0, text: textOf<SealedInsured>(INSURED_COLUMNS, row) });
}

/** The insured, or undefined before the first export. STORE_BROKEN: changed, deleted, or older than a revocation that was told of. */
export async function readSealedInsured(db: Queries, lookupKey: string): Promise<InsuredRow | undefined> {
  let row: InsuredRow | undefined;
  const sound = await inOneView(db, async (view) => {
    const found = await insuredWithSeal(view, lookupKey);
    row = found;
    if (found === undefined) {
      const told = await view.selectNoFrom((x) => lastRevocation(x.val(lookupKey)).as('at')).executeTakeFirst();
      return told?.at == null && (await readSeal(view, 'insured', lookupKey)) === undefined;
    }
    if ((found.told ?? 0) > (found.revoked_at ?? 0)) return false;
    return matches(view, 'insured', lookupKey, sealIn(found), textOf<SealedInsured>(INSURED_COLUMNS, found));
  });
  if (sound) return row;
  sealingOf(db).broken('insured', '');
  throw broken();
}

const insuredWithSeal = preparedOne((db, lookupKey: string) =>
  db
    .selectFrom('insured as i')
    .leftJoin('row_seals as s', (join) => join.onRef('s.key', '=', 'i.lookup_key').on('s.kind', '=', 'insured'))
    .selectAll('i')
    .select(['s.rev as seal_rev', 's.mac as seal_mac'])
    .select((x) => lastRevocation(x.ref('i.lookup_key')).as('told'))
    .where('i.lookup_key', '=', lookupKey),
);

/** When the insured was last told of as revoked. */
const lastRevocation = (lookupKey: Expression<string>) =>
  expressionBuilder<StoreTables>()
    .selectFrom('events as v')
    .select((e) => e.fn.max('v.at').as('at'))
    .where('v.lookup_key', '=', lookupKey)
    .where('v.type', '=', 'person.revoked');

/** Whether the series holds a written document that its newest one knows nothing of: then that is an older copy. */
async function writtenLater(db: Queries, of: Place, head: SeriesRow | undefined): Promise<boolean> {
  // An import may name any document as the newest (OPS-04, D1).
  if (head !== undefined && (head.export_id === '' || head.doubtful === 1)) return false;
  const seq =
    head === undefined
      ? 0
      : (await db.selectFrom('exports').select('seq').where('id', '=', head.export_id).executeTakeFirst())?.seq;
  if (seq === undefined) return false;
  const later = await db
    .selectFrom('exports as e')
    .innerJoin('documents as d', 'd.export_id', 'e.id')
    .select('e.seq')
    .where('e.lookup_key', '=', of.lookup_key)
    .where('e.series', '=', of.series)
    .where('e.seq', '>', seq)
    .where('d.part', '=', of.part)
    .where('d.status', '=', 'written')
    .limit(1)
    .executeTakeFirst();
  return later !== undefined;
}

const seriesRow = (db: Queries, of: Place): Promise<SeriesRow | undefined> =>
  rowOfSeries(db, of.lookup_key, of.series, of.part);

const rowOfSeries = preparedOne((db, lookupKey: string, series: string, part: string) =>
  db
    .selectFrom('series')
    .selectAll()
    .where('lookup_key', '=', lookupKey)
    .where('series', '=', series)
    .where('part', '=', part),
);
