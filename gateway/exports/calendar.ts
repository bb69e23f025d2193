// Days as the law counts them: in Europe/Berlin, the last one inclusive (EXP-17).
const ZONE = 'Europe/Berlin';

/** First millisecond of a calendar day (`2026-12-31`). RangeError for what is no day. */
export function startOfDay(day: string): number {
  return Temporal.PlainDate.from(day, { overflow: 'reject' }).toZonedDateTime(ZONE).epochMilliseconds;
}

/** First millisecond after a calendar day. */
export function endOfDay(day: string): number {
  return Temporal.PlainDate.from(day, { overflow: 'reject' }).add({ days: 1 }).toZonedDateTime(ZONE).epochMilliseconds;
}

/** A day, or a time with offset, as the instant from which something may begin. */
export function beginning(text: string): number {
  return text.length === 10 ? startOfDay(text) : Date.parse(text);
}

/** A day (inclusive), or a time with offset, as the instant at which something is over. */
export function ending(text: string): number {
  return text.length === 10 ? endOfDay(text) : Date.parse(text);
}

/** From when to when a Betrachtungszeitraum goes, for the metadata of its write; undefined where its ends tell no such stretch. */
export function stretchOf(period: { start: string; end: string }): { start: Date; stop: Date } | undefined {
  try {
    const start = beginning(period.start);
    // Its last second: a day ends in itself.
    const stop = period.end.length === 10 ? endOfDay(period.end) - 1000 : Date.parse(period.end);
    return start <= stop ? { start: new Date(start), stop: new Date(stop) } : undefined;
  } catch {
    return undefined;
  }
}

/** The calendar day that it was `days` days before `now`. */
export function dayBefore(now: number, days: number): string {
  return Temporal.Instant.fromEpochMilliseconds(now)
    .toZonedDateTimeISO(ZONE)
    .toPlainDate()
    .subtract({ days })
    .toString();
}

/** First millisecond after a calendar day and `days` more. */
export function endOfDayAnd(day: string, days: number): number {
  return endOfDay(Temporal.PlainDate.from(day, { overflow: 'reject' }).add({ days }).toString());
}
