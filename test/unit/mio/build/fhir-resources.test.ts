// Resources of the caller (mio-diga.md section 13b): each stands in the document, in its section, under an id that works there; and
// every change is told. What is refused: fhir-resources-refused.test.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { readJson } from '../../../../mio/json.ts';
import type { FhirObject, FhirValue, Resource } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { canonical, diary, errorsOf, take, told, UUID } from '../../../support/fhir-resources.ts';
import { build, KVNR, ofProfile, resourcesOf, simple, tables } from '../../../support/mio-build.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

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

test('a resource that nothing refers to stands in the document, and the validator warns', () => {
  const medication: Resource = { resourceType: 'Medication', id: 'm', meta: { profile: [canonical('Medication')] } };
  const { bundle } = take([diary('d'), medication]);
  expect(ofProfile(bundle as Resource, 'Medication')).toHaveLength(1);
  const warnings = validate(bundle as Resource, tables).filter(({ code }) => code === 'MIO_UNREACHABLE');
  expect(warnings).toHaveLength(1);
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
