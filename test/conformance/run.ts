// npm run conformance -- --schemas DIR: simulator and gateway in one process, every operation of both sides used at least once,
// good and bad; then each message in the simulator's journal is judged by the official files. Exit 0: all valid, all seen.
import '../../wire/tls.ts';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runExercises } from './exercises.ts';
import { type Judged, judgeEntry, KONNEKTOR_OPERATIONS } from './messages.ts';
import { OpenApiJudge } from './openapi.ts';
import { XsdJudge } from './xsd.ts';

/** Every kind of message that must have been seen, or the run proves less than it says. */
const EXPECTED = [
  ...Object.keys(KONNEKTOR_OPERATIONS).flatMap((operation) => [`${operation} request`, `${operation} answer`]),
  ...[
    'connector.sds',
    'CETP event',
    'Konnektor fault',
    'ITI-41 request',
    'ITI-41 request with RPLC',
    'registry response, success',
    'registry response, failure',
  ],
  ...['getRecordStatus', 'getNonce', 'sendAuthorizationRequestSC', 'sendAuthCodeSC', 'getVauStatus'].map(
    (operation) => `${operation} request`,
  ),
  ...[
    'getRecordStatus answer 204',
    'getRecordStatus answer 400',
    'getRecordStatus answer 404',
    'getRecordStatus answer 409',
  ],
  ...[
    'getNonce answer 200',
    'sendAuthorizationRequestSC answer 302',
    'sendAuthorizationRequestSC answer 409',
    'sendAuthCodeSC answer 200',
  ],
  ...['sendAuthCodeSC answer 403', 'sendAuthCodeSC answer 409', 'getVauStatus answer 200'],
];

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { schemas: { type: 'string' } } });
  const dir = resolve(values.schemas ?? '');
  if (values.schemas === undefined || !existsSync(join(dir, 'schemas/konnektor'))) {
    process.stderr.write('usage: npm run conformance -- --schemas DIR   (DIR: a folder laid out as shared/)\n');
    return 2;
  }
  const entries = await runExercises();
  const xsd = new XsdJudge(dir);
  const openapi = new OpenApiJudge(dir);
  const judged: Judged[] = [];
  for (const entry of entries) judged.push(...(await judgeEntry(entry, xsd, openapi)));
  xsd.dispose();

  const rows = new Map<string, { side: string; kind: string; file: string; count: number; faults: Set<string> }>();
  for (const one of judged) {
    const key = `${one.side} ${one.kind}`;
    const row = rows.get(key) ?? { ...one, count: 0, faults: new Set<string>() };
    row.count += 1;
    for (const fault of one.faults) row.faults.add(fault);
    rows.set(key, row);
  }
  const width = Math.max(...[...rows.values()].map((row) => row.kind.length));
  for (const row of [...rows.values()].toSorted(
    (a, b) => a.side.localeCompare(b.side) || a.kind.localeCompare(b.kind),
  )) {
    process.stdout.write(
      `${row.faults.size === 0 ? 'valid  ' : 'INVALID'}  ${row.side.padEnd(9)}  ${row.kind.padEnd(width)}  ${String(row.count).padStart(4)}×  ${row.file}\n`,
    );
    for (const fault of row.faults) process.stdout.write(`         ${fault}\n`);
  }
  const seen = new Set([...rows.values()].map((row) => row.kind));
  const missing = EXPECTED.filter((kind) => !seen.has(kind));
  for (const kind of missing) process.stdout.write(`NOT SEEN  ${kind}\n`);
  const bad = judged.filter((one) => one.faults.length > 0).length;
  process.stdout.write(
    `${judged.length} messages of ${rows.size} kinds judged by the official files: ${judged.length - bad} valid, ${bad} invalid, ${missing.length} expected kinds not seen\n`,
  );
  return bad === 0 && missing.length === 0 && judged.length > 0 ? 0 : 1;
}

process.exit(await main());
