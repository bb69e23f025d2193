// What the compiler says of builders (mio/build/written.ts): each line that must not compile is one that `npm run check` would
// complain about if it did.
import type { Observation, Patient } from '@medplum/fhirtypes';
import { expect, test } from 'vitest';
import type { Written, WrittenResource } from '../../../../mio/build/written.ts';
import { Decimal, type FhirObject, type Resource } from '../../../../mio/model.ts';

const base: Resource = { resourceType: 'Observation', id: 'x' };
const names = (all: object[]) => all.map((one) => Object.keys(one).at(-1));

test('what FHIR has, and what its JSON needs besides, compiles', () => {
  const right: (WrittenResource<Observation> | Written<Patient>)[] = [
    { ...base, status: 'any text, for the tables know the codes', note: undefined },
    { ...base, valueQuantity: { value: new Decimal('72.50'), unit: 'kg' } },
    { ...base, valueInteger: 1, _valueInteger: { extension: [{ url: 'urn:x', valueString: 'y' }] } },
    { name: [{ family: 'Muster', _family: { id: 'a' }, given: ['A', null], _given: [null, { id: 'b' }] }] },
  ];
  // What is written is what the rest of mio works with.
  const plain: FhirObject[] = right;
  expect(names(plain)).toEqual(['note', 'valueQuantity', '_valueInteger', 'name']);
});

test('names and types that FHIR does not have do not compile', () => {
  const wrong: (WrittenResource<Observation> | Written<Patient>)[] = [
    // @ts-expect-error no such element
    { ...base, effectiveDate: '2025-01-01' } satisfies WrittenResource<Observation>,
    // @ts-expect-error a list
    { ...base, note: { text: 'x' } } satisfies WrittenResource<Observation>,
    // @ts-expect-error no list
    { ...base, code: [{ text: 'x' }] } satisfies WrittenResource<Observation>,
    // @ts-expect-error a text
    { ...base, status: 1 } satisfies WrittenResource<Observation>,
    // @ts-expect-error a number
    { ...base, valueQuantity: { value: '72.50' } } satisfies WrittenResource<Observation>,
    // @ts-expect-error no such element, further below
    { ...base, component: [{ code: {}, valueCode: 'x' }] } satisfies WrittenResource<Observation>,
    // @ts-expect-error only primitives have siblings
    { ...base, _code: { id: 'x' } } satisfies WrittenResource<Observation>,
    // @ts-expect-error a sibling has no value
    { birthDate: '1980-12-30', _birthDate: { value: 'x' } } satisfies Written<Patient>,
  ];
  expect(names(wrong)).toHaveLength(8);
});
