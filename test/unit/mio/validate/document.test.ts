// One fault at a time in a valid document: profiles, slices, extensions, references and the rules of the Bundle.
import { describe, expect, test } from 'vitest';
import type { FhirObject, FhirValue } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { AT, at, foundAfter, put, smallDocument, tables, told, uuid } from './small-document.ts';

const PATIENT = '/entry/1/resource';
const WEIGHT = '/entry/5/resource';
const FREE = '/entry/7/resource';
const KBV = 'https://fhir.kbv.de/StructureDefinition/';

type Row = [title: string, pointer: string, value: FhirValue | undefined, found: string[]];
const each = (rows: Row[]) =>
  test.each(rows)('%s', (_title, pointer, value, found) => expect(foundAfter(pointer, value)).toEqual(found));

describe('meta.profile', () => {
  const profile = `${WEIGHT}/meta/profile`;
  each([
    [
      'an older version',
      `${profile}/0`,
      `${KBV}KBV_PR_MIO_DIGA_Observation_Body_Weight|1.0.0`,
      [`MIO_PROFILE_VERSION ${profile}/0`],
    ],
    [
      'no version',
      `${profile}/0`,
      `${KBV}KBV_PR_MIO_DIGA_Observation_Body_Weight`,
      [`MIO_PROFILE_VERSION ${profile}/0`],
    ],
    [
      'a profile that KBV does not have',
      `${FREE}/meta/profile/0`,
      `${KBV}KBV_PR_MIO_DIGA_Observation_Steps|1.1.0`,
      [`MIO_PROFILE_UNKNOWN ${FREE}/meta/profile/0`],
    ],
    [
      'a profile of others beside it',
      `${profile}/1`,
      'https://example.org/Weight',
      [`MIO_PROFILE_UNKNOWN ${profile}/1`],
    ],
    [
      'what it derives from',
      `${FREE}/meta/profile/0`,
      'http://hl7.org/fhir/StructureDefinition/Observation',
      [`MIO_PROFILE_UNKNOWN ${FREE}/meta/profile/0`],
    ],
    [
      'a profile for another type',
      `${FREE}/meta/profile/0`,
      `${KBV}KBV_PR_MIO_DIGA_Goal|1.1.0`,
      [`MIO_PROFILE_TYPE ${FREE}/meta/profile/0`],
    ],
    [
      'two profiles of the toolkit',
      `${profile}/1`,
      `${KBV}KBV_PR_MIO_DIGA_Observation_Free|1.1.0`,
      [`MIO_PROFILE_SEVERAL ${profile}/1`],
    ],
    ['none', `${FREE}/meta`, { versionId: '1' }, [`MIO_PROFILE_MISSING ${FREE}/meta/profile`]],
    [
      'a resource that the toolkit does not have',
      FREE,
      { resourceType: 'ServiceRequest', id: uuid(AT.free) },
      [
        'MIO_REFERENCE_TARGET /entry/0/resource/section/0/entry/0/reference',
        `MIO_RESOURCE_UNKNOWN ${FREE}/resourceType`,
      ],
    ],
  ]);
});

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

describe('references', () => {
  const subject = `${WEIGHT}/subject/reference`;
  each([
    ['to nothing', subject, `urn:uuid:${uuid(9)}`, [`MIO_REFERENCE_DANGLING ${subject}`]],
    ['to an address on the net', subject, 'https://example.org/Patient/1', [`MIO_REFERENCE_DANGLING ${subject}`]],
    ['relative', subject, `Patient/${uuid(AT.patient)}`, [`MIO_REFERENCE_RELATIVE ${subject}`]],
    ['a bare id', subject, uuid(AT.patient), [`MIO_REFERENCE_RELATIVE ${subject}`]],
    ['to a contained resource', subject, '#p', [`MIO_REFERENCE_DANGLING ${subject}`]],
    ['to another type', subject, `urn:uuid:${uuid(AT.app)}`, [`MIO_REFERENCE_TARGET ${subject}`]],
    [
      'to the same type with another profile',
      '/entry/0/resource/section/0/section/0/entry/0/reference',
      `urn:uuid:${uuid(AT.free)}`,
      ['MIO_REFERENCE_TARGET /entry/0/resource/section/0/section/0/entry/0/reference'],
    ],
  ]);

  test('of a lone resource are warnings (D26)', () => {
    const weight = at(smallDocument(), WEIGHT) as FhirObject & { resourceType: string };
    const findings = validate(weight, tables, { single: true });
    expect(findings.map(({ severity, code, path }) => `${severity} ${code} ${path}`)).toEqual([
      'warning MIO_REFERENCE_DANGLING Observation.subject.reference',
    ]);
    expect(told(validate(weight, tables))[0]).toBe('MIO_BUNDLE_EXPECTED ');
  });
});

test('a resourceType that is none is a value of the caller, and stands in no path (D15)', () => {
  const findings = validate({ resourceType: 'X110411675', status: 'final' }, tables, { single: true });
  expect(findings.map(({ code, path }) => `${code} ${path}`)).toEqual(['MIO_RESOURCE_UNKNOWN Resource.resourceType']);
});

describe('the Bundle', () => {
  const dangling = 'MIO_REFERENCE_DANGLING /entry/0/resource/section/0/entry/0/reference';
  each([
    [
      'a fullUrl that is no UUID',
      '/entry/7/fullUrl',
      'https://example.org/1',
      [dangling, 'MIO_FULLURL /entry/7/fullUrl', 'MIO_UNREACHABLE /entry/7'],
    ],
    ['an id that is not that of the fullUrl', `${FREE}/id`, uuid(8), ['MIO_FULLURL /entry/7/fullUrl']],
    [
      'a fullUrl twice',
      '/entry/8',
      at(smallDocument(), '/entry/7'),
      ['MIO_FULLURL /entry/8/fullUrl', 'MIO_UNREACHABLE /entry/8'],
    ],
    ['another type of Bundle', '/type', 'collection', ['MIO_FIXED /type']],
    ['a search of an entry', '/entry/7/search', { mode: 'match' }, ['MIO_MAX /entry/7/search', 'MIO_INVARIANT ']],
    ['an entry that nothing leads to', '/entry/0/resource/section/0/entry', undefined, ['MIO_UNREACHABLE /entry/7']],
    ['no entries', '/entry', [], ['MIO_EMPTY /entry', 'MIO_MIN /entry', 'MIO_INVARIANT ']],
  ]);

  test('a resource without id is a warning, as FHIR lets it go without beside its address', () => {
    const document = smallDocument();
    put(document, `${FREE}/id`, undefined);
    const findings = validate(document, tables);
    expect(findings.map(({ severity, code, pointer }) => `${severity} ${code} ${pointer}`)).toEqual([
      'warning MIO_FULLURL /entry/7/fullUrl',
    ]);
  });

  test('a resource and its Provenance that nothing leads to', () => {
    const document = smallDocument();
    put(document, '/entry/0/resource/section/0/section', undefined);
    put(document, '/entry/6/resource/agent/0/who', { reference: `urn:uuid:${uuid(AT.weight)}` });
    expect(told(validate(document, tables))).toEqual([
      'MIO_REFERENCE_TARGET /entry/6/resource/agent/0/who/reference',
      'MIO_UNREACHABLE /entry/5',
      'MIO_UNREACHABLE /entry/6',
    ]);
  });

  test('of very many entries costs no more than each of them: Provenances in a chain, values that must differ', () => {
    const document = smallDocument();
    const entries = document.entry as FhirObject[];
    const count = 4000;
    const address = (place: number) => `urn:uuid:00000000-0000-4000-9000-${String(place).padStart(12, '0')}`;
    for (let place = count; place > 0; place -= 1) {
      const provenance = structuredClone(at(document, '/entry/6'));
      put(provenance, '/fullUrl', address(place));
      put(provenance, '/resource/id', address(place).slice(9));
      put(provenance, '/resource/target/1', {
        reference: place === 1 ? `urn:uuid:${uuid(AT.weight)}` : address(place - 1),
      });
      put(provenance, '/resource/target', (at(provenance, '/resource').target as FhirValue[]).slice(1));
      put(provenance, '/resource/agent/0/who', {
        reference: place === 1 ? `urn:uuid:${uuid(AT.patient)}` : address(place - 1),
      });
      entries.push(provenance);
    }
    const codes = new Set(validate(document, tables, { maxFindings: 100_000 }).map((one) => one.code));
    // Every Provenance is reached through the one before, which stands behind it; they are no agents and no targets.
    expect([...codes]).toEqual(['MIO_REFERENCE_TARGET']);
    const item = { linkId: 'a', type: 'display' };
    const questionnaire = {
      resourceType: 'Questionnaire',
      meta: { profile: [`${KBV}KBV_PR_MIO_DIGA_Questionnaire|1.1.0`] },
      item: Array.from({ length: 60_000 }, (_one, place) => ({ ...item, linkId: `${place}` })),
    };
    const found = told(validate(questionnaire, tables, { single: true }));
    expect(found.filter((one) => one.endsWith(' '))).toEqual(['MIO_INVARIANT ']);
  });

  test('the Composition stands first', () => {
    const document = smallDocument();
    const entries = document.entry as FhirValue[];
    entries.push(entries.shift() ?? null);
    expect(told(validate(document, tables))).toEqual(['MIO_COMPOSITION_FIRST /entry/0/resource']);
  });
});

describe('what is told', () => {
  test('is at most so many, and that it was cut', () => {
    const document = smallDocument();
    const entries = document.entry as FhirValue[];
    for (let count = 0; count < 20; count += 1) entries.push({});
    const findings = validate(document, tables, { maxFindings: 5 });
    expect(findings.length).toBe(6);
    expect(findings.at(-1)?.code).toBe('MIO_FINDINGS_CUT');
  });

  test('never holds a value of the document (D15)', () => {
    const document = smallDocument();
    const secret = 'Geheim7';
    put(document, `${PATIENT}/gender`, secret);
    put(document, `${PATIENT}/birthDate`, secret);
    put(document, `${PATIENT}/name/0/use`, secret);
    put(document, `${WEIGHT}/subject/reference`, secret);
    put(document, `${WEIGHT}/code/coding/0/version`, secret);
    put(document, `${WEIGHT}/meta/profile/0`, secret);
    put(document, `${FREE}/identifier`, [{ system: secret, value: secret }]);
    const findings = validate(document, tables);
    expect(findings.length).toBeGreaterThan(5);
    expect(JSON.stringify(findings)).not.toContain(secret);
  });
});
