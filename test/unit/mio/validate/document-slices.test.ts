// One fault at a time in a valid document: slices, extensions, and where a known extension may stand.
import { describe, expect, test } from 'vitest';
import type { FhirObject, FhirValue } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { each, FREE, KBV, PATIENT, WEIGHT } from './one-fault.ts';
import { at, foundAfter, smallDocument, tables, told } from './small-document.ts';

describe('slices', () => {
  const KVNR = `${PATIENT}/identifier/1`;
  const privateId = (given: { display?: string }) => ({
    type: {
      coding: [
        {
          system: 'http://fhir.de/CodeSystem/identifier-type-de-basis',
          version: '1.3.2',
          code: 'PKV',
          display: 'Resource identifier',
          ...given,
        },
      ],
    },
    system: 'http://fhir.de/sid/pkv/kvid-10',
    value: 'A123456780',
  });
  const coding = `${WEIGHT}/code/coding`;
  each([
    ['a slice that is missing', `${coding}/1`, { system: 'urn:x', code: 'x' }, [`MIO_SLICE_MIN ${coding}`]],
    ['a slice too many', `${coding}/2`, at(smallDocument(), `${coding}/0`), [`MIO_SLICE_MAX ${coding}`]],
    ['an entry of no slice in an open list', `${coding}/2`, { system: 'urn:x', code: 'x' }, []],
    [
      'an entry of no slice in a closed list',
      `${WEIGHT}/category/1`,
      { text: 'x' },
      [`MIO_SLICE_CLOSED ${WEIGHT}/category/1`],
    ],
    [
      'a section of no kind',
      '/entry/0/resource/section/0/section/0/code/coding/0/code',
      '1',
      ['MIO_SLICE_CLOSED /entry/0/resource/section/0/section/0'],
    ],
    [
      'the uuid slice of a patient',
      `${PATIENT}/identifier/0/type/coding/0/code`,
      'XX',
      [`MIO_SLICE_CLOSED ${PATIENT}/identifier/0`, `MIO_SLICE_MIN ${PATIENT}/identifier`],
    ],
    ['of two slices that fit the one that asks more: a KVNR of the private insurance', KVNR, privateId({}), []],
    [
      'its display, odd as it is',
      KVNR,
      privateId({ display: 'Private Krankenversicherung' }),
      [`MIO_PATTERN ${KVNR}/type/coding/0/display`],
    ],
  ]);
});

describe('extensions', () => {
  const own = { url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-name', valueString: 'x' };
  const period = `/entry/0/resource/extension/0`;
  each([
    ['a known one where it belongs', `${PATIENT}/name/0/_family`, { extension: [own] }, []],
    [
      'a known one with another type',
      `${PATIENT}/name/0/_family`,
      { extension: [{ url: own.url, valueCode: 'x' }] },
      [`MIO_TYPE ${PATIENT}/name/0/_family/extension/0/valueCode`],
    ],
    ['an unknown one', `${PATIENT}/extension`, [{ url: 'https://example.org/x', valueString: 'x' }], []],
    [
      'an unknown one without url',
      `${PATIENT}/extension`,
      [{ valueString: 'x' }],
      [`MIO_MIN ${PATIENT}/extension/0/url`],
    ],
    [
      'an unknown one where the list is closed',
      `${WEIGHT}/extension`,
      [{ url: 'https://example.org/x', valueString: 'x' }],
      [`MIO_SLICE_CLOSED ${WEIGHT}/extension/0`],
    ],
    [
      'a Betrachtungszeitraum without end',
      `${period}/valuePeriod/end`,
      undefined,
      [`MIO_MIN ${period}/valuePeriod/end`],
    ],
    ['no Betrachtungszeitraum', '/entry/0/resource/extension', undefined, ['MIO_MIN /entry/0/resource/extension']],
  ]);
});

describe('where a known extension may stand', () => {
  const gender = { url: 'http://fhir.de/StructureDefinition/gender-amtlich-de', valueCoding: { code: 'D' } };
  const city = { url: 'http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-precinct', valueString: 'x' };
  const stage = { url: `${KBV}KBV_EX_Base_Stage_Life`, valueCodeableConcept: { coding: [] } };
  const own = { url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-name', valueString: 'x' };
  const contexts = (pointer: string, value: FhirValue) =>
    foundAfter(pointer, value).filter((one) => one.startsWith('MIO_EXTENSION_CONTEXT'));

  test.each<[title: string, pointer: string, value: FhirValue, found: string[]]>([
    ['at a type', `${FREE}/extension`, [{ url: 'urn:x', valueAddress: { extension: [city] } }], []],
    [
      'not at another type',
      `${FREE}/extension`,
      [{ url: 'urn:x', valuePeriod: { extension: [city] } }],
      [`MIO_EXTENSION_CONTEXT ${FREE}/extension/0/valuePeriod/extension/0`],
    ],
    [
      'at an element of a type',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueHumanName: { _family: { extension: [own] } } }],
      [],
    ],
    [
      'not at another element',
      `${FREE}/extension`,
      [{ url: 'urn:x', valueHumanName: { _text: { extension: [own] } } }],
      [`MIO_EXTENSION_CONTEXT ${FREE}/extension/0/valueHumanName/_text/extension/0`],
    ],
    ['not at a resource', `${FREE}/extension`, [gender], [`MIO_EXTENSION_CONTEXT ${FREE}/extension/0`]],
    [
      'not at an extension',
      `${FREE}/extension`,
      [{ url: 'urn:x', extension: [city] }],
      [`MIO_EXTENSION_CONTEXT ${FREE}/extension/0/extension/0`],
    ],
    ['at a primitive of a type', `${FREE}/extension`, [{ url: 'urn:x', _valueDateTime: { extension: [stage] } }], []],
  ])('%s', (_title, pointer, value, found) => expect(contexts(pointer, value)).toEqual(found));

  test('at an element of one resource and no other', () => {
    const side = { url: 'http://fhir.de/StructureDefinition/seitenlokalisation', valueCoding: { code: 'L' } };
    const asserted = { url: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime: '2025' };
    const problem = {
      resourceType: 'Condition',
      meta: { profile: [`${KBV}KBV_PR_MIO_DIGA_Condition_Problem|1.1.0`] },
      extension: [asserted],
      code: { coding: [{ code: 'a', extension: [side, asserted] }] },
      severity: { coding: [{ code: 'a', extension: [side] }] },
    };
    const found = told(validate(problem, tables, { single: true }));
    expect(found.filter((one) => one.startsWith('MIO_EXTENSION_CONTEXT'))).toEqual([
      'MIO_EXTENSION_CONTEXT /code/coding/0/extension/1',
      'MIO_EXTENSION_CONTEXT /severity/coding/0/extension/0',
    ]);
  });

  test('a kind of code whose list no package has is told by its system', () => {
    const role = (code: FhirObject) => ({
      resourceType: 'PractitionerRole',
      meta: { profile: [`${KBV}KBV_PR_MIO_DIGA_PractitionerRole|1.1.0`] },
      specialty: [{ coding: [code] }],
    });
    const system = 'https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BAR2_ARZTNRFACHGRUPPE';
    const found = (code: FhirObject) =>
      told(validate(role(code), tables, { single: true })).filter((one) => one.includes('/coding/0'));
    expect(found({ system, code: '1' })).toEqual([
      'MIO_MIN /specialty/0/coding/0/version',
      'MIO_MIN /specialty/0/coding/0/display',
    ]);
    expect(found({ system: 'urn:x', code: '1' })).toEqual([]);
  });
});
