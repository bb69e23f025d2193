// What would become of an order as the store stands now (`?dryRun=true`, api.md section 2): reads only. Which record system
// holds the record is asked of nobody, and exports that stand before it in the series are not counted in.
import type { ErrorCode } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { type ExportOrder, refuseRevoked } from './accept.ts';
import { beginning } from './calendar.ts';
import type { Database } from './database.ts';
import { factsOf } from './ordered-document.ts';
import type { ExportStatus } from './schema.ts';
import { readSeries } from './store.ts';

export type Foreseen = {
  status: Extract<ExportStatus, 'queued' | 'waiting' | 'unchanged'>;
  code: ErrorCode | null;
  /** The export whose content is the same. */
  sameAs: string | null;
  /** When it may go. */
  notBefore: number | null;
  /** Of the document; both null where nothing would be written. */
  version: number | null;
  replaces: string | null;
  sha256: string;
};

/** `order` is checked in every respect. REVOKED (EXP-16). */
export async function foresee(o: { db: Database; vault: Vault; order: ExportOrder; now: number }): Promise<Foreseen> {
  const { order } = o;
  const { sha256 } = factsOf(order.document);
  const place = { lookup_key: o.vault.lookupKey(order.diga, order.kvnr), series: order.series };
  await refuseRevoked(o.db, order, place.lookup_key);
  const head = await readSeries(o.db, place, '');
  const next = { sha256, sameAs: null, notBefore: null, version: (head?.version ?? 0) + 1 };
  const replaces = head?.entry_uuid ?? null;
  // In the order in which the journey's guard and accept.ts would meet them.
  const notBefore = order.notBefore === null ? null : beginning(order.notBefore);
  if (notBefore !== null && notBefore > o.now)
    return { ...next, status: 'waiting', code: 'NOT_BEFORE', notBefore, replaces };
  if (head?.frozen === 1) return { ...next, status: 'waiting', code: 'TARGET_STALE', version: null, replaces: null };
  if (head?.sha256 === sha256)
    return {
      ...next,
      status: 'unchanged',
      code: 'CONTENT_UNCHANGED',
      sameAs: head.export_id,
      version: null,
      replaces: null,
    };
  return { ...next, status: 'queued', code: null, replaces };
}
