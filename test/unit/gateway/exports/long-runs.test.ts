// Runs of base64 are cut to what is kept, wherever the pieces of the text end, and nothing else is touched.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KEPT_RUN, openShortener } from '../../../../gateway/exports/long-runs.ts';

const inPieces = (pieces: readonly string[]) => {
  const { shorten } = openShortener();
  return pieces.map(shorten).join('');
};
const expected = (text: string) => text.replace(/[A-Za-z0-9+/=]+/g, (run) => run.slice(0, KEPT_RUN));

test('in whatever pieces the text comes', () => {
  const part = fc.oneof(
    fc.nat(3 * KEPT_RUN).map((n) => 'A'.repeat(n)),
    fc.constantFrom(KEPT_RUN - 1, KEPT_RUN, KEPT_RUN + 1).map((n) => '='.repeat(n)),
    fc.string({ maxLength: 20 }),
    fc.constantFrom('"', '<', ' ', '\n', 'ä', '😀', '-', '_'),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (pieces) => {
      expect(inPieces(pieces)).toBe(expected(pieces.join('')));
    }),
  );
});

test('says whether something was cut', () => {
  const shortener = openShortener();
  shortener.shorten('a'.repeat(KEPT_RUN));
  expect(shortener.cut).toBe(false);
  shortener.shorten('a');
  expect(shortener.cut).toBe(true);
});
