// Slices from differential to snapshot (hl7.org/fhir/R4/profiling.html): the conditions that tell them apart, what they inherit, and
// those that nothing tells apart or that were never made.
import { describe, expect, test } from 'vitest';
import { BASE, compile, profile, slicing } from './small-packages.ts';

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
