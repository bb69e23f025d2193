// What each channel is still to be told of the alarms, durably (MON-03): written in the transaction of the alarm, told in order,
// tried again until it is taken or a week old. On one store with several gateways a message is claimed by its number of tries.
import type { ErrorCode } from '../errors.ts';
import type { Queries } from '../exports/database.ts';
import type { AlarmMessageRow } from '../exports/schema-alarms.ts';
import type { Alarm } from './alarms.ts';

export type AlarmMessageType = 'raised' | 'reminded' | 'cleared' | 'test';

/** As a channel is told it; the numbers of a message are given once only. */
export type AlarmMessage = { id: string; type: AlarmMessageType; at: number; alarm: Alarm };

export type SendOutcome =
  | { ok: true; status: number | null; ms: number }
  | { ok: false; code: ErrorCode; status: number | null; retryAfterMs: number | null; ms: number };

const TRY_AGAIN_MS = [5_000, 60_000, 300_000, 1_800_000, 3_600_000] as const;
const GIVEN_UP_MS = 7 * 86_400_000;
/** A gateway that has claimed a message and ended: then it is told again. */
const CLAIM_MS = 120_000;

/** `unlessTold`: the channel that was told anything of this alarm is not told again. */
export async function queueMessages(
  db: Queries,
  o: { channels: readonly string[]; alarm: Alarm; type: AlarmMessageType; now: number; unlessTold?: true },
): Promise<void> {
  const { alarm, type, now } = o;
  let channels = o.channels;
  if (o.unlessTold) {
    const told = await db.selectFrom('alarm_messages').select('channel').where('alarm_id', '=', alarm.id).execute();
    const names = new Set(told.map((row) => row.channel));
    channels = channels.filter((channel) => !names.has(channel));
  }
  if (channels.length === 0) return;
  const about = type === 'cleared' ? 'end' : `${alarm.code} ${alarm.stage}`;
  const row = { alarm_id: alarm.id, type, about, body: JSON.stringify(alarm), at: now };
  await db
    .insertInto('alarm_messages')
    .values(channels.map((channel) => ({ ...row, channel, attempts: 0, next_at: now })))
    .onConflict((c) => c.doNothing())
    .execute();
}

/** The first message that the channel has not taken, or undefined. */
export const headOf = (db: Queries, channel: string): Promise<AlarmMessageRow | undefined> =>
  db
    .selectFrom('alarm_messages')
    .selectAll()
    .where('channel', '=', channel)
    .where('next_at', 'is not', null)
    .orderBy('n')
    .limit(1)
    .executeTakeFirst();

/** False: another gateway tells it. */
export async function claim(db: Queries, row: AlarmMessageRow, now: number): Promise<boolean> {
  const taken = await db
    .updateTable('alarm_messages')
    .set({ attempts: row.attempts + 1, next_at: now + CLAIM_MS })
    .where('n', '=', row.n)
    .where('attempts', '=', row.attempts)
    .executeTakeFirst();
  return Number(taken.numUpdatedRows) > 0;
}

/** Taken, put off, or given up; answers which. */
export async function settle(
  db: Queries,
  row: AlarmMessageRow,
  outcome: SendOutcome,
  now: number,
): Promise<'told' | 'again' | 'given-up'> {
  const set = (change: { next_at: number | null; last_code: ErrorCode | null }) =>
    db.updateTable('alarm_messages').set(change).where('n', '=', row.n).execute();
  if (outcome.ok) {
    await set({ next_at: null, last_code: null });
    return 'told';
  }
  if (now - Number(row.at) >= GIVEN_UP_MS) {
    await set({ next_at: null, last_code: outcome.code });
    return 'given-up';
  }
  const wait = TRY_AGAIN_MS[Math.min(row.attempts, TRY_AGAIN_MS.length - 1)] ?? TRY_AGAIN_MS[0];
  await set({ next_at: now + Math.max(wait, outcome.retryAfterMs ?? 0), last_code: outcome.code });
  return 'again';
}

export const messageOf = (row: AlarmMessageRow): AlarmMessage => ({
  id: `${row.alarm_id}-${row.n}`,
  type: row.type,
  at: Number(row.at),
  alarm: JSON.parse(row.body) as Alarm,
});

/** Messages not taken yet, since when the first of them waits, and the last failure, by channel. */
export async function backlogOf(
  db: Queries,
  channel: string,
): Promise<{ count: number; since: number | null; code: ErrorCode | null }> {
  const rows = await db
    .selectFrom('alarm_messages')
    .select(['at', 'last_code'])
    .where('channel', '=', channel)
    .where('next_at', 'is not', null)
    .orderBy('n')
    .execute();
  const [first] = rows;
  return {
    count: rows.length,
    since: first === undefined ? null : Number(first.at),
    code: first?.last_code ?? null,
  };
}
