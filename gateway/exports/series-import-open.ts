// What an import means for the open exports of its series (D1, D2, OPS-03): a document that the import names is in the record,
// so its export is written; one in doubt that it does not name is asked for once more, against the target the import gave;
// what waited for the import goes on. Never a second document: every repeat keeps bytes and IDs, so the record system
// itself refuses what it has.
import type { Queries } from './database.ts';
import { PART_DONE } from './parts.ts';
import { requireSoundExport, sealExport } from './row-seals-export.ts';
import { type ExportRow, OPEN } from './schema.ts';
import type { ImportPlace } from './series-import.ts';
import { appendTimeline } from './store.ts';
import { eraseContent } from './sweep.ts';

export type OpenDocument = Pick<ExportRow, 'id' | 'status' | 'phase' | 'unanswered' | 'reason_code'> & {
  entry_uuid: string;
  replaces: string | null;
  /** Tries, answers and doubt of the export are those of this part (parts.ts). */
  current: boolean;
};

/** Oldest first; parts that are done are none of them. */
export async function openDocuments(tx: Queries, place: ImportPlace): Promise<OpenDocument[]> {
  const rows = await tx
    .selectFrom('exports as e')
    .innerJoin('documents as d', 'd.export_id', 'e.id')
    .select(['e.id', 'e.status', 'e.phase', 'e.unanswered', 'e.reason_code'])
    .select(['d.entry_uuid', 'd.replaces'])
    .select((x) =>
      x
        .selectFrom('documents as b')
        .select((e) => e.fn.countAll<number>().as('n'))
        .whereRef('b.export_id', '=', 'd.export_id')
        .where('b.status', 'not in', [...PART_DONE])
        // The order of firstOpenPart (parts.ts).
        .where((e) =>
          e.or([
            e('b.position', '<', e.ref('d.position')),
            e.and([e('b.position', '=', e.ref('d.position')), e('b.part', '<', e.ref('d.part'))]),
          ]),
        )
        .as('before'),
    )
    .where('e.lookup_key', '=', place.lookup_key)
    .where('e.series', '=', place.series)
    .where('d.part', '=', place.part)
    .where('e.status', 'in', [...OPEN])
    .where('d.status', 'not in', [...PART_DONE])
    .orderBy('e.seq')
    .execute();
  return rows.map(({ before, unanswered, ...row }) => {
    const current = Number(before) === 0;
    return { ...row, current, unanswered: current ? unanswered : 0 };
  });
}

export type AppliedToOpen = { written: string[]; resumed: string[] /** Changed their state. */; told: string[] };

/** In the caller's transaction, which writes the events of `told` as its last part. */
export async function applyToOpen(
  tx: Queries,
  o: { place: ImportPlace; open: readonly OpenDocument[]; now: number },
): Promise<AppliedToOpen> {
  const { place, now } = o;
  const named = new Map(place.documents.map(({ document }) => [document.entryUuid, document]));
  const newest = place.documents[0]?.document.entryUuid ?? null;
  const applied: AppliedToOpen = { written: [], resumed: [], told: [] };
  for (const open of o.open) {
    const document = named.get(open.entry_uuid);
    if (document !== undefined) {
      await tx
        .updateTable('documents')
        .set({
          status: 'written',
          version: document.version,
          record_system: document.recordSystem,
          written_at: document.writtenAt ?? now,
          rebased: 0,
        })
        .where('export_id', '=', open.id)
        .where('part', '=', place.part)
        .execute();
      await appendTimeline(tx, open.id, [{ at: now, step: 'imported' }]);
      if (await isWhole(tx, open.id)) {
        await endWritten(tx, open.id, now);
        applied.written.push(open.id);
      } else if (open.current) {
        await resume(tx, open.id, { now, inDoubt: false });
        applied.resumed.push(open.id);
      } else {
        await sealExport(tx, open.id);
        continue;
      }
    } else if (!open.current) continue;
    else if (open.unanswered > 0) {
      // With the target of its first try it would only meet the same answer again.
      if (newest !== open.replaces)
        await tx
          .updateTable('documents')
          .set({ version: null, replaces: null, without_target: 0, rebased: newest === null ? 0 : 1 })
          .where('export_id', '=', open.id)
          .where('part', '=', place.part)
          .execute();
      await resume(tx, open.id, { now, inDoubt: true });
      applied.resumed.push(open.id);
    } else if (open.status === 'running' || open.reason_code === 'TARGET_STALE') {
      // A journey under way read the old target: it has lost its claim and the export begins anew (D9).
      await tx
        .updateTable('documents')
        .set({ without_target: 0 })
        .where('export_id', '=', open.id)
        .where('part', '=', place.part)
        .execute();
      await resume(tx, open.id, { now, inDoubt: false });
      applied.resumed.push(open.id);
    } else continue;
    applied.told.push(open.id);
  }
  return applied;
}

/** Exports that have ended stay as they ended; their documents are where the import says. */
export async function applyToEnded(tx: Queries, place: ImportPlace, now: number): Promise<void> {
  for (const { document } of place.documents) {
    const ended = await tx
      .selectFrom('documents')
      .innerJoin('exports', 'exports.id', 'documents.export_id')
      .select('exports.id')
      .where('documents.entry_uuid', '=', document.entryUuid)
      .where('documents.status', '!=', 'written')
      .where('documents.part', '=', place.part)
      .where('exports.lookup_key', '=', place.lookup_key)
      .where('exports.series', '=', place.series)
      .where('exports.status', 'not in', [...OPEN])
      .executeTakeFirst();
    if (ended === undefined) continue;
    await requireSoundExport(tx, ended.id);
    await tx
      .updateTable('documents')
      .set({
        status: 'written',
        version: document.version,
        record_system: document.recordSystem,
        written_at: document.writtenAt ?? now,
      })
      .where('export_id', '=', ended.id)
      .where('part', '=', place.part)
      .execute();
    await sealExport(tx, ended.id);
  }
}

/** Every part of the export is in the record (D4). */
async function isWhole(tx: Queries, id: string): Promise<boolean> {
  const missing = await tx
    .selectFrom('documents')
    .select('part')
    .where('export_id', '=', id)
    .where('status', 'not in', [...PART_DONE])
    .executeTakeFirst();
  return missing === undefined;
}

const NO_REASON = {
  reason_code: null,
  reason_check: null,
  reason_foreign: null,
  reason_export: null,
  reason_since: null,
  phase: null,
  claim: null,
  holder: null,
  lease_until: null,
} as const;

async function endWritten(tx: Queries, id: string, now: number): Promise<void> {
  await tx
    .updateTable('exports')
    .set({ ...NO_REASON, status: 'written', unanswered: 0, next_attempt_at: null, updated_at: now })
    .where('id', '=', id)
    .execute();
  await appendTimeline(tx, id, [{ at: now, step: 'written' }]);
  await eraseContent(tx, id);
}

async function resume(tx: Queries, id: string, o: { now: number; inDoubt: boolean }): Promise<void> {
  const { now, inDoubt } = o;
  await tx
    .updateTable('exports')
    .set({
      ...NO_REASON,
      status: inDoubt ? 'unclear' : 'queued',
      ...(!inDoubt && { unanswered: 0 }),
      // -1: the next end of a try is step 0 again (D22).
      retry_step: -1,
      next_attempt_at: now,
      updated_at: now,
    })
    .where('id', '=', id)
    .execute();
  await appendTimeline(tx, id, [{ at: now, step: 'resumed' }]);
}
