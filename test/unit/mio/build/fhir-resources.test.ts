// Resources of the caller (mio-diga.md section 13b): each stands in the document, in its section, under an id that works there, or a
// finding says why not; and every change is told.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assembleBundle } from '../../../../mio/build/bundle.ts';
import type { FhirResourcesContent } from '../../../../mio/build/fhir-content.ts';
import { draftsOfFhir } from '../../../../mio/build/fhir-resources.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import type { Finding } from '../../../../mio/error.ts';
import { readJson } from '../../../../mio/json.ts';
import type { FhirObject, FhirValue, Resource } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import {
  app,
  build,
  digest,
  identify,
  KVNR,
  NOW,
  ofProfile,
  resourcesOf,
  simple,
  tables,
} from '../../../support/mio-build.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const BUNDLE_ID = '5c3ab9d2-6a3c-4b8e-9a39-2a3a7f0f0c12';
const setting = { tables, app, insured: { kvnr: KVNR }, identify };

function take(resources: Resource[], given: Partial<FhirResourcesContent> = {}) {
  const made = draftsOfFhir({ mode: 'fhir', resources, ...given }, setting);
  const part = { name: null, period: made.period ?? { start: NOW, end: NOW }, drafts: made.drafts };
  const errors = made.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { ...made, errors, bundle: undefined };
  const { bundle } = assembleBundle({ part, tables, bundleId: BUNDLE_ID, now: NOW, identify, digest });
  return { ...made, errors, bundle };
}
const told = (findings: Finding[]) => findings.map(({ code, pointer }) => `${code} ${pointer}`);
const errorsOf = (bundle: Resource) => validate(bundle, tables).filter(({ severity }) => severity === 'error');

const canonical = (name: string) => `https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_${name}|1.1.0`;
const diary = (id: string, members: FhirObject = {}): Resource => ({
  resourceType: 'Observation',
  id,
  meta: { profile: [canonical('Observation_Diary_Entry')] },
  status: 'final',
  code: {
    coding: [{ system: 'http://loinc.org', version: '2.72', code: '51855-5', display: 'Patient Note' }],
  },
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: '2025-01-12T21:30:00+01:00',
  valueString: 'Gut geschlafen.',
  ...members,
});
const patient = (id: string): Resource => ({ resourceType: 'Patient', id, meta: { profile: [canonical('Patient')] } });
const UUID = '7d261218-8678-41eb-8dcd-0242ac130003';

test('a lone entry: Patient, app, Provenance, id, identifier, reference are made, and each is told where it was', () => {
  const { bundle, findings, period } = take([diary('d-1')]);
  if (bundle === undefined) throw new Error('refused');
  expect(told(findings)).toEqual([
    'ID_REPLACED /resources/0/id',
    'PATIENT_ADDED /resources',
    'APP_ADDED /resources',
    'PROVENANCE_ADDED /resources',
    'REFERENCE_REWRITTEN /resources/0/subject/reference',
    'IDENTIFIER_ADDED /resources/0',
  ]);
  expect(findings.every(({ severity }) => severity === 'information')).toBe(true);
  expect(errorsOf(bundle)).toEqual([]);
  expect(period).toEqual({ start: '2025-01-12T21:30:00+01:00', end: '2025-01-12T21:30:00+01:00' });
  const [entry] = ofProfile(bundle, 'Observation_Diary_Entry');
  const [patient] = ofProfile(bundle, 'Patient');
  expect(entry).toMatchObject({ subject: { reference: `urn:uuid:${patient?.id}` }, valueString: 'Gut geschlafen.' });
  expect(JSON.stringify(patient)).toContain(KVNR);
  const [again] = ofProfile(take([diary('d-1')]).bundle as Resource, 'Observation_Diary_Entry');
  expect(again?.id).toBe(entry?.id);
});

/** All kinds of `simple` as a FHIR server would hold them: ids of its own, relative references. */
function likeAServer(bundle: Resource): Resource[] {
  let text = JSON.stringify(resourcesOf(bundle).slice(1));
  resourcesOf(bundle).forEach(({ resourceType, id }, n) => {
    text = text
      .replaceAll(`"reference":"urn:uuid:${id}"`, `"reference":"${resourceType}/n${n}"`)
      .replaceAll(`"id":"${id}"`, `"id":"n${n}"`);
  });
  return JSON.parse(text) as Resource[];
}

test('resources of every kind, with references like a server’s, become the same document with other ids', () => {
  const original = build(simple(...KINDS.map(({ example }) => example))).bundle;
  const resources = likeAServer(original);
  const { bundle, errors } = take(resources);
  expect(errors).toEqual([]);
  if (bundle === undefined) throw new Error('refused');
  const sections = (one: Resource) =>
    JSON.stringify(resourcesOf(one)[0]?.section).replaceAll(/urn:uuid:[0-9a-f-]+/g, '');
  expect(sections(bundle)).toBe(sections(original));
  expect(resourcesOf(bundle)).toHaveLength(resourcesOf(original).length);
  expect(errorsOf(bundle).map(({ code, path }) => [code, path])).toEqual(
    errorsOf(original).map(({ code, path }) => [code, path]),
  );
});

test('what the caller says of itself stays: version, time, identifiers, UUIDs, decimals, siblings, Provenance', () => {
  const own = diary(UUID, {
    meta: { profile: [canonical('Observation_Diary_Entry')], versionId: '17', lastUpdated: '2020-01-01T00:00:00Z' },
    identifier: [{ system: 'urn:ietf:rfc:3986', value: 'urn:uuid:1' }],
    _status: { id: 's' },
    component: (readJson('[{"valueQuantity":{"value":72.50}}]').value ?? null) as FhirValue,
  });
  const provenance: Resource = {
    resourceType: 'Provenance',
    id: 'prov',
    meta: { profile: [canonical('Provenance')] },
    target: [{ reference: UUID }],
    recorded: '2020-01-02T00:00:00Z',
  };
  const { bundle, findings } = take([own, provenance]);
  if (bundle === undefined) throw new Error('refused');
  const [entry] = ofProfile(bundle, 'Observation_Diary_Entry');
  expect(entry).toEqual({ ...own, subject: entry?.subject });
  expect(writeXml(bundle, tables.core.shapes)).toContain('<value value="72.50"/>');
  expect(ofProfile(bundle, 'Provenance')).toMatchObject([
    { target: [{ reference: `urn:uuid:${UUID}` }], recorded: '2020-01-02T00:00:00Z' },
  ]);
  expect(told(findings)).not.toContain('PROVENANCE_ADDED /resources');
});

test('Patient and app of the caller stand for ours', () => {
  const theirs = resourcesOf(build(simple(...KINDS.map(({ example }) => example))).bundle).filter(({ meta }) =>
    /_(Patient|Device_DIGA|DeviceDefinition_DIGA|Organization_Manufacturer)\|/.test(JSON.stringify(meta)),
  );
  const patient = theirs.find(({ resourceType }) => resourceType === 'Patient');
  const { bundle, findings } = take([...theirs, diary('d', { subject: { reference: `Patient/${patient?.id}` } })]);
  if (bundle === undefined) throw new Error('refused');
  expect(told(findings).filter((one) => one.includes('ADDED'))).toEqual([
    'PROVENANCE_ADDED /resources',
    'IDENTIFIER_ADDED /resources/5',
  ]);
  expect(ofProfile(bundle, 'Device_DIGA')).toHaveLength(1);
  expect(errorsOf(bundle)).toEqual([]);
});

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

test('a resource that nothing refers to stands in the document, and the validator warns', () => {
  const medication: Resource = { resourceType: 'Medication', id: 'm', meta: { profile: [canonical('Medication')] } };
  const { bundle } = take([diary('d'), medication]);
  expect(ofProfile(bundle as Resource, 'Medication')).toHaveLength(1);
  const warnings = validate(bundle as Resource, tables).filter(({ code }) => code === 'MIO_UNREACHABLE');
  expect(warnings).toHaveLength(1);
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

test('where thousands are changed the same way a hundred are listed and the rest is counted', () => {
  const { findings } = take(Array.from({ length: 250 }, (_, n) => diary(`d-${n}`)));
  const ids = findings.filter(({ code }) => code === 'ID_REPLACED');
  expect(ids).toHaveLength(101);
  expect(ids.at(-1)).toMatchObject({ severity: 'information', pointer: '/resources' });
  expect(ids.at(-1)?.message).toContain('150 more');
});

test.each<[string, FhirObject, string | undefined, string | undefined]>([
  ['effectiveDateTime', { effectiveDateTime: '2025-01' }, '2025-01', '2025-01'],
  ['effectivePeriod', { effectivePeriod: { start: '2025-01-02', end: '2025-01-09' } }, '2025-01-02', '2025-01-09'],
  ['a period without end', { effectivePeriod: { start: '2025-01-02' } }, '2025-01-02', '2025-01-02'],
  ['effectiveTiming', { effectiveTiming: { event: ['2025-02-01', 'x', '2025-01-01'] } }, '2025-01-01', '2025-02-01'],
  ['bounds of a timing', { effectiveTiming: { repeat: { boundsPeriod: { end: '2025-02' } } } }, '2025-02', '2025-02'],
  [
    'issued, where there is nothing better',
    { issued: '2025-01-02T00:00:00Z' },
    '2025-01-02T00:00:00Z',
    '2025-01-02T00:00:00Z',
  ],
  ['a date that is none', { effectiveDateTime: '2025-02-30' }, undefined, undefined],
  ['something else', { effectiveDateTime: { a: 1 } }, undefined, undefined],
  ['nothing', {}, undefined, undefined],
])('the date of an Observation: %s', (_, members, from, until) => {
  const { effectiveDateTime: _own, ...rest } = diary('d');
  const { drafts } = take([{ ...rest, ...members } as Resource]);
  expect(drafts.at(-1)).toMatchObject({ from, until });
});

describeWithSchemas('the published documents', (dir) => {
  test.each([1, 2])('the resources of real example %i make a document as valid as theirs', (n) => {
    const file = join(dir, `mio/examples/real/REAL_EXAMPLE_${n}_KBV_PR_MIO_DIGA_Bundle.xml`);
    const { resource } = readXml(readFileSync(file), tables.core.shapes);
    const { bundle, errors, findings } = take(resourcesOf(resource).slice(1));
    expect(errors).toEqual([]);
    expect(findings).toEqual([]);
    const codes = (one: Resource) => validate(one, tables).map(({ code, severity }) => `${severity} ${code}`);
    expect(codes(bundle as Resource)).toEqual(codes(resource));
  });
});
