// Authenticated rows: who can write into the database but does not hold the vault cannot change, swap, roll back, copy or delete
// an export, a series' newest document, a revocation, an idempotency key or an event unnoticed. Every change verifies the row,
// changes it and seals it anew, in its transaction; what is acted on or shown is verified first. A seal is tied to what an older
// copy of row and seal together would contradict: the export's newest event and timeline entry, a series' written exports.
import { timingSafeEqual } from 'node:crypto';
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  UnknownRow,
} from 'kysely';
import { GatewayError } from '../errors.ts';
import type { Database, Queries } from './database.ts';
import type { ExportRow, SeriesRow, StoreTables } from './schema.ts';
import {
  coveredValues,
  DOCUMENT_COLUMNS,
  EVENT_COLUMNS,
  EXPORT_COLUMNS,
  IDEMPOTENCY_COLUMNS,
  INSURED_COLUMNS,
  SERIES_COLUMNS,
} from './sealed-columns.ts';

export type RowKind = 'export' | 'series' | 'insured' | 'idempotency' | 'event';
export type RowSealing = {
  /** HMAC under the vault's key for rows. */
  mac: (text: string) => Uint8Array;
  /** Told of every row that does not pass. `id`: of an export, else ''. */
  broken: (kind: RowKind, id: string) => void;
};

/** Changes no query: it carries the sealing to wherever queries of this database go, transactions included. */
class Carrier implements KyselyPlugin {
  readonly sealing: RowSealing;
  constructor(sealing: RowSealing) {
    this.sealing = sealing;
  }
  transformQuery({ node }: PluginTransformQueryArgs) {
    return node;
  }
  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result;
  }
}

/** The database with its sealing: everything that reads or changes exports needs it. */
export const withRowSeals = (db: Database, sealing: RowSealing): Database => db.withPlugin(new Carrier(sealing));

function sealingOf(db: Queries): RowSealing {
  const carrier = db.getExecutor().plugins.find((plugin) => plugin instanceof Carrier);
  if (carrier === undefined) throw new GatewayError('INTERNAL', 'this database was opened without its row seals');
  return carrier.sealing;
}

type InsuredRow = { [Column in keyof StoreTables['insured']]: unknown };
type Idempotency = StoreTables['idempotency'];
type Place = Pick<SeriesRow, 'lookup_key' | 'series' | 'part'>;
type EventRow = { [Column in Exclude<keyof StoreTables['events'], 'mac'>]: unknown } & { mac?: unknown };

export const seriesKey = (of: Place) => JSON.stringify([of.lookup_key, of.series, of.part]);
export const idempotencyKeyOf = (of: Pick<Idempotency, 'client' | 'diga' | 'key_mac'>) =>
  JSON.stringify([of.client, of.diga, Buffer.from(of.key_mac).toString('hex')]);

/** Last thing of every transaction that changes an export or a document of it, after its event. */
export async function sealExport(tx: Queries, id: string): Promise<void> {
  const text = await exportText(tx, id);
  if (text === undefined) throw new GatewayError('INTERNAL', 'there is no such export to seal');
  await put(tx, { kind: 'export', key: id, rev: text.rev, text: text.text });
}

/** Whether an export is what was sealed; false is told to the operator. */
export async function exportIsSound(db: Queries, id: string): Promise<boolean> {
  const sound = await inOneView(db, async (view) => {
    const found = await exportText(view, id);
    const seal = await read(view, 'export', id);
    if (found === undefined || seal === undefined) return found === undefined && seal === undefined;
    if (found.rev !== seal.rev && !(found.rev === 0 && (await eventsErasedUpTo(view, seal.rev)))) return false;
    return matches(view, 'export', id, seal, found.text);
  });
  if (!sound) sealingOf(db).broken('export', id);
  return sound;
}

/** STORE_BROKEN. */
export async function requireSoundExport(db: Queries, id: string): Promise<void> {
  if (!(await exportIsSound(db, id))) throw broken();
}

/** After a series' newest document changed; where an import took it away, that there is none is sealed. */
export async function sealSeries(tx: Queries, of: Place): Promise<void> {
  const row = await seriesRow(tx, of);
  await put(tx, { kind: 'series', key: seriesKey(of), rev: 0, text: seriesText(row) });
}

/** The newest document of a series, or undefined before the first. STORE_BROKEN: changed, deleted or older than what was written. */
export async function readSealedSeries(db: Queries, of: Place): Promise<SeriesRow | undefined> {
  let row: SeriesRow | undefined;
  const sound = await inOneView(db, async (view) => {
    row = await seriesRow(view, of);
    const seal = await read(view, 'series', seriesKey(of));
    if (row === undefined && seal === undefined) return !(await writtenLater(view, of, undefined));
    if (!matches(view, 'series', seriesKey(of), seal, seriesText(row))) return false;
    return row === undefined || !(await writtenLater(view, of, row));
  });
  if (sound) return row;
  sealingOf(db).broken('series', '');
  throw broken();
}

const seriesText = (row: SeriesRow | undefined) => (row === undefined ? 'none' : textOf(SERIES_COLUMNS, row));

/** A change between two of the queries looks like a broken row: before that is believed, all are asked in one transaction. */
async function inOneView(db: Queries, check: (view: Queries) => Promise<boolean>): Promise<boolean> {
  if (await check(db)) return true;
  return db.isTransaction ? false : db.transaction().execute(check);
}

/** After an insured was met first, or revoked. */
export async function sealInsured(tx: Queries, lookupKey: string): Promise<void> {
  const row = await tx.selectFrom('insured').selectAll().where('lookup_key', '=', lookupKey).executeTakeFirstOrThrow();
  await put(tx, { kind: 'insured', key: lookupKey, rev: 0, text: textOf<InsuredRow>(INSURED_COLUMNS, row) });
}

/** STORE_BROKEN: changed, deleted, or older than a revocation that was told of. */
export async function requireSoundInsured(db: Queries, lookupKey: string): Promise<void> {
  const sound = await inOneView(db, async (view) => {
    const row = await view.selectFrom('insured').selectAll().where('lookup_key', '=', lookupKey).executeTakeFirst();
    const seal = await read(view, 'insured', lookupKey);
    const told = await view
      .selectFrom('events')
      .select((e) => e.fn.max('at').as('at'))
      .where('lookup_key', '=', lookupKey)
      .where('type', '=', 'person.revoked')
      .executeTakeFirst();
    if ((told?.at ?? 0) > (row?.revoked_at ?? 0)) return false;
    if (row === undefined) return seal === undefined;
    return matches(view, 'insured', lookupKey, seal, textOf<InsuredRow>(INSURED_COLUMNS, row));
  });
  if (sound) return;
  sealingOf(db).broken('insured', '');
  throw broken();
}

export async function sealIdempotency(tx: Queries, row: Idempotency): Promise<void> {
  await put(tx, { kind: 'idempotency', key: idempotencyKeyOf(row), rev: 0, text: textOf(IDEMPOTENCY_COLUMNS, row) });
}

/** Also where nothing lies under the key: a row that was taken away has left its seal. STORE_BROKEN. */
export async function readSealedIdempotency(
  db: Queries,
  of: Pick<Idempotency, 'client' | 'diga' | 'key_mac'>,
): Promise<Idempotency | undefined> {
  const key = idempotencyKeyOf(of);
  let row: Idempotency | undefined;
  const sound = await inOneView(db, async (view) => {
    row = await view
      .selectFrom('idempotency')
      .selectAll()
      .where('client', '=', of.client)
      .where('diga', '=', of.diga)
      .where('key_mac', '=', of.key_mac)
      .executeTakeFirst();
    const seal = await read(view, 'idempotency', key);
    if (row === undefined) return seal === undefined;
    return matches(view, 'idempotency', key, seal, textOf(IDEMPOTENCY_COLUMNS, row));
  });
  if (sound) return row;
  sealingOf(db).broken('idempotency', '');
  throw broken();
}

/** Right after the event was inserted. */
export async function sealEvent(tx: Queries, seq: number): Promise<void> {
  const row = await tx.selectFrom('events').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow();
  await tx
    .updateTable('events')
    .set({ mac: eventMac(tx, row) })
    .where('seq', '=', seq)
    .execute();
}

export function eventIsSound(db: Queries, row: EventRow): boolean {
  return row.mac instanceof Uint8Array && equal(eventMac(db, row), row.mac);
}

/** STORE_BROKEN for the first of them that is not what was told. */
export function requireSoundEvents(db: Queries, rows: readonly EventRow[]): void {
  if (rows.every((row) => eventIsSound(db, row))) return;
  sealingOf(db).broken('event', '');
  throw broken();
}

/** With the rows themselves, where a person is forgotten. */
export async function dropSeals(tx: Queries, kind: RowKind, keys: readonly string[]): Promise<void> {
  for (const key of keys) await tx.deleteFrom('row_seals').where('kind', '=', kind).where('key', '=', key).execute();
}

/** The seal of a whole store: there is one once every row of it has been sealed (row-audit.ts). */
export const storeMac = (db: Queries) => sealingOf(db).mac(sealText('store', '', 0, ''));

const broken = () => new GatewayError('STORE_BROKEN', 'a row of the store is not what was sealed');

async function exportText(db: Queries, id: string): Promise<{ text: string; rev: number } | undefined> {
  const row = await db.selectFrom('exports').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const documents = await db.selectFrom('documents').selectAll().where('export_id', '=', id).orderBy('part').execute();
  const entry = await db
    .selectFrom('timeline')
    .select((e) => e.fn.max('n').as('n'))
    .where('export_id', '=', id)
    .executeTakeFirst();
  const event = await db
    .selectFrom('events')
    .select((e) => e.fn.max('seq').as('seq'))
    .where('export_id', '=', id)
    .executeTakeFirst();
  const parts = [
    coveredValues<ExportRow>(EXPORT_COLUMNS, row),
    documents.map((document) => coveredValues(DOCUMENT_COLUMNS, document)),
    Number(entry?.n ?? 0),
  ];
  return { text: JSON.stringify(parts), rev: Number(event?.seq ?? 0) };
}

/** Events are erased oldest first: one that is gone lawfully lies before all that are left. */
async function eventsErasedUpTo(db: Queries, rev: number): Promise<boolean> {
  const first = await db
    .selectFrom('events')
    .select((e) => e.fn.min('seq').as('seq'))
    .executeTakeFirst();
  return first?.seq == null || rev < Number(first.seq);
}

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
  db
    .selectFrom('series')
    .selectAll()
    .where('lookup_key', '=', of.lookup_key)
    .where('series', '=', of.series)
    .where('part', '=', of.part)
    .executeTakeFirst();

const textOf = <Row extends object>(columns: Parameters<typeof coveredValues<Row>>[0], row: Row) =>
  JSON.stringify(coveredValues(columns, row));
const sealText = (kind: RowKind | 'store', key: string, rev: number, text: string) =>
  JSON.stringify([kind, key, rev, text]);
const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b);
const eventMac = (db: Queries, row: EventRow) =>
  sealingOf(db).mac(sealText('event', String(row.seq), 0, textOf<EventRow>({ ...EVENT_COLUMNS, mac: 'free' }, row)));

const read = (db: Queries, kind: RowKind, key: string) =>
  db.selectFrom('row_seals').select(['rev', 'mac']).where('kind', '=', kind).where('key', '=', key).executeTakeFirst();

function matches(
  db: Queries,
  kind: RowKind,
  key: string,
  seal: { rev: number; mac: Uint8Array } | undefined,
  text: string,
) {
  return seal !== undefined && equal(sealingOf(db).mac(sealText(kind, key, seal.rev, text)), seal.mac);
}

async function put(tx: Queries, o: { kind: RowKind; key: string; rev: number; text: string }): Promise<void> {
  const seal = { rev: o.rev, mac: sealingOf(tx).mac(sealText(o.kind, o.key, o.rev, o.text)) };
  await tx
    .insertInto('row_seals')
    .values({ kind: o.kind, key: o.key, ...seal })
    .onConflict((c) => c.columns(['kind', 'key']).doUpdateSet(seal))
    .execute();
}
