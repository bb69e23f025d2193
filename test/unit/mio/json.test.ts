// JSON with numbers as they are spelled, a strict grammar and places for what is wrong (RFC 8259). JSON.parse is the judge.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MioError } from '../../../mio/error.ts';
import { readJson, readJsonStream, writeJson } from '../../../mio/json.ts';
import { Decimal } from '../../../mio/model.ts';

function refusal(input: string | Uint8Array, limits = {}): [code: string, pointer: string | undefined] {
  try {
    readJson(input, limits);
  } catch (error) {
    if (error instanceof MioError) return [error.code, error.place.pointer];
    throw error;
  }
  return ['none', undefined];
}

describe('what is read', () => {
  test('numbers keep their spelling, also when written again', () => {
    for (const text of [
      '72.50',
      '72.5',
      '0',
      '-0',
      '1e400',
      '1E3',
      '0.10',
      '1.0',
      '9007199254740993',
      '-10.0',
      '1e-7',
    ]) {
      const { value } = readJson(`{"a":[${text}]}`);
      expect(writeJson(value)).toBe(`{"a":[${text}]}`);
    }
    expect(readJson('72.5').value).toBe(72.5);
    expect(readJson('72.50').value).toEqual(new Decimal('72.50'));
  });

  test('all else is what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(comparable(readJson(text).value)).toEqual(comparable(JSON.parse(text)));
        expect(JSON.parse(writeJson(readJson(text).value))).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('what JSON.parse refuses is refused, whatever is broken', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '"', '\\', ',', ':', '{', ']', '0', '-', '.', 'e', 'tru', '\u{1}', '\u{7F}', ' ', '\u{A0}'),
        (value, place, piece) => {
          const whole = JSON.stringify(value);
          const at = place % (whole.length + 1);
          const text = whole.slice(0, at) + piece + whole.slice(at + 1);
          const [code] = refusal(text);
          // JSON.parse takes the last of two members of one name, and what is broken behind them we do not see.
          if (code !== 'JSON_REPEATED') expect(code === 'JSON_MALFORMED').toBe(!parses(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('escapes and every character', () => {
    const { value } = readJson('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00ä😀\u{7F}\u{85}"');
    expect(value).toBe('"\\/\b\f\n\r\tä😀ä😀\u{7F}\u{85}');
  });

  test('a name that every object has is a member like others', () => {
    const { value } = readJson('{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(writeJson(value)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
  });
});

describe('what is refused or found, with its place', () => {
  test.each([
    ['nothing', '', 'JSON_MALFORMED', ''],
    ['a word', 'hello', 'JSON_MALFORMED', ''],
    ['two documents', '{}{}', 'JSON_MALFORMED', ''],
    ['a name twice', '{"a":{"b/c":1,"b/c":2}}', 'JSON_REPEATED', '/a/b~1c'],
    ['a name twice, once escaped', '{"ab":1,"\\u0061b":2}', 'JSON_REPEATED', '/ab'],
    ['a comma at the end', '{"a":[1,]}', 'JSON_MALFORMED', '/a/1'],
    ['a name without quotes', '{a:1}', 'JSON_MALFORMED', ''],
    ['single quotes', "{'a':1}", 'JSON_MALFORMED', ''],
    ['a comment', '{/**/}', 'JSON_MALFORMED', ''],
    ['a line break in a text', '"a\nb"', 'JSON_MALFORMED', ''],
    ['an unknown escape', '"\\x"', 'JSON_MALFORMED', ''],
    ['leading zeros', '[01]', 'JSON_MALFORMED', '/0'],
    ['a plus', '[+1]', 'JSON_MALFORMED', '/0'],
    ['a point without digits', '[1.]', 'JSON_MALFORMED', '/0'],
    ['NaN', '[NaN]', 'JSON_MALFORMED', '/0'],
    ['a text that does not end', '["a', 'JSON_MALFORMED', '/0'],
    ['a list that does not end', '{"a":[1', 'JSON_MALFORMED', '/a'],
    ['XML', '<Patient/>', 'JSON_MALFORMED', ''],
    ['nesting without end', '['.repeat(10_000), 'JSON_DEPTH', '/0'.repeat(100)],
  ])('%s', (_name, text, code, pointer) => expect(refusal(text)).toEqual([code, pointer]));

  test('bytes that are not UTF-8', () => expect(refusal(Buffer.from([0x22, 0xff, 0x22]))[0]).toBe('JSON_ENCODING'));
  test('more bytes than allowed', () => expect(refusal('[1,2,3]', { maxBytes: 5 })[0]).toBe('MIO_TOO_LARGE'));

  test('characters that XML cannot carry, all of them at once', () => {
    const { value, findings } = readJson('{"a":[{"b":"x\\u0000"},"\\ud800","\\ufffe","ok"]}');
    expect(value).toEqual({ a: [{ b: 'x\u{0}' }, '\u{D800}', '\u{FFFE}', 'ok'] });
    expect(findings.map((one) => [one.code, one.path, one.pointer])).toEqual([
      ['XML_CHARACTER', 'a[0].b', '/a/0/b'],
      ['XML_CHARACTER', 'a[1]', '/a/1'],
      ['XML_CHARACTER', 'a[2]', '/a/2'],
    ]);
  });

  test('no error carries a value', () => {
    try {
      readJson('{"kvnr":"X110411675" x}');
      expect.unreachable();
    } catch (error) {
      expect(`${(error as Error).message}${JSON.stringify(error)}`).not.toContain('X110411675');
    }
  });
});

describe('a body in pieces', () => {
  const outcomeOf = async (read: () => unknown) => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof MioError) return [error.code, error.place.pointer];
      throw error;
    }
  };
  async function* cut(bytes: Uint8Array, length: number) {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }

  test('is read, found at fault or refused as when it comes at once, wherever it is cut', async () => {
    const pieces = ['', '"', '\\', ',', ']', '}', '0', '-', 'e', '\u{1}', '\u{FFFE}', '\\u0000', '\\ud83d', 'ä', '😀'];
    await fc.assert(
      fc.asyncProperty(
        fc.json({ stringUnit: 'binary', maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom(...pieces),
        fc.integer({ min: 1, max: 9 }),
        async (whole, place, piece, length) => {
          const at = place % (whole.length + 1);
          const bytes = Buffer.from(whole.slice(0, at) + piece + whole.slice(at + (place % 2)));
          expect(await outcomeOf(() => readJsonStream(cut(bytes, length)))).toEqual(
            await outcomeOf(() => readJson(bytes)),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('may have a text of megabytes, and pieces that are reused for the next ones', async () => {
    const text = 'ä\n€'.repeat(300_000);
    const bytes = Buffer.from(JSON.stringify({ a: text, b: 12345678, c: [true, null] }));
    async function* reusing() {
      const piece = Buffer.alloc(1000);
      for (let at = 0; at < bytes.length; at += piece.length) yield piece.subarray(0, bytes.copy(piece, 0, at));
    }
    expect(await readJsonStream(reusing())).toEqual({
      value: { a: text, b: 12345678, c: [true, null] },
      findings: [],
    });
  });

  test.each([
    ['nothing', '', 'JSON_MALFORMED', ''],
    ['a text that does not end', '{"a":"bc', 'JSON_MALFORMED', '/a'],
    ['an escape that does not end', '["\\u00', 'JSON_MALFORMED', '/0'],
    ['a word that does not end', '[1,tru', 'JSON_MALFORMED', '/1'],
    ['a number that does not end', '{"a":-', 'JSON_MALFORMED', '/a'],
    ['a name twice', '{"abc":1,"abc":2}', 'JSON_REPEATED', '/abc'],
    ['nesting without end', '{"a":'.repeat(200), 'JSON_DEPTH', '/a'.repeat(100)],
    ['half a byte order mark', Buffer.from([0xef, 0xbb, 0x30]), 'JSON_MALFORMED', ''],
    ['a text that is not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'JSON_ENCODING', undefined],
    ['a text that ends within a character', Buffer.from([0x22, 0xe2, 0x82, 0x22]), 'JSON_ENCODING', undefined],
  ])('is refused: %s', async (_name, body, code, pointer) =>
    expect(await outcomeOf(() => readJsonStream(cut(Buffer.from(body), 2)))).toEqual([code, pointer]),
  );

  test('is refused as soon as it is too large, before it has ended', async () => {
    let asked = 0;
    async function* endless() {
      for (;;) {
        asked += 1;
        yield Buffer.from('[[[[');
      }
    }
    expect(await outcomeOf(() => readJsonStream(endless(), { maxBytes: 10 }))).toEqual(['MIO_TOO_LARGE', undefined]);
    expect(asked).toBe(3);
  });

  test('may begin with a byte order mark', async () => {
    const bytes = Buffer.from('\u{FEFF}{"a":"\u{FEFF}b"}');
    expect(await readJsonStream(cut(bytes, 1))).toEqual({ value: { a: '\u{FEFF}b' }, findings: [] });
    expect(readJson(bytes)).toEqual({ value: { a: '\u{FEFF}b' }, findings: [] });
  });
});

test('a text with half a pair of surrogates is no UTF-8', () => expect(refusal('"\u{D800}"')[0]).toBe('JSON_ENCODING'));

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Decimals as the numbers JSON.parse makes of them. */
function comparable(value: unknown): unknown {
  if (value instanceof Decimal) return Number(value.text);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, one]) => [name, comparable(one)]);
}
