// npm run outage: alternating rounds, undisturbed and with one record system ill, medians, and the ratio of the other one's
// throughput. Exit code 1 where a ratio is below 0.95 or those of the ill one took longer than 60 s once it was well again.
import '../../wire/tls.ts';
import { parseArgs } from 'node:util';
import { TestWorld } from '../support/world.ts';
import { OUTAGES, type Outage, OutageStory, type Round } from './outage.ts';

const LEAST_RATIO = 0.95;
const LONGEST_RECOVERY_S = 60;

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      exports: { type: 'string', default: '200' },
      waiting: { type: 'string', default: '50' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true, default: Object.keys(OUTAGES) },
      json: { type: 'boolean', default: false },
    },
  });
  const [exports, waiting, rounds] = [Number(values.exports), Number(values.waiting), Number(values.rounds)];
  const world = await TestWorld.start({
    settings: (s) => ({ ...s, limits: { requestsPerSecond: 100_000 } }),
  });
  const figures: object[] = [];
  let failed = 0;
  try {
    const story = new OutageStory(world);
    await story.begin({ well: Math.ceil(exports / 2), ill: Math.ceil(waiting / 2) });
    // The first round pays for code that is not warm yet.
    await story.round({ outage: null, exports, waiting: 0 });
    for (const outage of values.only as Outage[]) {
      const undisturbed: Round[] = [];
      const ill: Round[] = [];
      for (let n = 0; n < rounds; n++) {
        undisturbed.push(await story.round({ outage: null, exports, waiting: 0 }));
        ill.push(await story.round({ outage, exports, waiting }));
        process.stderr.write(`${outage}, round ${n + 1} of ${rounds} …\n`);
      }
      const perSecond = median(ill.map((one) => one.perSecond));
      const alone = median(undisturbed.map((one) => one.perSecond));
      const recoverySeconds = Math.max(...ill.map((one) => one.recoverySeconds ?? 0));
      const ratio = perSecond / alone;
      const good = ratio >= LEAST_RATIO && recoverySeconds <= LONGEST_RECOVERY_S;
      failed += good ? 0 : 1;
      figures.push({ outage, exports, waiting, rounds, alone, perSecond, ratio, recoverySeconds, good });
      if (!values.json)
        process.stdout.write(
          `one record system ${outage}: the other ${perSecond.toFixed(1)}/s, undisturbed ${alone.toFixed(1)}/s, ` +
            `ratio ${ratio.toFixed(3)}; ${waiting} waiting written ${recoverySeconds.toFixed(1)} s after${good ? '' : ' — TOO LOW'}\n`,
        );
    }
  } finally {
    await world.stop();
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ figures })}\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
