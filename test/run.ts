// npm test: the whole suite, offline, on the pinned Node. Prints vitest's own report, what was skipped and why, what the
// record systems saw of gateways (EXP-01), and one plain closing line. Arguments are handed to vitest (a file name narrows the run).
import '../wire/tls.ts';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { hasPostgres } from './support/postgres-server.ts';
import { sumOperations } from './support/seen-operations.ts';

type Report = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numFailedTestSuites: number;
  success: boolean;
  testResults: { assertionResults: { status: string; fullName: string; ancestorTitles: string[] }[] }[];
};

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'epa-test-'));
const output = join(folder, 'report.json');
const tally = join(folder, 'operations.jsonl');
writeFileSync(tally, '');
const vitest = spawn(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${output}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, EPA_SIM_OPERATIONS: tally } },
);

vitest.on('exit', (code) => {
  let report: Report | undefined;
  try {
    report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  } catch {
    process.stdout.write('vitest wrote no report\n');
  }
  const whole = process.argv.length === 2;
  const seen = sumOperations(readFileSync(tally, 'utf8'), whole);
  rmSync(folder, { recursive: true, force: true });
  if (report === undefined) process.exit(code === 0 ? 1 : (code ?? 1));
  const skipped = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter((test) => test.status === 'pending' || test.status === 'skipped');
  for (const group of new Set(skipped.map((test) => test.ancestorTitles[0] ?? test.fullName))) {
    process.stdout.write(`skipped: ${group}\n`);
  }
  if (!hasPostgres())
    process.stdout.write('skipped: the store on PostgreSQL (EPA_TEST_POSTGRES names none, and none is installed)\n');
  if (whole || seen.simulators > 0) process.stdout.write(seen.table);
  for (const fault of seen.faults) process.stdout.write(`  NOT ALLOWED  ${fault}\n`);
  const unnamed = report.numFailedTests === 0 && code !== 0 ? 1 : 0;
  const failed = report.numFailedTests + unnamed + (seen.faults.length > 0 ? 1 : 0);
  process.stdout.write(`${report.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped\n`);
  process.exit(code === 0 && seen.faults.length > 0 ? 1 : (code ?? 1));
});
