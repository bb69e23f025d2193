// One fault at a time in a valid document: names, counts, lists, types, forms, fixed values, patterns, codes. Each is found at
// its place and nothing else is.
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { type FhirObject, type FhirValue, numberOf } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { build, simple } from '../../../support/mio-build.ts';
import { at, foundAfter, put, smallDocument, tables } from './small-document.ts';

const PATIENT = '/entry/1/resource';
const WEIGHT = '/entry/5/resource';
const FREE = '/entry/7/resource';

type Row = [title: string, pointer: string, value: FhirValue | undefined, found: string[]];
const each = (rows: Row[]) =>
  test.each(rows)('%s', (_title, pointer, value, found) => expect(foundAfter(pointer, value)).toEqual(found));

test('the document itself has no finding', () => expect(validate(smallDocument(), tables)).toEqual([]));

describe('elements', () => {
  each([
    ['an element that nothing has', `${WEIGHT}/weight`, 72, [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/weight`]],
    [
      'an element of another type',
      `${WEIGHT}/valueQuantity/text`,
      'x',
      [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/valueQuantity/text`],
    ],
    ['a name with _ of nothing', `${WEIGHT}/_weight`, { id: 'a' }, [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/_weight`]],
    ['a name that every object has', `${WEIGHT}/constructor`, 'x', [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/constructor`]],
    [
      'a sibling of what is no primitive',
      `${WEIGHT}/_subject`,
      { id: 'a' },
      [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/_subject`],
    ],
    [
      'resourceType where no resource is',
      `${WEIGHT}/subject/resourceType`,
      'Patient',
      [`MIO_ELEMENT_UNKNOWN ${WEIGHT}/subject/resourceType`],
    ],
    ['no timestamp', '/timestamp', undefined, ['MIO_MIN /timestamp', 'MIO_INVARIANT ']],
    [
      'no fullUrl',
      '/entry/7/fullUrl',
      undefined,
      [
        'MIO_REFERENCE_DANGLING /entry/0/resource/section/0/entry/0/reference',
        'MIO_MIN /entry/7/fullUrl',
        'MIO_UNREACHABLE /entry/7',
      ],
    ],
    [
      'no value of a weight',
      `${WEIGHT}/valueQuantity`,
      undefined,
      [`MIO_MIN ${WEIGHT}/valueQuantity`, `MIO_INVARIANT ${WEIGHT}`],
    ],
    [
      'a family name alone, of which an extension is demanded',
      `${PATIENT}/name/0/_family`,
      undefined,
      [`MIO_MIN ${PATIENT}/name/0/_family/extension`],
    ],
    [
      'a title alone in a list, of which an extension is demanded',
      `${PATIENT}/name/0/prefix`,
      ['Dr.'],
      [`MIO_MIN ${PATIENT}/name/0/_prefix/0/extension`],
    ],
    ['no unit', `${WEIGHT}/valueQuantity/unit`, undefined, [`MIO_MIN ${WEIGHT}/valueQuantity/unit`]],
    [
      'no version of a coding',
      `${WEIGHT}/code/coding/0/version`,
      undefined,
      [`MIO_MIN ${WEIGHT}/code/coding/0/version`],
    ],
    ['no version in meta', `${PATIENT}/meta/versionId`, undefined, [`MIO_MIN ${PATIENT}/meta/versionId`]],
    ['meta.tag, which is not allowed', `${PATIENT}/meta/tag`, [{ code: 'x' }], [`MIO_MAX ${PATIENT}/meta/tag`]],
    ['an issued time, which is not allowed', `${WEIGHT}/issued`, '2025-01-01T00:00:00Z', [`MIO_MAX ${WEIGHT}/issued`]],
    ['contained resources', `${WEIGHT}/contained`, [{ resourceType: 'Patient' }], [`MIO_MAX ${WEIGHT}/contained`]],
    ['a helpful text of a coding', `${WEIGHT}/code/text`, 'Gewicht', [`MIO_MAX ${WEIGHT}/code/text`]],
    ['a second value', `${FREE}/valueString`, 'x', [`MIO_MAX ${FREE}/valueString`]],
  ]);

  test('two identifiers where one is allowed', () => {
    const document = smallDocument();
    const found = foundAfter(`${WEIGHT}/identifier`, [document.identifier ?? null, document.identifier ?? null]);
    expect(found).toEqual([`MIO_MAX ${WEIGHT}/identifier`]);
  });
});

describe('types', () => {
  each([
    ['a type that the profile does not let through', `${WEIGHT}/valueString`, 'x', [`MIO_TYPE ${WEIGHT}/valueString`]],
    ['a type that no choice has', `${FREE}/valueInstant`, '2025-01-01T00:00:00Z', [`MIO_TYPE ${FREE}/valueInstant`]],
    ['a choice with lower case', `${FREE}/valueinteger`, 1, [`MIO_TYPE ${FREE}/valueinteger`]],
    [
      'a choice that is not allowed at all',
      `${WEIGHT}/note`,
      [{ text: 'x', authorString: 'y' }],
      [`MIO_MAX ${WEIGHT}/note/0/authorString`],
    ],
    ['a list where one belongs', `${WEIGHT}/subject`, [{ reference: 'urn:uuid:x' }], [`MIO_TYPE ${WEIGHT}/subject`]],
    ['one where a list belongs', `${PATIENT}/name`, { family: 'x' }, [`MIO_TYPE ${PATIENT}/name`]],
    [
      'one sibling where a list belongs',
      `${PATIENT}/name/0/_given`,
      { id: 'a' },
      [`MIO_TYPE ${PATIENT}/name/0/_given`],
    ],
    ['a text where an object belongs', `${WEIGHT}/subject`, 'urn:uuid:x', [`MIO_TYPE ${WEIGHT}/subject`]],
    ['a number where a text belongs', `${WEIGHT}/valueQuantity/unit`, 1, [`MIO_TYPE ${WEIGHT}/valueQuantity/unit`]],
    [
      'a text where a number belongs',
      `${WEIGHT}/valueQuantity/value`,
      '72.5',
      [`MIO_TYPE ${WEIGHT}/valueQuantity/value`],
    ],
    [
      'a text where true or false belongs',
      `${FREE}/code/coding`,
      [{ code: 'x', userSelected: 'true' }],
      [`MIO_TYPE ${FREE}/code/coding/0/userSelected`],
    ],
    ['a text as sibling', `${PATIENT}/_birthDate`, 'x', [`MIO_TYPE ${PATIENT}/_birthDate`]],
  ]);
});

describe('nothing in it', () => {
  each([
    ['an empty text', `${PATIENT}/name/0/text`, '', [`MIO_EMPTY ${PATIENT}/name/0/text`]],
    ['an empty list', `${PATIENT}/telecom`, [], [`MIO_EMPTY ${PATIENT}/telecom`]],
    ['an empty object', `${FREE}/method`, {}, [`MIO_EMPTY ${FREE}/method`]],
    ['an object with an id only (ele-1)', `${FREE}/method`, { id: 'a' }, [`MIO_EMPTY ${FREE}/method`]],
    ['null', `${FREE}/method`, null, [`MIO_EMPTY ${FREE}/method`]],
    [
      'null in a list',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueHumanName: { given: ['a', null] } }],
      [`MIO_EMPTY ${FREE}/extension/0/valueHumanName/given/1`],
    ],
    ['an empty sibling', `${PATIENT}/_birthDate`, {}, [`MIO_EMPTY ${PATIENT}/_birthDate`]],
  ]);

  test('null stands in a list for a value of which only the sibling is there', () => {
    const extension = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }];
    expect(
      foundAfter(`${FREE}/extension`, [
        { url: 'urn:x', valueHumanName: { given: ['Erika', null], _given: [null, { extension }] } },
      ]),
    ).toEqual([]);
  });
});

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

test('a choice of a type that it does not have is told once, wherever one is', () => {
  const { bundle } = build(simple(...KINDS.map(({ example }) => example)));
  const CHOICES = 'value|effective|onset|performed|medication|detail|answer|product|item|dose|rate|asNeeded|timing';
  const types = [...tables.core.definitions.keys()].map((type) => type.charAt(0).toUpperCase() + type.slice(1));
  const CHOICE = new RegExp(`^(${CHOICES})(${types.join('|')})$`);
  let count = 0;
  const change = (value: FhirValue | undefined, pointer: string) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, below] of Object.entries(value)) {
      const prefix = Array.isArray(value) ? undefined : CHOICE.exec(name)?.[1];
      change(below, `${pointer}/${name}`);
      if (prefix === undefined) continue;
      const copy = structuredClone(bundle);
      put(copy, `${pointer}/${name}`, undefined);
      put(copy, `${pointer}/${prefix}Count`, { value: 1 });
      const found = validate(copy, tables).map(({ code, pointer: at }) => `${code} ${at}`);
      // Rules may want a value of a type that they know.
      const direct = found.filter((one) => !one.startsWith('MIO_INVARIANT') && one.includes(` ${pointer}/`));
      expect(direct).toEqual([expect.stringMatching(/^MIO_(TYPE|MAX) /)]);
      expect(direct[0]).toContain(`${pointer}/${prefix}Count`);
      count += 1;
    }
  };
  change(bundle, '');
  expect(count).toBeGreaterThan(50);
});

test('a name that begins like a choice and has no type is none, and the choice is missing', () => {
  const extension = '/entry/0/resource/extension/0';
  expect(foundAfter(extension, { ...at(smallDocument(), extension), valuePeriod: undefined, valueFoo: 1 })).toEqual([
    `MIO_ELEMENT_UNKNOWN ${extension}/valueFoo`,
    `MIO_MIN ${extension}/valuePeriod`,
    `MIO_INVARIANT ${extension}`,
  ]);
});

describe('null', () => {
  const extension = `${FREE}/extension`;
  const timing = `${extension}/0/valueTiming`;
  const timed = (valueTiming: FhirObject) => [{ url: 'urn:x', valueTiming }];
  const said = { extension: [{ url: 'urn:x', valueString: 'y' }] };
  const event = ['2025-02-03'];
  each([
    ['in a list of primitives, beside what is said there', extension, timed({ event: [null], _event: [said] }), []],
    ['on either side of it', extension, timed({ event: [null, ...event], _event: [said, null] }), []],
    [
      'on both sides',
      extension,
      timed({ event: [null, ...event], _event: [null, said] }),
      [`MIO_EMPTY ${timing}/event/0`],
    ],
    ['with nothing beside it', extension, timed({ event: [...event, null] }), [`MIO_EMPTY ${timing}/event/1`]],
    ['alone', extension, timed({ event: [null] }), [`MIO_EMPTY ${timing}/event/0`]],
    ['for the list', extension, timed({ event: null }), [`MIO_EMPTY ${timing}/event`]],
    ['for the list beside', extension, timed({ event, _event: null }), [`MIO_EMPTY ${timing}/_event`]],
    ['for a primitive', `${WEIGHT}/status`, null, [`MIO_EMPTY ${WEIGHT}/status`]],
    ['for what is said of a primitive', `${WEIGHT}/_status`, null, [`MIO_EMPTY ${WEIGHT}/_status`]],
    [
      'for both lists',
      extension,
      timed({ event: null, _event: null }),
      [`MIO_EMPTY ${timing}/event`, `MIO_EMPTY ${timing}/_event`],
    ],
    ['for a primitive of which something is said', FREE, withNull(said), [`MIO_EMPTY ${FREE}/valueInteger`]],
    ['for an object', `${FREE}/text`, null, [`MIO_EMPTY ${FREE}/text`]],
    ['for a choice', `${FREE}/valueInteger`, null, [`MIO_EMPTY ${FREE}/valueInteger`]],
    ['for a list of objects', `${WEIGHT}/note`, null, [`MIO_EMPTY ${WEIGHT}/note`]],
    ['in a list of objects', `${FREE}/category`, [null, { text: 'a' }], [`MIO_EMPTY ${FREE}/category/0`]],
    ['for what does not exist', `${FREE}/foo`, null, [`MIO_ELEMENT_UNKNOWN ${FREE}/foo`]],
  ]);

  function withNull(sibling: FhirObject): FhirObject {
    return { ...at(smallDocument(), FREE), valueInteger: null, _valueInteger: sibling };
  }
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
