// Differential to snapshot, case by case (hl7.org/fhir/R4/profiling.html): what a profile adds, what it inherits, and what it may
// not loosen. Its slices: snapshot-slices.test.ts.
import { describe, expect, test } from 'vitest';
import type { StructureDefinition } from '../../../../mio/compile/structure.ts';
import { BASE, compile, profile, slicing } from './small-packages.ts';

describe('an element', () => {
  test('keeps what the profile does not speak of', () => {
    const { table, row } = compile(profile('P', 'Patient', [{ id: 'Patient.gender', min: 1 }]));
    expect(row('gender')).toEqual({ id: 'gender', min: 1, types: ['code'], codes: 'administrative-gender' });
    expect(row('name')).toEqual({ id: 'name', max: '*', types: ['HumanName'] });
    expect(table.rows.slice(0, 4).map((one) => one.id)).toEqual(['', 'id', 'meta', 'implicitRules']);
  });

  test('is opened only where a differential walks below it', () => {
    const { row } = compile(profile('P', 'Patient', [{ id: 'Patient.name.family', min: 1 }]));
    expect(row('name.family')?.min).toBe(1);
    expect(row('name.given')).toEqual({ id: 'name.given', max: '*', types: ['string'] });
    expect(row('address.line')).toBeUndefined();
  });

  test('has the schema of what it refers to, as R4 has it', () => {
    const { row } = compile(
      profile('P', 'Questionnaire', [
        { id: 'Questionnaire.item.text', min: 1 },
        { id: 'Questionnaire.item.item.prefix', max: '0' },
      ]),
    );
    expect(row('item.text')?.min).toBe(1);
    expect(row('item.item')?.ref).toBe('Questionnaire.item');
    expect(row('item.item.text')?.min).toBeUndefined();
    expect(row('item.item.prefix')?.max).toBe(0);
  });

  test('forbidden or single stays an array in JSON', () => {
    const { row } = compile(
      profile('P', 'Patient', [
        { id: 'Patient.photo', max: '0' },
        { id: 'Patient.name', max: '1' },
      ]),
    );
    expect(row('photo')).toMatchObject({ max: 0, list: true });
    expect(row('name')).toEqual({ id: 'name', list: true, types: ['HumanName'] });
  });

  test('keeps the value set of its base when only the strength changes', () => {
    const strength = { id: 'Patient.maritalStatus', binding: { strength: 'required' } };
    expect(compile(profile('P', 'Patient', [strength])).row('maritalStatus')?.codes).toBe('marital-status');
  });

  test('has rules of its own, not those that its type has anyway', () => {
    const rule = { key: 'own-1', severity: 'error' as const, expression: 'family.exists()' };
    const { table } = compile(profile('P', 'Patient', [{ id: 'Patient.name', constraint: [rule] }]));
    expect(table.rows.filter((one) => one.rules !== undefined).map((one) => [one.id, one.rules])).toEqual([
      ['name', ['own-1']],
      ['contact', ['pat-1']],
    ]);
    expect(table.invariants['own-1']).toEqual({ severity: 'error', expression: 'family.exists()' });
  });

  test('keeps two rules under one key apart', () => {
    const rule = (expression: string) => [{ key: 'pat-1', severity: 'error' as const, expression }];
    const { table, row } = compile(profile('P', 'Patient', [{ id: 'Patient', constraint: rule('active') }]));
    expect(row('')?.rules).toEqual(['pat-1']);
    expect(row('contact')?.rules).toEqual(['pat-1#2']);
    expect(table.invariants['pat-1#2']?.expression).toContain('name.exists()');
  });
});

describe('nothing is loosened', () => {
  const strict = profile('Strict', 'Patient', [
    { id: 'Patient.name', min: 1, max: '1' },
    { id: 'Patient.maritalStatus', patternCodeableConcept: { coding: [{ system: 'urn:s', code: 'a' }] } },
    { id: 'Patient.gender', fixedCode: 'female' },
  ]);
  const derived = (...elements: Parameters<typeof profile>[2]) =>
    compile(strict, profile('P', 'Patient', elements, { baseDefinition: `${BASE}Strict|9.9.9` }));

  test('a smaller min or a larger max of the derived profile is noted and does not count', () => {
    const { row, notes } = derived({ id: 'Patient.name', min: 0, max: '*' });
    expect(row('name')).toMatchObject({ min: 1, list: true });
    expect(notes).toEqual(['P: Patient.name min 1 loosened to 0', 'P: Patient.name max 1 loosened to *']);
  });

  test('two patterns are united', () => {
    const { row, notes } = derived({
      id: 'Patient.maritalStatus',
      patternCodeableConcept: { coding: [{ system: 'urn:s', display: 'A' }] },
    });
    expect(row('maritalStatus')?.pattern).toEqual({ coding: [{ system: 'urn:s', code: 'a', display: 'A' }] });
    expect(notes).toEqual([]);
  });

  test('values that contradict each other are noted', () => {
    expect(derived({ id: 'Patient.gender', fixedCode: 'male' }).notes).toEqual([
      'P: Patient.gender fixedCode contradicts the base',
    ]);
  });
});

describe('refused', () => {
  test.each<[string, StructureDefinition, RegExp]>([
    [
      'an element that does not exist',
      profile('P', 'Patient', [{ id: 'Patient.nickname', min: 1 }]),
      /P: no element nickname in Patient/,
    ],
    ['an element below a primitive', profile('P', 'Patient', [{ id: 'Patient.gender.foo', min: 1 }]), /no element foo/],
    [
      'a slice of what is not cut',
      profile('P', 'Patient', [{ id: 'Patient.name:a', sliceName: 'a' }]),
      /has the slice a and no slicing/,
    ],
    [
      'a base that is missing',
      profile('P', 'Patient', [], { baseDefinition: `${BASE}Gone` }),
      /is in none of the packages/,
    ],
    [
      'a base of another version',
      profile('P', 'Patient', [], { baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient|5.0.0' }),
      /found 4\.0\.1/,
    ],
    [
      'a discriminator that nobody evaluates',
      profile('P', 'Patient', [
        { id: 'Patient.name', slicing: slicing('profile', 'resolve()') },
        { id: 'Patient.name:a', sliceName: 'a' },
      ]),
      /discriminator profile/,
    ],
  ])('%s', (_name, definition, message) => expect(() => compile(definition)).toThrow(message));
});
