// The seals of a whole store (row-seals.ts): verified row by row for `epa-gateway audit verify`, and made once for a store of a
// gateway that knew none. That it was made stands in a seal of its own and in the audit trail: taking the seals away does not
// make a store one of before.
import { GatewayError } from '../errors.ts';
import { appendAudit, GATEWAY } from './audit.ts';
import type { Database, Queries } from './database.ts';
import { type RowKind, storeMac } from './row-seals.ts';
import {
  eventIsSound,
  idempotencyKeyOf,
  readSealedIdempotency,
  sealEvent,
  sealIdempotency,
} from './row-seals-event.ts';
import { exportIsSound, sealExport } from './row-seals-export.ts';
import { readSealedInsured, readSealedSeries, sealInsured, sealSeries, seriesKey } from './row-seals-series.ts';

/** `key`: id of an export, number of an event; other rows are named by their number among the seals of their kind. */
export type RowFinding = { kind: RowKind; key: string };
export type RowReport = { rows: number; findings: RowFinding[] };

const PAGE = 500;

/** Every row against its seal, every seal against its row. Reads only. */
export async function verifyRows(db: Queries): Promise<RowReport> {
  const findings: RowFinding[] = [];
  let rows = 0;
  const judge = async (kind: RowKind, key: string, sound: () => Promise<boolean>) => {
    rows++;
    if (!(await sound())) findings.push({ kind, key });
  };
  const holds = (check: Promise<unknown>) =>
    check.then(
      () => true,
      (thrown) => {
        if (thrown instanceof GatewayError && thrown.code === 'STORE_BROKEN') return false;
        throw thrown;
      },
    );
  const names = await namesOf(db);
  for (const id of names.exports) await judge('export', id, () => exportIsSound(db, id));
  for (const [n, place] of names.series.entries())
    await judge('series', String(n), () => holds(readSealedSeries(db, place)));
  for (const [n, key] of names.insured.entries())
    await judge('insured', String(n), () => holds(readSealedInsured(db, key)));
  for (const [n, of] of names.idempotency.entries())
    await judge('idempotency', String(n), () => holds(readSealedIdempotency(db, of)));
  for await (const row of allEvents(db)) await judge('event', String(row.seq), async () => eventIsSound(db, row));
  return { rows, findings };
}

/** Oldest first, a page at a time. */
async function* allEvents(db: Queries) {
  for (let after = 0; ; ) {
    const page = await db
      .selectFrom('events')
      .selectAll()
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

/** Rows and seals together, so that one without the other is met, too. */
async function namesOf(db: Queries) {
  const seals = await db.selectFrom('row_seals').select(['kind', 'key']).execute();
  const sealed = (kind: RowKind) => seals.filter((seal) => seal.kind === kind).map((seal) => seal.key);
  const exports = (await db.selectFrom('exports').select('id').orderBy('seq').execute()).map((row) => row.id);
  const insured = (await db.selectFrom('insured').select('lookup_key').execute()).map((row) => row.lookup_key);
  const series = (await db.selectFrom('series').select(['lookup_key', 'series', 'part']).execute()).map(seriesKey);
  const keys = (await db.selectFrom('idempotency').select(['client', 'diga', 'key_mac']).execute()).map(
    idempotencyKeyOf,
  );
  // A series of which neither row nor seal is left still has its written documents.
  const written = await db
    .selectFrom('documents as d')
    .innerJoin('exports as e', 'e.id', 'd.export_id')
    .select(['e.lookup_key', 'e.series', 'd.part'])
    .where('d.status', '=', 'written')
    .distinct()
    .execute();
  const all = (some: string[], more: string[]) => [...new Set([...some, ...more])].sort();
  return {
    exports: [...new Set([...exports, ...sealed('export')])],
    insured: all(insured, sealed('insured')),
    series: all([...series, ...written.map(seriesKey)], sealed('series')).map((key) => {
      const [lookup_key = '', name = '', part = ''] = JSON.parse(key) as string[];
      return { lookup_key, series: name, part };
    }),
    idempotency: all(keys, sealed('idempotency')).map((key) => {
      const [client = '', diga = '', mac = ''] = JSON.parse(key) as string[];
      return { client, diga, key_mac: Buffer.from(mac, 'hex') };
    }),
  };
}

/**
 * Seals every row of a store whose gateway knew no seals, once and whole. STORE_BROKEN when the seals of a store that had them
 * are gone. Answers how many rows it sealed.
 */
export async function sealRowsOfBefore(db: Database, now: number): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const whole = await tx.selectFrom('row_seals').select('mac').where('kind', '=', 'store').executeTakeFirst();
    const mac = storeMac(tx);
    if (whole !== undefined) {
      if (Buffer.compare(whole.mac, mac) === 0) return 0;
      throw new GatewayError('STORE_BROKEN', 'the seal of the store is not of this vault');
    }
    const before = await tx.selectFrom('audit').select('seq').where('action', '=', 'rows.sealed').executeTakeFirst();
    if (before !== undefined) throw new GatewayError('STORE_BROKEN', 'the seals of the store are gone');
    let rows = 0;
    const names = await namesOf(tx);
    for await (const row of allEvents(tx)) {
      await sealEvent(tx, row);
      rows++;
    }
    for (const id of names.exports) await sealExport(tx, id);
    for (const place of names.series) await sealSeries(tx, place);
    for (const key of names.insured) await sealInsured(tx, key);
    for (const row of await tx.selectFrom('idempotency').selectAll().execute()) await sealIdempotency(tx, row);
    rows += names.exports.length + names.series.length + names.insured.length + names.idempotency.length;
    await tx.insertInto('row_seals').values({ kind: 'store', key: '', rev: 0, mac }).execute();
    await appendAudit(tx, { at: now, actor: GATEWAY, action: 'rows.sealed', details: { rows } });
    return rows;
  });
}
