// CBOR of the VAU messages. Judges: RFC 8949 appendix A and F, and the recorded handshake (indefinite lengths).
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CborMap,
  type CborValue,
  cborBool,
  cborBytes,
  cborMap,
  cborText,
  cborUint,
  decodeCbor,
  decodeCborMap,
  encodeCbor,
} from '../../../wire/cbor.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { codeOf, wireErrorOf } from '../../support/wire-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** RFC 8949 appendix A, the rows of types a VAU message can hold; these are also the shortest form we write. */
const definite: [string, CborValue][] = [
  ['00', 0],
  ['01', 1],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1819', 25],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1000000],
  ['1b000000e8d4a51000', 1000000000000],
  ['1bffffffffffffffff', 18446744073709551615n],
  ['3bffffffffffffffff', -18446744073709551616n],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['40', hex('')],
  ['4401020304', hex('01020304')],
  ['60', ''],
  ['6161', 'a'],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', 'ü'],
  ['63e6b0b4', '水'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', {}],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['826161a161626163', ['a', { b: 'c' }]],
  ['a56161614161626142616361436164614461656145', { a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }],
];
const indefinite: [string, CborValue][] = [
  ['5f42010243030405ff', hex('0102030405')],
  ['5fff', hex('')],
  ['5f40ff', hex('')],
  ['7f657374726561646d696e67ff', 'streaming'],
  ['7fff', ''],
  ['7f60616160ff', 'a'],
  ['9fff', []],
  ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['9f01820203820405ff', [1, [2, 3], [4, 5]]],
  ['83018202039f0405ff', [1, [2, 3], [4, 5]]],
  ['83019f0203ff820405', [1, [2, 3], [4, 5]]],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['826161bf61626163ff', ['a', { b: 'c' }]],
  ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
];

describe('decodeCbor', () => {
  test.each([...definite, ...indefinite])('reads %s of RFC 8949 appendix A', (bytes, value) => {
    expect(decodeCbor(hex(bytes))).toEqual(value);
  });

  test('reads bytes from a Node Buffer out of the middle of a pool', () => {
    const pool = Buffer.from('ffff4401020304ffff', 'hex');
    expect(decodeCbor(pool.subarray(2, 7))).toEqual(hex('01020304'));
  });

  const refused: [string, string][] = [
    ['nothing at all', ''],
    ['a byte behind the item', '0000'],
    ['a second item', '83010203a0'],
    ['a duplicate key', 'a2616101616102'],
    ['a duplicate key in a map of indefinite length', 'bf616101616102ff'],
    ['a duplicate key whose second spelling is chunked', 'a26161017f6161ff02'],
    ['a key that is a number', 'a10102'],
    ['a key that is a byte string', 'a1416101'],
    ['a key that is an array', 'a18001'],
    ['tag 0 (date)', 'c074323031332d30332d32315432303a30343a30305a'],
    ['tag 2 (bignum)', 'c249010000000000000000'],
    ['tag 24 (embedded CBOR)', 'd818456449455446'],
    ['tag 55799 (self-described)', 'd9d9f700'],
    ['the half float 1.0', 'f93c00'],
    ['the half float 1.5', 'f93e00'],
    ['a single float', 'fa47c35000'],
    ['a double', 'fb3ff199999999999a'],
    ['infinity', 'f97c00'],
    ['not a number', 'f97e00'],
    ['undefined', 'f7'],
    ['the simple value 16', 'f0'],
    ['the simple value 255', 'f8ff'],
    ['an integer longer than needed', '1817'],
    ['a length longer than needed', '580100'],
    ['an array length longer than needed', '98020102'],
    ['a reserved additional information', '1c'],
    ['a break alone', 'ff'],
    ['a break in a definite array', '8101ff'],
    ['a break in a definite map', 'a16161ff'],
    ['a break where a value belongs', 'bf6161ffff'],
    ['a map of indefinite length with an odd number of items', 'bf6161ff'],
    ['an array of indefinite length without break', '9f01'],
    ['a map of indefinite length without break', 'bf616101'],
    ['a byte string of indefinite length without break', '5f4101'],
    ['a text chunk in a byte string', '5f6161ff'],
    ['a byte chunk in a text string', '7f4161ff'],
    ['a number chunk in a byte string', '5f00ff'],
    ['a nested byte string of indefinite length', '5f5f4101ffff'],
    ['a character torn over two chunks', '7f61c361bcff'],
    ['text that is not UTF-8', '61ff'],
    ['an overlong UTF-8 form', '62c080'],
    ['a UTF-16 surrogate as UTF-8', '63eda080'],
    ['a byte string that ends early', '4401'],
    ['an array that ends early', '8301'],
    ['a map that ends early', 'a26161'],
    ['an array of 2^53 items', '9b0020000000000000'],
    ['nesting without end', '81'.repeat(100_000)],
  ];
  test.each(refused)('refuses %s', (_name, bytes) => {
    expect(codeOf(() => decodeCbor(hex(bytes)))).toBe('CBOR_INVALID');
  });

  test('refuses every true prefix of a message', () => {
    const message = encodeCbor({ MessageType: 'M3', AEAD_ct: hex('0102'), n: [1, { ERP: false }] });
    for (let end = 0; end < message.length; end++) {
      expect(codeOf(() => decodeCbor(message.subarray(0, end)))).toBe('CBOR_INVALID');
    }
  });

  test('never says in its error what stood in the message', () => {
    const error = wireErrorOf(() => decodeCbor(hex('a2665831313036310166583131303631 02')));
    expect(String(error)).not.toContain('X11061');
    expect(error.cause).toBeUndefined();
  });
});

describe('encodeCbor', () => {
  test.each(definite)('writes %s of RFC 8949 appendix A', (bytes, value) => {
    expect(text(encodeCbor(value))).toBe(bytes);
  });

  test('writes a Buffer as the byte string it is', () => {
    expect(text(encodeCbor({ a: Buffer.from('0102', 'hex') }))).toBe('a16161420102');
  });

  test('is undone by decodeCbor', () => {
    const leaf = fc.oneof(
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 300, size: 'max' }),
      fc.constant(null),
    );
    const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 2 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (one) => {
        expect(isDeepStrictEqual(decodeCbor(encodeCbor(one)), one)).toBe(true);
      }),
    );
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 60)])('refuses the number %d', (value) => {
    expect(codeOf(() => encodeCbor({ value }))).toBe('CBOR_INVALID');
  });
});

describe('the members of a map', () => {
  const map: CborMap = {
    bytes: hex('0102'),
    text: 'M1',
    uint: 7,
    negative: -1,
    big: 2n ** 60n,
    bool: false,
    map: { a: 1 },
    list: [],
  };

  test('are given in their type', () => {
    expect(cborBytes(map, 'bytes')).toEqual(hex('0102'));
    expect(cborBytes(map, 'bytes', 2)).toEqual(hex('0102'));
    expect(cborText(map, 'text')).toBe('M1');
    expect(cborUint(map, 'uint')).toBe(7);
    expect(cborBool(map, 'bool')).toBe(false);
    expect(cborMap(map, 'map')).toEqual({ a: 1 });
  });

  test('of another type or length are refused', () => {
    const wrong: (() => unknown)[] = [
      () => cborBytes(map, 'text'),
      () => cborBytes(map, 'bytes', 3),
      () => cborText(map, 'bytes'),
      () => cborUint(map, 'negative'),
      () => cborUint(map, 'big'),
      () => cborUint(map, 'text'),
      () => cborBool(map, 'uint'),
      () => cborMap(map, 'list'),
      () => cborMap(map, 'bytes'),
    ];
    for (const act of wrong) expect(codeOf(act)).toBe('CBOR_TYPE');
  });

  test('that are absent are refused, inherited names included', () => {
    for (const read of [cborBytes, cborText, cborUint, cborBool, cborMap]) {
      for (const key of ['absent', 'constructor', 'toString', '__proto__']) {
        expect(codeOf(() => read(map, key))).toBe('CBOR_MISSING');
      }
    }
  });

  test('named __proto__ stay members', () => {
    const read = decodeCborMap(hex('a1695f5f70726f746f5f5fa1616101'));
    expect(cborMap(read, '__proto__')).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test.each(['80', '00', '4101', 'f6', '6161'])('are not looked for in %s, which is no map', (bytes) => {
    expect(codeOf(() => decodeCborMap(hex(bytes)))).toBe('CBOR_INVALID');
  });
});

describeWithSchemas('the recorded handshake', (dir) => {
  const recorded = () =>
    JSON.parse(readFileSync(`${dir}/schemas/epa/vau-test-vectors/recorded-handshake-nonpu.json`, 'utf8'));
  const message = (name: string): Uint8Array => hex(recorded().handshakeHex[name]);

  test('has M1 to M4 with indefinite lengths and the members of the specification', () => {
    const m1 = decodeCborMap(message('M1'));
    expect(message('M1')[0]).toBe(0xbf);
    expect(cborText(m1, 'MessageType')).toBe('M1');
    expect(cborBytes(m1, 'Kyber768_PK', 1184)).toHaveLength(1184);
    expect(cborText(cborMap(m1, 'ECDH_PK'), 'crv')).toBe('P-256');
    const m2 = decodeCborMap(message('M2'));
    expect(cborText(m2, 'MessageType')).toBe('M2');
    expect(cborBytes(m2, 'Kyber768_ct', 1088)).toHaveLength(1088);
    expect(cborBytes(cborMap(m2, 'ECDH_ct'), 'x', 32)).toHaveLength(32);
    const m3 = decodeCborMap(message('M3'));
    expect(cborText(m3, 'MessageType')).toBe('M3');
    expect(cborBytes(m3, 'AEAD_ct_key_confirmation', 60)).toHaveLength(60);
    const m4 = decodeCborMap(message('M4'));
    expect(Object.keys(m4).sort()).toEqual(['AEAD_ct_key_confirmation', 'MessageType']);
  });

  test('says the same in our shortest form', () => {
    for (const name of ['M1', 'M2', 'M3', 'M4']) {
      const ours = encodeCbor(decodeCbor(message(name)));
      expect(ours.length).toBeLessThan(message(name).length);
      expect(decodeCbor(ours)).toEqual(decodeCbor(message(name)));
    }
  });

  test('is refused with its last byte missing or one too many', () => {
    for (const name of ['M1', 'M2', 'M3', 'M4']) {
      expect(codeOf(() => decodeCbor(message(name).subarray(0, -1)))).toBe('CBOR_INVALID');
      expect(codeOf(() => decodeCbor(Buffer.concat([message(name), Buffer.of(0xff)])))).toBe('CBOR_INVALID');
    }
  });
});
