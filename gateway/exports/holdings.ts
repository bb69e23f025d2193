// Everything held on one person for one DiGA (RET-06), for the backend's answer to an access request (Art. 15 GDPR): whether
// the KVNR is held, never the KVNR itself (D15). Exports come by pages, the rest with every page.
import type { Queries } from './database.ts';
import type { SeriesRow } from './schema.ts';
import { listExports, type StoredExport } from './store.ts';

export type Holdings = {
  /** The person is known here, be it only as somebody who revoked. */
  known: boolean;
  kvnrHeld: boolean;
  firstSeenAt: number | null;
  revokedAt: number | null;
  events: number;
  idempotencyKeys: number;
  series: SeriesRow[];
  /** Newest first. */
  exports: StoredExport[];
  /** `before` of the next page. */
  next: number | null;
};

export async function readHoldings(
  db: Queries,
  o: { lookupKey: string; before?: number | undefined; limit: number },
): Promise<Holdings> {
  const insured = await db.selectFrom('insured').selectAll().where('lookup_key', '=', o.lookupKey).executeTakeFirst();
  const mine = db.selectFrom('exports').select('id').where('lookup_key', '=', o.lookupKey);
  const count = async (table: 'events' | 'idempotency') => {
    const row = await db
      .selectFrom(table)
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('export_id', 'in', mine)
      .executeTakeFirst();
    return Number(row?.n ?? 0);
  };
  const about = await db
    .selectFrom('events')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('lookup_key', '=', o.lookupKey)
    .executeTakeFirst();
  const page = await listExports(db, {
    lookupKey: o.lookupKey,
    limit: o.limit + 1,
    ...(o.before !== undefined && { before: o.before }),
  });
  const exports = page.slice(0, o.limit);
  return {
    known: insured !== undefined,
    kvnrHeld: insured?.kvnr_sealed != null,
    firstSeenAt: insured?.created_at ?? null,
    revokedAt: insured?.revoked_at ?? null,
    events: (await count('events')) + Number(about?.n ?? 0),
    idempotencyKeys: await count('idempotency'),
    series: await db
      .selectFrom('series')
      .selectAll()
      .where('lookup_key', '=', o.lookupKey)
      .orderBy('series')
      .orderBy('part')
      .execute(),
    exports,
    next: page.length > o.limit ? (exports.at(-1)?.row.seq ?? null) : null,
  };
}
