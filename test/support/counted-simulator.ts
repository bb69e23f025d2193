// A simulator on whose record systems only gateways call: what these have seen is written down at its end, for the sum over
// the whole suite (EXP-01). Tests with clients of their own start theirs without this, so hostile calls are never counted.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../connector-sim/main.ts';
import { RECORD_SYSTEMS } from '../../connector-sim/records.ts';
import type { VendorChoice } from '../../connector-sim/world.ts';

/** What `npm run seeds` asks for in the place of a test's own seed, and of the default vendors (test/seeds/run.ts). */
function ofThisRun(): Pick<SimulatorOptions, 'seed' | 'recordSystems'> {
  const { EPA_SIM_SEED: seed = '', EPA_SIM_VENDORS: pair = '' } = process.env;
  const [one, two] = pair.split('+');
  return {
    ...(seed !== '' && { seed: Number(seed) }),
    ...(pair !== '' && { recordSystems: { 'epa-as-1': one, 'epa-as-2': two } as VendorChoice }),
  };
}

/** As startSimulator. Without test/run.ts around it nothing is written down. */
export async function startCountedSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { seed = options.seed, recordSystems } = ofThisRun();
  const sim = await startSimulator({ recordSystems, ...options, seed });
  const id = randomUUID();
  const by = /\btest\/(?!support\/)[\w/.-]+\.ts/.exec(new Error('here').stack ?? '')?.[0] ?? 'test';
  note({ by, started: id });
  let noted = false;
  return {
    ...sim,
    stop: async () => {
      await sim.stop();
      if (noted) return;
      noted = true;
      note({ by, ended: id, seen: Object.fromEntries(RECORD_SYSTEMS.map((one) => [one, sim.journal.seen(one)])) });
    },
  };
}

function note(line: object): void {
  const tally = process.env.EPA_SIM_OPERATIONS ?? '';
  if (tally !== '') appendFileSync(tally, `${JSON.stringify(line)}\n`);
}
