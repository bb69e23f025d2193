// npm run bench (api.md section 6): one JSON object with `--json`, a table for people without. `--only mio` leaves other parts
// out; `--megabytes`, `--exports`, `--at-once`, `--scales` and `--rounds` make it smaller, for trying.
import '../../wire/tls.ts';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { schemasDir } from '../support/schemas-dir.ts';
import { CLIENTS, type ExportsFigures, exportsFigures } from './exports.ts';
import { type FloorFigures, floorFigures } from './floor.ts';
import { type LargeFigures, largeDefaults, largeFigures } from './large.ts';
import { type MioFigures, mioFigures } from './mio.ts';
import { type RestartFigures, restartFigures } from './restart.ts';
import { SCALES, type StoreFigures, storeFigures } from './store.ts';
import { exportsTable, floorTable, largeTable, mioTable, restartTable, storeTable } from './table.ts';

const root = join(import.meta.dirname, '../..');
const PARTS = ['exports', 'floor', 'large', 'mio', 'store', 'restart'];
/** Parts that need the published examples. */
const OF_SCHEMAS = ['floor', 'large', 'mio', 'store'];
/** Open exports at a restart for each export of a round. */
const OPEN_TO_EXPORTS = 10;
const INSURED = 200;
/** A round of those that sign on each takes half a minute: the card signs one after another. */
const EXPORTS_TO_LOGINS = 25;

type Figures = {
  /** Sizes of the inputs stand in each part; `concurrency` is what a part does at the same time. */
  versions: Record<string, string>;
  machine: { cpus: number; model: string };
  rounds: number;
  concurrency: number;
  floor?: FloorFigures;
  large?: LargeFigures;
  mio?: MioFigures;
  store?: StoreFigures;
  restart?: RestartFigures;
} & Partial<ExportsFigures>;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: PARTS },
      megabytes: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      exports: { type: 'string', default: '1000' },
      scales: { type: 'string', default: `${SCALES.length}` },
      'at-once': { type: 'string', default: `${largeDefaults.atOnce}` },
    },
  });
  const [megabytes, rounds, exports] = [values.megabytes ?? '22', values.rounds, values.exports].map(Number) as Three;
  const [atOnce, scales] = [Number(values['at-once']), Number(values.scales)];
  const unknown = values.only.filter((part) => !PARTS.includes(part));
  const whole = [rounds, exports, atOnce, scales].every((number) => Number.isInteger(number) && number > 0);
  if (unknown.length > 0 || !(megabytes > 0 && megabytes < 25) || !whole) {
    const limits = 'megabytes: above 0, below 25; rounds, exports, at-once, scales: whole numbers above 0';
    return failed(`parts: ${PARTS.join(', ')}; ${limits}`);
  }
  const schemas = schemasDir();
  if (schemas === null && values.only.some((part) => OF_SCHEMAS.includes(part)))
    return failed('the published examples are not there: set EPA_SCHEMAS to the folder that has mio/');
  const figures: Figures = {
    versions: {
      node: process.versions.node,
      product: versionOf('package.json'),
      fhir: versionOf('node_modules/fhir/package.json'),
    },
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '' },
    rounds,
    concurrency: values.only.some((part) => part !== 'large' && part !== 'mio' && part !== 'restart') ? CLIENTS : 1,
  };
  const say = (line: string) => process.stderr.write(`${line} …\n`);
  if (values.only.includes('exports')) {
    const logins = Math.max(1, Math.round(exports / EXPORTS_TO_LOGINS));
    Object.assign(figures, await exportsFigures({ rounds, exports, logins, insured: INSURED, say }));
  }
  if (values.only.includes('floor') && schemas !== null)
    figures.floor = await floorFigures({
      schemas,
      rounds,
      documents: exports,
      insured: INSURED,
      newId: randomUUID,
      say,
    });
  if (values.only.includes('large') && schemas !== null) {
    const size = values.megabytes === undefined ? largeDefaults.megabytes : megabytes;
    const small = Math.min(largeDefaults.small, exports);
    figures.large = await largeFigures({ schemas, megabytes: size, rounds, atOnce, small, newId: randomUUID, say });
  }
  if (values.only.includes('mio') && schemas !== null) {
    figures.mio = await mioFigures({ schemas, megabytes, rounds, newId: randomUUID, say });
  }
  if (values.only.includes('store') && schemas !== null)
    figures.store = await storeFigures({ schemas, rounds, exports, insured: INSURED, scales, newId: randomUUID, say });
  if (values.only.includes('restart'))
    figures.restart = await restartFigures({ open: OPEN_TO_EXPORTS * exports, insured: INSURED, say });
  const tables = [
    exportsTable(figures),
    floorTable(figures),
    largeTable(figures),
    figures.mio === undefined ? '' : mioTable(figures.mio),
    storeTable(figures),
    restartTable(figures),
  ];
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
