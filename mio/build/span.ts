// What a list of FHIR dateTimes spans, as instants with zone. Days, months and years are those of Germany, from their first
// moment to their last whole second.
import { momentsOf } from '../split/calendar.ts';
import { isInstant } from './inputs.ts';

const GERMANY = 'Europe/Berlin';

export type Span = { start: string; end: string };

/** As written where a time is, otherwise the first moment of the day, month or year. */
export function startOf(written: string): string {
  return written.includes('T') ? instantOf(written) : textOf(firstDay(written).toZonedDateTime(GERMANY));
}

export function endOf(written: string): string {
  if (written.includes('T')) return instantOf(written);
  const [, month, day] = written.split('-');
  const length = day !== undefined ? { days: 1 } : month !== undefined ? { months: 1 } : { years: 1 };
  return textOf(firstDay(written).add(length).toZonedDateTime(GERMANY).subtract({ seconds: 1 }));
}

/** FHIR lets through what Temporal does not: a second 60, ten digits of a second. */
function instantOf(written: string): string {
  const moment = isInstant(written) ? undefined : momentsOf(written);
  return moment === undefined ? written : new Date(moment.start).toISOString();
}

function firstDay(written: string): Temporal.PlainDate {
  const [year, month = '01', day = '01'] = written.split('-');
  return Temporal.PlainDate.from(`${year}-${month}-${day}`);
}

function textOf(moment: Temporal.ZonedDateTime): string {
  return moment.toString({ timeZoneName: 'never', smallestUnit: 'second' });
}

/** From the earliest to the latest; undefined of none. */
export function spanOf(times: readonly { from?: string | undefined; until?: string | undefined }[]): Span | undefined {
  let [start, end]: [string | undefined, string | undefined] = [undefined, undefined];
  for (const { from, until } of times) {
    const [first, last] = [from ?? until, until ?? from];
    if (first === undefined || last === undefined) continue;
    const [begins, ends] = [startOf(first), endOf(last)];
    if (start === undefined || Date.parse(begins) < Date.parse(start)) start = begins;
    if (end === undefined || Date.parse(ends) > Date.parse(end)) end = ends;
  }
  return start === undefined || end === undefined ? undefined : { start, end };
}
