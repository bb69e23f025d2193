// Alarms (MON-03): what a person must know now, with a cause and an end, kept in the store. Raising the same again changes
// nothing but that this gateway still sees it; a further stage of the same cause (a certificate's next level, CRT-02) is told once
// per channel. An alarm ends when no gateway on the store sees its cause any more. Files: messages.ts
// (what each channel is still to be told), channels.ts, mail-channel.ts (mail), text.ts (words), watch.ts (what is looked at by time).
import { randomUUIDv7 } from 'node:crypto';
import { asGatewayError, catalogue, type ErrorCode } from '../errors.ts';
import type { Database, Queries } from '../exports/database.ts';
import type { AlarmRow } from '../exports/schema-alarms.ts';
import { type Logger, maskPersonal, stackOf } from '../log.ts';
import { queueMessages } from './messages.ts';

type Text = { de: string; en: string };

export type AlarmCause = {
  /** Names the cause: `card.<iccsn>.pin.<konnektor>`, `certificate.<fingerprint>`. One open alarm per key. */
  key: string;
  code: ErrorCode;
  /** What it is about, in names of the settings and ICCSNs: no person, no content. */
  subject: string;
  diga?: string;
  /** In the place of the catalogue's. */
  remedy?: Text;
  /** How far it has come; another stage than before is told anew. */
  stage?: string;
  details?: Readonly<Record<string, string | number | null>>;
};

export type Alarm = {
  id: string;
  key: string;
  code: ErrorCode;
  subject: string;
  diga: string | null;
  remedy: Text;
  stage: string;
  details: Record<string, string | number | null>;
  raisedAt: number;
  /** Since this stage. */
  stageAt: number;
  clearedAt: number | null;
};

/** What other parts are given. Neither throws: an alarm that cannot be stored is an error in the log. */
export type AlarmBell = {
  /** At every look for as long as the cause is there. */
  raise(cause: AlarmCause): Promise<void>;
  /** This gateway does not see it (any more). */
  clear(key: string): Promise<void>;
};

export type Alarms = AlarmBell & {
  /** Those that have no end yet, as this gateway knows them: its own, and others' since its last `tend`. */
  open(): Alarm[];
  /** From the store, newest first: every one that is open (`open` true or absent), and of those that have ended the last `limit`. */
  list(o?: { open?: boolean; limit?: number }): Promise<Alarm[]>;
  /** Regularly: forgets what ended long ago, and reads what other gateways on the store have raised and ended. */
  tend(): Promise<void>;
  /** Reads what is open; a channel that is new is told of it. */
  start(): Promise<void>;
  /** Resolves when what was raised or cleared so far is stored. */
  settled(): Promise<void>;
};

/** An alarm that has ended is kept so long. */
export const ALARMS_KEPT_MS = 90 * 86_400_000;
/** The longest pause between two looks is an hour: a gateway that has been silent for so long has ended, or is away. */
export const SIGHT_COUNTS_MS = 3 * 3_600_000;
/** Not written anew at every look. */
const SIGHT_AGAIN_MS = 600_000;

export function createAlarms(o: {
  db: Database;
  now: () => number;
  log: Logger;
  /** Ids of the channels of the settings. */
  channels: readonly string[];
  /** This one, among those on the store. */
  gateway: string;
  /** There is something to be told. */
  wake: () => void;
}): Alarms {
  const { db, now, log, channels, gateway } = o;
  const known = new Map<string, Alarm>();
  /** By id of the alarm: when this gateway's sight was last written. */
  const seenAt = new Map<string, number>();
  // One after the other: two causes of one key at the same moment are one alarm.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (what: string, act: () => Promise<void>): Promise<void> => {
    turn = turn.then(act).catch((thrown: unknown) => {
      log.error('alarm not stored', { name: what, code: asGatewayError(thrown).code, stack: stackOf(thrown) });
    });
    return turn;
  };

  async function raise(cause: AlarmCause): Promise<void> {
    const stage = cause.stage ?? '';
    const raised = await db.transaction().execute(async (tx) => {
      const open = await openOf(tx, cause.key);
      if (open !== undefined) await see(tx, open.id);
      if (open !== undefined && open.stage === stage && open.code === cause.code) return alarmOf(open);
      const alarm = open === undefined ? await insert(tx, cause, now()) : await goOn(tx, open, cause, now());
      if (alarm === undefined) return undefined;
      if (open === undefined) await see(tx, alarm.id);
      await queueMessages(tx, { channels, alarm, type: open === undefined ? 'raised' : 'reminded', now: now() });
      log.error('alarm', { code: cause.code, name: cause.key, ...(cause.diga && { diga: cause.diga }) });
      return alarm;
    });
    if (raised === undefined) return;
    known.set(cause.key, raised);
    o.wake();
  }

  async function see(tx: Queries, alarm_id: string): Promise<void> {
    const seen_at = now();
    if (seen_at - (seenAt.get(alarm_id) ?? Number.NEGATIVE_INFINITY) < SIGHT_AGAIN_MS) return;
    await tx
      .insertInto('alarm_sights')
      .values({ alarm_id, gateway, seen_at })
      .onConflict((c) => c.columns(['alarm_id', 'gateway']).doUpdateSet({ seen_at }))
      .execute();
    seenAt.set(alarm_id, seen_at);
  }

  /** Whether another gateway sees it. This one does not, from now on. */
  async function seenElsewhere(tx: Queries, alarm_id: string): Promise<boolean> {
    seenAt.delete(alarm_id);
    await tx.deleteFrom('alarm_sights').where('alarm_id', '=', alarm_id).where('gateway', '=', gateway).execute();
    const other = await tx
      .selectFrom('alarm_sights')
      .select('gateway')
      .where('alarm_id', '=', alarm_id)
      .where('seen_at', '>', now() - SIGHT_COUNTS_MS)
      .limit(1)
      .executeTakeFirst();
    return other !== undefined;
  }

  async function clear(key: string): Promise<void> {
    const cleared = await db.transaction().execute(async (tx) => {
      const open = await openOf(tx, key);
      if (open === undefined) return false;
      if (await seenElsewhere(tx, open.id)) return undefined;
      const alarm = { ...alarmOf(open), clearedAt: now() };
      await tx.updateTable('alarms').set({ cleared_at: alarm.clearedAt }).where('id', '=', open.id).execute();
      await queueMessages(tx, { channels, alarm, type: 'cleared', now: now() });
      log.info('alarm ended', { code: open.code, name: key });
      return true;
    });
    if (cleared === undefined) return;
    known.delete(key);
    if (cleared) o.wake();
  }

  return {
    raise: (cause) => inTurn(cause.key, () => raise(cause)),
    clear: (key) => inTurn(key, () => clear(key)),
    settled: () => turn,
    open: () => [...known.values()],
    list: async ({ open, limit = 200 } = {}) => {
      const all = () => db.selectFrom('alarms').selectAll().orderBy('raised_at', 'desc');
      const unended = open === false ? [] : await all().where('cleared_at', 'is', null).execute();
      const ended = open === true ? [] : await all().where('cleared_at', 'is not', null).limit(limit).execute();
      return [...unended, ...ended].map(alarmOf).sort((a, b) => b.raisedAt - a.raisedAt);
    },
    tend: () => inTurn('tend', tend),
    start: () =>
      inTurn('start', async () => {
        await tend();
        for (const alarm of known.values())
          await queueMessages(db, { channels, alarm, type: 'raised', now: now(), unlessTold: true });
        o.wake();
      }),
  };

  async function tend(): Promise<void> {
    await db
      .deleteFrom('alarms')
      .where('cleared_at', '<=', now() - ALARMS_KEPT_MS)
      .execute();
    const rows = await db.selectFrom('alarms').selectAll().where('cleared_at', 'is', null).execute();
    known.clear();
    for (const alarm of rows.map(alarmOf)) known.set(alarm.key, alarm);
  }
}

const openOf = (tx: Queries, key: string) =>
  tx.selectFrom('alarms').selectAll().where('key', '=', key).where('cleared_at', 'is', null).executeTakeFirst();

/** undefined: another gateway was first. */
async function insert(tx: Queries, cause: AlarmCause, at: number): Promise<Alarm | undefined> {
  const row: AlarmRow = {
    id: randomUUIDv7(),
    key: cause.key,
    ...columnsOf(cause),
    raised_at: at,
    stage_at: at,
    cleared_at: null,
  };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('alarms')
    .values(row)
    .onConflict((c) => c.doNothing())
    .executeTakeFirst();
  return Number(numInsertedOrUpdatedRows ?? 0) === 0 ? undefined : alarmOf(row);
}

async function goOn(tx: Queries, open: AlarmRow, cause: AlarmCause, at: number): Promise<Alarm> {
  const change = { ...columnsOf(cause), stage_at: at };
  await tx.updateTable('alarms').set(change).where('id', '=', open.id).execute();
  return alarmOf({ ...open, ...change });
}

function columnsOf(cause: AlarmCause) {
  const { remedy } = cause;
  const details = Object.entries(cause.details ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? maskPersonal(value) : value,
  ]);
  return {
    code: cause.code,
    subject: maskPersonal(cause.subject),
    diga: cause.diga ?? null,
    details: JSON.stringify({ ...Object.fromEntries(details), ...(remedy && { remedy }) }),
    stage: cause.stage ?? '',
  };
}

function alarmOf(row: AlarmRow): Alarm {
  const { remedy, ...details } = JSON.parse(row.details ?? '{}') as Alarm['details'] & { remedy?: Text };
  return {
    id: row.id,
    key: row.key,
    code: row.code,
    subject: row.subject,
    diga: row.diga,
    remedy: remedy ?? catalogue[row.code].remedy,
    stage: row.stage,
    details,
    raisedAt: Number(row.raised_at),
    stageAt: Number(row.stage_at),
    clearedAt: row.cleared_at === null ? null : Number(row.cleared_at),
  };
}
