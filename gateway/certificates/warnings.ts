// When a certificate is warned of (CRT-02): at each level once, from the last fortnight on every day, and when it has ended. One
// alarm per certificate, per card of an SMC-B; each level and day is a stage of it, which the store remembers.
import type { Alarm, AlarmBell, AlarmCause } from '../alarms/alarms.ts';
import type { Settings } from '../config.ts';
import { type CertificateUse, daysLeft, endOf, type InventoryEntry } from './entry.ts';

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

/** Of a Konnektor that told what it has: that is all of it. */
const TOLD: readonly (string | undefined)[] = [undefined, 'NOT_ON_CARD', 'NOT_REPORTED'];
const REPORTED: readonly CertificateUse[] = ['konnektor-card', 'terminal-card'];
/** Nothing is in its place, by the settings. */
const NONE: readonly (string | undefined)[] = ['NO_TLS', 'NOT_LISTED'];

/** Konnektors that did not tell at the last look which cards they have, or (`also`) what they report. */
export function blindAt(entries: readonly InventoryEntry[], also: readonly CertificateUse[] = []): Set<string> {
  // A card that is there and cannot be read hides no other one.
  const hides = ({ use, why, iccsn, seenAt }: InventoryEntry) =>
    !TOLD.includes(why) && (also.includes(use) || (use === 'smcb-aut' && (iccsn === undefined || seenAt !== null)));
  return new Set(entries.filter(hides).flatMap(({ konnektor }) => konnektor ?? []));
}

/**
 * Whether what had this key is not there any more: a card that was taken out, a Konnektor, client or operator that has left the
 * settings. What only is not in sight is not gone.
 */
function goneFrom(entries: readonly InventoryEntry[]): (key: string) => boolean {
  const there = new Set(entries.filter(({ why }) => !NONE.includes(why)).map(keyOf));
  const blind = blindAt(entries);
  const silent = blindAt(entries, REPORTED);
  const unreported = entries.flatMap(({ use, why, konnektor }) =>
    use === 'terminal-card' && why === 'NOT_REPORTED' && konnektor !== undefined ? [konnektor] : [],
  );
  return (key) => {
    if (there.has(key)) return false;
    if (key.startsWith(`${KEY}smcb.`)) return blind.size === 0;
    const of = (konnektor: string) =>
      key === `${KEY}konnektor-card.${konnektor}` || key.startsWith(`${KEY}terminal-card.${konnektor}/`);
    return ![...silent, ...unreported].some(of);
  };
}

/**
 * KON-09: once its DiGA signs with the follow-up card, plugged at the same Konnektor, the old one has no work left that would end. A
 * reserve at another Konnektor is needed on the worst of days (KON-11), and one that ends later comes after.
 */
function isPredecessor(card: InventoryEntry, used: readonly InventoryEntry[]): boolean {
  const end = endOf(card)?.getTime() ?? 0;
  return used.some(
    (one) => one.iccsn !== card.iccsn && one.konnektor === card.konnektor && (endOf(one)?.getTime() ?? 0) > end,
  );
}

/** Every warning that is due now; the keys of what was looked at; and which are gone. */
export function dueWarnings(
  entries: readonly InventoryEntry[],
  o: { levels: Levels; now: number; inUse: (diga: string) => string | undefined },
): { due: Warning[]; seen: Set<string>; gone: (key: string) => boolean } {
  const due: Warning[] = [];
  const seen = new Set<string>();
  const ended = entries.filter((entry) => endOf(entry) !== undefined);
  const of = (iccsn: string) => ended.filter((entry) => entry.iccsn === iccsn);
  for (const [key, group] of Map.groupBy(ended, keyOf)) {
    const [first] = group.sort((a, b) => (endOf(a)?.getTime() ?? 0) - (endOf(b)?.getTime() ?? 0));
    const end = first && endOf(first);
    if (first === undefined || end === undefined) continue;
    seen.add(key);
    const used = first.diga === undefined ? undefined : o.inUse(first.diga);
    if (isSmcb(first) && used !== undefined && isPredecessor(first, of(used))) continue;
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
  return { due, seen, gone: goneFrom(entries) };
}

function subjectOf(entry: InventoryEntry, end: Date, left: number): string {
  const what = isSmcb(entry) ? `SMC-B ${entry.iccsn} (${entry.holder})` : `${entry.use} ${entry.holder}`;
  return `${what}: ${end.toISOString().slice(0, 10)}, ${left} d`;
}

/** Raises what is due; ends what was looked at and is due no more, and what is gone. What is not in sight keeps its alarm. */
export async function tellWarnings(
  alarms: AlarmBell & { open(): Alarm[] },
  { due, seen, gone }: ReturnType<typeof dueWarnings>,
): Promise<void> {
  const keys = new Map(due.map((warning) => [warning.key, warning]));
  for (const { key, details } of alarms.open().filter((alarm) => alarm.key.startsWith(KEY))) {
    const now = keys.get(key);
    const another = now !== undefined && now.details?.end !== details.end;
    if ((now === undefined && (seen.has(key) || gone(key))) || another) await alarms.clear(key);
  }
  for (const warning of due) await alarms.raise(warning);
}
