// The table of requirements is honest (TST-05): every number of the reference is in it, no test names a number that does not
// exist, only titles count as shown, and what issue 4 promises is not open.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { idsIn, namedIn, readNamed } from './docs/requirements-page.ts';
import { requirementParts } from './tables/requirements.ts';

const root = resolve(import.meta.dirname, '..');
const reference = resolve(root, '../shared/reference/requirements.md');
const all = requirementParts.flatMap((part) => part.rows);
const named = readNamed(root);

describe.skipIf(!existsSync(reference))(
  `the list against the reference${existsSync(reference) ? '' : ' [skipped: the reference is not beside the project]'}`,
  () => {
    const rows = existsSync(reference)
      ? [...readFileSync(reference, 'utf8').matchAll(/^\| ([A-Z]{3}-[0-9]{2}) \|.*\| (MUST|SHOULD) \|/gm)]
      : [];
    test('has every number with its level, once, and no other', () => {
      expect(rows.length).toBeGreaterThan(100);
      expect(all.map((one) => `${one.id} ${one.level}`)).toEqual(rows.map(([, id, level]) => `${id} ${level}`));
    });
  },
);

test('every number that a test names exists', () => {
  const known = new Set(all.map((one) => one.id));
  expect([...named.shown.keys(), ...named.mentioned.keys()].filter((id) => !known.has(id))).toEqual([]);
});

/** What issue 4 names and no test shows yet; to be emptied with the issue. */
const STILL_OPEN: readonly string[] = [];

test('no requirement of this issue is open', () => {
  const open = all.filter((one) => one.issue === 4 && !named.shown.has(one.id) && !named.mentioned.has(one.id));
  expect(open.map((one) => one.id).filter((id) => !STILL_OPEN.includes(id))).toEqual([]);
});

describe('what counts as shown', () => {
  test.each([
    ['a title', "test('erases it (RET-01)', () => {});", ['RET-01'], []],
    ['a title of a group', 'describe(`forget (RET-05)`, () => {', ['RET-05'], []],
    [
      'a title behind a table',
      "test.each([\n  ['a', 1],\n])(\n  '%s is found (SEC-09)',\n  () => {},\n);",
      ['SEC-09'],
      [],
    ],
    ['a title behind a condition', 'describe.skipIf(x)(`on PostgreSQL (SEC-09)`, () => {', ['SEC-09'], []],
    ['a range', "test('survives (EXP-03 to EXP-05)', () => {});", ['EXP-03', 'EXP-04', 'EXP-05'], []],
    ['a comment', '// About RET-01 and EXP-20.\ntest("x", () => {});', [], ['EXP-20', 'RET-01']],
    ['a comment and a title', "// RET-01\ntest('RET-01', () => {});", ['RET-01'], []],
    ['a value', "expect(x).toBe('RET-01');", [], []],
    ['a row of a table', "test.each([['RET-01', 1]])('%s', () => {});", [], []],
  ])('%s', (_what, text, shown, mentioned) => {
    expect(namedIn(text)).toEqual({ shown, mentioned });
  });
  test('numbers with three digits or other letters are none', () => {
    expect(idsIn('RET-012 XRET-01 A_24425-01 D15')).toEqual([]);
  });
});
