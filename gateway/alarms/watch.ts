// Causes that nobody meets at a call and that are looked for by time (MON-03): exports that wait while none is written, an outcome
// that stays unknown, an audit trail that was changed, a trust-service list or an OCSP responder that fails, a revoked card.
import { asGatewayError, catalogue, type ErrorCode } from '../errors.ts';
import { checkpointFileIn, readCheckpointFile } from '../exports/audit-checkpoint-file.ts';
import { verifyAudit } from '../exports/audit-verify.ts';
import type { Database } from '../exports/database.ts';
import type { Timer } from '../exports/worker.ts';
import type { Logger } from '../log.ts';
import { lookRegularly } from '../regular-look.ts';
import type { Settings } from '../tables/settings-manifest.ts';
import type { AuditKeys } from '../vault/audit-keys.ts';
import type { AlarmBell, AlarmCause, Alarms } from './alarms.ts';

export type AlarmWatch = {
  /** Everything, now. */
  look(): Promise<void>;
  /** What a verification of the trail has found, whoever asked for it. */
  auditJudged(report: { ok: boolean; firstBroken: number | null }): Promise<void>;
  stop(): void;
};

/** A cause of another part, as it stands now; null: none. */
export type StandingCause = () => (Omit<AlarmCause, 'key'> & { key: string }) | null;

/**
 * Causes of one kind, of which there may be several. `ours`: the keys of that kind. `untold`: of this one, which is not named, nobody
 * can say now whether it has ended; it stands.
 */
export type CauseGroup = { ours: RegExp; causes(): AlarmCause[]; untold?(key: string): boolean };

/** Raises what is there, and ends what is not: also what an earlier process has left, and what has left the settings since. */
export async function tellGroup(alarms: AlarmBell & Pick<Alarms, 'open'>, group: CauseGroup): Promise<void> {
  const causes = group.causes();
  for (const cause of causes) await alarms.raise(cause);
  const keys = new Set(causes.map(({ key }) => key));
  for (const { key } of alarms.open())
    if (group.ours.test(key) && !keys.has(key) && group.untold?.(key) !== true) await alarms.clear(key);
}

export const WATCH_EVERY_MS = 240_000;
const AUDIT_EVERY_MS = 24 * 3_600_000;
const HOUR = 3_600_000;

/** Begins by its time. */
export function watchAlarms(o: {
  db: Database;
  alarms: AlarmBell & Pick<Alarms, 'open' | 'tend'>;
  levels: Pick<Settings['alarms'], 'stalledHours' | 'unclearHours'>;
  audit: { keys: AuditKeys; directory: string };
  /** By key: asked at each look. */
  standing: ReadonlyMap<string, StandingCause>;
  /** Asked at each look. */
  groups: readonly CauseGroup[];
  now: () => number;
  timer: Timer;
  log: Logger;
}): AlarmWatch {
  const { db, alarms, now, log } = o;
  let auditedAt = Number.NEGATIVE_INFINITY;
  /** What the last verification of the trail has found stands until the next. */
  let broken: AlarmCause | null | undefined;

  const tell = async (key: string, cause: AlarmCause | null) =>
    await (cause === null ? alarms.clear(key) : alarms.raise(cause));

  async function stalled(): Promise<AlarmCause | null> {
    const since = now() - o.levels.stalledHours * HOUR;
    const waiting = await db
      .selectFrom('exports')
      .select(['id', 'reason_code'])
      .where('status', 'in', ['queued', 'running', 'unclear', 'waiting'])
      .where('created_at', '<=', since)
      .where((e) => e.or([e('not_before', 'is', null), e('not_before', '<=', since)]))
      .where((e) => e.or([e('reason_code', 'is', null), e('reason_code', 'not in', OF_OTHERS)]))
      .limit(1)
      .executeTakeFirst();
    if (waiting === undefined) return null;
    const written = await db
      .selectFrom('documents')
      .select('written_at')
      .where('written_at', '>', since)
      .limit(1)
      .executeTakeFirst();
    if (written !== undefined) return null;
    const details = { hours: o.levels.stalledHours, reason: waiting.reason_code };
    return { key: 'exports.stalled', code: 'EXPORTS_STALLED', subject: `${o.levels.stalledHours} h`, details };
  }

  async function unclear(): Promise<AlarmCause | null> {
    const since = now() - o.levels.unclearHours * HOUR;
    const { count } = await db
      .selectFrom('exports')
      .select((e) => e.fn.countAll<number>().as('count'))
      .where('status', '=', 'unclear')
      .where('reason_since', '<=', since)
      .executeTakeFirstOrThrow();
    if (Number(count) === 0) return null;
    const details = { hours: o.levels.unclearHours };
    return { key: 'exports.unclear', code: 'UNCLEAR_TOO_LONG', subject: `${o.levels.unclearHours} h`, details };
  }

  async function auditJudged({ ok, firstBroken }: { ok: boolean; firstBroken: number | null }): Promise<void> {
    const subject = firstBroken === null ? 'checkpoints' : `entry ${firstBroken}`;
    broken = ok ? null : { key: 'audit.broken', code: 'AUDIT_BROKEN', subject };
    await tell('audit.broken', broken);
  }

  async function lookNow(): Promise<void> {
    await alarms.tend();
    await tell('exports.stalled', await stalled());
    await tell('exports.unclear', await unclear());
    for (const [key, cause] of o.standing) await tell(key, cause());
    for (const group of o.groups) await tellGroup(alarms, group);
    if (broken !== undefined) await tell('audit.broken', broken);
    if (now() - auditedAt < AUDIT_EVERY_MS) return;
    auditedAt = now();
    await auditJudged(
      await verifyAudit({ db, keys: o.audit.keys, file: readCheckpointFile(checkpointFileIn(o.audit.directory)) }),
    );
  }

  const { look, stop } = lookRegularly({
    lookNow: () =>
      lookNow()
        .then(() => log.debug('alarms looked at'))
        .catch((thrown: unknown) => log.error('alarms not looked at', { code: asGatewayError(thrown).code })),
    firstMs: WATCH_EVERY_MS,
    everyMs: WATCH_EVERY_MS,
    now,
    timer: o.timer,
  });
  return {
    look,
    auditJudged,
    stop,
  };
}

/** What an export waits for that no operator can bring: the insured, its own time. */
const OF_OTHERS = (Object.keys(catalogue) as ErrorCode[]).filter(
  (code) => catalogue[code].kind === 'insured' || code === 'NOT_BEFORE',
);
