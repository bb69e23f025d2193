// References between resources of the caller (mio-diga.md section 13b): what means the same is one address in the document, and what
// could mean two, or leads nowhere, is told.
import { describe, expect, test } from 'vitest';
import type { FhirObject, Resource } from '../../../../mio/model.ts';
import { canonical, diary, errorsOf, patient, take, told, UUID } from '../../../support/fhir-resources.ts';
import { ofProfile } from '../../../support/mio-build.ts';

test('entries of two patients are not taken for one: their references are left, and are errors of the validator', () => {
  const { bundle } = take([diary('a'), diary('b', { subject: { reference: 'Patient/p2' } })]);
  expect(errorsOf(bundle as Resource).map(({ code }) => code)).toEqual([
    'MIO_REFERENCE_RELATIVE',
    'MIO_REFERENCE_RELATIVE',
  ]);
});

describe('addresses of a server', () => {
  const free = (id: string, members: FhirObject = {}) =>
    diary(id, { meta: { profile: [canonical('Observation_Free')] }, ...members });
  const at = (name: string, server = 'https://srv.example/fhir') => ({ reference: `${server}/${name}` });

  test('mean the resource of that type and id, whatever the server', () => {
    const { bundle, findings } = take([
      patient('p1'),
      free('d', { subject: at('Patient/p1'), derivedFrom: [at('Observation/e/_history/7')] }),
      free('e', { subject: { reference: 'Patient/p1' } }),
    ]);
    expect(told(findings).filter((one) => one.startsWith('REFERENCE'))).toEqual([
      'REFERENCE_REWRITTEN /resources/1/subject/reference',
      'REFERENCE_REWRITTEN /resources/1/derivedFrom/0/reference',
      'REFERENCE_REWRITTEN /resources/2/subject/reference',
    ]);
    expect(errorsOf(bundle as Resource)).toEqual([]);
    const [d, e] = ofProfile(bundle as Resource, 'Observation_Free');
    expect(d).toMatchObject({ derivedFrom: [{ reference: `urn:uuid:${e?.id}` }], subject: e?.subject });
  });

  test('mean the insured where no Patient came along and all name the same', () => {
    const { bundle } = take([free('d', { subject: at('Patient/p1') }), free('e')]);
    expect(errorsOf(bundle as Resource)).toEqual([]);
    expect(ofProfile(bundle as Resource, 'Patient')).toHaveLength(1);
  });

  test.each<[string, Resource[], string[]]>([
    [
      'no such resource',
      [patient('p1'), free('d', { derivedFrom: [at('Observation/other')] })],
      ['MIO_REFERENCE_DANGLING'],
    ],
    [
      'the id is that of another type',
      [patient('p1'), free('d', { derivedFrom: [at('Observation/p1')] })],
      ['MIO_REFERENCE_DANGLING'],
    ],
    [
      'an operation behind the resource',
      [patient('p1'), free('d', { derivedFrom: [at('Observation/d/$lastn')] })],
      ['MIO_REFERENCE_DANGLING'],
    ],
    [
      'a search',
      [patient('p1'), free('d', { derivedFrom: [at('Observation?x=Observation/d')] })],
      ['MIO_REFERENCE_DANGLING'],
    ],
    [
      'two servers name a Patient, and none came along',
      [free('d', { subject: at('Patient/p1') }), free('e', { subject: at('Patient/p1', 'https://b.example') })],
      ['MIO_REFERENCE_DANGLING', 'MIO_REFERENCE_DANGLING'],
    ],
  ])('are told where they lead nowhere: %s', (_, resources, expected) => {
    const { bundle, errors } = take(resources);
    expect(errors).toEqual([]);
    expect(errorsOf(bundle as Resource).map(({ code }) => code)).toEqual(expected);
  });

  test('of two servers with the same id are refused: they may be two', () => {
    const { errors } = take([
      patient('p1'),
      free('d', { subject: at('Patient/p1') }),
      free('e', { subject: at('Patient/p1', 'https://other.example') }),
    ]);
    expect(told(errors).filter((one) => !one.startsWith('MIO_'))).toEqual([
      'REFERENCE_AMBIGUOUS /resources/1/subject/reference',
      'REFERENCE_AMBIGUOUS /resources/2/subject/reference',
    ]);
    expect(JSON.stringify(errors)).not.toContain('example');
  });
});

test('a UUID in capitals becomes the same UUID as FHIR writes it', () => {
  const { bundle } = take([
    diary(UUID.toUpperCase()),
    diary('e', { derivedFrom: [{ reference: UUID.toUpperCase() }] }),
  ]);
  expect(ofProfile(bundle as Resource, 'Observation_Diary_Entry')).toMatchObject([
    { id: UUID },
    { derivedFrom: [{ reference: `urn:uuid:${UUID}` }] },
  ]);
});
