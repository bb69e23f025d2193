// How long certificates can live: what the two times of a certificate can say (RFC 5280 4.1.2.5), read from control calls and
// scenarios.
import { z } from 'zod';

const DAY = 86_400_000;
/** UTCTime begins with 1950, and a certificate begins a day before its end at the latest. */
const FIRST_END = Date.UTC(1950, 0, 2);
/** The last second that GeneralizedTime can name. */
const LAST_END = Date.UTC(9999, 11, 31, 23, 59, 59);
/** Beyond it the clock is of no use: what the TI renews then would live past the last second. */
export const LAST_NOW = Date.UTC(9980, 0, 1);

/** What is no date and time at all is told by the form. */
const fits = (text: string) => !(Date.parse(text) < FIRST_END) && !(Date.parse(text) > LAST_END);

/** Date and time with offset at which a certificate can end. */
export const certificateEnd = z.iso
  .datetime({ offset: true })
  .refine(fits, 'a certificate ends from 1950-01-02 to the end of 9999');

/** Begun at `from`, or, where that is not before the end, a day before it. */
export function lifeUntil(end: Date, from: Date): { notBefore: Date; notAfter: Date } {
  return { notBefore: from < end ? from : new Date(end.getTime() - DAY), notAfter: end };
}
