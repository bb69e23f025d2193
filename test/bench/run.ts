// npm run bench (api.md section 6): one JSON object with `--json`, a table for people without. `--only mio` leaves other parts
// out; `--megabytes` and `--rounds` make it smaller, for trying.
import '../../wire/tls.ts';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { schemasDir } from '../support/schemas-dir.ts';
import { type MioFigures, mioFigures } from './mio.ts';
import { mioTable } from './table.ts';

const root = join(import.meta.dirname, '../..');
const PARTS = ['mio'];

type Figures = {
  /** Sizes of the inputs stand in each part; `concurrency` is what a part does at the same time. */
  versions: Record<string, string>;
  machine: { cpus: number; model: string };
  rounds: number;
  concurrency: number;
  mio?: MioFigures;
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: PARTS },
      megabytes: { type: 'string', default: '22' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const [megabytes, rounds] = [Number(values.megabytes), Number(values.rounds)];
  const unknown = values.only.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0 || !(megabytes > 0 && megabytes < 25) || !(Number.isInteger(rounds) && rounds > 0)) {
    return failed(`parts: ${PARTS.join(', ')}; megabytes: above 0, below 25; rounds: a whole number above 0`);
  }
  const schemas = schemasDir();
  if (schemas === null)
    return failed('the published examples are not there: set EPA_SCHEMAS to the folder that has mio/');
  const figures: Figures = {
    versions: {
      node: process.versions.node,
      product: versionOf('package.json'),
      fhir: versionOf('node_modules/fhir/package.json'),
    },
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '' },
    rounds,
    concurrency: 1,
  };
  const say = (line: string) => process.stderr.write(`${line} …\n`);
  if (values.only.includes('mio')) {
    figures.mio = await mioFigures({ schemas, megabytes, rounds, newId: randomUUID, say });
  }
  const table = figures.mio === undefined ? '' : mioTable(figures.mio);
  process.stdout.write(`${values.json ? JSON.stringify(figures) : table}\n`);
  return 0;
}

function failed(reason: string): number {
  process.stderr.write(`bench: ${reason}\n`);
  return 2;
}

function versionOf(file: string): string {
  return String((JSON.parse(readFileSync(join(root, file), 'utf8')) as { version?: string }).version);
}

process.exitCode = await main();
