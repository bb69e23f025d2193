// mio/xml-scan.ts against saxes, which is written by others: for random XML, for mutants of it and of the published examples both
// accept the same with the same events, or both refuse, however the text is cut into pieces.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Seen, seenBySaxes, seenByScanner } from '../../support/saxes-events.ts';
import { describeWithSchemas } from '../../support/schemas.ts';

const RUNS = 2000;
const pick = <T>(...values: T[]) => fc.constantFrom(...values);
const many = (one: fc.Arbitrary<string>, maxLength: number, minLength = 0) =>
  fc.array(one, { minLength, maxLength }).map((all) => all.join(''));

const space = many(pick(' ', '\n', '\t', '\r', '\r\n'), 3);
const gap = many(pick(' ', '\n', '\t', '\r\n'), 2, 1);
const name = pick(
  'a',
  'b',
  'value',
  'div',
  'p:q',
  '_x-1.',
  'é',
  'aé',
  'a\u{B7}',
  '\u{10400}',
  'xml',
  'constructor',
  '__proto__',
);
const reference = pick('&amp;', '&lt;', '&gt;', '&quot;', '&apos;', '&#65;', '&#x41;', '&#xA;', '&#32;', '&#x1F600;');
const character = pick(
  'x',
  ' ',
  '\n',
  '\r',
  '\t',
  '\r\n',
  '>',
  ']',
  '-',
  'ß',
  '–',
  '\u{1F600}',
  '\u{FFFD}',
  '=',
  '/',
  '?',
);
const text = many(fc.oneof(character, reference, pick("'", '"', ']]')), 4);
const comment = many(pick('x', ' ', '-x', '<', '&', '>', ']]>', '\u{1F600}', '\r'), 4).map((one) => `<!--${one}-->`);
const cdata = many(pick('x', ' ', ']', '<', '&', '>', ']]', '--', '\r\n'), 4).map((one) => `<![CDATA[${one}]]>`);
const attribute = fc
  .tuple(gap, name, space, space, pick('"', "'"), many(fc.oneof(character, reference), 4))
  .map(([before, key, left, right, quote, value]) => `${before}${key}${left}=${right}${quote}${value}${quote}`);
/** No name twice in most, so that most documents are well-formed. */
const attributes = fc.oneof(
  { weight: 9, arbitrary: attribute },
  { weight: 9, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: many(attribute, 3) },
);
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: fc.oneof(
    fc.tuple(name, attributes, space).map(([tag, given, after]) => `<${tag}${given}${after}/>`),
    fc
      .tuple(name, attributes, space, tie('content'), space)
      .map(([tag, given, after, inside, end]) => `<${tag}${given}${after}>${inside}</${tag}${end}>`),
  ),
  content: fc
    .array(fc.oneof({ maxDepth: 4, depthIdentifier: 'xml' }, space, text, comment, cdata, tie('element')), {
      maxLength: 4,
    })
    .map((all) => all.join('')),
}));
const declaration = pick(
  '',
  '',
  '<?xml version="1.0"?>',
  "<?xml version = '1.0' encoding='utf-8' ?>",
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n',
);
const misc = many(fc.oneof(space, comment), 2);
const document = fc.tuple(declaration, misc, element, misc).map((all) => all.join(''));

const bad = [
  ...Array.from('<>&;"\'=/!?[]-#: \r\nx0.é\u{0}\u{B}\u{D7}\u{FFFE}\u{FEFF}\u{1F600}'),
  ...'&x; &#0; &#xD800; &#x110000; &# &; ]]> -- <!-- <![CDATA[ <!doctype </a> <a> <a/> a=1'.split(' '),
  ...['& ', '<!DOCTYPE a>', '<?p ?>', '<?xml version="1.0"?>', ' a="1"'],
];
const mutation = fc.record({
  at: fc.nat(1_000_000),
  cut: fc.nat({ max: 3 }),
  put: fc.oneof(fc.constant(''), pick(...bad)),
});
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

function mutated(source: string, { at, cut, put }: { at: number; cut: number; put: string }): string {
  const characters = Array.from(source);
  characters.splice(at % (characters.length + 1), cut, put);
  return characters.join('');
}

/** Never inside a character: the decoder of UTF-8 does not cut there either. */
function inPieces(source: string, lengths: number[]): string[] {
  const characters = Array.from(source);
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < characters.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    pieces.push(characters.slice(at, at + length).join(''));
    at += length;
  }
  return pieces;
}

function sameAsSaxes(source: string, pieces: readonly string[]): Seen {
  const theirs = seenBySaxes(source);
  const ours = seenByScanner(pieces);
  expect(ours.verdict === 'ok', `${ours.verdict} instead of ${theirs.verdict}`).toBe(theirs.verdict === 'ok');
  if (theirs.verdict === 'ok') expect(ours.events).toEqual(theirs.events);
  else {
    // Where exactly a reader stops inside a broken tag is its own affair; what it told before is not.
    const length = Math.min(ours.events.length, theirs.events.length);
    expect(ours.events.slice(0, length)).toEqual(theirs.events.slice(0, length));
  }
  return ours;
}

describe('the scanner and saxes', () => {
  test('see the same in random XML, however it is cut', () => {
    const verdicts = new Map<string, number>();
    fc.assert(
      fc.property(document, cuts, (source, lengths) => {
        const { verdict } = sameAsSaxes(source, inPieces(source, lengths));
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        expect(seenByScanner([source]).verdict).toBe(verdict);
      }),
      { numRuns: RUNS },
    );
    expect(verdicts.get('ok') ?? 0).toBeGreaterThan(RUNS / 2);
  });

  test('accept and refuse the same mutants', () => {
    const verdicts = new Map<string, number>();
    fc.assert(
      fc.property(document, fc.array(mutation, { minLength: 1, maxLength: 2 }), cuts, (source, mutations, lengths) => {
        const broken = mutations.reduce(mutated, source);
        fc.pre(!broken.startsWith('\u{FEFF}'));
        const { verdict } = sameAsSaxes(broken, inPieces(broken, lengths));
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
    for (const often of ['ok', 'XML_MALFORMED', 'XML_CHARACTER', 'XML_ENTITY']) {
      expect(verdicts.get(often) ?? 0, often).toBeGreaterThan(20);
    }
  });

  test.each([
    ['a value without quotes', '<a b=c/>', 'XML_MALFORMED'],
    ['attributes that touch', '<a b="1"c="2"/>', 'XML_MALFORMED'],
    ['an attribute twice', '<a b="1" b="1"/>', 'XML_MALFORMED'],
    ['a tag in a value', '<a b="<"/>', 'XML_MALFORMED'],
    ['a value that does not end', '<a b="1><c d="2"/></a>', 'XML_MALFORMED'],
    ['a name that begins with a digit', '<1/>', 'XML_MALFORMED'],
    ['a space before a name', '< a/>', 'XML_MALFORMED'],
    ['an end tag with an attribute', '<a></a b="1">', 'XML_MALFORMED'],
    ['an end tag that only begins like the start tag', '<a></ab>', 'XML_MALFORMED'],
    ['an end tag too many', '<a></a></a>', 'XML_MALFORMED'],
    ['the end of a CDATA section in text', '<a>]]></a>', 'XML_MALFORMED'],
    ['a CDATA section outside of the root', '<a/><![CDATA[]]>', 'XML_MALFORMED'],
    ['two hyphens in a comment', '<a><!-- -- --></a>', 'XML_MALFORMED'],
    ['three hyphens at its end', '<a><!-- ---></a>', 'XML_MALFORMED'],
    ['a comment that does not end', '<a><!-- </a>', 'XML_MALFORMED'],
    ['a reference without an end', '<a>&amp</a>', 'XML_MALFORMED'],
    ['an ampersand alone', '<a b="&"/>', 'XML_MALFORMED'],
    ['half of a pair by reference', '<a b="&#xD83D;"/>', 'XML_ENTITY'],
    ['a character beyond Unicode', '<a b="&#x110000;"/>', 'XML_ENTITY'],
    ['U+000B in a comment', '<a><!-- \u{B} --></a>', 'XML_CHARACTER'],
    ['U+FFFF in a CDATA section', '<a><![CDATA[\u{FFFF}]]></a>', 'XML_CHARACTER'],
    ['a declaration behind a space', ' <?xml version="1.0"?><a/>', 'XML_MALFORMED'],
    ['a declaration without a version', '<?xml encoding="UTF-8"?><a/>', 'XML_MALFORMED'],
    ['a declaration in another order', '<?xml version="1.0" standalone="no" encoding="UTF-8"?><a/>', 'XML_MALFORMED'],
    ['another encoding', '<?xml version="1.0" encoding="latin1"?><a/>', 'XML_ENCODING'],
    ['text before the root', 'x<a/>', 'XML_MALFORMED'],
    ['a reference behind it', '<a/>&#32;', 'XML_MALFORMED'],
    ['a DTD', '<!DOCTYPE a><a/>', 'XML_DOCTYPE'],
    ['a processing instruction', '<a><?p ?></a>', 'XML_PROCESSING_INSTRUCTION'],
    ['one level too many', '<a>'.repeat(101), 'XML_DEPTH'],
  ])('refuse %s', (_name, source, code) => {
    expect(sameAsSaxes(source, inPieces(source, [1])).verdict).toBe(code);
    expect(seenByScanner([source]).verdict).toBe(code);
  });
});

describeWithSchemas('the scanner and saxes in the published examples', (dir) => {
  const sources = globSync(join(dir, 'mio/examples/**/*.xml')).map((file) =>
    readFileSync(file, 'utf8').replace('\u{FEFF}', ''),
  );

  test('see the same', () => {
    for (const source of sources) expect(sameAsSaxes(source, inPieces(source, [977])).verdict).toBe('ok');
  });

  test('accept and refuse the same mutants', () => {
    fc.assert(
      fc.property(pick(...sources), mutation, (source, one) => {
        const broken = mutated(source, one);
        fc.pre(!broken.startsWith('\u{FEFF}'));
        sameAsSaxes(broken, [broken]);
      }),
      { numRuns: 300 },
    );
  });
});

test('a value of 20 MB in small pieces is looked at in proportion to its length', () => {
  const piece = 'x'.repeat(4096);
  const { verdict, events } = seenByScanner(['<a b="', ...new Array<string>(5000).fill(piece), '"/>']);
  expect(verdict).toBe('ok');
  expect(events[0]?.length).toBe('["a","b","",true]'.length + 5000 * 4096);
});
