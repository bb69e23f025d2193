// What each target is still to be told, durably (MON-06): events are spread from the outbox over the targets, in their order,
// and stay until the target has taken them. Within a stream (the exports of one series) one waits for the other: only the head
// has a time. Every change of a target begins with its row, so two gateways on one store take turns.
import { createHash } from 'node:crypto';
import type { Database, Queries } from '../exports/database.ts';
import { EVENTS_KEPT_MS } from '../exports/outbox.ts';
import type { WebhookDeliveryRow } from '../exports/schema.ts';

/** At once; more follow right after. */
export const SPREAD_AT_ONCE = 500;

/** A target that is new begins with what happens from now on; one that answered 410 is tried again by a restart. */
export async function registerTarget(db: Database, target: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const newest = await tx
      .selectFrom('events')
      .select((e) => e.fn.max('seq').as('seq'))
      .executeTakeFirst();
    await tx
      .insertInto('webhook_targets')
      .values({ target, after_seq: Number(newest?.seq ?? 0), failures: 0 })
      .onConflict((c) => c.column('target').doUpdateSet({ gone_at: null }))
      .execute();
  });
}

/** Puts the next events of the outbox before the target. How many events were passed; SPREAD_AT_ONCE: there may be more. */
export async function spreadEvents(
  db: Database,
  o: { target: string; diga: string; events: ReadonlySet<string> | undefined; now: number },
): Promise<number> {
  const { target } = o;
  const from = (await readTarget(db, target)).after_seq;
  const passed = await db
    .selectFrom('events')
    .leftJoin('exports', 'exports.id', 'events.export_id')
    .select(['events.seq', 'events.id', 'events.type', 'events.at', 'exports.lookup_key', 'exports.series'])
    .where('events.diga', '=', o.diga)
    .where('events.seq', '>', from)
    .orderBy('events.seq')
    .limit(SPREAD_AT_ONCE)
    .execute();
  const last = passed.at(-1);
  if (last === undefined) return 0;
  const wanted = passed
    .filter((e) => o.events === undefined || o.events.has(e.type))
    .map((e) => ({ target, seq: e.seq, stream: streamOf(e), at: e.at, attempts: 0 }));
  await db.transaction().execute(async (tx) => {
    const moved = await tx
      .updateTable('webhook_targets')
      .set({ after_seq: last.seq })
      .where('target', '=', target)
      .where('after_seq', '=', from)
      .executeTakeFirst();
    // Another gateway was first.
    if (Number(moved.numUpdatedRows) === 0 || wanted.length === 0) return;
    const waiting = await tx
      .selectFrom('webhook_deliveries')
      .select('stream')
      .distinct()
      .where('target', '=', target)
      .where('stream', 'in', [...new Set(wanted.map((w) => w.stream))])
      .execute();
    const taken = new Set(waiting.map((row) => row.stream));
    const rows = wanted.map((w) => {
      const head = !taken.has(w.stream);
      taken.add(w.stream);
      return { ...w, next_at: head ? o.now : null };
    });
    await tx.insertInto('webhook_deliveries').values(rows).execute();
  });
  return passed.length;
}

/** One series of one insured, or the event alone where it is about no export. Says nothing about the insured (D6). */
function streamOf(e: { id: string; lookup_key: string | null; series: string | null }): string {
  if (e.lookup_key === null) return e.id;
  return createHash('sha256').update(`${e.lookup_key}\n${e.series}`).digest('base64url').slice(0, 22);
}

export async function readTarget(db: Queries, target: string) {
  return db.selectFrom('webhook_targets').selectAll().where('target', '=', target).executeTakeFirstOrThrow();
}

/** Heads of streams whose time has come, the longest due first, without those in `running`. */
export function dueDeliveries(
  db: Queries,
  o: { target: string; now: number; limit: number; running: readonly number[] },
): Promise<WebhookDeliveryRow[]> {
  let query = db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('target', '=', o.target)
    .where('next_at', '<=', o.now)
    .orderBy('next_at')
    .orderBy('seq')
    .limit(o.limit);
  if (o.running.length > 0) query = query.where('seq', 'not in', o.running);
  return query.execute();
}

/** When the next head is due that is not in `running`, and when the oldest of all is to be dropped; null: none. */
export async function nextTimes(
  db: Queries,
  o: { target: string; running: readonly number[] },
): Promise<{ due: number | null; drop: number | null }> {
  let query = db
    .selectFrom('webhook_deliveries')
    .select((e) => e.fn.min('next_at').as('at'))
    .where('target', '=', o.target);
  if (o.running.length > 0) query = query.where('seq', 'not in', o.running);
  const next = await query.executeTakeFirst();
  const oldest = await db
    .selectFrom('webhook_deliveries')
    .select((e) => e.fn.min('at').as('at'))
    .where('target', '=', o.target)
    .executeTakeFirst();
  return { due: next?.at ?? null, drop: oldest?.at == null ? null : oldest.at + EVENTS_KEPT_MS };
}

/** Outstanding messages and the time of the oldest event among them, by target. */
export function backlog(db: Queries) {
  return db
    .selectFrom('webhook_deliveries')
    .select((e) => ['target', e.fn.countAll<number>().as('count'), e.fn.min('at').as('oldest')])
    .groupBy('target')
    .execute();
}
