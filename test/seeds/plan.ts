// Which tests run under which seed and at which vendors: pure, so that the suite can look at it. Files are found by what they
// import, so none is forgotten when a new one starts a simulator.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { VENDOR_NAMES } from '../../connector-sim/tables/vendors.ts';

/** `ibm+rise`: whose epa-as-1 and epa-as-2 are. */
export type Pair = string;
export type Run = { seed: number; pair: Pair };
export type Done = Run & {
  passed: number;
  failed: string[];
  seconds: number;
  slowest?: [file: string, seconds: number][];
};

export const PAIRS: readonly Pair[] = VENDOR_NAMES.flatMap((one) => VENDOR_NAMES.map((two) => `${one}+${two}`));

/** The places that start a simulator under the seed of the run (EPA_SIM_SEED, EPA_SIM_VENDORS). */
const STARTS = 'test/support/counted-simulator.ts';
/** Tests of one seed by their nature: of the seeds themselves, and of programs with an environment of their own. */
const LEFT_OUT = /^test\/(seeds\/|docs\.test)/;

/** Test files that start a simulator, by themselves or through what they import; paths from the root. */
export function systemTests(root: string): string[] {
  const reaches = new Map<string, boolean>();
  const reachesStart = (file: string): boolean => {
    if (file === STARTS) return true;
    const known = reaches.get(file);
    if (known !== undefined) return known;
    reaches.set(file, false); // until all it imports is known, so that a circle ends
    const found = importsOf(root, file).some(reachesStart);
    reaches.set(file, found);
    return found;
  };
  return globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => !LEFT_OUT.test(file) && reachesStart(file))
    .sort();
}

function importsOf(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'/gm)]
    .map((match) => relative(root, resolve(root, dirname(file), match[1] ?? '')))
    .filter((to) => to.startsWith('test/') && to.endsWith('.ts') && existsSync(join(root, to)));
}

/** One run per seed, the pairs in turn; or with `vendors` each seed at each of these pairs. RangeError for an unknown pair. */
export function runsOf(o: { from: number; to: number; vendors?: string | undefined }): Run[] {
  const seeds = Array.from({ length: Math.max(0, o.to - o.from + 1) }, (_none, index) => o.from + index);
  if (o.vendors === undefined) return seeds.map((seed) => ({ seed, pair: PAIRS[seed % PAIRS.length] ?? '' }));
  const pairs = o.vendors === 'all' ? PAIRS : o.vendors.split(',');
  const unknown = pairs.filter((pair) => !PAIRS.includes(pair));
  if (unknown.length > 0) throw new RangeError(`${unknown.join(', ')}: not one of ${PAIRS.join(', ')}, all`);
  return seeds.flatMap((seed) => pairs.map((pair) => ({ seed, pair })));
}

/** What a run before has written, a line of JSON for each; a line that was cut off while it was written does not count. */
export function readDone(text: string): Done[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Done];
    } catch {
      return [];
    }
  });
}

export const isSame = (one: Run, other: Run): boolean => one.seed === other.seed && one.pair === other.pair;

export function lineOf({ seed, pair, passed, failed, seconds }: Done): string {
  const names = failed.map((name) => `\n  FAILED  ${name}`).join('');
  return `seed ${seed}  ${pair}  ${passed} passed, ${failed.length} failed, ${Math.round(seconds)} s${names}\n`;
}
