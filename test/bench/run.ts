// npm run bench (api.md section 6): one JSON object with `--json`, a table for people without. `--only mio` leaves other parts
// out; `--megabytes`, `--exports`, `--at-once` and `--rounds` make it smaller, for trying.
import '../../wire/tls.ts';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { schemasDir } from '../support/schemas-dir.ts';
import { CLIENTS, type ExportsFigures, exportsFigures } from './exports.ts';
import { type LargeFigures, largeDefaults, largeFigures } from './large.ts';
import { type MioFigures, mioFigures } from './mio.ts';
import { exportsTable, largeTable, mioTable } from './table.ts';

const root = join(import.meta.dirname, '../..');
const PARTS = ['exports', 'large', 'mio'];
const INSURED = 200;
/** A round of those that sign on each takes half a minute: the card signs one after another. */
const EXPORTS_TO_LOGINS = 25;

type Figures = {
  /** Sizes of the inputs stand in each part; `concurrency` is what a part does at the same time. */
  versions: Record<string, string>;
  machine: { cpus: number; model: string };
  rounds: number;
  concurrency: number;
  large?: LargeFigures;
  mio?: MioFigures;
} & Partial<ExportsFigures>;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: PARTS },
      megabytes: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      exports: { type: 'string', default: '1000' },
      'at-once': { type: 'string', default: `${largeDefaults.atOnce}` },
    },
  });
  const [megabytes, rounds, exports] = [values.megabytes ?? '22', values.rounds, values.exports].map(Number) as Three;
  const atOnce = Number(values['at-once']);
  const unknown = values.only.filter((part) => !PARTS.includes(part));
  const whole = [rounds, exports, atOnce].every((number) => Number.isInteger(number) && number > 0);
  if (unknown.length > 0 || !(megabytes > 0 && megabytes < 25) || !whole) {
    const limits = 'megabytes: above 0, below 25; rounds, exports, at-once: whole numbers above 0';
    return failed(`parts: ${PARTS.join(', ')}; ${limits}`);
  }
  const schemas = schemasDir();
  if (schemas === null && values.only.some((part) => part !== 'exports'))
    return failed('the published examples are not there: set EPA_SCHEMAS to the folder that has mio/');
  const figures: Figures = {
    versions: {
      node: process.versions.node,
      product: versionOf('package.json'),
      fhir: versionOf('node_modules/fhir/package.json'),
    },
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '' },
    rounds,
    concurrency: values.only.includes('exports') ? CLIENTS : 1,
  };
  const say = (line: string) => process.stderr.write(`${line} …\n`);
  if (values.only.includes('exports')) {
    const logins = Math.max(1, Math.round(exports / EXPORTS_TO_LOGINS));
    Object.assign(figures, await exportsFigures({ rounds, exports, logins, insured: INSURED, say }));
  }
  if (values.only.includes('large') && schemas !== null) {
    const size = values.megabytes === undefined ? largeDefaults.megabytes : megabytes;
    const small = Math.min(largeDefaults.small, exports);
    figures.large = await largeFigures({ schemas, megabytes: size, rounds, atOnce, small, newId: randomUUID, say });
  }
  if (values.only.includes('mio') && schemas !== null) {
    figures.mio = await mioFigures({ schemas, megabytes, rounds, newId: randomUUID, say });
  }
  const tables = [exportsTable(figures), largeTable(figures), figures.mio === undefined ? '' : mioTable(figures.mio)];
  const shown = tables.filter((table) => table !== '').join('\n\n');
  process.stdout.write(`${values.json ? JSON.stringify(figures) : shown}\n`);
  return 0;
}

type Three = [number, number, number];

function failed(reason: string): number {
  process.stderr.write(`bench: ${reason}\n`);
  return 2;
}

function versionOf(file: string): string {
  return String((JSON.parse(readFileSync(join(root, file), 'utf8')) as { version?: string }).version);
}

process.exitCode = await main();
