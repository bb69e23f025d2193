// One fault at a time in a valid document: profiles, references and the rules of the Bundle; and what is told of many faults.
// Slices and extensions: document-slices.test.ts.
import { describe, expect, test } from 'vitest';
import type { FhirObject, FhirValue } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { each, FREE, KBV, PATIENT, WEIGHT } from './one-fault.ts';
import { AT, at, put, smallDocument, tables, told, uuid } from './small-document.ts';

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
