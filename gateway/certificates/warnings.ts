// When a certificate is warned of (CRT-02): at each level once, from the last fortnight on every day, and when it has ended. One
// alarm per certificate, per card of an SMC-B; each level and day is a stage of it, which the store remembers.
import type { Alarm, AlarmBell, AlarmCause } from '../alarms/alarms.ts';
import type { Settings } from '../config.ts';
import { daysLeft, endOf, type InventoryEntry } from './entry.ts';

type Levels = Pick<Settings['alarms'], 'smcbDays' | 'certificateDays' | 'dailyDays'>;

/** The stage at so many days left; undefined: nothing to say yet. */
export function stageOf(left: number, levels: readonly number[], dailyDays: number): string | undefined {
  if (left < 0) return 'ended';
  if (left <= dailyDays) return `day ${left}`;
  const level = levels.filter((days) => left <= days).sort((a, b) => a - b)[0];
  return level === undefined ? undefined : `level ${level}`;
}

const isSmcb = ({ use }: InventoryEntry) => use.startsWith('smcb-');
const KEY = 'certificate.';
/** Certificates of one card end together and are one thing to order. */
const keyOf = (entry: InventoryEntry): string =>
  isSmcb(entry) ? `${KEY}smcb.${entry.iccsn}` : `${KEY}${entry.use}.${entry.holder}`;

export type Warning = AlarmCause & { stage: string };

/** Every warning that is due now; and the keys of what was looked at. */
export function dueWarnings(
  entries: readonly InventoryEntry[],
  o: { levels: Levels; now: number; inUse: (diga: string) => string | undefined },
): { due: Warning[]; seen: Set<string> } {
  const due: Warning[] = [];
  const seen = new Set<string>();
  const ended = entries.filter((entry) => endOf(entry) !== undefined);
  for (const [key, group] of Map.groupBy(ended, keyOf)) {
    const [first] = group.sort((a, b) => (endOf(a)?.getTime() ?? 0) - (endOf(b)?.getTime() ?? 0));
    const end = first && endOf(first);
    if (first === undefined || end === undefined) continue;
    seen.add(key);
    // KON-09: once its DiGA signs with another card, the old one has no work left that would end.
    const used = first.diga === undefined ? undefined : o.inUse(first.diga);
    if (isSmcb(first) && used !== undefined && used !== first.iccsn) continue;
    const left = daysLeft(end, o.now);
    const { smcbDays, certificateDays, dailyDays } = o.levels;
    const stage = stageOf(left, isSmcb(first) ? smcbDays : certificateDays, dailyDays);
    if (stage === undefined) continue;
    due.push({
      key,
      code: left < 0 ? 'CERTIFICATE_EXPIRED' : 'CERTIFICATE_EXPIRES',
      subject: subjectOf(first, end, left),
      ...(first.diga !== undefined && { diga: first.diga }),
      stage,
      details: {
        use: isSmcb(first) ? 'smcb' : first.use,
        holder: first.holder,
        konnektor: first.konnektor ?? null,
        iccsn: first.iccsn ?? null,
        end: end.toISOString(),
        daysLeft: left,
      },
    });
  }
  return { due, seen };
}

function subjectOf(entry: InventoryEntry, end: Date, left: number): string {
  const what = isSmcb(entry) ? `SMC-B ${entry.iccsn} (${entry.holder})` : `${entry.use} ${entry.holder}`;
  return `${what}: ${end.toISOString().slice(0, 10)}, ${left} d`;
}

/** Raises what is due, and ends what was looked at and is due no more. What is not in sight keeps its alarm. */
export async function tellWarnings(
  alarms: AlarmBell & { open(): Alarm[] },
  { due, seen }: ReturnType<typeof dueWarnings>,
): Promise<void> {
  const keys = new Map(due.map((warning) => [warning.key, warning]));
  for (const { key, details } of alarms.open().filter((alarm) => alarm.key.startsWith(KEY))) {
    const now = keys.get(key);
    const another = now !== undefined && now.details?.end !== details.end;
    if ((now === undefined && seen.has(key)) || another) await alarms.clear(key);
  }
  for (const warning of due) await alarms.raise(warning);
}
