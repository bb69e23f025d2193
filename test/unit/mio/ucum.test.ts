// UCUM expressions: what its grammar makes of units, prefixes, numbers and braces, and what people write instead of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUcum, ucumWords } from '../../../mio/ucum.ts';

describe('is UCUM', () => {
  test.each(
    `1 10 m kg mmol/L mg/dL mm[Hg] cm[H2O] /min % Cel [degF] kcal km/d {score} {Schritte} /100{WBC} 10*3/uL 10*-6
    10^9/L mL/min/{1.73_m2} g/(100.g) /(12.h) (m) ((m)) g{wet}/d m[IU]/mL k[IU] kcal_th cal_[15] B[SPL] dB[SPL] %[slope] ' ''
    [m/s2/Hz^(1/2)] [anti'Xa'U] m2 s-1 m+2 J.s MG das dar min h wk mo a cd cm Pa kPa hPa GiBy [in_i'H2O] [ft_i]/s2 {} m{} nmol/mg{prot}`.split(
      /\s+/,
    ),
  )('%s', (code) => expect(isUcum(code)).toBe(true));
});

describe('is not', () => {
  test.each([
    ['', ' ', '/', '.', '//m', 'm/', 'm.', 'm//s', '.m'],
    ['(m', 'm)', '()', 'm(s)', '(m)s', '(/m)', '(m)2', '(m){a}', ')m('],
    ['Schritte', 'Stück', 'Stk', 'Tablette', 'Punkte', 'bpm', 'mmHg', 'mm Hg', 'Celsius', '°C', '°', 'µg', 'ºC', 'Ω'],
    // Case is part of the symbol.
    ['KG', 'Kg', 'ML/MIN', 'CEL', 'cel', 'Min', 'MM[HG]', 'mm[hg]', 'mm[HG', '[iu]'],
    // Prefixes stand before metric units only, and alone never.
    ['k', 'da', 'kmin', 'mh', 'k%', "k[arb'U]", 'm[in_i]', 'kkg', 'k10*3', 'kda'],
    ['12h', '5mg', '1.', '1,5', '+1', '-1', 'm^2', 'm**2', 'm2-', 'm--1', 'm²', '10*x', '1e3'],
    ['{', '}', '{a', 'a}', '{a}}', '{{a}}', '{a b}', '{Schläge}', '{a}b', 'm{a}{b}', '{a}{b}', '{a}2'],
    [' m', 'm ', 'm\n', 'm s', 'm\u0000', 'm\u00a0'],
    ['constructor', '__proto__', 'toString'],
  ])('%j …', (...codes) => expect(codes.filter(isUcum)).toEqual([]));
});

test('of a long text an answer comes at once', () => {
  const long = ['m', 'cal_', '1', '(', '{', "'", 'da', 'm2.', '/m', '[', 'm[', '((m)).'].map((piece) =>
    piece.repeat(20_000),
  );
  const start = process.cpuUsage();
  const answers = long.map((text) => isUcum(`${text}?`));
  expect(answers).toEqual(long.map(() => false));
  expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
});

test('what is made of units, prefixes and numbers by the grammar is UCUM', () => {
  const simple = fc.tuple(
    fc.constantFrom('', 'k', 'da', 'm', 'u', 'Y', 'Mi'),
    fc.constantFrom('m', 'g', 'mol', 'L', 'U', '[IU]', 'm[Hg]', 'cal', 'Cel', 'B[10.nV]'),
    fc.constantFrom('', '2', '-1', '+3'),
    fc.constantFrom('', '{a}', '{1.73_m2}', '{}'),
  );
  const { term } = fc.letrec<{ term: string; component: string }>((tie) => ({
    component: fc.oneof(
      { maxDepth: 4 },
      simple.map((parts) => parts.join('')),
      fc.constantFrom('10*', '%', 'min', '[degF]', '7', '{x}'),
      tie('term').map((inner) => `(${inner})`),
    ),
    term: fc
      .tuple(tie('component'), fc.array(fc.tuple(fc.constantFrom('.', '/'), tie('component')), { maxLength: 3 }))
      .map(([first, rest]) => first + rest.flat().join('')),
  }));
  fc.assert(
    fc.property(fc.constantFrom('', '/'), term, (stroke, code) => {
      expect(isUcum(stroke + code)).toBe(true);
      expect(isUcum(`${code} `)).toBe(false);
      expect(isUcum(`${code})`)).toBe(false);
    }),
    { seed: 20_261_130 },
  );
});

test.each([
  ['{Schritte}', 'Schritte'],
  ['{}', '{}'],
  ['10{Schritte}', '10{Schritte}'],
  ['kg', 'kg'],
])('people read %s as %s', (code, words) => expect(ucumWords(code)).toBe(words));
