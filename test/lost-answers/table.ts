// The lost-answer matrix as text: one line per fault and answer, one column per scene; what is collapsed, and what is wrong.
import { type Group, SCENE_NAMES } from './cells.ts';
import { effectOf } from './expected.ts';
import type { Cell } from './judge.ts';

const SHORT: Readonly<Record<string, string>> = {
  XDSDuplicateDocument: 'duplicate',
  XDSDuplicateUniqueIdInRegistry: 'unique-id',
  'target-not-approved': 'not-approved',
};
const nameOf = ({ strike }: Group) =>
  [strike.at, strike.phase === 'way' && strike.at === 'vau.data' ? '(login)' : '', strike.kind]
    .concat(Object.values(strike.params ?? {}).map(String))
    .filter((part) => part !== '')
    .join(' ');

/** `written` with a star: D1's exception, see docs/divergences.md. */
const shown = (cell: Cell | undefined) =>
  cell === undefined ? '' : `${cell.end}${cell.told ? '' : '*'}${cell.faults.length > 0 ? ' WRONG' : ''}`;

export function matrixTable(cells: readonly Cell[]): string {
  const groups = [...new Set(cells.map((cell) => cell.group))];
  const row = (name: string, effect: string, answer: string, ends: readonly string[]) =>
    `${name.padEnd(60)} ${effect.padEnd(11)} ${answer.padEnd(12)} ${ends.map((end) => end.padEnd(22)).join(' ')}`.trimEnd();
  const rows = groups.map((group) => {
    const of = SCENE_NAMES.map((scene) => shown(cells.find((cell) => cell.group === group && cell.scene === scene)));
    return row(nameOf(group), effectOf(group.strike), group.answer === null ? '–' : (SHORT[group.answer] ?? ''), of);
  });
  const wrong = cells.flatMap((cell) =>
    cell.faults.map((fault) => `WRONG ${nameOf(cell.group)}, ${cell.group.answer ?? '–'}, ${cell.scene}: ${fault}`),
  );
  const untold = cells.filter((cell) => !cell.told).length;
  return [
    row('fault', 'effect', 'a repeat is', SCENE_NAMES),
    ...rows,
    '– : no byte of the document has left when the fault strikes, so there is no repeat that could be told anything:',
    '    the three answers to a duplicate are one cell. version 1 has no target: its three states are one cell.',
    `*  : ${untold} cells in which a lost try meets an unknown second writer; D1 and docs/divergences.md name them.`,
    ...wrong,
    `${cells.length} cells, ${cells.filter((cell) => cell.faults.length > 0).length} not as D1, D2 and D22 say`,
    '',
  ].join('\n');
}
