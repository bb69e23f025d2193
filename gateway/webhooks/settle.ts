// How a try ends in the store: taken, put off, or dropped after the 30 days that events are kept. Each is one transaction that
// begins with the target's row (deliveries.ts), so the next of a stream is woken by exactly one.
import type { Database, Queries } from '../exports/database.ts';
import { EVENTS_KEPT_MS } from '../exports/outbox.ts';
import { nextAttempt } from '../exports/schedule.ts';
import type { WebhookDeliveryRow } from '../exports/schema.ts';
import type { AttemptOutcome } from './attempt.ts';

/** So many failures in a row are an outage of the target, not a fault with one message. */
const OUTAGE = 3;
/** A failing target as a whole rests for so long: after one failure in a row, two, more. */
const REST_MS = [5_000, 60_000, 300_000] as const;

type Delivery = Pick<WebhookDeliveryRow, 'target' | 'seq' | 'stream' | 'attempts'>;

/** The target has taken it: the next of its stream is due, and after an outage whatever was put off. */
export async function settleDelivered(db: Database, delivery: Delivery, now: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { target } = delivery;
    await works(tx, target, now);
    await remove(tx, delivery, now);
  });
}

/** The target answers again, as a test has shown: it is told everything, a target that was gone as well. */
export async function settleWorks(db: Database, target: string, now: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('webhook_targets')
      .set({ gone_at: null, failures: OUTAGE })
      .where('target', '=', target)
      .execute();
    await works(tx, target, now);
  });
}

/** Its event is no longer there (RET-05): nobody is told, the next of the stream is due. */
export async function settleForgotten(db: Database, delivery: Delivery, now: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await lock(tx, delivery.target);
    await remove(tx, delivery, now);
  });
}

/** Put off by the schedule of its code or as long as the receiver asks; the target as a whole rests, too. */
export async function settleFailed(
  db: Database,
  delivery: Delivery,
  outcome: Extract<AttemptOutcome, { kind: 'failed' }>,
  o: { now: number; random: () => number },
): Promise<void> {
  const { now } = o;
  const { target, seq, attempts } = delivery;
  const asked = now + (outcome.retryAfterMs ?? 0);
  const scheduled = nextAttempt({ ...o, code: outcome.code, step: attempts }) ?? now + REST_MS[2];
  await db.transaction().execute(async (tx) => {
    await lock(tx, target);
    // Another gateway has tried it since: what it found counts.
    const put = await tx
      .updateTable('webhook_deliveries')
      .set({ attempts: attempts + 1, next_at: Math.max(scheduled, asked) })
      .where('target', '=', target)
      .where('seq', '=', seq)
      .where('attempts', '=', attempts)
      .executeTakeFirst();
    if (Number(put.numUpdatedRows) === 0) return;
    const { failures } = await tx
      .selectFrom('webhook_targets')
      .select('failures')
      .where('target', '=', target)
      .executeTakeFirstOrThrow();
    const rest = REST_MS[Math.min(failures, REST_MS.length - 1)] ?? REST_MS[2];
    await tx
      .updateTable('webhook_targets')
      .set({
        failures: failures + 1,
        resume_at: Math.max(now + rest, asked),
        last_failure_at: now,
        last_code: outcome.code,
        last_status: outcome.status,
        ...(outcome.code === 'WEBHOOK_GONE' && { gone_at: now }),
      })
      .where('target', '=', target)
      .execute();
  });
}

/** Drops what is as old as events get. How many. */
export async function dropOverdue(db: Database, target: string, now: number): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await lock(tx, target);
    const dropped = await tx
      .deleteFrom('webhook_deliveries')
      .where('target', '=', target)
      .where('at', '<=', now - EVENTS_KEPT_MS)
      .executeTakeFirst();
    if (Number(dropped.numDeletedRows) > 0)
      await tx
        .updateTable('webhook_deliveries as d')
        .set({ next_at: now })
        .where('d.target', '=', target)
        .where('d.next_at', 'is', null)
        .where((e) =>
          e.not(
            e.exists(
              e
                .selectFrom('webhook_deliveries as before')
                .select('before.seq')
                .whereRef('before.target', '=', 'd.target')
                .whereRef('before.stream', '=', 'd.stream')
                .whereRef('before.seq', '<', 'd.seq'),
            ),
          ),
        )
        .execute();
    return Number(dropped.numDeletedRows);
  });
}

/** Holds the target's row to the end of the transaction, also where several write at once (PostgreSQL). */
async function lock(tx: Queries, target: string): Promise<void> {
  await tx
    .updateTable('webhook_targets')
    .set((e) => ({ failures: e.ref('failures') }))
    .where('target', '=', target)
    .execute();
}

async function works(tx: Queries, target: string, now: number): Promise<void> {
  await lock(tx, target);
  const { failures } = await tx
    .selectFrom('webhook_targets')
    .select('failures')
    .where('target', '=', target)
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('webhook_targets')
    .set({ failures: 0, resume_at: null, last_success_at: now })
    .where('target', '=', target)
    .execute();
  if (failures < OUTAGE) return;
  await tx
    .updateTable('webhook_deliveries')
    .set({ next_at: now })
    .where('target', '=', target)
    .where('next_at', '>', now)
    .execute();
}

async function remove(tx: Queries, { target, seq, stream }: Delivery, now: number): Promise<void> {
  await tx.deleteFrom('webhook_deliveries').where('target', '=', target).where('seq', '=', seq).execute();
  const next = await tx
    .selectFrom('webhook_deliveries')
    .select((e) => e.fn.min('seq').as('seq'))
    .where('target', '=', target)
    .where('stream', '=', stream)
    .executeTakeFirst();
  if (next?.seq == null) return;
  await tx
    .updateTable('webhook_deliveries')
    .set({ next_at: now })
    .where('target', '=', target)
    .where('seq', '=', next.seq)
    .where('next_at', 'is', null)
    .execute();
}
