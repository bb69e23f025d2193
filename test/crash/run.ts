// npm run crash: the crash matrix in full, 20 seeds. Prints the table; ends with 1 when a version was lost or doubled, or
// anything else is not as it must be. Options: --seeds N, --first N, --series N, --versions N, --lanes N (seeds at a time),
// --store sqlite | postgres (EPA_TEST_POSTGRES, else one of its own).
import '../../wire/tls.ts';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { dropStore, schemaOn } from '../support/schemas-of-tests.ts';
import { type Cell, crashLane, crashTable } from './matrix.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    series: { type: 'string', default: '3' },
    versions: { type: 'string', default: '4' },
    lanes: { type: 'string', default: '2' },
    store: { type: 'string', default: 'sqlite' },
  },
});
const load = { series: Number(values.series), versions: Number(values.versions) };
const waiting = Array.from({ length: Number(values.seeds) }, (_, n) => Number(values.first) + n);
const cells: Cell[] = [];
const server = values.store === 'postgres' ? await startPostgres() : undefined;
if (values.store === 'postgres' && server === undefined) throw new Error('there is no PostgreSQL here');

async function lane(): Promise<void> {
  for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
    const postgres = server && schemaOn(server.url);
    for await (const cell of crashLane(seed, load, { postgres })) {
      cells.push(cell);
      for (const fault of cell.faults) process.stdout.write(`seed ${seed}, ${cell.point}: ${fault}\n`);
    }
    if (postgres !== undefined) await dropStore(postgres);
    process.stdout.write(`seed ${seed} done\n`);
  }
}

await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
process.stdout.write(`\n${crashTable(cells)}`);
await server?.stop();
const sound = cells.length > 0 && cells.every((cell) => cell.lost + cell.doubled + cell.faults.length === 0);
process.exit(sound ? 0 : 1);
