// Which part of an export its `document` is (api.md section 2, D4).
import { expect, test } from 'vitest';
import { newestOf } from '../../../../gateway/exports/parts.ts';

const part = (name: string) => ({ part: name });

test.each([
  ['the only one', [part('')], ''],
  ['the one with the newest data', [part(''), part('2026-02-01'), part('2026-03-01')], '2026-03-01'],
  [
    'the one with the newest data, in whatever order they stand',
    [part('2026-03-01'), part(''), part('2026-02-01')],
    '2026-03-01',
  ],
  ['the MIO, although there is a PDF beside it', [part(''), part('pdf')], ''],
  [
    'the newest part of the MIO, although there is a PDF beside it',
    [part(''), part('2026-02-01'), part('pdf')],
    '2026-02-01',
  ],
  ['the PDF where there is nothing else', [part('pdf')], 'pdf'],
] as const)('it is %s', (_which, parts, expected) => {
  expect(newestOf(parts)?.part).toBe(expected);
});

test('no part, no document', () => {
  expect(newestOf([])).toBeUndefined();
});
