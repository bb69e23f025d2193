// The kinds of problems, medication, goals, meals, factors, visits, files and contacts: their examples and entries with every
// member there is become resources in which the validator finds nothing (mio-diga.md section 13).
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { codeListsOf } from '../../../../mio/build/code-lists.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { writeJson } from '../../../../mio/json.ts';
import { Decimal, type Resource } from '../../../../mio/model.ts';
import { validate } from '../../../../mio/validate/validate.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { maximalEntries } from '../../../support/maximal-entries.ts';
import { build, ofProfile, resourcesOf, simple, tables } from '../../../support/mio-build.ts';

const kinds = [...new Set(maximalEntries.map(({ kind }) => kind))];
const ours = KINDS.filter(({ kind }) => kinds.includes(kind));
/** What they name, and what that names. */
const others = ['bodyWeight', 'bodyHeight', 'glucose', 'observation', 'score', 'questionnaireResponse', 'questionnaire']
  .concat('activity', 'diary', 'device')
  .map((kind) => KINDS.find((one) => one.kind === kind)?.example ?? { kind, id: '' });
const maximal = () => build(simple(...maximalEntries, ...others));

test('every kind with a section of its own stands in it, and what it needs besides stands in none', () => {
  const { drafts } = maximal();
  for (const { kind, profile, section } of ours) {
    const index = maximalEntries.findIndex((entry) => entry.kind === kind);
    const [own, ...helpers] = drafts.filter(({ pointer }) => pointer === `/entries/${index}`);
    expect(own, kind).toMatchObject({ profile, section });
    expect(section, kind).toBeDefined();
    for (const helper of helpers) expect(helper.section, kind).toBeUndefined();
  }
});

test('the document of all examples has no finding', () => {
  expect(validate(build(simple(...ours.map(({ example }) => example), ...others)).bundle, tables)).toEqual([]);
});

test('the document of all maximal entries has no finding and survives XML', () => {
  const { bundle } = maximal();
  expect(validate(bundle, tables)).toEqual([]);
  const xml = Buffer.from(writeXml(bundle, tables.core.shapes));
  expect(readXml(xml, tables.core.shapes).resource).toEqual(bundle);
});

test('each maximal entry alone has no finding but for what it refers to', () => {
  for (const resource of resourcesOf(maximal().bundle)) {
    const findings = validate(resource, tables, { single: true });
    const { resourceType } = resource;
    expect(findings.filter(({ severity }) => severity !== 'warning').map((one) => ({ resourceType, ...one }))).toEqual(
      [],
    );
  }
});

describe('the maximal entries have every member of the schema', () => {
  const lists = codeListsOf(tables);
  test.each(ours.map(({ kind, schema }) => [kind, schema] as const))('%s', (kind, schema) => {
    const seen = new Set<string>();
    for (const entry of maximalEntries.filter((one) => one.kind === kind)) pathsOf(entry, '', seen);
    expect(membersOf(schema(lists), '').filter((path) => !seen.has(path))).toEqual([]);
  });
});

/** Paths of all members, list indexes left out. */
function pathsOf(value: unknown, path: string, seen: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) pathsOf(one, path, seen);
  else if (typeof value === 'object' && value !== null && !(value instanceof Decimal)) {
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      seen.add(`${path}/${name}`);
      pathsOf(member, `${path}/${name}`, seen);
    }
  }
}

/** Members that name an entry are alternatives of one kind each: any of them will do. */
function membersOf(schema: z.core.$ZodType, path: string): string[] {
  const { def } = schema._zod as { def: z.core.$ZodTypeDef & Parts };
  if (def.innerType !== undefined) return membersOf(def.innerType, path);
  if (def.element !== undefined) return membersOf(def.element, path);
  const options = def.options?.filter((option) => !namesEntry(option)) ?? [];
  if (def.options !== undefined) return [...new Set(options.flatMap((option) => membersOf(option, path)))];
  return Object.entries(def.shape ?? {})
    .filter(([name]) => !COMMON.has(`${path}/${name}`) && !OF_CODES.has(name))
    .flatMap(([name, member]) => [`${path}/${name}`, ...membersOf(member, `${path}/${name}`)]);
}

type Parts = {
  innerType?: z.core.$ZodType;
  element?: z.core.$ZodType;
  options?: z.core.$ZodType[];
  shape?: Record<string, z.core.$ZodType>;
};

/** `by` is the frame's; the members of a code are tested with it. */
const COMMON = new Set(['/by']);
const OF_CODES = new Set(['system', 'version', 'display', 'code', 'text']);

function namesEntry(option: z.core.$ZodType): boolean {
  const { shape } = (option._zod as { def: Parts }).def;
  const [name = '', ...more] = Object.keys(shape ?? {});
  return more.length === 0 && KINDS.some(({ kind }) => kind === name);
}

const only = (name: string, id: string, entries = maximalEntries): Resource => {
  const index = entries.findIndex((entry) => entry.id === id);
  const found = build(simple(...entries, ...others)).drafts.find(
    ({ pointer, profile }) => pointer === `/entries/${index}` && profile.endsWith(`_${name}`),
  );
  if (found === undefined) throw new Error(`no ${name} of ${id}`);
  return found.resource;
};

test('a problem that has ended is resolved, one that has not is active', () => {
  const codeOf = (id: string) => JSON.stringify(only('Condition_Problem', id).clinicalStatus);
  expect(codeOf('p-2')).toContain('"resolved"');
  expect(codeOf('p-5')).toContain('"recurrence"');
  const [problem] = ofProfile(build(simple({ ...PROBLEM })).bundle, 'Condition_Problem');
  expect(JSON.stringify(problem?.clinicalStatus)).toContain('"active"');
});

const PROBLEM = { kind: 'problem', id: '1', code: { text: 'Husten' }, onset: '2025' };

test('an intake refers to the medicine of its medication, or brings its own', () => {
  const statement = only('MedicationStatement_Medication_Information', 'm-1');
  const named = only('MedicationAdministration_Medication_Intake', 'i-1');
  const alone = only('MedicationAdministration_Medication_Intake', 'i-2');
  expect(named.medicationReference).toEqual(statement.medicationReference);
  expect(named.extension).toMatchObject([{ valueReference: { reference: `urn:uuid:${String(statement.id)}` } }]);
  expect(alone.medicationReference).toEqual({ reference: `urn:uuid:${String(only('Medication', 'i-2').id)}` });
  expect(alone.extension).toBeUndefined();
});

test('treatment goals and nutrients are reached from what they belong to', () => {
  const { bundle } = maximal();
  const goals = ofProfile(bundle, 'Goal_Treatment_Goal').map(({ id }) => id);
  const nutrients = ofProfile(bundle, 'Observation_Nutrition_Intake_Food_Composition_Types').map(({ id }) => id);
  expect(goals).toHaveLength(2);
  expect(nutrients).toHaveLength(2);
  const statement = JSON.stringify(only('MedicationStatement_Medication_Information', 'm-1'));
  for (const id of goals) expect(statement).toContain(String(id));
  const members = JSON.stringify(only('Observation_Nutrition_Intake', 'n-1').hasMember);
  for (const id of nutrients) expect(members).toContain(String(id));
});

test('numbers keep their spelling in doses, meals and aims', () => {
  const json = writeJson(maximal().bundle);
  for (const text of ['"value":1.50,', '"value":200.0,', '"value":-10.0,', '"period":1.0,', '"value":34.50,']) {
    expect(json).toContain(text);
  }
});

test('the insured takes part in every appointment', () => {
  const { participant } = only('Appointment', 'ap-2');
  expect(participant).toHaveLength(1);
  expect(only('Appointment', 'ap-1').participant).toHaveLength(4);
});

test('a state does not stretch the Betrachtungszeitraum: problems, medication, goals, appointments, contacts have no time', () => {
  const stateful = ['problem', 'allergy', 'medication', 'goal', 'plan', 'appointment', 'contact', 'relatedPerson'];
  for (const kind of KINDS.filter((one) => stateful.includes(one.kind))) expect(kind.times(kind.example)).toEqual({});
});
