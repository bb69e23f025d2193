// What would become of an order as the store stands now (`?dryRun=true`, api.md section 2): reads only. Which record system
// holds the record is asked of nobody, and exports that stand before it in the series are not counted in.
import type { ErrorCode } from '../errors.ts';
import type { Vault } from '../vault/keys.ts';
import { type ExportOrder, refuseRevoked } from './accept.ts';
import { beginning } from './calendar.ts';
import type { Database } from './database.ts';
import { type DocumentFacts, factsOf, type Part, partsOf } from './ordered-document.ts';
import type { ExportStatus } from './schema.ts';
import { refuseBesideParts } from './split-series.ts';
import { readSeries } from './store.ts';

export type Foreseen = {
  status: Extract<ExportStatus, 'queued' | 'waiting' | 'unchanged'>;
  code: ErrorCode | null;
  /** The export whose content is the same. */
  sameAs: string | null;
  /** When it may go. */
  notBefore: number | null;
  /** Version and target are null where nothing would be written. */
  documents: (DocumentFacts & { part: Part; mimeType: string; version: number | null; replaces: string | null })[];
};

type ForeseenPart = DocumentFacts & { part: Part; mimeType: string; head: Awaited<ReturnType<typeof readSeries>> };

/** `order` is checked in every respect. REVOKED (EXP-16), SERIES_SPLIT (D4). */
export async function foresee(o: { db: Database; vault: Vault; order: ExportOrder; now: number }): Promise<Foreseen> {
  const { order } = o;
  const place = { lookup_key: o.vault.lookupKey(order.diga, order.kvnr), series: order.series };
  await refuseRevoked(o.db, order, place.lookup_key);
  await refuseBesideParts(o.db, order, place.lookup_key);
  const parts: ForeseenPart[] = [];
  for (const [part, document] of partsOf(order)) {
    const head = await readSeries(o.db, place, part);
    parts.push({ part, mimeType: document.mimeType, ...factsOf(document), head });
  }
  // In the order in which the journey's guard and accept.ts would meet them.
  const notBefore = order.notBefore === null ? null : beginning(order.notBefore);
  const deferred = notBefore !== null && notBefore > o.now;
  const stale = !deferred && parts.some(({ head }) => head?.frozen === 1);
  const same = ({ head, sha256 }: ForeseenPart) => !deferred && head?.sha256 === sha256;
  const documents = parts.map(({ head, ...p }) =>
    stale || same({ ...p, head })
      ? { ...p, version: null, replaces: null }
      : { ...p, version: (head?.version ?? 0) + 1, replaces: head?.entry_uuid ?? null },
  );
  const next = { sameAs: null, notBefore: null, documents };
  if (deferred) return { ...next, status: 'waiting', code: 'NOT_BEFORE', notBefore };
  if (stale) return { ...next, status: 'waiting', code: 'TARGET_STALE' };
  if (parts.every(same))
    return { ...next, status: 'unchanged', code: 'CONTENT_UNCHANGED', sameAs: parts[0]?.head?.export_id || null };
  return { ...next, status: 'queued', code: null };
}
