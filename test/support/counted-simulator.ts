// A simulator on whose record systems only gateways call: what these have seen is written down at its end, for the sum over
// the whole suite (EXP-01). Tests with clients of their own start theirs without this, so hostile calls are never counted.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../connector-sim/main.ts';
import { RECORD_SYSTEMS } from '../../connector-sim/records.ts';

/** As startSimulator. Without test/run.ts around it nothing is written down. */
export async function startCountedSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const sim = await startSimulator(options);
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
