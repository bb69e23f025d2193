// Whether an answer is as a step expects it: what is named must be there, what is not named may be anything.
import type { Finding } from '../refusal.ts';

const COMPARED = /^(>=|<=|>|<) (-?\d+(?:\.\d+)?)$/;
const COMPARE: Record<string, (actual: number, wanted: number) => boolean> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
};

/**
 * Every place where `actual` is not as `wanted`: members of an object as named; of a list each wanted item somewhere in it; a number
 * also as text with a comparison (`>= 3`); null where a member must be null or absent. Empty when all is as wanted.
 */
export function mismatches(wanted: unknown, actual: unknown, pointer = ''): Finding[] {
  const wrong = (message: string): Finding[] => [{ pointer, code: 'not-as-expected', message }];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual)) return wrong(`expected a list, is ${shown(actual)}`);
    return wanted.flatMap((item, index) =>
      actual.some((one) => mismatches(item, one).length === 0)
        ? []
        : [{ pointer: `${pointer}/${index}`, code: 'not-as-expected', message: `none of ${actual.length} is like it` }],
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual))
      return wrong(`expected an object, is ${shown(actual)}`);
    const members = actual as Record<string, unknown>;
    return Object.entries(wanted).flatMap(([name, one]) => mismatches(one, members[name], `${pointer}/${name}`));
  }
  const compared = typeof wanted === 'string' && typeof actual === 'number' ? COMPARED.exec(wanted) : null;
  if (compared !== null) {
    const [, by = '', limit = ''] = compared;
    return COMPARE[by]?.(Number(actual), Number(limit)) === true ? [] : wrong(`expected ${wanted}, is ${actual}`);
  }
  return wanted === (actual ?? null) ? [] : wrong(`expected ${shown(wanted)}, is ${shown(actual)}`);
}

/** A value in a few words: values of a simulator are invented, but no line needs a whole document. */
function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
