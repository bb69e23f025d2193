// npm run mutate-trust: takes every trust check out of the code, one at a time, runs the tests, and prints which one noticed.
//   --only TEXT      only checks whose name, place or source contains TEXT (several times: any of them)
//   --jobs N         so many broken trees at once (1)
//   --judged FILE    writes each verdict there, and skips what it says was caught while the file broken was this one
//   --quick          the tests of certificates, wire, record system and of the whole way, not the rest of the suite
//   --list           finds and names the checks, runs nothing
//   --json           one object per check instead of the table
import '../../wire/tls.ts';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { Judge } from './judge.ts';
import { openJudged } from './judged.ts';
import { type Listed, listChecks } from './table.ts';
import { openWorkspace } from './workspace.ts';

/** With fewer, the finder has lost its way (issue 6). */
const LEAST = 30;

const { values: o } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '1' },
    judged: { type: 'string' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const root = resolve(import.meta.dirname, '../..');
const { checks, stale } = listChecks(root);
const wanted = checks.filter((check) => {
  const text = `${check.check} ${check.where} ${check.removed}`;
  return o.only?.some((piece) => text.includes(piece)) ?? true;
});
const print = (line: string) => process.stdout.write(`${line}\n`);
for (const one of stale) print(`no longer there, though left out by name: ${one}`);
if (checks.length < LEAST) {
  print(`${checks.length} trust checks found; there must be at least ${LEAST}`);
  process.exit(1);
}
if (o.list) {
  for (const { check, where, removed } of wanted) print(`${check} | ${where} | ${removed.slice(0, 100)}`);
  print(`${wanted.length} checks`);
  process.exit(0);
}

// One server for all the runs of vitest, which would each start their own.
const postgres = await startPostgres();
if (postgres !== undefined) process.env.EPA_TEST_POSTGRES = postgres.url;
const judged = openJudged(o.judged);
const sound = new Map<string, Promise<void>>();
const waiting = [...wanted];
const survivors: Listed[] = [];
const broken: string[] = [];
let before = 0;
if (!o.json) print('check | where | caught by | ms');

async function work(): Promise<void> {
  const workspace = openWorkspace(root);
  const leave = () => workspace.remove();
  process.on('exit', leave);
  const judge = new Judge(workspace, sound);
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const known = judged.caught(check);
    if (known !== undefined) before += 1;
    try {
      const { by, ms } = known ?? (await judge.judge(check, !o.quick));
      if (known === undefined) judged.add(check, by, ms);
      if (by === undefined) survivors.push(check);
      const { check: name, where, removed } = check;
      if (o.json) print(JSON.stringify({ check: name, where, removed, by, ms }));
      else print(`${name} | ${where} | ${by ?? `SURVIVED: ${removed}`} | ${ms}`);
    } catch (thrown) {
      broken.push(check.where);
      print(
        `${check.check} | ${check.where} | NOT JUDGED: ${thrown instanceof Error ? thrown.message : String(thrown)} |`,
      );
    }
  }
  process.off('exit', leave);
  workspace.remove();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
await Promise.all(Array.from({ length: Number(o.jobs) }, work));
await postgres?.stop();
if (before > 0) print(`${before} of them were judged before (${o.judged})`);
if (broken.length > 0) print(`${broken.length} not judged: ${broken.join(', ')}`);
const removed = wanted.length - broken.length;
print(`${removed} checks removed, ${removed - survivors.length} caught, ${survivors.length} survived`);
process.exit(survivors.length === 0 && broken.length === 0 ? 0 : 1);
