// One fault at a time in a valid document: forms of values, units, fixed values, patterns, codes. Each is found at its place and
// nothing else is.
import { describe, expect, test } from 'vitest';
import { type FhirValue, numberOf } from '../../../../mio/model.ts';
import { each, FREE, PATIENT, WEIGHT } from './one-fault.ts';
import { foundAfter } from './small-document.ts';

describe('forms', () => {
  const dateTime = `${WEIGHT}/effectiveDateTime`;
  each([
    ['a day that does not exist', dateTime, '2025-02-29', [`MIO_FORMAT ${dateTime}`]],
    ['the 29 February of a year without', dateTime, '1900-02-29', [`MIO_FORMAT ${dateTime}`]],
    ['a time without zone', dateTime, '2025-02-03T07:30:00', [`MIO_FORMAT ${dateTime}`]],
    ['a time without seconds', dateTime, '2025-02-03T07:30+01:00', [`MIO_FORMAT ${dateTime}`]],
    ['an hour 24', dateTime, '2025-02-03T24:00:00+01:00', [`MIO_FORMAT ${dateTime}`]],
    ['a line break after a date', dateTime, '2025-02-03\n', [`MIO_FORMAT ${dateTime}`]],
    ['an instant of a day', '/timestamp', '2025-03-31', ['MIO_FORMAT /timestamp']],
    ['an instant without zone', '/timestamp', '2025-03-31T12:00:00', ['MIO_FORMAT /timestamp']],
    ['an id with a space', `${PATIENT}/meta/versionId`, 'a b', [`MIO_FORMAT ${PATIENT}/meta/versionId`]],
    [
      'a uri with a space',
      `${FREE}/code/coding`,
      [{ system: 'urn:a b', code: 'x' }],
      [`MIO_FORMAT ${FREE}/code/coding/0/system`],
    ],
    ['a code with two spaces', `${FREE}/code/coding`, [{ code: 'a  b' }], [`MIO_FORMAT ${FREE}/code/coding/0/code`]],
    ['an integer with a point', `${FREE}/valueInteger`, 1.5, [`MIO_FORMAT ${FREE}/valueInteger`]],
    [
      'an integer spelled as a decimal',
      `${FREE}/valueInteger`,
      numberOf('1.0') ?? null,
      [`MIO_FORMAT ${FREE}/valueInteger`],
    ],
    ['an integer of 33 bits', `${FREE}/valueInteger`, 2_147_483_648, [`MIO_FORMAT ${FREE}/valueInteger`]],
    [
      'base64 of 5 characters',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueBase64Binary: 'AAAAA' }],
      [`MIO_FORMAT ${FREE}/extension/0/valueBase64Binary`],
    ],
    [
      'a text of more than a megabyte',
      `${FREE}/note`,
      [{ text: 'a'.repeat(1024 * 1024 + 1) }],
      [`MIO_FORMAT ${FREE}/note/0/text`],
    ],
  ]);

  test.each(['2024-02-29', '2000-02-29', '2025-02-03T23:59:60Z', '2025-02-03T07:30:00.123+01:00'])(
    '%s is a time',
    (value) => expect(foundAfter(dateTime, value)).toEqual([]),
  );
  test.each(['Muster\u00a0GmbH', 'a\u2028b', ' a '])('white space that is none in XML is part of a text', (value) =>
    expect(foundAfter(`${FREE}/code/text`, value)).toEqual([]),
  );
});

describe('units', () => {
  const of = (code: FhirValue, system = 'http://unitsofmeasure.org') => [
    { code: { text: 'x' }, valueQuantity: { value: 1, unit: 'x', system, code } },
  ];
  const component = `${FREE}/component`;
  const found = [`MIO_UNIT ${component}/0/valueQuantity/code`];
  each([
    ['a word that is no UCUM', component, of('Schritte'), found],
    ['a unit as people write it', component, of('mmHg'), found],
    ['a unit in another case', component, of('KG'), found],
    ['words in braces', component, of('{Schritte}'), []],
    ['a unit made of others', component, of('mL/min/{1.73_m2}'), []],
    ['a code of another system', component, of('Schritte', 'urn:oid:1.2.3'), []],
    ['no text as the code', component, of(1), [`MIO_TYPE ${component}/0/valueQuantity/code`]],
    [
      'the limit of a range',
      `${FREE}/referenceRange`,
      [{ low: { value: 1, unit: 'x', system: 'http://unitsofmeasure.org', code: 'Stk' } }],
      [`MIO_UNIT ${FREE}/referenceRange/0/low/code`],
    ],
    [
      'a quantity in an extension',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueAge: { value: 1, system: 'http://unitsofmeasure.org', code: 'Jahre' } }],
      [`MIO_UNIT ${FREE}/extension/0/valueAge/code`],
    ],
    // What the profile itself says of the code is told once.
    ['a unit of a weight', `${WEIGHT}/valueQuantity/code`, 'stone', [`MIO_CODE ${WEIGHT}/valueQuantity/code`]],
  ]);
});

describe('fixed values, patterns and codes', () => {
  const composition = '/entry/0/resource';
  each([
    ['another title', `${composition}/title`, 'Export', [`MIO_FIXED ${composition}/title`]],
    ['another status', `${composition}/status`, 'preliminary', [`MIO_PATTERN ${composition}/status`]],
    [
      'another system of an identifier',
      `${WEIGHT}/identifier/0/system`,
      'urn:x',
      [`MIO_FIXED ${WEIGHT}/identifier/0/system`],
    ],
    [
      'another version of LOINC',
      `${WEIGHT}/code/coding/0/version`,
      '2.73',
      [`MIO_PATTERN ${WEIGHT}/code/coding/0/version`],
    ],
    [
      'another display of a pattern',
      `${WEIGHT}/identifier/0/type/coding/0/display`,
      'RI',
      [`MIO_PATTERN ${WEIGHT}/identifier/0/type/coding/0/display`],
    ],
    ['a status that is none', `${WEIGHT}/status`, 'done', [`MIO_CODE ${WEIGHT}/status`]],
    [
      'a code of another list in a slice',
      `${WEIGHT}/code/coding/0/code`,
      '8302-2',
      [`MIO_CODE ${WEIGHT}/code/coding/0/code`],
    ],
    ['another unit', `${WEIGHT}/valueQuantity/code`, 'lb', [`MIO_CODE ${WEIGHT}/valueQuantity/code`]],
    ['another gender', `${PATIENT}/gender`, 'weiblich', [`MIO_CODE ${PATIENT}/gender`]],
  ]);

  test('a number equals a pattern whatever its spelling', async () => {
    const { contains, equals } = await import('../../../../mio/validate/match.ts');
    const one = numberOf('1.0') ?? null;
    expect([contains(1, one), equals({ a: 1 }, { a: one }), equals(1, '1'), equals(one, null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
