// mio/split/calendar.ts against Temporal, which counts otherwise.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  dayAt,
  dayNumber,
  firstSecond,
  isoDate,
  lastSecond,
  momentsOf,
  monthOf,
  startOfDay,
  weekOf,
} from '../../../../mio/split/calendar.ts';

const days = fc.integer({ min: dayNumber('1946-01-01') ?? 0, max: dayNumber('2099-12-31') ?? 0 });
const plain = (day: number) => Temporal.PlainDate.from(isoDate(day));
const berlin = (text: string) => Temporal.Instant.from(text).toZonedDateTimeISO('Europe/Berlin');

test('days begin and end at midnight in Berlin, also when clocks change', () => {
  const changes = ['2025-03-30', '2025-03-31', '2025-10-26', '1947-05-11', '2024-02-29'].map(
    (one) => dayNumber(one) ?? 0,
  );
  fc.assert(
    fc.property(fc.oneof(days, fc.constantFrom(...changes)), (day) => {
      const start = plain(day).toZonedDateTime('Europe/Berlin');
      expect(startOfDay(day)).toBe(start.epochMilliseconds);
      expect(berlin(firstSecond(day)).toPlainDateTime().toString()).toBe(`${isoDate(day)}T00:00:00`);
      expect(berlin(lastSecond(day)).toPlainDateTime().toString()).toBe(`${isoDate(day)}T23:59:59`);
      expect([dayAt(startOfDay(day) - 1), dayAt(startOfDay(day)), dayAt(startOfDay(day + 1) - 1)]).toEqual([
        day - 1,
        day,
        day,
      ]);
    }),
    { numRuns: 300 },
  );
});

test('weeks begin on Monday and never leave their month', () => {
  fc.assert(
    fc.property(days, (day) => {
      const [date, month, week] = [plain(day), monthOf(day), weekOf(day)];
      expect(isoDate(month.first)).toBe(date.with({ day: 1 }).toString());
      expect(isoDate(month.last)).toBe(date.with({ day: date.daysInMonth }).toString());
      expect(week.first <= day && day <= week.last).toBe(true);
      expect(week.first === month.first || plain(week.first).dayOfWeek === 1).toBe(true);
      expect(week.last === month.last || plain(week.last).dayOfWeek === 7).toBe(true);
      expect([plain(week.first).weekOfYear, plain(week.last).weekOfYear]).toEqual([date.weekOfYear, date.weekOfYear]);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['2025-03-30T02:30:00+01:00', '2025-03-30T01:30:00Z', '2025-03-30T01:30:00Z'],
  ['2025-03-30T23:30:00.250Z', '2025-03-30T23:30:00.250Z', '2025-03-30T23:30:00.250Z'],
  ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59Z', '2016-12-31T23:59:59Z'],
  ['2025-03-30', '2025-03-29T23:00:00Z', '2025-03-30T21:59:59.999Z'],
  ['2025-02', '2025-01-31T23:00:00Z', '2025-02-28T22:59:59.999Z'],
  ['2024', '2023-12-31T23:00:00Z', '2024-12-31T22:59:59.999Z'],
])('%s is from %s until %s', (text, start, end) => {
  expect(momentsOf(text)).toEqual({ start: Date.parse(start), end: Date.parse(end) });
});

test.each([
  '',
  'x',
  '2025-13',
  '2025-02-30',
  '2025-02-30T10:00:00Z',
  '2025-03-30T10:00:00',
  '2025-03-30T25:00:00Z',
  '25',
])('is no dateTime of FHIR: %s', (text) => expect(momentsOf(text)).toBeUndefined());
