// mio/build/canonical.ts: one form for all spellings of a resource, and a digest that only the key's owner can make.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalForm, keyedDigest } from '../../../../mio/build/canonical.ts';
import { readJson } from '../../../../mio/json.ts';
import { type FhirObject, type FhirValue, isObject, type Resource } from '../../../../mio/model.ts';
import { CoreTables } from '../../../../mio/tables.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { randomResource } from '../random-resource.ts';

const core = new CoreTables();
const { shapes } = core;
const TYPES = [...core.definitions.values()].filter((one) => shapes.isResource(one.name)).map((one) => one.name);
const formOf = (json: string) => canonicalForm(readJson(json).value as Resource, shapes);

test('the order of members does not count', () => {
  fc.assert(
    fc.property(randomResource({ shapes, types: TYPES, coverage: new Map() }), (resource) => {
      expect(canonicalForm(reversed(resource) as Resource, shapes)).toBe(canonicalForm(resource, shapes));
    }),
    { numRuns: 60 },
  );
});

test('resources with different XML have different forms', () => {
  const random = randomResource({ shapes, types: ['Observation', 'Patient', 'Goal'], coverage: new Map() });
  fc.assert(
    fc.property(random, random, (a, b) => {
      const [first, second] = [withoutVersions(a), withoutVersions(b)];
      expect(canonicalForm(first, shapes) === canonicalForm(second, shapes)).toBe(
        writeXml(first, shapes) === writeXml(second, shapes),
      );
    }),
    { numRuns: 60 },
  );
});

test('versionId and lastUpdated do not count, the profile does', () => {
  const meta = (members: string) => formOf(`{"resourceType":"Goal","meta":{"profile":["a"]${members}}}`);
  expect(meta(',"versionId":"1","lastUpdated":"2025-01-01T00:00:00Z"')).toBe(meta(''));
  expect(meta(',"source":"b"')).not.toBe(meta(''));
  expect(formOf('{"resourceType":"Goal","meta":{"profile":["b"]}}')).not.toBe(meta(''));
});

test.each([
  ['a number spelled otherwise', '"a":72.5', '"a":72.50'],
  ['a number and the same text', '"a":1', '"a":"1"'],
  ['a list in another order', '"a":[1,2]', '"a":[2,1]'],
  ['null and nothing', '"a":[null,{"id":"x"}]', '"a":[{"id":"x"}]'],
  ['an element that FHIR does not have', '"foo":1', '"foo":2'],
  ['a sibling', '"_status":{"id":"a"}', '"_status":{"id":"b"}'],
])('what counts: %s', (_, a, b) => {
  expect(formOf(`{"resourceType":"Goal",${a}}`)).not.toBe(formOf(`{"resourceType":"Goal",${b}}`));
});

test('a resource that no one could write has a form, too', () => {
  for (const json of ['{"a":[[{}]],"meta":1,"resourceType":"Foo"}', '{"resourceType":5,"text":{"div":{"a":1}}}']) {
    expect(formOf(json)).toBe(json);
  }
});

test('the digest is the first 16 bytes of HMAC-SHA-256, apart for resources and documents', () => {
  const digest = keyedDigest(Buffer.from('key'));
  const expected = createHmac('sha256', 'key').update('resource\ntext').digest().subarray(0, 16);
  expect(Buffer.from(digest('resource', 'text'), 'base64url')).toEqual(expected);
  expect(digest('document', 'text')).not.toBe(digest('resource', 'text'));
  expect(keyedDigest(Buffer.from('other'))('resource', 'text')).not.toBe(digest('resource', 'text'));
});

function withoutVersions(resource: Resource): Resource {
  const { meta: _, ...rest } = resource;
  return rest as Resource;
}

function reversed(value: FhirValue | undefined): FhirValue | undefined {
  if (Array.isArray(value)) return value.map((one) => reversed(one) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, one]) => [name, reversed(one)]),
  ) as FhirObject;
}
