// The rules of FHIR and of the profiles that are written in FHIRPath, asked by the validator: which hold where, and the few that
// are read otherwise than they are written (mio/validate/invariant.ts).
import { describe, expect, test } from 'vitest';
import type { FhirObject, FhirValue, Resource } from '../../../../mio/model.ts';
import { Invariants } from '../../../../mio/validate/invariant.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { core, put, smallDocument, tables } from './small-document.ts';

const PATIENT = '/entry/1/resource';
const WEIGHT = '/entry/5/resource';
const FREE = '/entry/7/resource';

/** Keys of the rules that are broken, with severity and pointer. */
function rules(pointer: string, value: FhirValue | undefined): string[] {
  const document = smallDocument();
  put(document, pointer, value);
  return broken(document, {});
}

function broken(resource: Resource, options: { single?: boolean }): string[] {
  return validate(resource, tables, options).flatMap(({ severity, code, message, pointer }) =>
    code === 'MIO_INVARIANT' ? [`${severity} ${/rule (\S+) /.exec(message)?.[1]} ${pointer}`] : [],
  );
}

const quantity = (value: number) => ({ value, system: 'http://unitsofmeasure.org', code: 'kg', unit: 'kg' });
const period = '/entry/0/resource/extension/0/valuePeriod';

describe('rules of FHIR', () => {
  test.each<[key: string, pointer: string, value: FhirValue | undefined, found: string[]]>([
    ['per-1', `${period}/start`, '2026-01-01T00:00:00+01:00', [`error per-1 ${period}`]],
    ['per-1 across zones', `${period}/start`, '2025-03-31T12:30:00+03:00', []],
    ['per-1 across zones', `${period}/start`, '2025-03-31T12:30:00+01:00', [`error per-1 ${period}`]],
    ['per-1 when it cannot be told', `${period}/start`, '2025-03', []],
    [
      'qty-3',
      `${FREE}/component`,
      [{ code: { text: 'a' }, valueQuantity: { value: 1, code: 'kg' } }],
      [`error qty-3 ${FREE}/component/0/valueQuantity`],
    ],
    [
      'rng-2',
      `${FREE}/component`,
      [{ code: { text: 'a' }, valueRange: { low: quantity(2), high: quantity(1) } }],
      [`error rng-2 ${FREE}/component/0/valueRange`],
    ],
    [
      'rng-2 of two units',
      `${FREE}/component`,
      [{ code: { text: 'a' }, valueRange: { low: quantity(2), high: { ...quantity(1), code: 'g' } } }],
      [],
    ],
    [
      'sqty-1',
      `${FREE}/referenceRange`,
      [{ low: { ...quantity(1), comparator: '<' } }],
      [`error sqty-1 ${FREE}/referenceRange/0/low`],
    ],
    ['obs-3', `${FREE}/referenceRange`, [{ type: { text: 'a' } }], [`error obs-3 ${FREE}/referenceRange/0`]],
    ['obs-6', `${FREE}/dataAbsentReason`, { text: 'a' }, [`error obs-6 ${FREE}`]],
    ['ext-1', `${FREE}/extension`, [{ url: 'urn:a' }], [`error ext-1 ${FREE}/extension/0`]],
    [
      'cpt-2',
      `${FREE}/extension`,
      [{ url: 'urn:a', valueContactPoint: { value: '1' } }],
      [`error cpt-2 ${FREE}/extension/0/valueContactPoint`],
    ],
    [
      'cmp-1',
      '/entry/0/resource/section/0/section/0/entry',
      undefined,
      ['error cmp-1 /entry/0/resource/section/0/section/0'],
    ],
    ['bdl-10', '/timestamp', undefined, ['error bdl-10 ']],
    ['bdl-9', '/identifier/value', undefined, ['error bdl-9 ']],
  ])('%s', (_key, pointer, value, found) => expect(rules(pointer, value)).toEqual(found));
});

describe('rules of the profiles', () => {
  const other = 'http://fhir.de/StructureDefinition/gender-amtlich-de';
  test.each<[key: string, pointer: string, value: FhirValue | undefined, found: string[]]>([
    [
      'bundle-2',
      '/entry/0/resource/meta/profile/0',
      'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Composition|1.0.0',
      ['error bundle-2 '],
    ],
    ['vs-de-1', `${WEIGHT}/effectiveDateTime`, '2025-02', [`error vs-de-1 ${WEIGHT}/effectiveDateTime`]],
    ['vs-de-1', `${WEIGHT}/effectiveDateTime`, '2025-02-03', []],
    ['date-1', '/entry/0/resource/date', '2025', ['error date-1 /entry/0/resource']],
    ['pat-1', `${PATIENT}/gender`, 'other', [`error pat-1 ${PATIENT}`]],
    [
      'pat-1',
      `${PATIENT}/_gender`,
      {
        extension: [
          {
            url: other,
            valueCoding: { system: 'http://fhir.de/CodeSystem/gender-amtlich-de', code: 'D', display: 'divers' },
          },
        ],
      },
      [`error gender-amtlich-1 ${PATIENT}/_gender/extension/0/valueCoding`],
    ],
    ['hum-2', `${PATIENT}/name/0/family`, undefined, [`error hum-2 ${PATIENT}/name/0`]],
  ])('%s', (_key, pointer, value, found) => expect(rules(pointer, value)).toEqual(found));

  test('a KVNR of a wrong form is an error, though the profile only warns (kvid-1)', () => {
    const gkv = (value: string) => ({
      type: {
        coding: [
          {
            system: 'http://fhir.de/CodeSystem/identifier-type-de-basis',
            code: 'GKV',
            display: 'Gesetzliche Krankenversicherung',
          },
        ],
      },
      system: 'http://fhir.de/sid/gkv/kvid-10',
      value,
    });
    expect(rules(`${PATIENT}/identifier/1`, gkv('123'))).toEqual([`error kvid-1 ${PATIENT}/identifier/1/value`]);
    expect(rules(`${PATIENT}/identifier/1`, gkv('A123456789'))).toEqual([]);
  });

  test('a problem needs onset or abatement, or both (con-1, written as a union)', () => {
    const problem = (rest: FhirObject): Resource => ({
      resourceType: 'Condition',
      meta: { profile: ['https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Condition_Problem|1.1.0'] },
      ...rest,
    });
    const con1 = (rest: FhirObject) => broken(problem(rest), { single: true }).filter((one) => one.includes('con-1'));
    expect(con1({})).toEqual(['error con-1 ']);
    expect(con1({ onsetDateTime: '2025' })).toEqual([]);
    expect(con1({ abatementDateTime: '2025' })).toEqual([]);
    expect(con1({ onsetDateTime: '2025', abatementDateTime: '2025' })).toEqual([]);
  });

  test('a questionnaire has a title or a code, not both (ques-1), and an answer may be asked for (que-7)', () => {
    const questionnaire = (rest: FhirObject) =>
      broken(
        {
          resourceType: 'Questionnaire',
          meta: { profile: ['https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Questionnaire|1.1.0'] },
          ...rest,
        },
        { single: true },
      );
    expect(questionnaire({})).toEqual(['error ques-1 ']);
    expect(questionnaire({ title: 'a', code: [{ code: 'b' }] })).toEqual(['error ques-1 ']);
    const enableWhen = (answer: FhirObject) => [
      { linkId: '1', type: 'string', enableWhen: [{ question: '2', operator: 'exists', ...answer }] },
    ];
    expect(questionnaire({ title: 'a', item: enableWhen({ answerBoolean: true }) })).toEqual([]);
    expect(questionnaire({ title: 'a', item: enableWhen({ answerInteger: 1 }) })).toEqual([
      'error que-7 /item/0/enableWhen/0',
    ]);
    const items = [{ linkId: '1', type: 'group', item: [{ linkId: '1', type: 'display', required: true }] }];
    expect(questionnaire({ title: 'a', item: items }).sort()).toEqual(['error que-2 ', 'error que-6 /item/0/item/0']);
  });

  test('what cannot be evaluated does not hold: two names where the rule takes one', () => {
    const shape = core.shapes.ofType('Patient');
    const row = { severity: 'error' as const, expression: "name.family.startsWith('a')" };
    const rule = new Invariants(core.shapes, core.definitions).rule('x-1', row, { type: 'Patient', shape });
    const holds = (...families: string[]) => {
      const patient = { resourceType: 'Patient', name: families.map((family) => ({ family })) };
      return rule?.holds(patient, undefined, { resource: patient, root: patient });
    };
    expect([holds('a'), holds('b'), holds(), holds('a', 'a')]).toEqual([true, false, false, false]);
  });
});

describe('a narrative', () => {
  test('is judged where it stands (txt-1), and none is missed (dom-6)', () => {
    const document = smallDocument();
    put(document, `${FREE}/text`, {
      status: 'extensions',
      div: '<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>',
    });
    expect(validate(document, tables).map((one) => `${one.code} ${one.pointer}`)).toEqual([
      `MIO_NARRATIVE ${FREE}/text/div`,
    ]);
    put(document, `${FREE}/text/div`, '<div xmlns="http://www.w3.org/1999/xhtml">a</div>');
    expect(validate(document, tables)).toEqual([]);
  });
});
