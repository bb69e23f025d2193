// Claims that nobody will end any more (EXP-03, EXP-05, D9, D22): of a process that died, of a gateway that shows no sign of
// life, or of a try whose end could not be stored. What was not sent is queued again, what was is unclear and repeated.

import { type Checkpoint, durably } from './checkpoints.ts';
import { type Claim, own } from './claims.ts';
import type { Database, Queries } from './database.ts';
import { leaseOver } from './leases.ts';
import { isPostgres } from './locks.ts';
import { recordEvent } from './outbox.ts';
import { nextAttempt } from './schedule.ts';
import type { ExportRow } from './schema.ts';
import { appendTimeline } from './store.ts';
import { soundOnly } from './sweep.ts';

/** After a start of `holder`: claimed exports that no living gateway holds go back, sent ones are unclear and repeated at once, every schedule starts anew (D22). */
export async function recoverAfterCrash(
  db: Database,
  now: number,
  o: { holder?: string; checkpoint?: Checkpoint | undefined } = {},
): Promise<{ requeued: number; unclear: number }> {
  return durably(db, { turn: 'recover', checkpoint: o.checkpoint }, async (tx) => {
    const running = tx.selectFrom('exports').selectAll().where('status', '=', 'running');
    const left = await running.where(leaseOver(tx, o.holder)).orderBy('seq').execute();
    const rows = await soundOnly(tx, left, now);
    let unclear = 0;
    for (const row of rows) if (await giveBack(tx, row, now)) unclear++;
    await tx
      .updateTable('exports')
      // -1: the next end of a try is step 0 again.
      .set({ next_attempt_at: now, retry_step: -1 })
      .where('status', 'in', ['queued', 'unclear'])
      .where((e) => e.or([e('reason_code', 'is', null), e('reason_code', '!=', 'WRITE_DOUBTFUL')]))
      .execute();
    for (const row of rows) await recordEvent(tx, row.id, now);
    return { requeued: rows.length - unclear, unclear };
  });
}

/** The end of a try could not be stored: given back as after a crash, but by the schedule of D22, never at once. */
export async function releaseClaim(db: Database, claim: Claim, now: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('exports')
      .selectAll()
      .where('id', '=', claim.row.id)
      .where('claim', '=', claim.token)
      .where('status', '=', 'running')
      .executeTakeFirst();
    if (row === undefined || (await soundOnly(tx, [row], now)).length === 0) return;
    await giveBack(tx, row, now);
    const step = row.retry_step + 1;
    await tx
      .updateTable('exports')
      .set({
        retry_step: step,
        next_attempt_at: nextAttempt({ code: 'WRITE_INTERRUPTED', step, now, random: () => 0 }),
      })
      .where('id', '=', row.id)
      .execute();
    await recordEvent(tx, row.id, now);
  });
}

/** A try that never began: nothing of it is told, and the export is due again at `again`. */
export async function putBack(db: Database, claim: Claim, now: number, again: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await own(tx, claim, {
      status: claim.row.unanswered > 0 ? 'unclear' : 'queued',
      phase: null,
      claim: null,
      holder: null,
      lease_until: null,
      next_attempt_at: again,
      updated_at: now,
    });
    await recordEvent(tx, claim.row.id, now);
  });
}

/** Out of a try of which nothing is known but what is stored; answers whether bytes of any try may have arrived. */
async function giveBack(tx: Queries, row: ExportRow, now: number): Promise<boolean> {
  const sent = row.phase === 'sent';
  const doubt = sent || row.unanswered > 0;
  await tx
    .updateTable('exports')
    .set({
      status: doubt ? 'unclear' : 'queued',
      phase: null,
      claim: null,
      holder: null,
      lease_until: null,
      unanswered: row.unanswered + (sent ? 1 : 0),
      ...(sent && {
        reason_code: 'WRITE_INTERRUPTED',
        reason_since: now,
        reason_check: null,
        reason_foreign: null,
      }),
      updated_at: now,
    })
    .where('id', '=', row.id)
    .execute();
  await appendTimeline(tx, row.id, [{ at: now, step: 'recovered', ...(sent && { code: 'WRITE_INTERRUPTED' }) }]);
  return doubt;
}

/** Takes back what no gateway renews any more; due at once. Their number. */
export async function recoverExpired(db: Database, now: number): Promise<number> {
  if (!isPostgres(db)) return 0;
  const expired = (of: Queries) => of.selectFrom('exports').where('status', '=', 'running').where(leaseOver(of));
  // Looked at without the store's lock first: mostly there is none.
  if ((await expired(db).select('id').limit(1).executeTakeFirst()) === undefined) return 0;
  return db.transaction().execute(async (tx) => {
    const rows = await soundOnly(tx, await expired(tx).selectAll().orderBy('seq').execute(), now);
    for (const row of rows) {
      await giveBack(tx, row, now);
      await tx.updateTable('exports').set({ next_attempt_at: now, retry_step: -1 }).where('id', '=', row.id).execute();
      await recordEvent(tx, row.id, now);
    }
    return rows.length;
  });
}
