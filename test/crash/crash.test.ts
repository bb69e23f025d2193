// The crash matrix in its reduced form (EXP-03 to EXP-08, D1, D9, D22): every checkpoint, few exports, the points
// dealt out to two seeds. In full, every seed at every point: npm run crash.
import { afterAll, expect, inject, test } from 'vitest';
import { dropStore } from '../support/schemas-of-tests.ts';
import { newSchema } from '../support/stores.ts';
import { type Cell, crashLane, crashTable, POINT_NAMES } from './matrix.ts';

const cells: Cell[] = [];
afterAll(() => {
  process.stdout.write(`\n${crashTable(cells)}`);
});

test.concurrent.each([1, 2])(
  'seed %i: killed at every second checkpoint, nothing is lost and nothing is written twice (EXP-03, EXP-05, EXP-06, SEC-09)',
  async (seed) => {
    const load = { series: 2, versions: 2 };
    const points = POINT_NAMES.filter((_, index) => index % 2 === seed - 1);
    // Where there is a PostgreSQL the second seed lives there.
    const postgres = inject('postgresUrl') === undefined ? undefined : newSchema();
    const lane: Cell[] = [];
    for await (const cell of crashLane(seed, load, { points, postgres: seed === 2 ? postgres : undefined })) {
      lane.push(cell);
      cells.push(cell);
    }
    expect(lane.filter((cell) => cell.faults.length > 0)).toEqual([]);
    expect(lane.map((cell) => cell.point)).toEqual(points);
    const whole = { accepted: 4, written: 4, lost: 0, doubled: 0 };
    for (const cell of lane) expect(cell).toMatchObject(whole);
    if (postgres !== undefined) await dropStore(postgres);
  },
  480_000,
);
