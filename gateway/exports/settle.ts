// How a try ended, made durable in one transaction: status, reason and next try by the catalogue (B6), the series' newest
// document (EXP-06), superseding (D3), erasing of content after the confirmed write (RET-01), timeline.
import { catalogue, type ErrorCode, type Foreign } from '../errors.ts';
import { type Checkpoint, durably } from './checkpoints.ts';
import { type Claim, own, type TimelineStep } from './claims.ts';
import type { Database, Queries } from './database.ts';
import { maskForeign } from './foreign.ts';
import { recordEvent } from './outbox.ts';
import { tidyMemories } from './part-memory.ts';
import { endOpenParts, otherParts, PART_DONE } from './parts.ts';
import { isRevoked } from './revocation.ts';
import { sealSeries } from './row-seals-series.ts';
import { nextAttempt, nextUnclear, type RetrySeconds } from './schedule.ts';
import type { ExportRow, ExportStatus, SeriesRow } from './schema.ts';
import { appendTimeline } from './store.ts';
import { eraseContent, erasePart, newerThan } from './sweep.ts';

const DAY_MS = 86_400_000;

export type Ending =
  /** `replaced`: it arrived long ago and an imported document has replaced it since: the series' newest stays. */
  | { kind: 'written'; recordSystem: string; replaced?: true }
  /** `export` '': an import brought the document. */
  | { kind: 'unchanged'; export: string; held: Pick<SeriesRow, 'entry_uuid' | 'version' | 'record_system'> }
  | {
      kind: 'ends';
      code: ErrorCode;
      /** false: bytes of this try left and nothing definite came back. */
      definite: boolean;
      /** The series takes nothing until series/import (D2). */
      freeze?: boolean;
      /** Failed, whatever earlier tries were. */
      fatal?: boolean;
      foreign?: Foreign;
      check?: string;
      /** The other side asked to wait so long: in the place of the schedule's wait. */
      retryAfterSeconds?: number;
    };

export type Settled = { status: ExportStatus; code: ErrorCode | null; nextAttemptAt: number | null };

export type SettleOptions = {
  now: number;
  random: () => number;
  retrySeconds?: RetrySeconds;
  failedContentDays: number;
  steps: TimelineStep[];
  /** Bytes of this try left. */
  bytesLeft: boolean;
  checkpoint?: Checkpoint;
};

/** Stores the end of a try. The claim is over afterwards. */
export async function settle(db: Database, claim: Claim, ending: Ending, o: SettleOptions): Promise<Settled> {
  return durably(db, { turn: 'settle', checkpoint: o.checkpoint }, async (tx) => {
    const { row } = claim;
    const unanswered = row.unanswered + (ending.kind === 'ends' && !ending.definite ? 1 : 0);
    const others = await otherParts(tx, claim.document);
    const more = ending.kind !== 'ends' && others.some((s) => !PART_DONE.includes(s));
    // D4: unchanged only when every part is; with one to go it stands in the queue again, for that one.
    const partly = more || (ending.kind === 'unchanged' && others.includes('written'));
    let status = more ? 'queued' : partly ? 'written' : statusOf(ending, unanswered);
    let code = partly ? null : codeOf(ending);
    let reasonExport = ending.kind === 'unchanged' && !partly ? ending.export || null : null;
    if ((status === 'queued' || status === 'waiting') && unanswered === 0 && (await isRevoked(tx, row))) {
      status = 'cancelled';
      code = 'REVOKED';
    }
    const neverSent = ending.kind !== 'written' && !others.includes('written');
    if ((status === 'queued' || status === 'waiting') && row.queue === 'latest' && unanswered === 0 && neverSent) {
      // All tries ended with a definite refusal: counts as never sent (D3).
      const newer = await newerThan(tx, row, o.now);
      if (newer !== undefined) {
        status = 'superseded';
        code = 'SUPERSEDED';
        reasonExport = newer;
      }
    }
    const step = nextStep(row, { code, unclear: status === 'unclear', bytesLeft: o.bytesLeft });
    const { bytesLeft, now, random } = o;
    const asked = ending.kind === 'ends' && code === ending.code ? ending.retryAfterSeconds : undefined;
    const retrySeconds = asked === undefined ? o.retrySeconds : { ...o.retrySeconds, [code ?? '']: asked };
    const timing =
      code === null
        ? null
        : { code, step, bytesLeft, now, random, ...(retrySeconds !== undefined && { retrySeconds }) };
    const next =
      timing === null
        ? status === 'queued'
          ? o.now
          : null
        : status === 'unclear'
          ? nextUnclear(timing)
          : status === 'queued' || status === 'waiting'
            ? nextAttempt(timing)
            : null;
    const reasoned = ending.kind === 'ends' && code === ending.code ? ending : undefined;
    await own(tx, claim, {
      status,
      phase: null,
      claim: null,
      holder: null,
      lease_until: null,
      unanswered: ending.kind === 'written' ? 0 : unanswered,
      retry_step: step,
      reason_code: code,
      reason_check: reasoned?.check ?? null,
      reason_foreign: reasoned?.foreign === undefined ? null : JSON.stringify(maskForeign(reasoned.foreign)),
      reason_export: reasonExport,
      reason_since: code === null ? null : code === row.reason_code ? row.reason_since : o.now,
      next_attempt_at: next,
      updated_at: o.now,
    });
    await settleDocument(tx, claim, ending, o.now);
    if (more && status === 'queued') await erasePart(tx, claim.document);
    else await endOpenParts(tx, row.id, status);
    if (ending.kind === 'ends' && ending.freeze === true) await freezeSeries(tx, claim, o.now);
    if (ending.kind === 'ends' && ending.code === 'TARGET_GONE') await forgetHash(tx, claim, o.now);
    await tidyMemories(tx, row);
    await appendTimeline(tx, row.id, [...o.steps, { at: o.now, step: status, ...(code !== null && { code }) }]);
    // Right after the confirmed write, and where nothing will ever be sent; refused and failed ones keep it a while.
    if (['written', 'unchanged', 'superseded', 'cancelled'].includes(status)) {
      await o.checkpoint?.('erase.before');
      await eraseContent(tx, row.id);
      await o.checkpoint?.('erase.after');
    } else if (status === 'refused' || status === 'failed')
      await tx
        .updateTable('exports')
        .set({ erase_at: o.now + o.failedContentDays * DAY_MS })
        .where('id', '=', row.id)
        .execute();
    await recordEvent(tx, row.id, o.now);
    return { status, code, nextAttemptAt: next };
  });
}

function statusOf(ending: Ending, unanswered: number): ExportStatus {
  if (ending.kind !== 'ends') return ending.kind;
  if (ending.fatal === true) return 'failed';
  // A refusal after a lost answer proves nothing about the first try (D3).
  if (unanswered > 0) return 'unclear';
  return catalogue[ending.code].status ?? 'failed';
}

/** An unclear export goes on in the schedule of D22 whatever the reason; a try of which no byte left takes no step in it. */
function nextStep(row: ExportRow, o: { code: ErrorCode | null; unclear: boolean; bytesLeft: boolean }): number {
  if (o.unclear && row.unanswered > 0) return row.retry_step + (o.bytesLeft ? 1 : 0);
  return o.code !== null && o.code === row.reason_code ? row.retry_step + 1 : 0;
}

function codeOf(ending: Ending): ErrorCode | null {
  if (ending.kind === 'written') return null;
  return ending.kind === 'unchanged' ? 'CONTENT_UNCHANGED' : ending.code;
}

/** A part that is over; all others end, or go on, with their export. */
async function settleDocument(tx: Queries, claim: Claim, ending: Ending, now: number) {
  if (ending.kind === 'ends') return;
  await tx
    .updateTable('documents')
    .set({
      status: ending.kind,
      ...(ending.kind === 'written' && { written_at: now, record_system: ending.recordSystem }),
      ...(ending.kind === 'unchanged' && {
        held_uuid: ending.held.entry_uuid,
        held_version: ending.held.version,
        record_system: ending.held.record_system,
      }),
      // The place of its first try is forgotten, that of its repeats is not its own.
      ...(ending.kind === 'written' && ending.replaced === true && { version: null, replaces: null }),
    })
    .where('export_id', '=', claim.row.id)
    .where('part', '=', claim.document.part)
    .execute();
  if (ending.kind !== 'written' || ending.replaced === true) return;
  const { version } = await tx
    .selectFrom('documents')
    .select('version')
    .where('export_id', '=', claim.row.id)
    .where('part', '=', claim.document.part)
    .executeTakeFirstOrThrow();
  const newest = {
    entry_uuid: claim.document.entry_uuid,
    version: version ?? 1,
    record_system: ending.recordSystem,
    sha256: claim.document.sha256,
    export_id: claim.row.id,
    // The record system took it as the replacement of its target, so that was the newest: no doubt is left (D1).
    doubtful: 0,
    written_at: null,
    updated_at: now,
  };
  await tx
    .insertInto('series')
    .values({
      lookup_key: claim.row.lookup_key,
      series: claim.row.series,
      part: claim.document.part,
      frozen: 0,
      ...newest,
    })
    .onConflict((c) => c.columns(['lookup_key', 'series', 'part']).doUpdateSet(newest))
    .execute();
  await sealSeries(tx, { ...claim.row, part: claim.document.part });
}

/** The insured deleted the newest document: its content is not in the record any more, and the same again is not unchanged (EXP-18). */
async function forgetHash(tx: Queries, { row, document }: Claim, now: number): Promise<void> {
  await tx
    .updateTable('series')
    .set({ sha256: '', updated_at: now })
    .where('lookup_key', '=', row.lookup_key)
    .where('series', '=', row.series)
    .where('part', '=', document.part)
    .execute();
  await sealSeries(tx, { ...row, part: document.part });
}

async function freezeSeries(tx: Queries, claim: Claim, now: number): Promise<void> {
  await tx
    .updateTable('series')
    .set({ frozen: 1, doubtful: 1, updated_at: now })
    .where('lookup_key', '=', claim.row.lookup_key)
    .where('series', '=', claim.row.series)
    .where('part', '=', claim.document.part)
    .execute();
  await sealSeries(tx, { ...claim.row, part: claim.document.part });
}
