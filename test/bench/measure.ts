// How the benchmark measures: what is compared runs in turn, so that a busy machine is busy for both; medians; peaks of memory
// by the operating system, each in a process of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** A round of something quick is repeated until it has taken this long. */
const ROUND_MS = 200;

/** Before that it runs this long uncounted, so that what is measured is compiled. */
const WARM_MS = 1500;

/** Seconds that one run of each takes, as the median of `rounds`, once warm. */
export function alternately<Name extends string>(
  things: Readonly<Record<Name, () => unknown>>,
  rounds: number,
): Record<Name, number> {
  const names = Object.keys(things) as Name[];
  const times = new Map<Name, number>(names.map((name) => [name, warmed(things[name])]));
  const seen = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) seen.get(name)?.push(secondsOf(things[name], times.get(name) ?? 1));
  }
  return Object.fromEntries(names.map((name) => [name, median(seen.get(name) ?? [])])) as Record<Name, number>;
}

/** Seconds that one run takes, once warm. */
export function secondsOnce(run: () => unknown): number {
  return secondsOf(run, warmed(run));
}

/** How many runs fill a round. */
function warmed(run: () => unknown): number {
  let once = secondsOf(run, 1);
  const end = performance.now() + WARM_MS;
  while (performance.now() < end) once = secondsOf(run, 1);
  return Math.max(1, Math.ceil(ROUND_MS / 1000 / Math.max(once, 1e-6)));
}

function secondsOf(run: () => unknown, times: number): number {
  // What another one left behind is collected in a run that does not count, not in the time of this one.
  run();
  const start = performance.now();
  for (let time = 0; time < times; time += 1) run();
  return (performance.now() - start) / 1000 / times;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** `share` of all values are not greater; NaN when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Three figures are more than such a measurement is worth. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** What a process of `script` says of one task with a file: one number. `compiled`: where Node keeps what it has compiled. */
async function figureOf(script: string, [task, file]: Task, compiled: string): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), task, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  const [said, code] = await Promise.all([text(child.stdout), new Promise((done) => child.once('exit', done))]);
  const figure = Number(said);
  if (code !== 0 || !(figure > 0)) throw new Error(`${task} ended with ${code} and told no figure`);
  return figure;
}

type Task = readonly [task: string, file: string];

/**
 * The median of `rounds` processes each, in turn: of memory-child.ts the most memory that a process had, in MB of 1,000,000 bytes
 * (Linux: VmHWM), of speed-child.ts the seconds of one run. `first`: one of each before does not count, as taking the types out of
 * our sources costs Node 30 MB in any process that starts with TypeScript, and the others find them as JavaScript.
 */
export async function inProcesses(
  script: 'memory-child.ts' | 'speed-child.ts',
  things: readonly Task[],
  { rounds, first = false }: { rounds: number; first?: boolean },
): Promise<number[]> {
  const seen: number[][] = things.map(() => []);
  const compiled = mkdtempSync(join(tmpdir(), 'epa-bench-compiled-'));
  try {
    for (let round = first ? -1 : 0; round < rounds; round += 1) {
      for (const [index, thing] of things.entries()) {
        const figure = await figureOf(script, thing, compiled);
        if (round >= 0) seen[index]?.push(figure);
      }
    }
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
  return seen.map(median);
}
