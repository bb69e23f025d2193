// The matrix bites: with the rule for own repeats (D1) taken out of the gateway, wholly or in part, its cells turn red. The
// gateway runs with a changed judgeAnswer; the rest of it, the simulator and the matrix are as they are.
import { expect, test, vi } from 'vitest';
import type { Answered, Verdict } from '../../gateway/exports/series.ts';
import { allGroups, type Group } from './cells.ts';
import type { Cell } from './judge.ts';
import { runMatrix } from './matrix.ts';

type Judge = (a: Answered) => Verdict;
const changed = vi.hoisted(() => ({ rule: (judge: Judge, a: Answered): Verdict => judge(a) }));
vi.mock('../../gateway/exports/series.ts', async (original) => {
  const real = await original<typeof import('../../gateway/exports/series.ts')>();
  return { ...real, judgeAnswer: (a: Answered) => changed.rule(real.judgeAnswer, a) };
});

const CORE = allGroups().filter(
  ({ strike, answer }) =>
    strike.at === 'xds.iti41' &&
    answer !== 'XDSDuplicateUniqueIdInRegistry' &&
    (strike.kind === 'drop-response' || (strike.kind === 'drop-request' && answer === 'XDSDuplicateDocument')),
);
/** Without the rule a journey that may create anew would repeat itself for ever: the others say enough. */
const FAILING = CORE.map((group) => ({
  ...group,
  scenes: group.scenes.filter((scene) => scene !== 'gone, create-new'),
}));
/** More than the cells need while they take their turns on two channels; what never ends is judged then. */
const ROUNDS = 12;
const meaning = ({ outcome }: Answered) => (outcome.kind === 'registry-error' ? outcome.meaning : undefined);

/** `kind, scene` of the cells that did not end as D1 says. */
async function wrongWith(groups: readonly Group[], rule: typeof changed.rule): Promise<string[]> {
  changed.rule = rule;
  const cells: Cell[] = [];
  for await (const cell of runMatrix(groups, 1, ROUNDS)) cells.push(cell);
  expect(cells).toHaveLength(groups.reduce((sum, group) => sum + group.scenes.length, 0));
  const wrong = cells.filter((cell) => cell.faults.length > 0);
  return [...new Set(wrong.map(({ group, scene }) => `${group.strike.kind}, ${scene}`))].sort();
}

test('with the rule as it is, no cell is wrong', async () => {
  expect(await wrongWith(CORE, (judge, a) => judge(a))).toEqual([]);
}, 240_000);

test('without the rule, what arrived is never found out, and a doubtful one is taken for a refusal', async () => {
  const wrong = await wrongWith(FAILING, (judge, a) => judge({ ...a, unanswered: false }));
  expect(wrong).toEqual([
    'drop-request, gone, fail',
    'drop-request, imported, stale',
    'drop-request, target stale',
    'drop-response, gone, fail',
    'drop-response, imported, present',
    'drop-response, imported, stale',
    'drop-response, target present',
    'drop-response, target stale',
    'drop-response, version 1',
  ]);
}, 240_000);

test('where a duplicate proves nothing, what arrived stays unclear for ever', async () => {
  const wrong = await wrongWith(CORE, (judge, a) => {
    const { outcome } = a;
    const blind = a.unanswered && outcome.kind === 'registry-error' && outcome.meaning === 'duplicate';
    return judge(blind ? { ...a, outcome: { ...outcome, meaning: 'busy' } } : a);
  });
  expect(wrong).toEqual([
    'drop-response, imported, present',
    'drop-response, target present',
    'drop-response, version 1',
  ]);
}, 240_000);

test('where an unknown target on a repeat counts as gone, a refusal is told of what may have arrived', async () => {
  const wrong = await wrongWith(FAILING, (judge, a) =>
    judge(meaning(a) === 'target-unknown' ? { ...a, unanswered: false } : a),
  );
  expect(wrong).toEqual(['drop-request, gone, fail', 'drop-response, gone, fail']);
}, 240_000);

test('where "not Approved" on a repeat proves nothing, an arrived version 2 stays in doubt', async () => {
  const wrong = await wrongWith(CORE, (judge, a) => judge({ ...a, doubtful: true }));
  expect(wrong).toEqual(['drop-request, target stale', 'drop-response, target present', 'drop-response, target stale']);
}, 240_000);

test('where "not Approved" on a repeat always proves arrival, a series in doubt is told written what is not there', async () => {
  const wrong = await wrongWith(CORE, (judge, a) => judge({ ...a, doubtful: false }));
  expect(wrong).toEqual([
    'drop-request, imported, stale',
    'drop-response, imported, present',
    'drop-response, imported, stale',
  ]);
}, 240_000);
