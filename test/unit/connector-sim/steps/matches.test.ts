// Whether an answer is as a step of a scenario expects it.
import { describe, expect, test } from 'vitest';
import { mismatches } from '../../../../connector-sim/steps/matches.ts';

describe('as expected', () => {
  test.each<[string, unknown, unknown]>([
    ['members that are named, whatever else there is', { a: 1, b: { c: 'x' } }, { a: 1, b: { c: 'x', d: 2 }, e: 3 }],
    ['an item anywhere in a list', [{ id: 2 }], [{ id: 1 }, { id: 2, more: true }]],
    ['nothing named', {}, { a: 1 }],
    ['an empty list beside any list', [], [1, 2]],
    ['null where there is none', { a: null }, {}],
    ['null where it is null', { a: null }, { a: null }],
    ['at least', '>= 3', 3],
    ['at most', '<= 3', 3],
    ['more', '> -1.5', -1],
    ['less', '< 3', 2],
    ['a text that only looks like a comparison', '>= 3', '>= 3'],
  ])('%s', (_what, wanted, actual) => {
    expect(mismatches(wanted, actual)).toEqual([]);
  });
});

describe('not as expected, each place at once', () => {
  test.each<[string, unknown, unknown, string[]]>([
    ['other values', { a: 1, b: { c: 'x' } }, { a: 2, b: { c: 'y' } }, ['/a', '/b/c']],
    ['an absent member', { a: 1 }, {}, ['/a']],
    ['false is not absent', { a: false }, {}, ['/a']],
    ['a member that should be null', { a: null }, { a: 0 }, ['/a']],
    ['items that are nowhere', [{ id: 1 }, { id: 3 }], [{ id: 1 }, { id: 2 }], ['/1']],
    ['a list that is none', { a: [] }, { a: {} }, ['/a']],
    ['an object that is a list', { a: {} }, { a: [] }, ['/a']],
    ['an object that is null', { a: {} }, { a: null }, ['/a']],
    ['a number as text', { a: 1 }, { a: '1' }, ['/a']],
    ['too few', '>= 3', 2, ['']],
    ['too many', '<= 3', 4, ['']],
    ['not more', '> 3', 3, ['']],
    ['not less', '< 3', 3, ['']],
    ['a comparison with a text', '>= 3', '4', ['']],
    ['a comparison with nothing', { a: '>= 0' }, {}, ['/a']],
  ])('%s', (_what, wanted, actual, places) => {
    expect(mismatches(wanted, actual).map((one) => one.pointer)).toEqual(places);
  });

  test('a long value is not shown whole', () => {
    const [found] = mismatches('x', 'y'.repeat(5000));
    expect(found?.message.length).toBeLessThan(200);
  });
});
