// npm run seeds: every test that starts a simulator, under other seeds and at other vendors than the suite's. What a seed
// decides is what specifications leave open, so a test that fails under one has found a client that guesses.
//   --from 1 --to 50    the seeds
//   --vendors all       each seed at all four pairs (or a list: ibm+ibm,rise+ibm); without it one pair per seed, in turn
//   --done FILE         what is done, a line each: a run that was stopped goes on there
//   --workers N         so many files at once; without it one more than processors, since many wait
//   FILE…               only these test files
import '../../wire/tls.ts';
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, setPriority, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Done, isSame, lineOf, type Run, readDone, runsOf, systemTests } from './plan.ts';

type Report = {
  numPassedTests: number;
  testResults: {
    name: string;
    status: string;
    startTime: number;
    endTime: number;
    assertionResults: { status: string; fullName: string }[];
  }[];
};

/** Files named in what is done: where the time of a seed goes. */
const SLOWEST = 12;
const root = resolve(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '50' },
    vendors: { type: 'string' },
    done: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism() + 1) },
  },
});
const files = positionals.length > 0 ? positionals : systemTests(root);
const runs = runsOf({ from: Number(values.from), to: Number(values.to), vendors: values.vendors });
const done = values.done !== undefined && existsSync(values.done) ? readDone(readFileSync(values.done, 'utf8')) : [];
// Done before by another list of files or not: whoever changes the list begins a new file.
const left = runs.filter((run) => !done.some((one) => isSame(one, run)));
process.stdout.write(`${files.length} files, ${runs.length} runs, ${left.length} of them to do\n`);

for (const run of left) {
  const ended = await play(run);
  done.push(ended);
  process.stdout.write(lineOf(ended));
  if (values.done !== undefined) appendFileSync(values.done, `${JSON.stringify(ended)}\n`);
}
const bad = done.filter((one) => runs.some((run) => isSame(one, run)) && one.failed.length > 0);
process.stdout.write(`${runs.length} runs, ${bad.length} with failures\n`);
process.exit(bad.length > 0 ? 1 : 0);

async function play(run: Run): Promise<Done> {
  const folder = mkdtempSync(join(tmpdir(), 'epa-seeds-'));
  const report = join(folder, 'report.json');
  const began = performance.now();
  const vitest = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project=suite',
      // At a low priority everything takes longer; no test measures time.
      '--testTimeout=180000',
      '--hookTimeout=360000',
      '--reporter=json',
      `--maxWorkers=${values.workers}`,
      `--outputFile.json=${report}`,
      ...files,
    ],
    {
      cwd: root,
      stdio: 'ignore',
      env: { ...process.env, EPA_SIM_SEED: String(run.seed), EPA_SIM_VENDORS: run.pair },
    },
  );
  // Hours in the background: whoever works beside it comes first.
  if (vitest.pid !== undefined) setPriority(vitest.pid, 10);
  const code = await new Promise<number | null>((ended) => vitest.on('exit', ended));
  const read = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report) : undefined;
  rmSync(folder, { recursive: true, force: true });
  const results = read?.testResults ?? [];
  const failed = results.flatMap((file) => {
    const names = file.assertionResults.filter((test) => test.status === 'failed').map((test) => test.fullName);
    // A file that failed outside of its tests (a hook, an import) names none.
    return names.length === 0 && file.status === 'failed' ? [`${file.name} (outside its tests)`] : names;
  });
  if (failed.length === 0 && code !== 0) failed.push(`vitest ended with ${code} and names no test`);
  const slowest = results
    .map(({ name, startTime, endTime }): [string, number] => [
      relative(root, name),
      Math.round((endTime - startTime) / 1000),
    ])
    .sort(([, a], [, b]) => b - a)
    .slice(0, SLOWEST);
  return { ...run, passed: read?.numPassedTests ?? 0, failed, seconds: (performance.now() - began) / 1000, slowest };
}
