// The crash matrix in its reduced form (EXP-03 to EXP-08, D1, D9, D22): every checkpoint, few exports, the points
// dealt out to two seeds; to the seeds of npm run seeds an eighth each. In full, every seed at every point: npm run crash.
import { afterAll, expect, inject, test } from 'vitest';
import { dropStore } from '../support/schemas-of-tests.ts';
import { newSchema } from '../support/stores.ts';
import { type Cell, crashLane, crashTable, POINT_NAMES } from './matrix.ts';

/** The seed of npm run seeds, in the place of the two. */
const ofThisRun = Number(process.env.EPA_SIM_SEED ?? Number.NaN);
const dealt = Number.isNaN(ofThisRun) ? { seeds: [1, 2], shares: 2 } : { seeds: [ofThisRun], shares: 8 };

const cells: Cell[] = [];
afterAll(() => {
  process.stdout.write(`\n${crashTable(cells)}`);
});

test.concurrent.each(dealt.seeds)(
  'seed %i: killed at its share of the checkpoints, nothing is lost and nothing is written twice (EXP-03, EXP-05, EXP-06, SEC-09)',
  async (seed) => {
    const load = { series: 2, versions: 2 };
    const points = POINT_NAMES.filter((_, index) => index % dealt.shares === (seed - 1) % dealt.shares);
    // Where there is a PostgreSQL every second round of shares lives there.
    const onPostgres = Math.floor(seed / dealt.shares) % 2 === 1;
    const postgres = inject('postgresUrl') === undefined ? undefined : newSchema();
    const lane: Cell[] = [];
    for await (const cell of crashLane(seed, load, { points, postgres: onPostgres ? postgres : undefined })) {
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
