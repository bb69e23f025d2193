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
  const times = new Map<Name, number>();
  for (const name of names) {
    let once = secondsOf(things[name], 1);
    const end = performance.now() + WARM_MS;
    while (performance.now() < end) once = secondsOf(things[name], 1);
    times.set(name, Math.max(1, Math.ceil(ROUND_MS / 1000 / Math.max(once, 1e-6))));
  }
  const seen = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) seen.get(name)?.push(secondsOf(things[name], times.get(name) ?? 1));
  }
  return Object.fromEntries(names.map((name) => [name, median(seen.get(name) ?? [])])) as Record<Name, number>;
}

function secondsOf(run: () => unknown, times: number): number {
  // What the other left behind is collected in a run that does not count, not in the time of this one.
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

/**
 * The most memory that a process had which did this one thing, in MB of 1,000,000 bytes (Linux: VmHWM). `compiled` is a
 * folder where Node keeps what it has compiled.
 */
async function peakMegabytes(task: string, file: string, compiled: string): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'memory-child.ts'), task, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  const [said, code] = await Promise.all([text(child.stdout), new Promise((done) => child.once('exit', done))]);
  const peak = Number(said);
  if (code !== 0 || !(peak > 0)) throw new Error(`${task} ended with ${code} and said nothing of its memory`);
  return peak;
}

/**
 * The median of `rounds` processes each, in turn. One of each before does not count: taking the types out of our sources costs Node
 * 30 MB in any process that starts with TypeScript, whatever it does then, and the others find them as JavaScript.
 */
export async function peaksAlternately(
  things: readonly (readonly [task: string, file: string])[],
  rounds: number,
): Promise<number[]> {
  const seen: number[][] = things.map(() => []);
  const compiled = mkdtempSync(join(tmpdir(), 'epa-bench-compiled-'));
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, [task, file]] of things.entries()) {
        const peak = await peakMegabytes(task, file, compiled);
        if (round > 0) seen[index]?.push(peak);
      }
    }
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
  return seen.map(median);
}
