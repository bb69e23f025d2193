// One fault at a time in a valid document: names, counts, lists, types, choices. Each is found at its place and nothing else is.
// Nothing in an element: elements-empty.test.ts; what stands in it: elements-values.test.ts.
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../../../mio/build/kinds.ts';
import type { FhirValue } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { build, simple } from '../../../support/mio-build.ts';
import { each, FREE, PATIENT, WEIGHT } from './one-fault.ts';
import { at, foundAfter, put, smallDocument, tables } from './small-document.ts';

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
