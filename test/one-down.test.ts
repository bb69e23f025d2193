// One record system hangs, answers 500 or is gone: exports to the other one are all written meanwhile, also of insured that
// were never located before, and those of the ill one as soon as it is well again, without a restart. How fast: npm run outage.
import { afterEach, describe, expect, test } from 'vitest';
import { ILL, OUTAGES, type Outage, OutageStory } from './outage/outage.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { TestWorld } from './support/world.ts';

type StateOf = { id: string; state: string; location: string; code: string | null; sessions: object[] };

let world: TestWorld;
afterEach(() => world.stop());

describe.each(Object.keys(OUTAGES) as Outage[])('one record system %s', (outage) => {
  test('the other one is not held up, and nothing waits for a restart', { timeout: 120_000 }, async () => {
    let clock: SimulatedClock | undefined;
    world = await TestWorld.start({
      settings: (s) => ({ ...s, limits: { requestsPerSecond: 10_000 } }),
      dependencies: (sim) => {
        clock = new SimulatedClock(sim.world);
        return { now: clock.now, timer: clock.timer };
      },
    });
    const story = new OutageStory(world);
    await story.begin({ well: 10, ill: 5 });
    const states = async () =>
      ((await world.call('GET', '/admin/v1/record-systems', { admin: true })).json() as { recordSystems: StateOf[] })
        .recordSystems;
    expect(await states()).toMatchObject([
      { id: ILL, state: 'ok', location: 'ok', code: null, sessions: [{ diga: 'demo', users: 0, large: false }] },
      { id: 'epa-as-2', state: 'ok', location: 'ok' },
    ]);
    const round = await story.round({ outage, exports: 40, waiting: 10 }, () =>
      // The next probe is due: half a minute at the latest.
      clock?.advanceTo(clock.now() + 30_000),
    );
    process.stdout.write(
      `${outage}: the other ${round.perSecond.toFixed(1)}/s, the waiting ones written after ${round.recoverySeconds?.toFixed(1)} s\n`,
    );
    expect((await states()).map(({ state, location }) => [state, location])).toEqual([
      ['ok', 'ok'],
      ['ok', 'ok'],
    ]);
  });
});
