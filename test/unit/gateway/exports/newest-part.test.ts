// Which part of an export its `document` is (api.md section 2, D4).
import { expect, test } from 'vitest';
import { newestOf } from '../../../../gateway/exports/parts.ts';

const part = (name: string, written_at: number | null) => ({ part: name, written_at });

test.each([
  ['the only one', [part('', null)], ''],
  ['the one written last', [part('2026-01', 5), part('2026-02', 7), part('2026-03', null)], '2026-02'],
  ['the first before any was written', [part('2026-01', null), part('2026-02', null)], '2026-01'],
  ['the MIO, although the PDF beside it was written later', [part('', 5), part('pdf', 6)], ''],
  ['the MIO, although only the PDF was written', [part('', null), part('pdf', 6)], ''],
  ['the PDF where there is nothing else', [part('pdf', null)], 'pdf'],
] as const)('it is %s', (_which, parts, expected) => {
  expect(newestOf(parts)?.part).toBe(expected);
});

test('no part, no document', () => {
  expect(newestOf([])).toBeUndefined();
});
