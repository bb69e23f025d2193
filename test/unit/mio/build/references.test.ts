// mio/build/references.ts: a reference is rewritten where one resource can be meant, and then never again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Named, resolverOf, withReferences } from '../../../../mio/build/references.ts';
import type { FhirValue } from '../../../../mio/model.ts';
import { CoreTables } from '../../../../mio/tables.ts';
import { randomResource } from '../random-resource.ts';

const { shapes } = new CoreTables();
const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-00000000000${n}`;
const named = (type: string, id: string, n: number, fullUrl?: string): Named => ({ type, id, fullUrl, urn: urn(n) });
const resolve = resolverOf([
  named('Patient', 'p', 1),
  named('Device', 'p', 2),
  named('Goal', 'g', 3, 'https://a.example/fhir/Goal/g'),
  named('Goal', 'g', 4, 'https://b.example/fhir/Goal/g'),
  named('Device', 'd', 5, 'https://a.example/fhir/Device/d'),
  { type: 'Medication', id: 'm', fullUrl: urn(6), urn: urn(6) },
]);

test.each([
  ['Patient/p', 1],
  ['Device/p', 2],
  ['Patient/p/_history/3', 1],
  ['https://a.example/fhir/Goal/g', 3],
  ['https://b.example/fhir/Goal/g/_history/1', 4],
  ['Device/d', 5],
  ['d', 5],
  ['urn:uuid:d', 5],
  ['Medication/m', 6],
  [urn(6), 6],
])('%s can only mean one resource', (reference, n) => expect(resolve(reference)).toBe(urn(n)));

test.each(['p', 'urn:uuid:p', 'Goal/g', 'g'])('%s could mean several', (one) => expect(resolve(one)).toBe('ambiguous'));

test('a fullUrl means its entry, also where another resource has that id', () => {
  const others = [named('Goal', urn(1).slice(9), 2), named('Patient', 'p', 1, urn(1))];
  expect(resolverOf(others)(urn(1))).toBe(urn(1));
});

test('a reference means first the resource of the same server', () => {
  expect(resolve('Goal/g', 'https://b.example/fhir/')).toBe(urn(4));
  expect(resolve('Goal/g', 'https://c.example/fhir/')).toBe('ambiguous');
  expect(resolve('Device/d', 'https://b.example/fhir/')).toBe(urn(5));
});

test.each(['', '#p', 'Patient/x', 'patient/p', 'https://c.example/fhir/Goal/g', 'urn:uuid:x', 'Device/d/more', '/p'])(
  'leads to nothing here: %s',
  (reference) => expect(resolve(reference)).toBeUndefined(),
);

test('rewriting is idempotent, and only references change', () => {
  const rewrite = (reference: string) => {
    const found = resolve(reference);
    return found === 'ambiguous' ? undefined : found;
  };
  const references = fc.constantFrom(
    'Patient/p',
    'p',
    'd',
    urn(1),
    '#p',
    'Goal/g',
    'https://a.example/fhir/Goal/g',
    'x',
  );
  const resource = randomResource({ shapes, types: ['Observation', 'Provenance', 'CarePlan'], coverage: new Map() });
  fc.assert(
    fc.property(resource, references, (given, reference) => {
      const start = setAll(given, reference);
      const once = withReferences(start, rewrite);
      const twice = withReferences(once, rewrite);
      expect(twice).toBe(once);
      expect(setAll(once, reference)).toEqual(start);
      if (rewrite(reference) === undefined || rewrite(reference) === reference) expect(once).toBe(start);
    }),
    { numRuns: 60 },
  );
});

function setAll<T extends FhirValue>(value: T, reference: string): T {
  return withReferences(value, () => reference);
}
