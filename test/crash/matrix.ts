// The crash matrix (EXP-03 to EXP-08, D1, D9, D22): a load of exports with `queue: all`, SIGKILL at a named checkpoint, a new
// process over the same data, clients that repeat what was not answered; then the record is compared, version by version.
// One seed is one simulator and one data directory that lives through every point, one after another.
import { createHash } from 'node:crypto';
import type { Simulator } from '../../connector-sim/main.ts';
import { demoDocument } from '../../demo/document.ts';
import type { PostgresSettings } from '../../gateway/config.ts';
import type { CheckpointName } from '../../gateway/exports/checkpoints.ts';
import { STAGED_FROM_BYTES } from '../../gateway/exports/staging.ts';
import { startCountedSimulator } from '../support/counted-simulator.ts';
import { type ExportView, exportBody, inventedKvnr } from '../support/world.ts';
import { auditFaults } from './audit.ts';
import { eventFaults, eventsOf, judge, type Posted, type Written } from './judge.ts';
import { KEYS, MortalGateway } from './mortal-gateway.ts';

/**
 * How often a point is passed during one load: once per export, once per turn of the worker, once per step of a key rotation
 * (begin, wrap anew, end), or once; in a start, in one with a new master key, or in one that finds the store of an older gateway.
 */
type Passed = 'per-export' | 'per-turn' | 'per-step' | 'once' | 'at-start' | 'at-rekey' | 'at-migration';

/** Every checkpoint there is; the type checker asks for a new one here. */
export const POINTS: Readonly<Record<CheckpointName, Passed>> = {
  'stage.chunk': 'per-export',
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
  'rotate.before': 'per-step',
  'rotate.committing': 'per-step',
  'rotate.committed': 'per-step',
  'migrate.before': 'at-migration',
  'migrate.committing': 'at-migration',
  'migrate.committed': 'at-migration',
  'rekey.before': 'at-rekey',
  'rekey.committing': 'at-rekey',
  'rekey.committed': 'at-rekey',
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

type Crash = { sim: Simulator; gateway: MortalGateway; seed: number; load: Load; point: CheckpointName; index: number };

/** Kills once (at points of a start: twice) per point, in order, on one data directory and one store. */
export async function* crashLane(
  seed: number,
  load: Load,
  o: { points?: readonly CheckpointName[]; postgres?: PostgresSettings | undefined } = {},
): AsyncGenerator<Cell> {
  const { points = POINT_NAMES, postgres } = o;
  const sim = await startCountedSimulator({ seed, pinEntryMs: 0 });
  const gateway = new MortalGateway({ ...sim.settings(), ...(postgres !== undefined && { store: { postgres } }) });
  try {
    gateway.start();
    for (const [index, point] of points.entries()) yield await crashAt({ sim, gateway, seed, load, point, index });
  } finally {
    await gateway.end();
    await sim.stop();
  }
}

async function crashAt(o: Crash): Promise<Cell> {
  const { sim, gateway, seed, point } = o;
  const atRekey = POINTS[point] === 'at-rekey';
  const atMigration = POINTS[point] === 'at-migration';
  const atStart = POINTS[point].startsWith('at-');
  await gateway.door;
  const first = { point: atStart ? BEFORE_START : point, time: timeOf(o) };
  await gateway.arm(first);
  const insured = await Promise.all(Array.from({ length: o.load.series }, (_, n) => newInsured(o, n)));
  if (point.startsWith('refused.'))
    sim.faults.add({ at: 'xds.iti41', kind: 'registry-error', times: 1, params: { code: 'NotEntitled' } });

  let kills = 0;
  let over = false;
  const { reached } = gateway;
  const killing = (async () => {
    await reached;
    if (over) return;
    kills++;
    await gateway.kill();
    if (atRekey) gateway.newMasterKey();
    if (atMigration) await gateway.lowerSchema();
    gateway.start(atStart ? { point, time: 1 } : undefined);
    if (!atStart) return;
    await gateway.reached;
    kills++;
    await gateway.kill();
    gateway.start();
  })();
  const accepted = Promise.withResolvers<void>();
  const rotating = point.startsWith('rotate.') ? accepted.promise.then(() => rotateKeys(gateway)) : undefined;
  const posted = (await Promise.all(insured.map((kvnr) => postAll(gateway, o, kvnr, accepted.resolve)))).flat();
  await Promise.all([rotating, ...posted.map((one) => atRest(gateway, one.id))]);
  // Erased pages go when nothing more is to be done; every other point has been passed by now, or never will be.
  if (!point.startsWith('pages.')) await Promise.race([gateway.arm({ ...first, time: 1e9 }), reached]);
  over = kills === 0 && !point.startsWith('pages.') && !(await settledNow(reached));
  if (!over) await killing;

  const faults = kills === (atStart ? 2 : 1) ? [] : [`killed ${kills} times`];
  const keys = await gateway.call<KeysView>('GET', '/admin/v1/keys');
  if (keys.body.rotation?.running === true || keys.body.digas.some((diga) => diga.older.length > 0))
    faults.push('an old key is still held');
  const written: Written[] = [];
  for (const one of posted) {
    const again = await post(gateway, one);
    if (again.id !== one.id) faults.push(`version ${one.version}: its Idempotency-Key names another export now`);
    written.push({ ...one, view: await atRest(gateway, one.id) });
  }
  const repeated = posted.reduce((sum, one) => sum + one.repeats, 0);
  const cell: Cell = { point, seed, kills, accepted: 0, repeated, written: 0, lost: 0, doubled: 0, faults };
  const told = await eventsOf((path) => gateway.call('GET', path));
  for (const one of written) faults.push(...eventFaults(told, one));
  faults.push(...(await auditFaults(gateway, [...new Set(written.map((one) => one.id))])));
  for (const kvnr of insured)
    await judge(
      sim,
      written.filter((one) => one.kvnr === kvnr),
      cell,
    );
  return cell;
}

const settledNow = (promise: Promise<void>) => Promise.race([promise.then(() => true), Promise.resolve(false)]);

/** At which passing of the point the process dies: the seed decides. */
function timeOf({ seed, point, load }: Crash): number {
  const passes = { 'per-export': load.series * load.versions, 'per-turn': load.versions, 'per-step': 3, once: 1 };
  const passed = POINTS[point].startsWith('at-') ? POINTS[BEFORE_START] : POINTS[point];
  const chance = createHash('sha256').update(`${seed}/${point}`).digest().readUInt32BE(0);
  return passed in passes ? 1 + (chance % passes[passed as keyof typeof passes]) : 1;
}

async function newInsured({ sim, seed, load, index }: Crash, n: number): Promise<string> {
  const kvnr = inventedKvnr(5000 + index * load.series + n);
  const recordSystem = (index + seed) % 2 === 0 ? 'epa-as-1' : 'epa-as-2';
  const answer = await fetch(`${sim.ready.control}/sim/records/${kvnr}`, {
    method: 'PUT',
    // A connection kept from before may be closed by the other side just as it is used again.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ recordSystem, status: 'ACTIVATED', entitled: [sim.ready.telematikId] }),
  });
  if (!answer.ok) throw new Error(`a new insured was refused: ${answer.status}`);
  return kvnr;
}

type KeysView = { digas: { older: number[] }[]; rotation: { running: boolean } | null };

/** New keys in the middle of the load; resolves when the old ones are gone. What was begun before a crash goes on by itself. */
async function rotateKeys(gateway: MortalGateway): Promise<void> {
  const { status } = await gateway.call('POST', '/admin/v1/keys/rotate');
  if (status !== 202 && status !== 409) throw new Error(`POST /admin/v1/keys/rotate answered ${status}`);
  for (;;) {
    const change = gateway.change(KEYS);
    const { body } = await gateway.call<KeysView>('GET', '/admin/v1/keys');
    if (body.rotation?.running !== true) return;
    await change;
  }
}

/** One client: every version of one series, each as soon as the one before is accepted. */
async function postAll(
  gateway: MortalGateway,
  { load, point }: Crash,
  kvnr: string,
  accepted: () => void,
): Promise<Posted[]> {
  // White space behind its end makes a document that is staged.
  const padding = point === 'stage.chunk' ? STAGED_FROM_BYTES : 0;
  const posted: Posted[] = [];
  for (let version = 1; version <= load.versions; version++) {
    const document = Buffer.concat([demoDocument(kvnr, version, new Date()), Buffer.alloc(padding, '\n')]);
    const body = exportBody(kvnr, document, { queue: 'all' });
    const sha256 = createHash('sha256').update(document).digest('hex');
    const one = { kvnr, version, key: `${kvnr}-${version}`, body, sha256 };
    posted.push({ ...one, ...(await post(gateway, one)) });
    accepted();
  }
  return posted;
}

async function post(
  gateway: MortalGateway,
  o: { key: string; body: object },
): Promise<{ id: string; repeats: number }> {
  const answer = await gateway.call<ExportView>('POST', '/v1/exports', o.body, { 'idempotency-key': o.key });
  if (answer.status !== 202) throw new Error(`POST /v1/exports answered ${answer.status}`);
  return { id: answer.body.id, repeats: answer.repeats };
}

const FINAL = new Set(['written', 'unchanged', 'superseded', 'refused', 'failed', 'cancelled']);

/** The export once it has its end, or waits for a person. */
async function atRest(gateway: MortalGateway, id: string): Promise<ExportView> {
  for (;;) {
    const change = gateway.change(id);
    const { body: view } = await gateway.call<ExportView>('GET', `/v1/exports/${id}`);
    if (FINAL.has(view.status) || ['insured', 'operator', 'backend'].includes(view.reason?.who ?? '')) return view;
    await change;
  }
}

const COLUMNS = ['killed', 'accepted', 'repeated', 'written', 'lost', 'doubled', 'faults'] as const;

/** The table, one row per point over all its seeds, and the totals. */
export function crashTable(cells: readonly Cell[]): string {
  const count = (some: readonly Cell[]) => {
    const sum = (of: (cell: Cell) => number) => some.reduce((total, cell) => total + of(cell), 0);
    return [
      sum((c) => c.kills),
      sum((c) => c.accepted),
      sum((c) => c.repeated),
      sum((c) => c.written),
      sum((c) => c.lost),
      sum((c) => c.doubled),
      sum((c) => c.faults.length),
    ];
  };
  const row = (name: string, seeds: string, values: readonly (string | number)[]) =>
    `${name.padEnd(20)} ${seeds.padStart(5)}${values.map((value) => String(value).padStart(9)).join('')}\n`;
  const rows = POINT_NAMES.filter((point) => cells.some((cell) => cell.point === point)).map((point) => {
    const some = cells.filter((cell) => cell.point === point);
    return row(point, String(some.length), count(some));
  });
  const seeds = new Set(cells.map((cell) => cell.seed)).size;
  return [row('point', 'seeds', COLUMNS), ...rows, row('all', String(seeds), count(cells))].join('');
}
