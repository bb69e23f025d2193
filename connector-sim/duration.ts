// ISO 8601 durations of POST /sim/clock (`P90D`, `PT15M`, `P1Y2M3DT4H`): calendar members count on the calendar, from the
// given moment, in UTC.
import { Refusal } from './refusal.ts';

const pattern =
  /^P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/;

export function isDuration(text: string): boolean {
  const match = pattern.exec(text);
  return match?.slice(1).some((member) => member !== undefined) === true;
}

/** Milliseconds from `from` (ms) to `from` plus the duration, endless beyond the calendar. Refusal 422 when it is none. */
export function readDuration(text: string, from: number): number {
  const match = pattern.exec(text);
  const members = match?.slice(1) ?? [];
  if (match === null || members.every((m) => m === undefined)) {
    const findings = [{ pointer: '/advance', code: 'invalid', message: 'not an ISO 8601 duration' }];
    throw new Refusal({ status: 422, code: 'BODY_INVALID', message: 'advance: not an ISO 8601 duration', findings });
  }
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = members.map((m) =>
    Number(m ?? 0),
  );
  const date = new Date(from);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + years * 12 + months);
  // 31 January plus one month is the last of February.
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  const rest = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60_000 + Math.round(seconds * 1000);
  const ms = date.getTime() - from + rest;
  return Number.isNaN(new Date(from + ms).getTime()) ? Number.POSITIVE_INFINITY : ms;
}
