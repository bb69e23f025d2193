// The check digit of a KVNR (EXP-20).
import { expect, test } from 'vitest';
import { isKvnr } from '../../../../gateway/exports/kvnr.ts';
import { KVNR } from '../../../support/gateway-fakes.ts';

test.each([
  [KVNR, true],
  ['A123456780', true],
  ['X110411676', false],
  ['x110411675', false],
  ['X11041167', false],
  ['X1104116755', false],
  ['Ä110411675', false],
  ['X１10411675', false],
  ['', false],
])('the check digit of %s is right: %s (EXP-20)', (text, right) => {
  expect(isKvnr(text)).toBe(right);
});
