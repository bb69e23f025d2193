// Judges a cell of the lost-answer matrix: what the export is told, what the record holds and how the fault was felt, against the
// table of expected.ts.
import { createHash } from 'node:crypto';
import type { ExportView, StoredDocument } from '../support/world.ts';
import { type Group, SCENES, type SceneName, type Strike } from './cells.ts';
import { type End, effectOf, expectedEnd, feltAs, isIndistinguishable } from './expected.ts';

/** One cell after its run; `faults` says in words what is not as it must be. */
export type Cell = { group: Group; scene: SceneName; end: string; held: boolean; told: boolean; faults: string[] };

export type Insured = { kvnr: string; recordSystem: 'epa-as-1' | 'epa-as-2'; first: string | null };
export type Prepared = Insured & { group: Group; scene: SceneName; document: Uint8Array; id: string; cell: Cell };
type Must = (holds: boolean, fault: string) => void;
export type View = Omit<ExportView, 'timeline'> & { timeline: { step: string; code?: string; ms?: number }[] } & {
  reason: (NonNullable<ExportView['reason']> & { nextAttemptAt: string | null }) | null;
};

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The documents of a record that are this one, byte for byte. */
export const copiesIn = (record: readonly StoredDocument[], document: Uint8Array): StoredDocument[] =>
  record.filter((one) => one.sha256 === sha256(document));

/** What the export is told and what the record holds, trimmed documents too, against D1 and D2. */
export function judge(one: Prepared, { view, record }: { view: View; record: readonly StoredDocument[] }): void {
  const { cell, group, scene } = one;
  const copies = copiesIn(record, one.document);
  const expected = expectedEnd(group.strike, scene, group.answer);
  cell.end = view.reason === null ? view.status : `${view.status} ${view.reason.code}`;
  cell.held = copies.length > 0;
  cell.told = !isIndistinguishable(expected);
  const must: Must = (holds, fault) => {
    if (!holds) cell.faults.push(fault);
  };
  must(view.status === expected.status, `${cell.end}, not ${expected.status} ${expected.code ?? ''}`);
  must((view.reason?.code ?? null) === expected.code, `reason ${view.reason?.code}, not ${expected.code}`);
  must((view.reason?.who ?? null) === expected.who, `who ${view.reason?.who}, not ${expected.who}`);
  must(copies.length <= 1, `the record holds it ${copies.length} times`);
  must(cell.held === expected.held, `the record ${cell.held ? 'holds it' : 'does not hold it'}`);
  must(view.status !== 'written' || cell.held || !cell.told, 'written, and the record does not hold it');
  must(new Set(record.map((document) => document.entryUuid)).size === record.length, 'an entryUUID stands twice');
  must(record.length === lengthOf(scene, expected), `the record holds ${record.length} documents`);
  if (expected.held) mustBeOurs(one, { view, stored: copies[0], expected, must });
  mustHaveFelt(group.strike, view, must);
  if (cell.faults.length > 0) cell.faults.push(`its way: ${view.timeline.map(stepText).join(', ')}`);
}

const stepText = ({ step, code, ms }: View['timeline'][number]) =>
  [step, code, ms === undefined ? undefined : `${ms} ms`].filter((part) => part !== undefined).join(' ');

/** The fault was felt as the table says, once at least; what was lost was asked for again. */
function mustHaveFelt(strike: Strike, { timeline, attempts }: View, must: Must): void {
  const felt = feltAs(strike);
  const ended = timeline.filter((one) => felt?.status.includes(one.step) && felt.code.test(one.code ?? ''));
  const codes = timeline.flatMap((one) => (one.code === undefined ? [] : [`${one.step} ${one.code}`]));
  must(felt === null || ended.length > 0, `felt as ${codes.join(', ') || 'nothing'}, not as ${felt?.code.source}`);
  const repeats = ['lost-before', 'lost-after'].includes(effectOf(strike));
  must(!repeats || attempts >= 2, 'a lost answer was not asked for again');
}

/** What lies in the record at the end: version 1 unless it was deleted, the restored gateway's, and ours. */
function lengthOf(scene: SceneName, end: End): number {
  const before = { none: 0, present: 1, gone: 0, stale: 2 }[SCENES[scene].target];
  return before + (end.held ? 1 : 0);
}

function mustBeOurs(
  one: Prepared,
  o: { view: View; stored: StoredDocument | undefined; expected: End; must: Must },
): void {
  const { view, stored, expected, must } = o;
  const target = expected.replaces ? one.first : null;
  must(stored?.entryUuid === view.document.entryUuid, 'the receipt names another document');
  must(stored?.uniqueId === view.document.uniqueId, 'the receipt names another uniqueId');
  must(stored?.status === 'Approved', `it is ${stored?.status}`);
  must(stored?.replaces === target, 'it replaces another document');
  must(view.document.replaces === target, 'the receipt names another target');
}
