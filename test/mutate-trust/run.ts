// npm run mutate-trust: takes every trust check out of the code, one at a time, runs the tests, and prints which one noticed.
//   --only TEXT      only checks whose name, place or source contains TEXT (several times: any of them)
//   --jobs N         so many broken trees at once (1)
//   --judged FILE    writes each verdict there, and skips what it says was caught while the file broken was this one
//   --reach FAR      own: tests of the same file; importing: those that import it too; near: those beside too; way: those of the
//                    whole way too; all, which is the suite
//   --list           finds and names the checks, runs nothing
//   --print          writes the table of docs/mutate-trust.md
//   --json           one object per check instead of the table
import '../../wire/tls.ts';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { Judge, REACHES, type Reach } from './judge.ts';
import { openJudged } from './judged.ts';
import { printRows, type Row } from './print.ts';
import { listChecks } from './table.ts';
import { openWorkspace } from './workspace.ts';

/** With fewer, the finder has lost its way (issue 6). */
const LEAST = 30;

const { values: o } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '1' },
    judged: { type: 'string' },
    reach: { type: 'string', default: 'all' },
    list: { type: 'boolean', default: false },
    print: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const reach = REACHES.find((one) => one === o.reach);
if (reach === undefined) throw new Error(`--reach is one of ${REACHES.join(', ')}`);
const root = resolve(import.meta.dirname, '../..');
const { checks, stale } = listChecks(root);
const wanted = checks.filter((check) => {
  const text = `${check.check} ${check.where} ${check.removed}`;
  return o.only?.some((piece) => text.includes(piece)) ?? true;
});
const print = (line: string) => process.stdout.write(`${line}\n`);
for (const one of stale) process.stderr.write(`no longer there, though left out by name: ${one}\n`);
if (checks.length < LEAST) {
  print(`${checks.length} trust checks found; there must be at least ${LEAST}`);
  process.exit(1);
}
if (o.list) {
  for (const { check, where, removed } of wanted) print(`${check} | ${where} | ${removed.slice(0, 100)}`);
  print(`${wanted.length} checks`);
  process.exit(0);
}

// The copies lie elsewhere, and what lies beside the tree is not copied.
process.env.EPA_SCHEMAS ??= resolve(root, '../shared');
// One server for all the runs of vitest, which would each start their own.
const postgres = await startPostgres();
if (postgres !== undefined) process.env.EPA_TEST_POSTGRES = postgres.url;
const judged = openJudged(o.judged);
const sound = new Map<string, Promise<void>>();
const waiting = [...wanted];
const rows: Row[] = [];
const broken: string[] = [];
let before = 0;
if (!o.json) print('check | where | caught by | ms');

async function work(reach: Reach): Promise<void> {
  const workspace = openWorkspace(root);
  const leave = () => workspace.remove();
  process.on('exit', leave);
  const judge = new Judge(workspace, sound);
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const known = judged.caught(check);
    if (known !== undefined) before += 1;
    try {
      const { by, ms } = known ?? (await judge.judge(check, reach));
      if (known === undefined) judged.add(check, by, ms);
      rows.push({ check, by });
      const { check: name, where, removed } = check;
      if (o.json) print(JSON.stringify({ check: name, where, removed, by, ms }));
      else print(`${name} | ${where} | ${by ?? `SURVIVED: ${removed}`} | ${ms}`);
    } catch (thrown) {
      broken.push(check.where);
      process.stderr.write(
        `${check.check} | ${check.where} | NOT JUDGED: ${thrown instanceof Error ? thrown.message : String(thrown)} |\n`,
      );
    }
  }
  process.off('exit', leave);
  workspace.remove();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
await Promise.all(Array.from({ length: Number(o.jobs) }, () => work(reach)));
await postgres?.stop();
if (before > 0 && !o.json) print(`${before} of them were judged before (${o.judged})`);
if (broken.length > 0 && !o.json) print(`${broken.length} not judged: ${broken.join(', ')}`);
if (o.print) {
  rows.sort((a, b) => wanted.indexOf(a.check) - wanted.indexOf(b.check));
  printRows(resolve(root, 'docs/mutate-trust.md'), rows, reach);
}
const survived = rows.filter(({ by }) => by === undefined).length;
const caught = rows.length - survived;
if (o.json) print(JSON.stringify({ removed: rows.length, caught, survived, notJudged: broken }));
else print(`${rows.length} checks removed, ${caught} caught, ${survived} survived`);
process.exit(survived === 0 && broken.length === 0 ? 0 : 1);
