// Resources of the caller that cannot stand in a document (mio-diga.md section 13b): each is refused with its place, and what is
// wrong in the others is told as well.
import { expect, test } from 'vitest';
import type { Resource } from '../../../../mio/model.ts';
import { canonical, diary, patient, take, told, UUID } from '../../../support/fhir-resources.ts';

const device = (id: string): Resource => ({
  resourceType: 'Device',
  id,
  meta: { profile: [canonical('Device_DIGA')] },
});

test.each<[string, Resource[], string[]]>([
  ['a Bundle', [diary('d'), { resourceType: 'Bundle' }], ['RESOURCE_UNEXPECTED /resources/1']],
  ['a Composition', [{ resourceType: 'Composition', id: 'c' }], ['RESOURCE_UNEXPECTED /resources/0']],
  ['no profile', [diary('d', { meta: {} })], ['PROFILE_UNKNOWN /resources/0/meta/profile']],
  ['no meta', [diary('d', { meta: 1 })], ['PROFILE_UNKNOWN /resources/0/meta/profile']],
  [
    'a profile of others',
    [diary('d', { meta: { profile: ['http://x|1'] } })],
    ['PROFILE_UNKNOWN /resources/0/meta/profile'],
  ],
  [
    'a profile without its version',
    [diary('d', { meta: { profile: [canonical('Observation_Free').slice(0, -6)] } })],
    ['PROFILE_UNKNOWN /resources/0/meta/profile'],
  ],
  [
    'a profile of another version',
    [diary('d', { meta: { profile: [canonical('Observation_Free').replace('1.1.0', '1.0.0')] } })],
    ['PROFILE_UNKNOWN /resources/0/meta/profile'],
  ],
  [
    'the profile of another type',
    [diary('d', { meta: { profile: [canonical('Patient')] } })],
    ['PROFILE_UNKNOWN /resources/0/meta/profile'],
  ],
  [
    'two profiles of the toolkit',
    [diary('d', { meta: { profile: [canonical('Observation_Free'), canonical('Observation_Diary_Entry')] } })],
    ['PROFILE_UNKNOWN /resources/0/meta/profile'],
  ],
  ['no id', [diary('')], ['ID_MISSING /resources/0/id']],
  ['an id twice', [diary('d'), diary('d')], ['ID_REPEATED /resources/1/id']],
  ['a UUID twice, for two types', [diary(UUID), patient(UUID)], ['ID_REPEATED /resources/1/id']],
  ['two insured', [patient('a'), patient('b')], ['PATIENT_REPEATED /resources/1']],
  ['two apps', [device('a'), device('b')], ['APP_REPEATED /resources/1']],
  [
    'a reference that could mean two',
    [diary('d', { derivedFrom: [{ reference: 'x' }] }), diary('x'), device('x')],
    ['REFERENCE_AMBIGUOUS /resources/0/derivedFrom/0/reference'],
  ],
  [
    'all of it at once',
    [diary('', { meta: {} }), diary('d'), diary('d')],
    ['PROFILE_UNKNOWN /resources/0/meta/profile', 'ID_MISSING /resources/0/id', 'ID_REPEATED /resources/2/id'],
  ],
])('is refused with its place: %s', (_, resources, expected) => {
  const { errors, bundle } = take(resources);
  // The validator's own, of the resources beside, have codes that begin with MIO.
  expect(told(errors).filter((one) => !one.startsWith('MIO_'))).toEqual(expected);
  expect(bundle).toBeUndefined();
  expect(JSON.stringify(errors)).not.toContain('Gut geschlafen');
});

test('where one resource cannot stand in a document, what is wrong in the others is told as well', () => {
  const wrong = diary('e', { status: 'draft', foo: 1 });
  const { errors } = take([diary('d', { meta: {} }), wrong, diary('f')]);
  expect(told(errors)).toEqual([
    'PROFILE_UNKNOWN /resources/0/meta/profile',
    'MIO_PATTERN /resources/1/status',
    'MIO_CODE /resources/1/status',
    'MIO_ELEMENT_UNKNOWN /resources/1/foo',
  ]);
});

test('where one is refused, what leads to none of them is told, and what may lead to it is not', () => {
  const wrong = diary('e', {
    meta: { profile: [canonical('Observation_Free')] },
    subject: { reference: 'Patient/p1' },
  });
  const links = [
    'Observation/d',
    'https://a.example/Observation/d',
    'Observation/f',
    'Observation/x',
    'urn:uuid:x',
    '#',
  ];
  const { errors } = take([
    diary('d', { meta: {} }),
    { ...wrong, derivedFrom: links.map((reference) => ({ reference })) },
    diary('f'),
    patient('p1'),
  ]);
  expect(told(errors)).toEqual([
    'PROFILE_UNKNOWN /resources/0/meta/profile',
    'MIO_REFERENCE_DANGLING /resources/1/derivedFrom/3/reference',
    'MIO_REFERENCE_DANGLING /resources/1/derivedFrom/4/reference',
  ]);
});
