// Which kinds a member may name is what the profiles let the reference lead to: no kind too few, none too many.
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { codeListsOf } from '../../../../mio/build/code-lists.ts';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { tables } from '../../../support/mio-build.ts';

const lists = codeListsOf(tables);
const PROFILE = 'KBV_PR_MIO_DIGA_';

/** Member of an entry, and the reference it becomes. */
const REFERENCES: readonly [kind: string, member: string, element: string][] = [
  ['problem', 'recorder', 'recorder'],
  ['problem', 'evidence', 'evidence.detail'],
  ['allergy', 'recorder', 'recorder'],
  ['medication', 'source', 'informationSource'],
  ['intake', 'performer', 'performer.actor'],
  ['intake', 'causes', 'reasonReference'],
  ['goal', 'expressedBy', 'expressedBy'],
  ['goal', 'results', 'outcomeReference'],
  ['plan', 'author', 'author'],
  ['plan', 'activities.causes', 'activity.detail.extension:grund.value[x]:valueReference'],
  ['nutrition', 'performer', 'performer'],
  ['lifestyle', 'results', 'hasMember'],
  ['lifestyle', 'performer', 'performer'],
  ['environment', 'results', 'hasMember'],
  ['functionalAssessment', 'results', 'hasMember'],
  ['appointment', 'causes', 'reasonReference'],
  ['appointment', 'participants.person', 'participant.actor'],
  ['encounter', 'causes', 'reasonReference'],
  ['encounter', 'participants.person', 'participant.individual'],
  ['attachment', 'authors', 'author'],
];

/** The document always has these, so no entry need be named; a Medication is named by the entry it comes with. */
const OF_THE_DOCUMENT = [
  'Patient',
  'Device_DIGA',
  'DeviceDefinition_DIGA',
  'DeviceDefinition',
  'Organization_Manufacturer',
];
const OF_ENTRIES = ['Medication', 'Observation_Nutrition_Intake_Food_Composition_Types'];

test.each(REFERENCES)('%s.%s names what %s may refer to', (kindName, member, element) => {
  const kind = KINDS.find((one) => one.kind === kindName);
  if (kind === undefined) throw new Error(`no kind ${kindName}`);
  const targets = lists.element(kind.profile, element).types.flatMap((type) => type.targets);
  const expected = targets.flatMap((target) => {
    const name = target.replace(PROFILE, '');
    if ([...OF_THE_DOCUMENT, ...OF_ENTRIES].includes(name)) return [];
    return KINDS.filter(({ profile }) => profile === target).map(({ kind }) => kind);
  });
  expect(kindsIn(schemaAt(kind.schema(lists), member.split('.')))).toEqual([...new Set(expected)].sort());
});

type Def = {
  innerType?: z.core.$ZodType;
  element?: z.core.$ZodType;
  options?: z.core.$ZodType[];
  shape?: Record<string, z.core.$ZodType>;
};
const defOf = (schema: z.core.$ZodType) => (schema._zod as { def: Def }).def;

function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = defOf(schema).innerType ?? defOf(schema).element;
  return inner === undefined ? schema : bare(inner);
}

function schemaAt(schema: z.core.$ZodType, path: string[]): z.core.$ZodType {
  const [name = '', ...rest] = path;
  const member = defOf(bare(schema)).shape?.[name];
  if (member === undefined) throw new Error(`no member ${name}`);
  return rest.length === 0 ? bare(member) : schemaAt(member, rest);
}

function kindsIn(schema: z.core.$ZodType): string[] {
  return (defOf(schema).options ?? [schema])
    .flatMap((option) => Object.keys(defOf(option).shape ?? {}))
    .filter((name) => KINDS.some(({ kind }) => kind === name))
    .sort();
}
