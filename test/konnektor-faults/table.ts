// The matrix of the Konnektor's codes as text: one line per code with what it means, how it went at each operation, and what is wrong.

import type { Cell } from './matrix.ts';
import { ON_THE_WAY, OPERATIONS } from './reference.ts';

export function faultTable(cells: readonly Cell[]): string {
  const line = (...columns: string[]) =>
    [5, 8, 26, 10, 28, 60]
      .map((width, index) => (columns[index] ?? '').padEnd(width))
      .join(' ')
      .trimEnd();
  const codes = [...new Set(cells.map(({ row }) => row))].toSorted((a, b) => a.code - b.code);
  const rows = codes.map((row) => {
    const own = cells.filter((cell) => cell.row === row);
    const states = ON_THE_WAY.flatMap((operation) => {
      const state = own.find((cell) => cell.operation === operation)?.state;
      return state === undefined ? [] : [`${operation}: ${state}`];
    });
    const bad = own.filter((cell) => cell.faults.length > 0).length;
    const [first] = own;
    const count = `${own.length} of ${OPERATIONS.length}${bad > 0 ? `, ${bad} WRONG` : ''}`;
    return line(String(row.code), row.of, first?.code ?? '', first?.kind ?? '', count, states.join(', '));
  });
  const remedies = [...new Set(cells.map(({ code, remedy }) => `${code}: ${remedy}`))].toSorted();
  const wrong = cells.flatMap(({ row, operation, faults }) =>
    faults.map((fault) => `WRONG ${row.code} at ${operation}: ${fault}`),
  );
  const exported = cells.filter(({ state }) => state !== undefined).length;
  return [
    line('code', 'class', 'is', 'kind', 'operations', 'an export that waits'),
    ...rows,
    'what to do:',
    ...remedies.map((remedy) => `  ${remedy}`),
    ...wrong,
    `${cells.length} cells of ${codes.length} codes, ${exported} of them met by an export; ${wrong.length} wrong`,
    '',
  ].join('\n');
}
