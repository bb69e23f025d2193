// A finished document of the caller: as it is, but for addresses that cannot work in it (mio-diga.md sections 4 and 13b).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleOfFhir } from '../../../../mio/build/fhir-bundle.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import type { Resource } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { build, identify, simple, tables } from '../../../support/mio-build.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const setting = { tables, identify };
const take = (bundle: Resource) => bundleOfFhir(bundle, setting);
const finished = () => structuredClone(build(simple(...KINDS.map(({ example }) => example))).bundle);
type Entry = { fullUrl?: string; resource: Resource };
const entriesOf = (bundle: Resource | undefined) => (bundle?.entry ?? []) as unknown as Entry[];

test('a document whose addresses are right is the same object', () => {
  const bundle = finished();
  expect(take(bundle)).toEqual({ bundle, findings: [] });
  expect(take(bundle).bundle).toBe(bundle);
});

/** As a FHIR server gives it away. */
function fromServer(bundle: Resource): Resource {
  let text = JSON.stringify(bundle);
  entriesOf(bundle).forEach(({ resource, fullUrl }, index) => {
    const { resourceType, id } = resource;
    text = text
      .replaceAll(`"fullUrl":"${fullUrl}"`, `"fullUrl":"https://fhir.example/r4/${resourceType}/n-${index}"`)
      .replaceAll(`"reference":"${fullUrl}"`, `"reference":"${resourceType}/n-${index}"`)
      .replaceAll(
        `"resourceType":"${resourceType}","id":"${id}"`,
        `"resourceType":"${resourceType}","id":"n-${index}"`,
      );
  });
  return JSON.parse(text) as Resource;
}

test('addresses of a server become UUIDs, references follow, every change is told, and doing it again changes nothing', () => {
  const given = fromServer(finished());
  const { bundle, findings } = take(given);
  const errors = (one: Resource) => validate(one, tables).filter(({ severity }) => severity === 'error');
  expect(errors(given).length).toBeGreaterThan(0);
  expect(errors(bundle as Resource)).toEqual(errors(finished()));
  expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(['information']));
  const count = entriesOf(given).length;
  for (const code of ['FULLURL_REWRITTEN', 'ID_REPLACED']) {
    expect(findings.filter((one) => one.code === code).length).toBeGreaterThanOrEqual(Math.min(count, 100));
  }
  const subject = findings.find((one) => one.pointer === '/bundle/entry/0/resource/subject/reference');
  expect(subject).toMatchObject({ code: 'REFERENCE_REWRITTEN', path: 'bundle.entry[0].resource.subject.reference' });
  expect(take(bundle as Resource)).toEqual({ bundle, findings: [] });
  expect(take(given).bundle).toEqual(bundle);
});

test('what could mean several resources is an error, what leads nowhere is left for the validator', () => {
  const bundle = finished();
  const [first, , third] = entriesOf(bundle);
  if (first === undefined || third === undefined) throw new Error('too small');
  const patient = entriesOf(bundle).find(({ resource }) => resource.resourceType === 'Patient')?.resource;
  first.resource.subject = { reference: `Patient/${patient?.id}` };
  first.resource.author = [{ reference: 'Device/unknown' }];
  const copy = structuredClone(entriesOf(bundle).find(({ resource }) => resource.resourceType === 'Patient'));
  entriesOf(bundle).push({ ...(copy as Entry), fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000001' });
  const { findings, bundle: after } = take(bundle);
  expect(findings.map(({ severity, code, pointer }) => [severity, code, pointer])).toEqual([
    ['error', 'REFERENCE_AMBIGUOUS', '/bundle/entry/0/resource/subject/reference'],
  ]);
  expect(entriesOf(after)[0]?.resource.author).toEqual([{ reference: 'Device/unknown' }]);
});

test.each<[string, (bundle: Resource) => Resource, string, string]>([
  ['another resource', (bundle) => ({ ...bundle, resourceType: 'Patient' }), 'BUNDLE_EXPECTED', '/bundle/resourceType'],
  ['no meta', ({ meta: _, ...bundle }) => bundle as Resource, 'PROFILE_UNKNOWN', '/bundle/meta/profile'],
  ['no profile', (bundle) => ({ ...bundle, meta: {} }), 'PROFILE_UNKNOWN', '/bundle/meta/profile'],
  [
    'the profile of another version',
    (bundle) => JSON.parse(JSON.stringify(bundle).replace('MIO_DIGA_Bundle|1.1.0', 'MIO_DIGA_Bundle|1.0.0')),
    'PROFILE_UNKNOWN',
    '/bundle/meta/profile',
  ],
  [
    'the profile without a version',
    (bundle) => JSON.parse(JSON.stringify(bundle).replace('MIO_DIGA_Bundle|1.1.0', 'MIO_DIGA_Bundle')),
    'PROFILE_UNKNOWN',
    '/bundle/meta/profile',
  ],
])('is refused without a look at its entries: %s', (_, change, code, pointer) => {
  const { bundle, findings } = take(change(fromServer(finished())));
  expect(bundle).toBeUndefined();
  expect(findings).toMatchObject([{ severity: 'error', code, pointer }]);
});

test.each<[string, unknown]>([
  ['no entries', undefined],
  ['entries that are no list', {}],
  ['entries that are no objects', [null, 1, 'x', []]],
  ['entries without a resource', [{}, { fullUrl: 'https://a.example/Patient/1' }, { fullUrl: 1, resource: {} }]],
  ['a resource without id or type', [{ fullUrl: 'https://a/Patient/1', resource: { resourceType: 'Patient' } }]],
])('is left for the validator: %s', (_, entry) => {
  const bundle = { ...finished(), entry } as Resource;
  expect(take(bundle)).toEqual({ bundle, findings: [] });
});

describeWithSchemas('the published documents', (dir) => {
  test.each([1, 2])('real example %i is written as it is', (n) => {
    const file = join(dir, `mio/examples/real/REAL_EXAMPLE_${n}_KBV_PR_MIO_DIGA_Bundle.xml`);
    const { resource } = readXml(readFileSync(file), tables.core.shapes);
    expect(take(resource).bundle).toBe(resource);
  });
});
