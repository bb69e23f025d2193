// mio/split.ts: where documents are cut, what each of them holds, and what is refused (EXP-11, D4).
import { expect, test } from 'vitest';
import type { Draft, Part } from '../../../../mio/build/draft.ts';
import { measureXml, type SplitOptions, splitDrafts } from '../../../../mio/split.ts';
import { CoreTables } from '../../../../mio/tables.ts';
import { BASE, contentOf, draft, idsOf, measure, provenance, support } from './drafts.ts';

const now = '2025-06-01T12:00:00+02:00';
const LIMIT = 1_000_000;

function split(drafts: Draft[], options: Partial<SplitOptions> = {}): { parts: Part[]; codes: string[] } {
  const result = splitDrafts([...BASE, ...drafts], { limit: LIMIT, measure, now, ...options });
  const parts = [...result.parts()];
  expect(parts).toHaveLength(result.count);
  return { parts, codes: result.findings.map((one) => one.code) };
}
const names = (parts: Part[]) => parts.map((one) => one.name);
const chainsOf = (parts: Part[]) => parts.map(({ name, stretch, period }) => ({ name, stretch, period }));
const large = (id: string, at?: string, bytes = 300_000) => draft({ id, at, bytes });

const SPRING = [
  large('jan', '2025-01-15T08:00:00+01:00', 500_000),
  large('mar2', '2025-03-02T08:00:00+01:00'),
  large('mar3', '2025-03-03'),
  large('mar31', '2025-03-31T23:59:59+02:00'),
  large('apr', '2025-03-31T22:00:00Z'),
];

test('what fits is one document with the period it was given, and the oldest comes first', () => {
  const period = { start: '2025-01-01T00:00:00+01:00', end: '2025-05-01T00:00:00+02:00' };
  const { parts, codes } = split(SPRING.toReversed(), { limit: 25_000_000, period });
  expect(codes).toEqual([]);
  expect(parts).toMatchObject([{ name: null, period }]);
  expect(parts[0]?.stretch).toBeUndefined();
  expect(parts.map(contentOf)).toEqual([['jan', 'mar2', 'mar3', 'mar31', 'apr']]);
});

test('what does not fit is cut at months of Europe/Berlin, newest first; the oldest part has the chain of the whole', () => {
  const period = { start: '2025-01-15T08:00:00+01:00', end: '2025-04-20T00:00:00+02:00' };
  const { parts } = split(SPRING, { period });
  expect(names(parts)).toEqual(['2025-04-01', '2025-03-01', null]);
  expect(parts.map(contentOf)).toEqual([['apr'], ['mar2', 'mar3', 'mar31'], ['jan']]);
  expect(parts.map((one) => one.stretch?.first)).toEqual(['2025-04-01', '2025-03-01', '2025-01-01']);
  expect(parts.map((one) => one.period)).toEqual([
    { start: '2025-04-01T00:00:00+02:00', end: '2025-04-20T00:00:00+02:00' },
    { start: '2025-03-01T00:00:00+01:00', end: '2025-03-31T23:59:59+02:00' },
    { start: '2025-01-01T00:00:00+01:00', end: '2025-01-31T23:59:59+01:00' },
  ]);
});

test('a month that does not fit is cut at ISO weeks within the month, a week that does not fit at days', () => {
  const more = [large('mar7', '2025-03-07', 400_000), large('mar8', '2025-03-08', 500_000)];
  const { parts } = split([...SPRING, ...more]);
  expect(names(parts)).toEqual([
    '2025-04-01',
    '2025-03-31',
    '2025-03-08',
    '2025-03-07',
    '2025-03-03',
    '2025-03-01',
    null,
  ]);
  expect(parts.map(contentOf)).toEqual([['apr'], ['mar31'], ['mar8'], ['mar7'], ['mar3'], ['mar2'], ['jan']]);
  expect(parts[4]?.stretch).toEqual({ first: '2025-03-03', last: '2025-03-03' });
  expect(parts[5]?.stretch).toEqual({ first: '2025-03-01', last: '2025-03-02' });
});

test('EXP-11: a day that does not fit is refused with the limit and the pointer of its largest entry, every such day at once', () => {
  const days = [1, 2].flatMap((day) => [
    large(`a${day}`, `2025-05-0${day}`, 400_000),
    large(`b${day}`, `2025-05-0${day}`, 700_000),
  ]);
  const result = splitDrafts([...BASE, ...SPRING, ...days], { limit: LIMIT, measure, now });
  expect(result.findings.map((one) => [one.code, one.severity, one.pointer])).toEqual([
    ['MIO_DOCUMENT_TOO_LARGE', 'error', '/resources/b1'],
    ['MIO_DOCUMENT_TOO_LARGE', 'error', '/resources/b2'],
  ]);
  expect(result.findings[0]?.message).toContain(String(LIMIT));
  expect(result.count).toBe(0);
  expect([...result.parts()]).toEqual([]);
});

test('what has no date stands in the newest part, and the newest month is cut finer where it needs the room', () => {
  expect(split([...SPRING, large('undated')]).parts.map(contentOf)[0]).toEqual(['apr', 'undated']);
  const two = [...SPRING, large('late', '2025-04-29', 500_000), large('undated')];
  expect(split(two).parts.map(contentOf).slice(0, 2)).toEqual([['late', 'undated'], ['apr']]);
});

test('without any date the document is the one of before, and starts when that did', () => {
  const first = split([draft({ id: 'a' })]).parts;
  expect(first).toMatchObject([{ name: null, period: { start: now, end: now } }]);
  const later = '2025-06-02T12:00:00+02:00';
  const second = split([draft({ id: 'a' })], { before: chainsOf(first), now: later }).parts;
  expect(second[0]?.period).toEqual({ start: now, end: later });
  expect(split([large('a', undefined, 2 * LIMIT)])).toEqual({ parts: [], codes: ['MIO_DOCUMENT_TOO_LARGE'] });
});

test('a date that is none counts as no date, for the validator to find', () => {
  expect(split([...SPRING, large('odd', '2025-02-30')]).parts.map(contentOf)[0]).toEqual(['apr', 'odd']);
});

test('every part repeats what it refers to, by way of others and of the questionnaire, and nothing else', () => {
  const { parts } = split([
    ...SPRING,
    draft({ id: 'score', at: '2025-01-02', refers: ['patient', 'answers'] }),
    draft({ id: 'answers', at: '2025-03-05', type: 'QuestionnaireResponse', members: { questionnaire: 'http://q|1' } }),
    draft({
      id: 'questions',
      type: 'Questionnaire',
      profile: 'Questionnaire',
      refers: [],
      members: { url: 'http://q' },
    }),
    draft({ id: 'value', at: '2025-01-03', refers: ['patient'], agent: { type: 'author', who: 'urn:uuid:device' } }),
    support('device', { type: 'Device', profile: 'Device', refers: ['maker'] }),
    support('maker'),
    support('forgotten'),
  ]);
  const [april, march, january] = parts;
  if (april === undefined || march === undefined || january === undefined) throw new Error('not cut at months');
  expect(idsOf(january).toSorted()).toEqual(
    ['answers', 'app', 'definition', 'device', 'jan', 'maker', 'patient', 'questions', 'score', 'value'].toSorted(),
  );
  expect(contentOf(january)).toEqual(['score', 'value', 'jan', 'questions']);
  expect(contentOf(march)).toContain('answers');
  expect(idsOf(april)).toEqual(['apr', 'forgotten', 'questions', 'app', 'definition', 'patient']);
});

test('a component that points at its meal, and not the meal at it, stands in the part of the meal', () => {
  const { parts } = split([...SPRING, support('energy', { refers: ['patient', 'jan'] })]);
  expect(parts.filter((one) => idsOf(one).includes('energy')).map((one) => one.name)).toEqual([null]);
});

test('a Provenance stands in each part with the targets that are there, and the caller is told', () => {
  const { parts, codes } = split([
    ...SPRING,
    provenance('both', ['jan', 'apr', 'mar3', 'nowhere'], { refers: ['helper'] }),
    provenance('one', ['jan']),
    support('helper'),
  ]);
  const targets = parts.map((part) =>
    part.drafts.filter((one) => one.resource.id === 'both').map((one) => one.resource.target),
  );
  const to = (...ids: string[]) => [ids.map((one) => ({ reference: `urn:uuid:${one}` }))];
  expect(targets).toEqual([to('apr', 'nowhere'), to('mar3', 'nowhere'), to('jan', 'nowhere')]);
  expect(parts.map((part) => idsOf(part).filter((one) => one === 'one' || one === 'helper'))).toEqual([
    ['helper'],
    ['helper'],
    ['helper', 'one'],
  ]);
  expect(codes).toEqual(['MIO_PROVENANCE_DIVIDED']);
});

test('a month that grows is cut at weeks: the first of them keeps its name, the others are new', () => {
  const first = split(SPRING).parts;
  const grown = split([...SPRING, large('mar9', '2025-03-09', 400_000)], { before: chainsOf(first) }).parts;
  expect(names(grown)).toEqual(['2025-04-01', '2025-03-31', '2025-03-03', '2025-03-01', null]);
  // Nothing on 1 and 2 March: the week that has data takes them over.
  const others = SPRING.filter((one) => one.resource.id !== 'mar2');
  const gap = split([...others, large('mar9', '2025-03-09', 600_000)], { before: chainsOf(first) }).parts;
  expect(names(gap)).toEqual(['2025-04-01', '2025-03-31', '2025-03-01', null]);
  expect(gap[2]?.stretch).toEqual({ first: '2025-03-01', last: '2025-03-09' });
  // When they get data, the week is a part of its own.
  const filled = split([...SPRING, large('mar9', '2025-03-09', 600_000)], { before: chainsOf(gap) }).parts;
  expect(names(filled)).toEqual(['2025-04-01', '2025-03-31', '2025-03-03', '2025-03-01', null]);
});

test('what was cut stays cut, also when it would fit again', () => {
  const first = split(SPRING).parts;
  const less = split(SPRING.slice(3), { before: chainsOf(first), limit: 25_000_000 }).parts;
  expect(names(less)).toEqual(['2025-04-01', '2025-03-01', null]);
  expect(less.map(contentOf)).toEqual([['apr'], ['mar31'], []]);
  const none = split(SPRING.slice(0, 4), { before: chainsOf(first) }).parts;
  expect(names(none)).toEqual(['2025-03-01', null, '2025-04-01']);
  expect(idsOf(less[2] ?? { drafts: [] })).toEqual(['app', 'definition', 'patient']);
});

test('a document that ends within a month keeps its days: the rest of the month gets a part of its own', () => {
  const days = { name: '2025-03-01', stretch: { first: '2025-03-01', last: '2025-03-02' } };
  const { parts } = split(SPRING, { before: [days], limit: 25_000_000 });
  expect(parts.map((one) => [one.name, contentOf(one)])).toEqual([
    ['2025-04-01', ['apr']],
    ['2025-03-31', ['mar31']],
    ['2025-03-03', ['mar3']],
    ['2025-03-01', ['mar2']],
    [null, ['jan']],
  ]);
});

test('data before the oldest part get a part of their own; the oldest keeps the chain it has', () => {
  const first = split(SPRING).parts;
  const { parts } = split([large('dec', '2024-12-31'), ...SPRING], { before: chainsOf(first) });
  expect(names(parts)).toEqual(['2025-04-01', '2025-03-01', null, '2024-12-01']);
  expect(parts.map(contentOf).slice(2)).toEqual([['jan'], ['dec']]);
});

test('when no day has data any more every document is emptied, and what has no date stands in the newest', () => {
  const first = split(SPRING).parts;
  const { parts } = split([large('undated')], { before: chainsOf(first) });
  expect(parts.map(contentOf)).toEqual([['undated'], [], []]);
});

test('an export that ended before the whole was replaced: the whole becomes the oldest days, or the month before', () => {
  const whole = { name: null, period: { start: now, end: now } };
  const written = chainsOf(split(SPRING).parts).slice(0, 2);
  expect(names(split(SPRING, { before: [whole, ...written] }).parts)).toEqual(['2025-04-01', '2025-03-01', null]);
  const { parts } = split(SPRING.slice(1), { before: [whole, ...written] });
  expect(parts.map((one) => [one.name, one.stretch?.first, contentOf(one).length])).toEqual([
    ['2025-04-01', '2025-04-01', 1],
    ['2025-03-01', '2025-03-01', 3],
    [null, '2025-02-01', 0],
  ]);
});

test('of a document that somebody else built the name is enough: it has its month, as far as no other begins in it', () => {
  const before = [{ name: null }, { name: '2025-01-01' }, { name: '2025-03-01' }, { name: '2025-03-24' }];
  const { parts } = split(SPRING, { before });
  expect(parts.map((one) => [one.name, one.stretch?.last, contentOf(one)])).toEqual([
    ['2025-04-01', '2025-04-30', ['apr']],
    ['2025-03-24', '2025-03-31', ['mar31']],
    ['2025-03-03', '2025-03-09', ['mar3']],
    ['2025-03-01', '2025-03-02', ['mar2']],
    ['2025-01-01', '2025-01-31', ['jan']],
    [null, '2024-12-31', []],
  ]);
});

test('the whole document of before takes no days younger than those of others: what has no date would move into it', () => {
  const whole = { name: null, period: { start: now, end: now } };
  const april = chainsOf(split(SPRING).parts).slice(0, 1);
  const { parts } = split([...SPRING.slice(4), large('may', '2025-05-01'), large('undated')], {
    before: [whole, ...april],
  });
  expect(parts.map((one) => [one.name, contentOf(one)])).toEqual([
    ['2025-05-01', ['may', 'undated']],
    ['2025-04-01', ['apr']],
    [null, []],
  ]);
});

test.each([
  ['that are none', { first: '2025-02-30', last: '2025-03-01' }],
  ['in the wrong order', { first: '2025-03-02', last: '2025-03-01' }],
  ['that another document has', { first: '2025-04-01', last: '2025-04-30' }],
])('days of a document before %s are not trusted', (_, stretch) => {
  const before = [...chainsOf(split(SPRING).parts), { name: 'x', stretch, period: { start: now, end: now } }];
  expect(() => split(SPRING, { before })).toThrow(expect.objectContaining({ code: 'MIO_MEMORY_BROKEN' }));
});

test('what cannot be written is measured all the same, so that the validator can name every fault', () => {
  const bytes = measureXml(new CoreTables().shapes);
  expect(bytes(draft({ id: 'a', members: { foo: 'x'.repeat(5000) } }))).toBeGreaterThan(5000);
  const good = { ...draft({ id: 'a' }), resource: { resourceType: 'Goal', id: 'a' } };
  expect(bytes(good)).toBeGreaterThan('<Goal><id value="a"/></Goal>'.length);
});
