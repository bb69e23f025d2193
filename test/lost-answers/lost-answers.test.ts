// The suite's share of the lost-answer matrix (D1, D2, D22; `npm run lost-answers` runs every cell): each cell ends as the
// table in expected.ts says, `written` only where the record holds the document. The cells are printed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../../demo/document.ts';
import { exportBody, TestWorld } from '../support/world.ts';
import { ANSWERS, allGroups, SCENE_NAMES, STRIKES, someGroups } from './cells.ts';
import { effectOf } from './expected.ts';
import type { Cell } from './judge.ts';
import { runMatrix } from './matrix.ts';
import { matrixTable } from './table.ts';

const SEED = 4;
const REST = new Set(['written', 'refused', 'failed', 'waiting', 'cancelled']);

describe('the matrix', () => {
  const groups = someGroups(SEED, effectOf);
  const cells: Cell[] = [];
  beforeAll(async () => {
    for await (const cell of runMatrix(groups, SEED)) cells.push(cell);
    process.stdout.write(matrixTable(cells));
  }, 420_000);

  test('every chosen cell ended as D1, D2 and D22 say (EXP-05, EXP-08)', () => {
    const wrong = cells.filter((cell) => cell.faults.length > 0);
    expect(wrong.map(({ group, scene, faults }) => ({ ...group.strike, answer: group.answer, scene, faults }))).toEqual(
      [],
    );
    expect(cells).toHaveLength(groups.reduce((sum, group) => sum + group.scenes.length, 0));
  });

  test('the choice covers every place, kind, answer to a duplicate, version and state of the target', () => {
    const values = (of: (cell: Cell) => string | null) => new Set(cells.map(of).filter((value) => value !== null));
    expect(values((cell) => cell.group.strike.at)).toEqual(new Set(STRIKES.map((strike) => strike.at)));
    expect(values((cell) => cell.group.strike.kind)).toEqual(new Set(STRIKES.map((strike) => strike.kind)));
    expect(values((cell) => cell.group.answer)).toEqual(new Set(ANSWERS));
    expect(values((cell) => cell.scene)).toEqual(new Set(SCENE_NAMES));
    for (const effect of ['lost-before', 'lost-after'])
      for (const answer of ANSWERS)
        for (const scene of SCENE_NAMES)
          expect(
            cells.some(
              (cell) => effectOf(cell.group.strike) === effect && cell.group.answer === answer && cell.scene === scene,
            ),
            `${effect} ${answer} ${scene}`,
          ).toBe(true);
  });

  test('the full form has every place and kind of the simulator, and only collapses what cannot differ', () => {
    const collapsed = allGroups().filter((group) => group.answer === null);
    expect(collapsed.every((group) => ['held-back', 'kept'].includes(effectOf(group.strike)))).toBe(true);
    for (const strike of STRIKES)
      expect(allGroups().filter((group) => group.strike === strike).length).toBeGreaterThan(0);
    for (const group of allGroups()) expect(group.scenes).toEqual(SCENE_NAMES);
  });
});

describe('beside the matrix', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start();
  });
  afterAll(() => world.stop());

  test('while nothing is known the export is unclear, and says that nobody needs to act', async () => {
    const kvnr = await world.newInsured(1900, 'epa-as-1');
    await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 1, match: { kvnr } });
    const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    const unclear = await world.settled(accepted.id, new Set(['unclear', ...REST]));
    expect(unclear).toMatchObject({ status: 'unclear', reason: { code: 'WRITE_UNANSWERED', who: 'none' } });
    expect(await world.settled(accepted.id, REST)).toMatchObject({ status: 'written' });
  });

  test('a document of someone else with the same bytes is no proof: a first try refused as duplicate is refused', async () => {
    const kvnr = await world.newInsured(1950, 'epa-as-1');
    const document = demoDocument(kvnr, 1, new Date());
    expect(await world.write(exportBody(kvnr, document, { series: 'one' }))).toMatchObject({ status: 'written' });
    const second = await world.write(exportBody(kvnr, document, { series: 'two' }));
    expect(second).toMatchObject({ status: 'refused', reason: { code: 'DOCUMENT_DUPLICATE', who: 'backend' } });
    expect(await world.documents(kvnr)).toHaveLength(1);
  });
});
