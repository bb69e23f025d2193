// `POST /v1/exports?dryRun=true` (api.md section 2): the export as it would be answered, with what only storing gives (id,
// entryUUID, times) left null. Nothing is stored, and nobody outside is asked.
import { z } from 'zod';
import { catalogue } from '../errors.ts';
import type { ExportOrder } from '../exports/accept.ts';
import type { Foreseen } from '../exports/dry-run.ts';
import type { viewExport } from '../exports/export-view.ts';
import { newestOf } from '../exports/parts.ts';
import { readQuery } from './list-query.ts';
import type { Language } from './problem.ts';

type View = ReturnType<typeof viewExport>;
type Nullable<Shape> = { [Member in keyof Shape]: Shape[Member] | null };
type DryDocument = Nullable<View['documents'][number]>;
type DryView = Nullable<Omit<View, 'document' | 'documents'>> & {
  document: DryDocument | null;
  documents: DryDocument[];
};

/** The members of `viewExport`. */
export function viewForeseen(order: ExportOrder, foreseen: Foreseen, language: Language): DryView {
  const newest = newestOf(foreseen.documents);
  const view = (d: Foreseen['documents'][number]) => ({
    part: d.part === '' ? null : d.part,
    mimeType: d.mimeType,
    entryUuid: null,
    uniqueId: null,
    version: d.version,
    replaces: d.replaces,
    recordSystem: null,
    bytes: d.bytes,
    sha256: d.sha256,
    status: foreseen.status,
    writtenAt: null,
  });
  return {
    id: null,
    reference: order.reference,
    status: foreseen.status,
    diga: order.diga,
    series: order.series,
    createdAt: null,
    updatedAt: null,
    attempts: 0,
    reason: reasonOf(foreseen, language),
    document: newest === undefined ? null : view(newest),
    documents: foreseen.documents.toSorted((a, b) => (a.part < b.part ? -1 : 1)).map(view),
    timeline: [],
  };
}

function reasonOf({ code, sameAs, notBefore }: Foreseen, language: Language): View['reason'] {
  if (code === null) return null;
  return {
    code,
    who: catalogue[code].who,
    remedy: catalogue[code].remedy[language],
    since: null,
    nextAttemptAt: notBefore === null ? null : new Date(notBefore).toISOString(),
    ...(sameAs !== null && { export: sameAs }),
  };
}

/** The query of a POST. */
export const dryRunQuery = z.strictObject({ dryRun: z.enum(['true', 'false']).optional() });

/** A parameter or value that is not known may mean "do not store" to the caller: refused, never ignored. */
export const isDryRun = (query: unknown): boolean => readQuery(dryRunQuery, query).dryRun === 'true';
