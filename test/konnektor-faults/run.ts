// npm run konnektor-faults: every code of the reference at every operation, and an export that meets it wherever one comes by.
// Exit 1 when a cell does not end as reference.ts says.
import '../../wire/tls.ts';
import { type Cell, FaultMatrix } from './matrix.ts';
import { CODES, NAMED_CODES, ON_THE_WAY, OPERATIONS } from './reference.ts';
import { faultTable } from './table.ts';

const began = performance.now();
const matrix = await FaultMatrix.start(60_000);
const cells: Cell[] = [];
for (const row of CODES) for (const operation of OPERATIONS) cells.push(await matrix.call(row, operation));
process.stderr.write(`${cells.length} calls\n`);
for (const operation of ON_THE_WAY)
  for (const row of NAMED_CODES) {
    const cell = cells.find((one) => one.row === row && one.operation === operation);
    if (cell !== undefined) await matrix.met(cell);
    if (row === NAMED_CODES.at(-1)) process.stderr.write(`exports at ${operation}: ${NAMED_CODES.length}\n`);
  }
const wrong = await matrix.heal();
await matrix.stop();
process.stdout.write(faultTable(cells));
for (const one of wrong) process.stdout.write(`WRONG ${one}\n`);
process.stdout.write(`${Math.round((performance.now() - began) / 1000)} s\n`);
process.exit(wrong.length > 0 || cells.some((cell) => cell.faults.length > 0) ? 1 : 0);
