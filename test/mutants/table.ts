// The figures of the mutants as a table: kind by kind, and what was missed, most common cause first.
import { join } from 'node:path';
import type { Outcome } from './measure.ts';
import type { Reach } from './rows.ts';

/** What the last full run found, for the docs. */
export const FIGURES = join(import.meta.dirname, 'figures.json');
export type FiguresRecord = { kinds: ({ kind: string } & Figures)[]; reach: readonly Reach[] };

export type Figures = { made: number; caught: number; placed: number; missed: number; unfounded: number };

export function figuresOf(outcomes: readonly Outcome[]): Figures {
  const count = (is: (one: Outcome) => boolean) => outcomes.filter(is).length;
  return {
    made: outcomes.length,
    caught: count((one) => one.caught),
    placed: count((one) => one.placed),
    missed: count((one) => !one.caught),
    unfounded: count((one) => one.unfounded.length > 0),
  };
}

export function recordOf(outcomes: readonly Outcome[], reach: readonly Reach[]): FiguresRecord {
  const kinds = [...Map.groupBy(outcomes, (one) => one.mutant.kind)];
  return { kinds: kinds.map(([kind, list]) => ({ kind, ...figuresOf(list) })), reach };
}

export function figuresTable(outcomes: readonly Outcome[]): string {
  const kinds = [...new Set(outcomes.map((one) => one.mutant.kind))];
  const rows = kinds.map((kind) => [kind, figuresOf(outcomes.filter((one) => one.mutant.kind === kind))] as const);
  const line = (name: string, { made, caught, placed, missed, unfounded }: Figures) =>
    `| ${name.padEnd(12)} | ${[made, caught, placed, missed, unfounded].map((one) => String(one).padStart(6)).join(' | ')} |\n`;
  return [
    '| kind         |   made | caught | placed | missed |  false |\n| --- | --: | --: | --: | --: | --: |\n',
    ...rows.map(([name, figures]) => line(name, figures)),
    line('all', figuresOf(outcomes)),
  ].join('');
}

/** Of the rules that the profiles state: how many were broken, and why the others were not. */
export function reachTable(reach: readonly Reach[]): string {
  const sum = (of: (one: Reach) => number) => reach.reduce((total, one) => total + of(one), 0);
  const all = { rules: sum((one) => one.rules), broken: sum((one) => one.broken), valid: sum((one) => one.valid) };
  const rows = [...reach, { kind: 'all', ...all, absent: sum((one) => one.absent) }].map(
    ({ kind, rules, broken, valid, absent }) =>
      `| ${kind.padEnd(12)} | ${[rules, broken, valid, absent].map((one) => String(one).padStart(6)).join(' | ')} |\n`,
  );
  return `| rules        |  there | broken |  valid | absent |\n| --- | --: | --: | --: | --: |\n${rows.join('')}`;
}

/** One line each: kind, rule, example, place. Grouped by kind and row, the largest group first. */
export function listOf(outcomes: readonly Outcome[], chosen: (one: Outcome) => boolean): string {
  const groups = Map.groupBy(outcomes.filter(chosen), ({ mutant }) => `${mutant.kind} ${lastOf(mutant.rule)}`);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([group, list]) => `${list.length} × ${group}\n${list.slice(0, 4).map(lineOf).join('')}`)
    .join('');
}

function lastOf(rule: string): string {
  return rule.replace(/^.*#/, '').split('.').at(-1) ?? '';
}

function lineOf({ mutant, errors, unfounded }: Outcome): string {
  const said = (unfounded.length > 0 ? unfounded : errors)
    .slice(0, 3)
    .map((one) => `${one.code} ${one.path} (${one.message})`);
  return `    ${mutant.rule} | ${mutant.example} | expected at ${mutant.places.slice(0, 3).join(', ')} | said: ${said.join('; ') || 'nothing'}\n`;
}
