// Which document of before each piece continues (D4). Every document there is in the record must be replaced by one with today's
// data of its days, or a value that moved or was taken back would stand there twice or for ever.
import type { Part, PartMemory } from '../build/draft.ts';
import { MioError } from '../error.ts';
import type { Piece } from './borders.ts';
import { dayNumber, isoDate, monthOf, type Span } from './calendar.ts';

/**
 * A document of before: the name of its part, its days and its Betrachtungszeitraum. A PartMemory with a name is one; of what
 * somebody else built the name is enough.
 */
export type Chain = { name: string | null } & Partial<Pick<PartMemory, 'stretch' | 'period'>>;

export type Named = Piece & { name: string | null };

/**
 * Oldest first and apart: where an export ended half way a month may still be whole beside the weeks it was cut into, and the
 * days of those are no longer its own. MioError MIO_MEMORY_BROKEN for days that are none, or two documents with one first day.
 */
export function spansOf(chains: readonly Chain[]): { name: string | null; span: Span }[] {
  const spans = chains.flatMap(({ name, stretch: known }) => {
    const stretch = known ?? stretchNamed(name);
    if (stretch === undefined) return [];
    const [first, last] = [dayNumber(stretch.first), dayNumber(stretch.last)];
    if (first === undefined || last === undefined || last < first) throw broken();
    return [{ name, span: { first, last } }];
  });
  spans.sort((a, b) => a.span.first - b.span.first);
  return spans.map(({ name, span: { first, last } }, at) => {
    const next = spans[at + 1]?.span.first ?? last + 1;
    if (next === first) throw broken();
    return { name, span: { first, last: Math.min(last, next - 1) } };
  });
}

/** Of a document that somebody else built only the name may be known: its month, as far as no other begins in it. */
function stretchNamed(name: string | null): Part['stretch'] {
  const first = dayNumber(name ?? '');
  return first === undefined ? undefined : stretchOf({ first, last: monthOf(first).last });
}

/**
 * Oldest first. `undated` must have a place even where no day has data. The whole document of before the first cut, or
 * null where there never was one, goes on as the oldest piece, so that nothing moves into it.
 */
export function namedPieces(pieces: readonly Piece[], chains: readonly Chain[], undated: Piece['members']): Named[] {
  const before = spansOf(chains);
  const named: Named[] = [];
  for (const { name, span } of before) {
    const [first, ...rest] = pieces.filter((one) => one.span.first >= span.first && one.span.last <= span.last);
    // The first piece with data takes the days before it, so that a part's name is always its first day.
    if (first === undefined) named.push({ name, span, members: [] });
    else named.push({ name, span: { first: span.first, last: first.span.last }, members: first.members });
    named.push(...rest.map((one) => ({ ...one, name: isoDate(one.span.first) })));
  }
  const free = pieces.filter(
    (one) => !before.some(({ span }) => one.span.first >= span.first && one.span.last <= span.last),
  );
  named.push(...free.map((one) => ({ ...one, name: isoDate(one.span.first) })));
  named.sort((a, b) => a.span.first - b.span.first);
  if (!before.some((one) => one.name === null)) nameOldest(named, free, chains);
  const newest = named.at(-1);
  if (pieces.length === 0 && newest !== undefined) newest.members = [...newest.members, ...undated];
  return named;
}

function nameOldest(named: Named[], free: readonly Piece[], chains: readonly Chain[]): void {
  const [oldest] = named;
  if (oldest === undefined || oldest.span.first === free[0]?.span.first) {
    if (oldest !== undefined) oldest.name = null;
  } else if (chains.some((one) => one.name === null)) {
    // The whole document is still in the record though older days have documents of their own: it becomes the month before.
    named.unshift({ name: null, span: monthOf(monthOf(oldest.span.first).first - 1), members: [] });
  }
}

export function stretchOf({ first, last }: Span): NonNullable<Part['stretch']> {
  return { first: isoDate(first), last: isoDate(last) };
}

function broken(): MioError {
  return new MioError('MIO_MEMORY_BROKEN', 'the days of the documents before cannot be read or stand twice');
}
