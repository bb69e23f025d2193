// Dates and times of a Konnektor's answers as Date (XML Schema part 2, dateTime and date).
import { answerInvalid } from './faults.ts';

const ZONE = '(Z|[+-](?:0\\d|1[0-4]):[0-5]\\d)?';
const DATE_TIME = new RegExp(`^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,12})?)${ZONE}$`);
const DATE = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d)${ZONE}$`);

/**
 * xs:dateTime. One without a zone is read as the earliest it can be in Germany, so that what ends then is never taken
 * to last longer. Throws KONNEKTOR_ANSWER_INVALID.
 */
export function readDateTime(text: string): Date {
  const [, time = '', zone = '+02:00'] = DATE_TIME.exec(text) ?? [];
  return checked(Date.parse(time + zone), time);
}

/** xs:date as the beginning of that day, UTC where no zone is given. Throws KONNEKTOR_ANSWER_INVALID. */
export function readDate(text: string): Date {
  const [, day = '', zone = 'Z'] = DATE.exec(text) ?? [];
  return checked(Date.parse(`${day}T00:00:00${zone}`), day);
}

/** Date.parse rolls the 31st of a short month over; a calendar does not. */
function checked(at: number, written: string): Date {
  const day = Number(written.slice(8, 10));
  if (Number.isNaN(at) || new Date(`${written.slice(0, 10)}T00:00:00Z`).getUTCDate() !== day)
    throw answerInvalid('a value that must be a date is none');
  return new Date(at);
}
