// npm run mio:year in a reduced form: six weeks of a sensor under a lowered limit, exported in full each time (sections 9 and 10).
import { expect, test } from 'vitest';
import { validate } from '../../../../mio/validate/validate.ts';
import { tables } from '../../../support/mio-build.ts';
import { exportAll, sensorValues, type WrittenPart, type YearRecord } from '../../../support/mio-year.ts';

const LIMIT = 400_000;
const PER_DAY = 24;
const exported = (days: number, record: YearRecord, now: string): WrittenPart[] => [
  ...exportAll(sensorValues('2025-01-20', days, PER_DAY), { record, now, limit: LIMIT }),
];
const names = (parts: WrittenPart[]) => parts.map((one) => one.name);
const differing = (parts: WrittenPart[], before: WrittenPart[]) =>
  names(parts.filter((one) => before.find(({ name }) => name === one.name)?.sha256 !== one.sha256));

test('six weeks are cut at weeks, each part is valid and fits, and a day later only the newest differs', () => {
  const record: YearRecord = new Map();
  const first = exported(41, record, '2025-03-02T05:00:00Z');
  expect(names(first)).toEqual([
    '2025-03-01',
    '2025-02-24',
    '2025-02-17',
    '2025-02-10',
    '2025-02-03',
    '2025-02-01',
    '2025-01-27',
    null,
  ]);
  for (const { bundle, bytes } of first) {
    expect(bytes).toBeLessThan(LIMIT);
    expect(validate(bundle, tables).filter(({ severity }) => severity === 'error')).toEqual([]);
  }

  const later = exported(42, record, '2025-03-03T05:00:00Z');
  expect(names(later)).toEqual(names(first));
  expect(differing(later, first)).toEqual(['2025-03-01']);
  expect(names(later.filter((one) => !one.unchanged))).toEqual(['2025-03-01']);

  const week = exported(43, record, '2025-03-04T05:00:00Z');
  expect(differing(week, later)).toEqual(['2025-03-01']);

  const again = exported(43, record, '2025-03-05T05:00:00Z');
  expect(differing(again, week)).toEqual([]);
  expect(again.every((one) => one.unchanged)).toBe(true);
});

test('a value that is corrected later changes the part of its day and no other', () => {
  const record: YearRecord = new Map();
  const entries = sensorValues('2025-01-20', 30, PER_DAY);
  const first = [...exportAll(entries, { record, now: '2025-02-20T05:00:00Z', limit: LIMIT })];
  const corrected = entries.map((one, n) => (n === 5 ? { ...one, value: 99 } : one));
  const second = [...exportAll(corrected, { record, now: '2025-02-21T05:00:00Z', limit: LIMIT })];
  expect(differing(second, first)).toEqual([null]);
  const versions = (parts: WrittenPart[]) => {
    const entry = parts.find(({ name }) => name === null)?.bundle.entry as {
      resource: { meta: { versionId: string } };
    }[];
    return entry.map(({ resource }) => resource.meta.versionId).filter((one) => one === '2').length;
  };
  // The Bundle's entries: the Composition and the value.
  expect([versions(first), versions(second)]).toEqual([0, 2]);
});
