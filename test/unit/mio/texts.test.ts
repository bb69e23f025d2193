// Texts kept once: the same bytes give the same text, and no other bytes do, whatever their hashes are.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashed, LONGEST, Texts } from '../../../mio/texts.ts';

const hashOf = (bytes: Uint8Array) => bytes.reduce(hashed, 0);
const read = (texts: Texts, text: string, hash = hashOf(Buffer.from(text))) =>
  texts.ofAscii(Buffer.from(`x${text}x`), 1, text.length + 1, hash);

test('every text comes out as it went in, however many there are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 40 }), { minLength: 20, maxLength: 60 }), (all) => {
      const texts = new Texts();
      for (const one of [...all, ...all]) expect(read(texts, one)).toBe(one);
    }),
  );
  const texts = new Texts();
  for (let index = 0; index < 100_000; index += 1) {
    if (read(texts, `u${index % 70_000}`) !== `u${index % 70_000}`) expect.fail(`u${index}`);
    if (read(texts, 'common') !== 'common') expect.fail('common');
  }
});

test('texts of one hash are not taken for each other', () => {
  const texts = new Texts();
  for (const one of ['ab', 'cd', 'abc', '', 'ab']) expect(read(texts, one, 7)).toBe(one);
  // "Aa" and "BB" have the same hash by nature.
  expect(hashOf(Buffer.from('Aa'))).toBe(hashOf(Buffer.from('BB')));
  for (const one of ['Aa', 'BB', 'Aa']) expect(read(texts, one)).toBe(one);
});

test('any text comes out as it went in, of any length', () => {
  const texts = new Texts();
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u{D800}', 'ä', '\u{100}', '\u{0}', ''));
  fc.assert(
    fc.property(any, (one) => {
      expect(texts.of(one)).toBe(one);
    }),
  );
  for (const length of [0, 12, 13, LONGEST, LONGEST + 1]) expect(texts.of('ä'.repeat(length))).toBe('ä'.repeat(length));
});

test('a text that came as bytes and one that came as a text do not mix up', () => {
  const texts = new Texts();
  for (const one of ['a', 'http://loinc.org', 'a', 'b']) {
    expect(texts.of(one)).toBe(one);
    expect(read(texts, one)).toBe(one);
  }
});
