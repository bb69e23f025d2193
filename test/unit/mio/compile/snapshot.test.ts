// Differential to snapshot, case by case (hl7.org/fhir/R4/profiling.html): what a profile adds, what it inherits, and what it may
// not loosen; and the conditions that tell slices apart.
import { describe, expect, test } from 'vitest';
import { tableOf } from '../../../../mio/compile/rows.ts';
import { Snapshots } from '../../../../mio/compile/snapshot.ts';
import type { StructureDefinition } from '../../../../mio/compile/structure.ts';
import type { ElementRow } from '../../../../mio/table-format.ts';
import { BASE, core, profile, registryOf } from './small-packages.ts';

function compile(...definitions: StructureDefinition[]) {
  const all = core.with(registryOf(...definitions));
  const snapshots = new Snapshots((url) => all.structures.get(url));
  const last = definitions.at(-1);
  if (last === undefined) throw new Error('nothing to compile');
  const table = tableOf(last, snapshots);
  return {
    table,
    notes: snapshots.notes,
    row: (id: string): ElementRow | undefined => table.rows.find((one) => one.id === id),
  };
}

const slicing = (type: string, path: string, rules: 'open' | 'closed' = 'open') => ({
  discriminator: [{ type, path }],
  rules,
});

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

describe('slices', () => {
  const coding = (name: string, system: string, code?: string) => ({
    id: `Observation.code.coding:${name}`,
    sliceName: name,
    max: '1',
    patternCoding: { system, ...(code === undefined ? {} : { code }) },
  });
  const sliced = [
    { id: 'Observation.code.coding', slicing: slicing('pattern', '$this'), min: 2 },
    coding('loinc', 'http://loinc.org'),
    coding('sct', 'http://snomed.info/sct', '1'),
  ];

  test('begin optional, with what holds for the whole list', () => {
    const { row } = compile(
      profile('P', 'Observation', [{ id: 'Observation.code.coding.version', min: 1 }, ...sliced]),
    );
    expect(row('code.coding')).toMatchObject({ min: 2, max: '*', slicing: { rules: 'open' } });
    expect(row('code.coding:loinc')).toMatchObject({
      list: true,
      when: [{ at: '', like: { system: 'http://loinc.org' } }],
    });
    expect(row('code.coding:loinc')?.min).toBeUndefined();
    expect(row('code.coding:loinc.version')?.min).toBe(1);
  });

  test('of a base get what a derived profile says of the whole list', () => {
    const base = profile('Base', 'Observation', sliced);
    const { row } = compile(
      base,
      profile('P', 'Observation', [{ id: 'Observation.code.coding.display', min: 1 }], {
        baseDefinition: `${BASE}Base`,
      }),
    );
    expect(row('code.coding:sct.display')?.min).toBe(1);
    expect(row('code.coding.display')?.min).toBe(1);
  });

  test('of a choice are told by their type, whichever way the id is written', () => {
    for (const id of [
      'Observation.value[x]:valueQuantity',
      'Observation.value[x].valueQuantity',
      'Observation.valueQuantity',
    ]) {
      const { row } = compile(
        profile('P', 'Observation', [
          { id, sliceName: 'valueQuantity', min: 1 },
          { id: `${id}.unit`, min: 1 },
        ]),
      );
      expect(row('value[x]:valueQuantity')).toEqual({
        id: 'value[x]:valueQuantity',
        min: 1,
        types: ['Quantity'],
        when: [{ type: ['Quantity'] }],
      });
      expect(row('value[x]:valueQuantity.unit')?.min).toBe(1);
    }
  });

  test('of extensions are told by the URL that their definition fixes, and stand as often as it says', () => {
    const extension = profile(
      'Ext',
      'Extension',
      [
        { id: 'Extension', max: '1' },
        { id: 'Extension.value[x]', type: [{ code: 'string' }] },
      ],
      { kind: 'complex-type' },
    );
    const place = {
      id: 'Patient.extension:e',
      sliceName: 'e',
      type: [{ code: 'Extension', profile: [`${BASE}Ext|9.9.9`] }],
    };
    const { row } = compile(
      extension,
      profile('P', 'Patient', [{ id: 'Patient.extension', slicing: slicing('value', 'url', 'closed') }, place]),
    );
    expect(row('extension')?.slicing).toEqual({ rules: 'closed' });
    expect(row('extension:e')).toEqual({
      id: 'extension:e',
      list: true,
      types: [{ code: 'Extension', profiles: ['Ext'] }],
      when: [{ at: 'url', is: `${BASE}Ext` }],
    });
  });

  test("are told by what their type's profile fixes below", () => {
    const kvnr = profile(
      'Kvnr',
      'Identifier',
      [
        { id: 'Identifier.system', min: 1, fixedUri: 'urn:kvnr' },
        { id: 'Identifier.value', maxLength: 10 },
      ],
      { kind: 'complex-type' },
    );
    const place = {
      id: 'Patient.identifier:k',
      sliceName: 'k',
      type: [{ code: 'Identifier', profile: [`${BASE}Kvnr`] }],
    };
    const list = { id: 'Patient.identifier', slicing: slicing('value', 'system') };
    expect(compile(kvnr, profile('P', 'Patient', [list, place])).row('identifier:k')).toMatchObject({
      types: [{ code: 'Identifier', profiles: ['Kvnr'] }],
      when: [{ at: 'system', is: 'urn:kvnr' }],
    });
    // Walked into, the profile's elements are there and it need not be applied a second time.
    const { row } = compile(kvnr, profile('P', 'Patient', [list, place, { id: 'Patient.identifier:k.use', max: '0' }]));
    expect(row('identifier:k')?.types).toEqual([{ code: 'Identifier', of: ['Kvnr'] }]);
    expect(row('identifier:k.value')).toEqual({ id: 'identifier:k.value', types: ['string'], maxLength: 10 });
  });

  test('may be told by the value set they are bound to, or by what stands below them', () => {
    const bound = {
      id: 'Observation.code.coding:a',
      sliceName: 'a',
      binding: { strength: 'required', valueSet: 'https://example.org/ValueSet/V' },
    };
    const below = [
      { id: 'Observation.code.coding:b', sliceName: 'b' },
      { id: 'Observation.code.coding:b.system', patternUri: 'urn:b' },
    ];
    const { row } = compile(
      profile('P', 'Observation', [
        { id: 'Observation.code.coding', slicing: slicing('value', '$this') },
        bound,
        ...below,
      ]),
    );
    expect(row('code.coding:a')?.when).toEqual([{ at: '', in: 'V' }]);
    expect(row('code.coding:b')?.when).toEqual([{ at: 'system', is: 'urn:b' }]);
  });

  test('that nothing tells apart have no condition', () => {
    const list = { id: 'Observation.code.coding', slicing: slicing('value', 'system') };
    expect(
      compile(profile('P', 'Observation', [list, { id: 'Observation.code.coding:a', sliceName: 'a' }])).row(
        'code.coding:a',
      )?.when,
    ).toEqual([]);
  });

  test('named in ids and never made are the list itself, and noted', () => {
    const { row, notes } = compile(profile('P', 'Patient', [{ id: 'Patient.name:x.family', min: 1 }]));
    expect(row('name.family')?.min).toBe(1);
    expect(notes).toEqual(['P: Patient.name the slice x is named below and never made']);
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
