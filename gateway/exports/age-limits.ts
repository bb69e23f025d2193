// Exports that have waited too long: for an approval that never came (EXP-24), or in doubt for so long that their content
// may not be kept any more (RET-01). Both end by the sweep; neither is ever written afterwards.
import type { Queries } from './database.ts';
import { PART_DONE } from './parts.ts';
import { sealSeries } from './row-seals-series.ts';
import type { ExportRow } from './schema.ts';
import { endExport } from './sweep.ts';

const DAY_MS = 86_400_000;

export type AgeLimits = {
  /** Days since its acceptance that an export waits for the insured's approval. */
  approvalDays: number;
  /** Days since its acceptance that an unclear export keeps its content and is repeated. */
  unclearDays: number;
};

/** Ends what is older than its limit. Ids and codes. */
export async function endByAge(
  tx: Queries,
  o: { limits: AgeLimits; now: number },
): Promise<{ id: string; code: 'APPROVAL_NOT_GIVEN' | 'WRITE_UNRESOLVED' }[]> {
  const { limits, now } = o;
  const unapproved = await waitingForApproval(tx)
    .select('id')
    .where('created_at', '<=', now - limits.approvalDays * DAY_MS)
    .execute();
  for (const { id } of unapproved)
    await endExport(tx, id, { status: 'cancelled', code: 'APPROVAL_NOT_GIVEN', now, eraseAt: now });
  const unresolved = await inDoubt(tx)
    .selectAll()
    .where('created_at', '<=', now - limits.unclearDays * DAY_MS)
    .execute();
  for (const row of unresolved) {
    await freezeInDoubt(tx, row, now);
    await endExport(tx, row.id, { status: 'failed', code: 'WRITE_UNRESOLVED', now, eraseAt: now });
  }
  return [
    ...unapproved.map(({ id }) => ({ id, code: 'APPROVAL_NOT_GIVEN' as const })),
    ...unresolved.map(({ id }) => ({ id, code: 'WRITE_UNRESOLVED' as const })),
  ];
}

/** When the next export reaches its limit, or null. */
export async function nextAgeLimit(db: Queries, limits: AgeLimits): Promise<number | null> {
  const oldest = async (of: ReturnType<typeof inDoubt>, days: number) => {
    const row = await of.select((e) => e.fn.min('created_at').as('at')).executeTakeFirst();
    return row?.at == null ? [] : [row.at + days * DAY_MS];
  };
  const times = [
    ...(await oldest(waitingForApproval(db), limits.approvalDays)),
    ...(await oldest(inDoubt(db), limits.unclearDays)),
  ];
  return times.length === 0 ? null : Math.min(...times);
}

const waitingForApproval = (db: Queries) =>
  db
    .selectFrom('exports')
    .where('status', '=', 'waiting')
    .where('reason_code', '=', 'RECORD_NOT_ENTITLED')
    .where('unanswered', '=', 0);

const inDoubt = (db: Queries) => db.selectFrom('exports').where('status', '=', 'unclear');

/** Nobody knows whether its document is in the record: the series takes nothing until series/import says so (D1, D2). */
async function freezeInDoubt(tx: Queries, row: ExportRow, now: number): Promise<void> {
  const documents = await tx.selectFrom('documents').selectAll().where('export_id', '=', row.id).execute();
  for (const document of documents.filter((d) => !PART_DONE.includes(d.status))) {
    await tx
      .insertInto('series')
      .values({
        lookup_key: row.lookup_key,
        series: row.series,
        part: document.part,
        entry_uuid: document.entry_uuid,
        version: document.version ?? 1,
        record_system: document.record_system ?? '',
        sha256: document.sha256,
        export_id: row.id,
        doubtful: 1,
        frozen: 1,
        updated_at: now,
      })
      .onConflict((c) =>
        c.columns(['lookup_key', 'series', 'part']).doUpdateSet({ doubtful: 1, frozen: 1, updated_at: now }),
      )
      .execute();
    await sealSeries(tx, { ...row, part: document.part });
  }
}
