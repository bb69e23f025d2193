// One random value for each format that the schemas of mio/build name (mio/build/inputs.ts). A format without a line here
// fails the property test.
import fc from 'fast-check';
import type { CodeLists } from '../../../mio/build/code-lists.ts';
import { SYSTEMS } from '../../../mio/build/systems.ts';
import { numberOf } from '../../../mio/model.ts';

const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const text = fc
  .oneof(
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.integer({ min: 9, max: 0x10ffff }), { minLength: 1, maxLength: 8 })
        .map((points) => String.fromCodePoint(...points)),
    },
    { weight: 1, arbitrary: fc.constantFrom('72.50', '<&>"\'', '\t a\r\n\tb ', 'ä😀', ']]>', '5 mg', 'a b', '') },
  )
  .filter((one) => /\S/.test(one) && !FORBIDDEN.test(one));

const pad = (value: number, length = 2) => String(value).padStart(length, '0');
const day = fc
  .tuple(fc.integer({ min: 1900, max: 2100 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([year, month, date]) => `${year}-${pad(month)}-${pad(date)}`);
const time = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.constantFrom('', '.5', '.123456789'))
  .map(([hour, minute, second, rest]) => `${pad(hour)}:${pad(minute)}:${pad(second)}${rest}`);
const instant = fc
  .tuple(day, time, fc.constantFrom('Z', '+01:00', '-11:30', '+14:00'))
  .map(([date, clock, zone]) => `${date}T${clock}${zone}`);
const moment = fc.oneof(day, instant);
const date = fc.oneof(
  moment,
  day.map((one) => one.slice(0, 7)),
  day.map((one) => one.slice(0, 4)),
);
const period = fc.oneof(
  fc.tuple(day, day).map((both) => both.sort()),
  fc.tuple(instant, instant).map((both) => both.sort((a, b) => Date.parse(a) - Date.parse(b) || (a < b ? -1 : 1))),
);
const decimal = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.nat(99_999),
    fc.constantFrom('', '.0', '.50', '.125'),
    fc.constantFrom('', 'e3', 'E-7'),
  )
  .map((parts) => numberOf(parts.join('')) ?? 0);

/** Everything random comes from one number. */
export type Draw = {
  below(limit: number): number;
  one<T>(list: readonly T[]): T;
  of<T>(arbitrary: fc.Arbitrary<T>): T;
};

export function drawFrom(seed: number): Draw {
  let state = seed | 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => next() % limit;
  const one = <T>(list: readonly T[]): T => {
    const [chosen] = list.slice(below(list.length));
    if (chosen === undefined) throw new TypeError('nothing to choose from');
    return chosen;
  };
  return { below, one, of: (arbitrary) => one(poolOf(arbitrary)) };
}

/** Values of each arbitrary, made once: fast-check takes its time for a single one. */
const pools = new Map<unknown, unknown[]>();
const POOL = 400;

function poolOf<T>(arbitrary: fc.Arbitrary<T>): T[] {
  const known = pools.get(arbitrary) as T[] | undefined;
  const pool = known ?? fc.sample(arbitrary, { seed: POOL, numRuns: POOL });
  pools.set(arbitrary, pool);
  return pool;
}

type Meta = { [name: string]: unknown } | undefined;

/** Of what the schema itself does not say. */
export function valueOfFormat(draw: Draw, meta: Meta, lists: CodeLists): unknown {
  const format = String(meta?.format);
  const arbitrary = ARBITRARIES[format];
  if (arbitrary !== undefined) return draw.of(arbitrary);
  const words = WORDS[format];
  if (words !== undefined) return draw.one(words);
  switch (format) {
    case 'decimal': {
      const value = draw.of(decimal);
      const [least, most] = [Number(meta?.minimum ?? -Infinity), Number(meta?.maximum ?? Infinity)];
      return Number(value) < least || Number(value) > most ? Math.max(least, 1) : value;
    }
    case 'period': {
      const [start, end] = draw.of(period);
      return { start, end };
    }
    case 'code-of':
      return draw.one(
        lists.valueSet(String(meta?.valueSet)).lists.flatMap(({ codes }) => [...(codes?.keys() ?? ['123'])]),
      );
    case 'digits': {
      const length = Number(meta?.least) + draw.below(Number(meta?.most) - Number(meta?.least) + 1);
      return Array.from({ length }, () => draw.below(10)).join('');
    }
    default:
      throw new TypeError(`no random value for the format ${format}`);
  }
}

const ARBITRARIES: Readonly<Record<string, fc.Arbitrary<string> | undefined>> = {
  text,
  'entry-id': text,
  day,
  instant,
  moment,
  date,
  time,
  base64: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64')),
};

const WORDS: Readonly<Record<string, readonly string[] | undefined>> = {
  reference: ['a', 'b'],
  code: ['1', 'kg', 'a-b', '44261-6', 'd920', 'A B'],
  ucum: ['1', 'kg', '/min', '{score}', '10*3/uL', 'mL/min/{1.73_m2}'],
  system: [...Object.keys(SYSTEMS), 'https://codes.example/system', 'urn:oid:1.2.3'],
  canonical: ['https://diga.example/Questionnaire/1', 'urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8'],
  'media-type': ['application/pdf', 'image/svg+xml', 'text/plain'],
  pzn: ['12345678', '00000001'],
  'https-url': ['https://diga.example/file', 'https://diga.example:8443/a?b=c&d=%20'],
  url: ['https://diga.example', 'http://maker.example/a?b=c'],
  kvnr: ['X110411675'],
};
