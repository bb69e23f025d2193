// Days, ISO weeks and months in Europe/Berlin, as the splitting needs them (mio-diga.md section 9). Days are counted from 1970.
export type Span = { first: number; last: number };

const DAY = 86_400_000;
const HOUR = 3_600_000;
const BERLIN = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Berlin',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});
/** Midnight in Berlin is at a full hour of UTC, so one answer holds for the hour; Intl is slow for every value of a sensor. */
const dayOfHour = new Map<number, number>();

/** The day in Berlin of a moment in milliseconds. */
export function dayAt(moment: number): number {
  const hour = Math.floor(moment / HOUR);
  let day = dayOfHour.get(hour);
  if (day === undefined) {
    day = Math.floor(Date.parse(`${BERLIN.format(hour * HOUR)}T00:00:00Z`) / DAY);
    if (dayOfHour.size > 100_000) dayOfHour.clear();
    dayOfHour.set(hour, day);
  }
  return day;
}

const DATE_TIME = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;

/** First and last millisecond of a FHIR dateTime or instant; undefined for what is none. A year means all its days. */
export function momentsOf(text: string): { start: number; end: number } | undefined {
  const [, year, month, date, time] = DATE_TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  // A leap second is the start of the next minute to JavaScript, which does not know it.
  if (time !== undefined) return exactly(Date.parse(text.replace(/:60(?=[.Z+-])/, ':59')), text);
  const first = dayNumber(`${year}-${month ?? '01'}-${date ?? '01'}`);
  if (first === undefined) return undefined;
  const last = date === undefined ? (month === undefined ? yearOf(first).last : monthOf(first).last) : first;
  return { start: startOfDay(first), end: startOfDay(last + 1) - 1 };
}

function exactly(moment: number, text: string): { start: number; end: number } | undefined {
  const valid = !Number.isNaN(moment) && dayNumber(text.slice(0, 10)) !== undefined;
  return valid ? { start: moment, end: moment } : undefined;
}

/** Of `2025-03-01`; undefined for a day that no calendar has. */
export function dayNumber(date: string): number | undefined {
  const moment = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(moment) || isoDate(moment / DAY) !== date ? undefined : moment / DAY;
}

export function isoDate(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

/** The moment the day begins in Berlin. */
export function startOfDay(day: number): number {
  // Berlin is one to three hours (1945) ahead of UTC.
  for (let hours = 3; hours > 0; hours -= 1) {
    if (dayAt(day * DAY - hours * HOUR) === day) return day * DAY - hours * HOUR;
  }
  return day * DAY;
}

/** `2025-03-01T00:00:00+01:00`. */
export function firstSecond(day: number): string {
  return `${isoDate(day)}T00:00:00${offset(day)}`;
}

/** `2025-03-31T23:59:59+02:00`; clocks are changed at night, so the offset is that of the midnight after. */
export function lastSecond(day: number): string {
  return `${isoDate(day)}T23:59:59${offset(day + 1)}`;
}

function offset(day: number): string {
  return `+0${(day * DAY - startOfDay(day)) / HOUR}:00`;
}

export function monthOf(day: number): Span {
  const date = new Date(day * DAY);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { first: Date.UTC(year, month, 1) / DAY, last: Date.UTC(year, month + 1, 1) / DAY - 1 };
}

/** The days of the ISO week that lie in the month of the day. */
export function weekOf(day: number): Span {
  const month = monthOf(day);
  // 1970 began on a Thursday.
  const monday = day - ((((day + 3) % 7) + 7) % 7);
  return { first: Math.max(monday, month.first), last: Math.min(monday + 6, month.last) };
}

export function dayOf(day: number): Span {
  return { first: day, last: day };
}

function yearOf(day: number): Span {
  const year = new Date(day * DAY).getUTCFullYear();
  return { first: Date.UTC(year, 0, 1) / DAY, last: Date.UTC(year + 1, 0, 1) / DAY - 1 };
}
