// The bytes of XML in pieces: Node's own encoder is the judge of what comes out, wherever a piece happens to end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { XmlSink } from '../../../mio/xml-sink.ts';

const PIECE = 65_536;

/** What was written, and the pieces it came in. */
function written(write: (sink: XmlSink) => unknown): { text: string; pieces: Uint8Array[] } {
  const pieces: Uint8Array[] = [];
  const sink = new XmlSink((piece) => pieces.push(piece.slice()));
  write(sink);
  sink.flush();
  const text = Buffer.concat(pieces).toString('utf8');
  expect(sink.length).toBe(Buffer.byteLength(text));
  return { text, pieces };
}
const accepts = (text: string) => new XmlSink(() => undefined).value(text);

/** XML 1.0 section 2.2, code point by code point. */
const isCharacter = (point: number) =>
  [0x9, 0xa, 0xd].includes(point) ||
  (point >= 0x20 && point < 0xd800) ||
  (point >= 0xe000 && point < 0xfffe) ||
  point > 0xffff;

const escaped = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#9;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;');

describe('a value', () => {
  test('is what the encoder of Node makes of it, or is refused for a character that XML has not', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.array(fc.nat(0xffff), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(text, fc.constantFrom(0, 1, 2046, 2047, 2048, PIECE - 3), (value, before) => {
        const whole = 'x'.repeat(before) + value;
        const sound = [...whole].every((one) => isCharacter(one.codePointAt(0) ?? 0));
        expect(accepts(whole)).toBe(sound);
        if (sound) expect(written((sink) => sink.value(whole)).text).toBe(escaped(whole));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['pairs of surrogates', 'x', '😀'],
    ['the longest escape', 'x', '"'],
    ['three bytes', '', '€'],
    ['two bytes', 'xxx', 'ä'],
  ])('of many pieces loses nothing where one ends: %s', (_name, before, one) => {
    const value = before + one.repeat(100_000);
    const { text, pieces } = written((sink) => sink.value(value));
    expect(text).toBe(escaped(value));
    expect(pieces.length).toBeGreaterThan(2);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(PIECE);
  });

  test.each([
    ['half a pair at the end of a run', `${'x'.repeat(2047)}\u{D83D}`],
    ['half a pair before the next run', `${'x'.repeat(2047)}\u{D83D}${'x'.repeat(10)}`],
    ['the other half alone', `${'x'.repeat(2048)}\u{DE00}`],
    ['U+FFFF at the end of a piece', `${'x'.repeat(PIECE - 1)}\u{FFFF}`],
    ['U+0000 after a megabyte', `${'x'.repeat(1_000_000)}\u{0}`],
  ])('is refused: %s', (_name, text) => expect(accepts(text)).toBe(false));
});

describe('pieces', () => {
  test('are given once and in their order, and nothing is given of nothing', () => {
    let expected = '';
    const { text, pieces } = written((sink) => {
      for (let index = 0; index < 40_000; index += 1) {
        sink.markup(`<a${index}/>`);
        expected += `<a${index}/>`;
      }
      sink.flush();
      sink.flush();
    });
    expect(text).toBe(expected);
    expect(pieces.every((piece) => piece.length > 0)).toBe(true);
    expect(written(() => undefined).pieces).toEqual([]);
  });

  test('stand in the same memory one after the other', () => {
    const given = new Set<ArrayBufferLike>();
    const sink = new XmlSink((piece) => given.add(piece.buffer));
    for (let index = 0; index < 1_000_000; index += 1) sink.markup('<a/>');
    sink.flush();
    expect(given.size).toBe(2);
  });

  test('an element closes itself, also where its end stands at the end of a piece', () => {
    for (const before of [0, 2046, 2047, 2048, PIECE]) {
      const { text } = written((sink) => {
        sink.markup('x'.repeat(before));
        sink.markup('>');
        sink.closeEmpty();
      });
      expect(text).toBe(`${'x'.repeat(before)}/>`);
    }
  });

  test('a narrative of any length goes through as it is', () => {
    for (const length of [0, 1, 2047, PIECE / 2, PIECE, 300_000]) {
      const narrative = `<div>${'ä'.repeat(length)}</div>`;
      const { text } = written((sink) => {
        sink.markup('<text>');
        sink.raw(narrative);
        sink.markup('</text>');
      });
      expect(text).toBe(`<text>${narrative}</text>`);
    }
  });
});
