// Where a document is cut (mio-diga.md section 9): at months, a month that does not fit at ISO weeks, a week that does not fit at
// days. Whether a month is cut depends on its own data and on how it was cut before, and on nothing else, so that the
// documents of old months stay as they are. What was cut once stays cut, for a document in the record can be replaced, not taken away.
import type { Finding } from '../error.ts';
import { dayOf, monthOf, type Span, weekOf } from './calendar.ts';
import { coverOf } from './cover.ts';
import type { Dated, Item, Survey } from './survey.ts';

export type Piece = { span: Span; members: Item[] };
export type Cutting = {
  survey: Survey;
  limit: number;
  /** What of the limit may be used. */
  room: number;
  /** Days of the documents there are. */
  before: readonly Span[];
};

/** Oldest first. What has no date stands in the newest. */
export function piecesOf(cutting: Cutting): { pieces: Piece[]; findings: Finding[] } {
  const { dated, undated } = cutting.survey;
  const findings: Finding[] = [];
  const months = groupsOf(dated, monthOf);
  const pieces = months.flatMap((month, at) =>
    cut(month, { ...cutting, findings, also: at === months.length - 1 ? undated : [], finer: [weekOf, dayOf] }),
  );
  return { pieces, findings };
}

type Group = { span: Span; dated: Dated[] };
type Step = Cutting & { findings: Finding[]; also: readonly Item[]; finer: readonly ((day: number) => Span)[] };

function cut({ span, dated }: Group, step: Step): Piece[] {
  const { survey, limit, room, before, also } = step;
  const [units, ...finer] = step.finer;
  const members = [...dated.map((one) => one.item), ...also];
  const fits = coverOf(members, survey).bytes <= room;
  if (units === undefined) {
    if (!fits) step.findings.push(tooLarge(members, limit));
    return [{ span, members }];
  }
  if (fits && !before.some((one) => hasBorderIn(span, one))) return [{ span, members }];
  const groups = groupsOf(dated, units);
  return groups.flatMap((group, at) => cut(group, { ...step, finer, also: at === groups.length - 1 ? also : [] }));
}

function hasBorderIn(span: Span, { first, last }: Span): boolean {
  return (first > span.first && first <= span.last) || (last >= span.first && last < span.last);
}

function groupsOf(dated: readonly Dated[], unit: (day: number) => Span): Group[] {
  const groups: Group[] = [];
  for (const one of dated) {
    const last = groups.at(-1);
    if (last !== undefined && one.day <= last.span.last) last.dated.push(one);
    else groups.push({ span: unit(one.day), dated: [one] });
  }
  return groups;
}

/** EXP-11: the limit is named. The place is the largest of the day, where something can be done about it. */
export function tooLarge(members: readonly Item[], limit: number): Finding {
  const largest = members.reduce<Item | undefined>((a, b) => (a === undefined || b.bytes > a.bytes ? b : a), undefined);
  return {
    severity: 'error',
    code: 'MIO_DOCUMENT_TOO_LARGE',
    path: '',
    message: `one day, with what it refers to and what has no date, is more than a document may have: ${limit} bytes of XML`,
    ...(largest && { pointer: largest.pointer }),
  };
}
