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
import { prepared } from './prepared.ts';
import { coveredValues } from './sealed-columns.ts';

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

export function sealingOf(db: Queries): RowSealing {
  const carrier = db.getExecutor().plugins.find((plugin) => plugin instanceof Carrier);
  if (carrier === undefined) throw new GatewayError('INTERNAL', 'this database was opened without its row seals');
  return carrier.sealing;
}

/** A change between two of the queries looks like a broken row: before that is believed, all are asked in one transaction. */
export async function inOneView(db: Queries, check: (view: Queries) => Promise<boolean>): Promise<boolean> {
  if (await check(db)) return true;
  return db.isTransaction ? false : db.transaction().execute(check);
}

/** With the rows themselves, where a person is forgotten. */
export async function dropSeals(tx: Queries, kind: RowKind, keys: readonly string[]): Promise<void> {
  for (const key of keys) await tx.deleteFrom('row_seals').where('kind', '=', kind).where('key', '=', key).execute();
}

/** The seal of a whole store: there is one once every row of it has been sealed (row-audit.ts). */
export const storeMac = (db: Queries) => sealingOf(db).mac(sealText('store', '', 0, ''));

export const broken = () => new GatewayError('STORE_BROKEN', 'a row of the store is not what was sealed');

/** The seal beside a row, of a query that joined them. */
export const sealIn = ({ seal_rev: rev, seal_mac: mac }: { seal_rev: number | null; seal_mac: Uint8Array | null }) =>
  rev === null || mac === null ? undefined : { rev, mac };

export const textOf = <Row extends object>(columns: Parameters<typeof coveredValues<Row>>[0], row: Row) =>
  JSON.stringify(coveredValues(columns, row));
export const sealText = (kind: RowKind | 'store', key: string, rev: number, text: string) =>
  JSON.stringify([kind, key, rev, text]);
export const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b);
export const readSeal = (db: Queries, kind: RowKind, key: string) =>
  db.selectFrom('row_seals').select(['rev', 'mac']).where('kind', '=', kind).where('key', '=', key).executeTakeFirst();

export function matches(
  db: Queries,
  kind: RowKind,
  key: string,
  seal: { rev: number; mac: Uint8Array } | undefined,
  text: string,
) {
  return seal !== undefined && equal(sealingOf(db).mac(sealText(kind, key, seal.rev, text)), seal.mac);
}

export async function putSeal(
  tx: Queries,
  o: { kind: RowKind; key: string; rev: number; text: string },
): Promise<void> {
  await put(tx, o.kind, o.key, o.rev, sealingOf(tx).mac(sealText(o.kind, o.key, o.rev, o.text)));
}

const put = prepared((tx, kind: RowKind, key: string, rev: number, mac: Uint8Array) =>
  tx
    .insertInto('row_seals')
    .values({ kind, key, rev, mac })
    .onConflict((c) => c.columns(['kind', 'key']).doUpdateSet({ rev, mac })),
);
