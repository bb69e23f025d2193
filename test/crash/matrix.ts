// The crash matrix (EXP-03 to EXP-08, D1, D9, D22): a load of exports with `queue: all`, SIGKILL at a named checkpoint, a new
// process over the same data, clients that repeat what was not answered; then the record is compared, version by version.
// One seed is one simulator and one data directory that lives through every point, one after another.
import { createHash } from 'node:crypto';
import { type Simulator, startSimulator } from '../../connector-sim/main.ts';
import { demoDocument } from '../../demo/document.ts';
import type { CheckpointName } from '../../gateway/exports/checkpoints.ts';
import { type ExportView, exportBody, inventedKvnr, type StoredDocument } from '../support/world.ts';
import { MortalGateway } from './mortal-gateway.ts';

/** How often a point is passed during one load: once per export, once per turn of the worker, or once. */
type Passed = 'per-export' | 'per-turn' | 'once' | 'at-start';

/** Every checkpoint there is; the type checker asks for a new one here. */
export const POINTS: Readonly<Record<CheckpointName, Passed>> = {
  'accept.before': 'per-export',
  'accept.committing': 'per-export',
  'accept.committed': 'per-export',
  'accept.answering': 'per-export',
  'claim.before': 'per-turn',
  'claim.committing': 'per-turn',
  'claim.committed': 'per-turn',
  'sent.before': 'per-export',
  'sent.committing': 'per-export',
  'sent.committed': 'per-export',
  'write.content': 'per-export',
  'write.left': 'per-export',
  'write.answered': 'per-export',
  'refused.before': 'once',
  'refused.committing': 'once',
  'refused.committed': 'once',
  'settle.before': 'per-export',
  'settle.committing': 'per-export',
  'settle.committed': 'per-export',
  'erase.before': 'per-export',
  'erase.after': 'per-export',
  'pages.before': 'once',
  'pages.after': 'once',
  'start.store': 'at-start',
  'start.keys': 'at-start',
  'recover.before': 'at-start',
  'recover.committing': 'at-start',
  'recover.committed': 'at-start',
};
export const POINT_NAMES = Object.keys(POINTS) as CheckpointName[];
/** Where the process dies first whose successor then dies in its start: with a document on the wire. */
const BEFORE_START: CheckpointName = 'write.left';

export type Load = { series: number; versions: number };
/** What one kill at one point did; `faults` says in words what is not as it must be. */
export type Cell = {
  point: CheckpointName;
  seed: number;
  kills: number;
  accepted: number;
  repeated: number;
  written: number;
  lost: number;
  doubled: number;
  faults: string[];
};

type Posted = { kvnr: string; version: number; id: string; sha256: string; repeats: number };

/** Kills once (at points of a start: twice) per point, in order, on one data directory. */
export async function* crashLane(seed: number, load: Load, points = POINT_NAMES): AsyncGenerator<Cell> {
  const sim = await startSimulator({ seed, pinEntryMs: 0 });
  const gateway = new MortalGateway(sim.settings());
  try {
    gateway.start();
    for (const [index, point] of points.entries())
      yield await crashAt({ sim, gateway, seed, load, point, index: index * load.series });
  } finally {
    await gateway.end();
    await sim.stop();
  }
}

type Crash = { sim: Simulator; gateway: MortalGateway; seed: number; load: Load; point: CheckpointName; index: number };

async function crashAt(o: Crash): Promise<Cell> {
  const { sim, gateway, seed, point } = o;
  await gateway.door;
  const atStart = POINTS[point] === 'at-start';
  const first = atStart ? BEFORE_START : point;
  await gateway.arm({ point: first, time: timeOf(seed, point, first, o.load) });
  const insured = await Promise.all(Array.from({ length: o.load.series }, (_, n) => newInsured(o, n)));
  if (POINTS[point] === 'once' && point.startsWith('refused'))
    sim.faults.add({ at: 'xds.iti41', kind: 'registry-error', times: 1, params: { code: 'NotEntitled' } });

  let kills = 0;
  const killed = async () => {
    await gateway.reached;
    kills++;
    await gateway.kill();
    gateway.start(atStart ? { point, time: 1 } : undefined);
    if (!atStart) return;
    await gateway.reached;
    kills++;
    await gateway.kill();
    gateway.start();
  };
  const loaded = Promise.all(insured.map((kvnr) => postAll(gateway, o, kvnr))).then(async (posted) => {
    const resting = await Promise.all(posted.flat().map(async (one) => ({ ...one, view: await atRest(gateway, one.id) })));
    return resting;
  });
  // A point behind the last receipt is reached after the load has come to rest.
  await Promise.all([killed(), loaded]);
  const { views, repeated } = await lookAgain(gateway, await loaded);
  return { ...(await judge(sim, insured, views)), point, seed, kills, repeated };
}
