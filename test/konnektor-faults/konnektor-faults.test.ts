// The suite's share of the matrix of the Konnektor's codes (issue 7, KON-12; `npm run konnektor-faults` plays every cell): every code
// at some operations and every operation with some codes, and exports that meet each class on each part of their way.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GEMATIK_CODES } from '../../gateway/konnektor/tables/gematik-codes.ts';
import { type Cell, FaultMatrix } from './matrix.ts';
import { CODES, type CodeRow, NAMED_CODES, ON_THE_WAY, OPERATIONS } from './reference.ts';
import { faultTable } from './table.ts';

/** The first code of each class, and of each code of ours. */
const some: CodeRow[] = [...new Map(NAMED_CODES.map((row) => [`${row.of} ${row.means.code}`, row])).values()];

describe('every code at every operation (KON-12)', () => {
  let matrix: FaultMatrix;
  const cells: Cell[] = [];
  let wrong: string[] = [];
  beforeAll(async () => {
    matrix = await FaultMatrix.start(50_000);
    const chosen = new Set<string>();
    const choose = (row: CodeRow, operation: (typeof OPERATIONS)[number]) => chosen.add(`${row.code} ${operation}`);
    for (const [index, row] of NAMED_CODES.entries())
      for (const step of [0, 6, 11]) choose(row, OPERATIONS[(index + step) % OPERATIONS.length] ?? 'GetCards');
    for (const operation of OPERATIONS) for (const row of some) choose(row, operation);
    for (const row of NAMED_CODES)
      for (const operation of OPERATIONS)
        if (chosen.has(`${row.code} ${operation}`)) cells.push(await matrix.call(row, operation));
    const [restart, ...live] = [...ON_THE_WAY].toSorted((a) => (a === 'ReadCardCertificate' ? -1 : 1));
    for (const operation of live) for (const row of some) for (const cell of of(row, operation)) await matrix.met(cell);
    for (const row of some.slice(0, 3))
      for (const cell of of(row, restart ?? 'ReadCardCertificate')) await matrix.met(cell);
    wrong = await matrix.heal();
    process.stdout.write(faultTable(cells));
  }, 420_000);
  afterAll(() => matrix.stop());
  const of = (row: CodeRow, operation: string) =>
    cells.filter((cell) => cell.row === row && cell.operation === operation);

  test('each is the code, kind, state and remedy that its class in the reference wants', () => {
    expect(
      cells
        .filter((cell) => cell.faults.length > 0)
        .map(({ row, operation, faults }) => [row.code, operation, ...faults]),
    ).toEqual([]);
  });
  test('nothing was left out: each code three times at least, each operation with each class', () => {
    for (const row of NAMED_CODES) expect(cells.filter((cell) => cell.row === row).length).toBeGreaterThanOrEqual(3);
    for (const operation of OPERATIONS)
      expect(new Set(cells.filter((cell) => cell.operation === operation).map(({ row }) => row.of))).toEqual(
        new Set(some.map((row) => row.of)),
      );
    expect(cells.filter(({ state }) => state !== undefined).length).toBeGreaterThan(40);
  });
  test('with the fault gone every export was written by itself, once', () => expect(wrong).toEqual([]));
  test.each([200, 500])('with HTTP %i a fault is the same', async (status) => {
    for (const row of some) expect((await matrix.call(row, 'GetCards', status)).faults).toEqual([]);
  });
});

describe('the tables', () => {
  test("no code of the gateway's table is missing here, and none here in it", () => {
    expect([...GEMATIK_CODES.keys()].map(Number).toSorted((a, b) => a - b)).toEqual(CODES.map(({ code }) => code));
  });
  test('every operation that the simulator can fail is among them, but for the PIN of an eGK', () => {
    const faults = readFileSync(join(import.meta.dirname, '../../connector-sim/tables/fault-points.ts'), 'utf8');
    const points = [...faults.matchAll(/'konnektor\.([A-Z]\w+)'/g)].map(([, name]) => name);
    const unused = ['EnablePin', 'DisablePin'];
    expect([...new Set(points)].filter((name) => !unused.includes(name ?? '')).toSorted()).toEqual(
      OPERATIONS.toSorted(),
    );
  });
});
