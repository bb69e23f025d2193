// Questionnaires and what was answered. A response names its questionnaire by its canonical URL, which is the entry's
// `url`, or made of its id whether or not the entry is there.
import type {
  Questionnaire,
  QuestionnaireItem,
  QuestionnaireResponse,
  QuestionnaireResponseItem,
  QuestionnaireResponseItemAnswer,
} from '@medplum/fhirtypes';
import { z } from 'zod';
import { Decimal } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { because, coded, decimal, isNumber, moment, oneOf, reference, text, timeOfDay, ucum } from './inputs.ts';
import { type BuildContext, defineKind, type Fault } from './kind.ts';
import type { Written, WrittenResource } from './written.ts';

const QUESTIONNAIRE = `${PROFILE}Questionnaire`;
const RESPONSE = `${PROFILE}QuestionnaireResponse`;

const url = z
  .string()
  .max(500)
  .refine(
    (value) => /^(https?|urn):[\x21-\x7b\x7d-\x7e]+$/.test(value),
    because('URL_INVALID', 'must be an absolute URL without a version'),
  )
  .meta({ format: 'canonical' });

type Question = {
  linkId: string;
  text?: string | undefined;
  type: string;
  required?: boolean | undefined;
  repeats?: boolean | undefined;
  options?: string[] | undefined;
  questions?: Question[] | undefined;
};

/** `options` are texts to choose from; groups have `questions` of their own. */
function question(lists: CodeLists): z.ZodType<Question> {
  const schema: z.ZodType<Question> = z.strictObject({
    linkId: text(255).describe('what answers refer to'),
    text: text().optional().describe('as it was asked'),
    type: oneOf(lists, 'item-type').describe('of the answer; group and display have none'),
    required: z.boolean().optional().describe('it must be answered'),
    repeats: z.boolean().optional().describe('it may have several answers'),
    options: z.array(text(1000)).min(1).optional().describe('to choose from'),
    questions: z
      .array(z.lazy(() => schema))
      .min(1)
      .optional()
      .describe('of a group'),
  });
  return schema;
}

export const questionnaire = defineKind({
  kind: 'questionnaire',
  profile: QUESTIONNAIRE,
  section: 'frageboegen',
  members: (lists) => ({
    title: text(1000).describe('what readers see'),
    url: url.optional().describe('canonical; default made of the id'),
    version: text(100).optional().describe('your own'),
    language: oneOf(lists, 'KBV_VS_Base_CommonLanguages').optional().describe('default de'),
    description: text().optional().describe('what it is for'),
    questions: z.array(question(lists)).min(1).optional().describe('in order'),
  }),
  faults: ({ questions }) => questionFaults(questions ?? []),
  times: () => ({}),
  build: (entry, context): WrittenResource<Questionnaire> => ({
    ...context.resource(QUESTIONNAIRE, entry.kind, entry.id),
    language: entry.language ?? 'de',
    url: entry.url ?? canonical(entry.id, context),
    version: entry.version,
    title: entry.title,
    status: 'active',
    description: entry.description,
    item: entry.questions?.map(itemOf),
  }),
  example: {
    kind: 'questionnaire',
    id: 'phq9',
    title: 'Gesundheitsfragebogen PHQ-9',
    version: '1',
    language: 'de',
    questions: [
      {
        linkId: '1',
        text: 'Wenig Interesse oder Freude an Ihren Tätigkeiten',
        type: 'choice',
        required: true,
        options: ['Überhaupt nicht', 'An einzelnen Tagen', 'An mehr als der Hälfte der Tage', 'Beinahe jeden Tag'],
      },
      {
        linkId: '2',
        type: 'group',
        questions: [{ linkId: '2.1', text: 'Wie viele Stunden schlafen Sie?', type: 'decimal' }],
      },
    ],
  },
});

function canonical(id: string, context: BuildContext): string {
  return String(context.reference('questionnaire', id).reference);
}

function itemOf({ linkId, text, type, required, repeats, options, questions }: Question): Written<QuestionnaireItem> {
  return {
    linkId,
    text,
    type,
    required,
    repeats,
    answerOption: options?.map((one) => ({ valueString: one })),
    item: questions?.map(itemOf),
  };
}

/** que-1, que-2, que-5 and que-6 of FHIR. */
function questionFaults(questions: readonly Question[]): Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<string>();
  const walk = (list: readonly Question[], path: (string | number)[]): void => {
    for (const [index, one] of list.entries()) {
      const at = [...path, 'questions', index];
      const fault = (member: string, code: string, message: string) =>
        faults.push({ path: [...at, member], code, message });
      if (seen.has(one.linkId)) fault('linkId', 'MEMBER_REPEATED', 'is the linkId of another question, too');
      seen.add(one.linkId);
      if (one.type === 'group' && one.questions === undefined)
        fault('questions', 'MEMBER_MISSING', 'is needed in a group');
      if (one.type === 'display') {
        for (const member of ['questions', 'required', 'repeats'] as const) {
          if (one[member] !== undefined) fault(member, 'MEMBER_UNKNOWN', 'is not for display');
        }
      }
      if (one.options !== undefined && !CHOICES.has(one.type)) {
        fault('options', 'MEMBER_UNKNOWN', 'is for choice, open-choice and string only');
      }
      walk(one.questions ?? [], at);
    }
  };
  walk(questions, []);
  return faults;
}

const CHOICES: ReadonlySet<string> = new Set(['choice', 'open-choice', 'string']);

const answerValue = (lists: CodeLists) =>
  z.union(
    [
      decimal(),
      text(),
      z.boolean(),
      coded(lists),
      z.strictObject({ value: decimal().describe('a quantity'), unit: ucum.describe('UCUM') }),
      z.strictObject({ dateTime: moment.describe('a date') }),
      z.strictObject({ time: timeOfDay.describe('a time of day') }),
      z.strictObject({ decimal: decimal().describe('a number that stays a decimal: 6') }),
    ],
    {
      error: because(
        'TYPE_INVALID',
        'must be a number, a text, true or false, a code, {value, unit}, {dateTime}, {time} or {decimal}',
      ),
    },
  );
type AnswerValue = z.output<ReturnType<typeof answerValue>>;
type Answer = {
  linkId: string;
  text?: string | undefined;
  value?: AnswerValue | undefined;
  values?: AnswerValue[] | undefined;
  answers?: Answer[] | undefined;
};

/** `value`, or `values` where a question takes several, or `answers` of a group: one of the three. */
function answer(lists: CodeLists): z.ZodType<Answer> {
  const schema: z.ZodType<Answer> = z.strictObject({
    linkId: text(255).describe('what answers refer to'),
    text: text().optional().describe('as it was asked'),
    value: answerValue(lists).optional().describe('the answer'),
    values: z.array(answerValue(lists)).min(1).optional().describe('where there are several'),
    answers: z
      .array(z.lazy(() => schema))
      .min(1)
      .optional()
      .describe('of a group'),
  });
  return schema;
}

export const questionnaireResponse = defineKind({
  kind: 'questionnaireResponse',
  profile: RESPONSE,
  section: 'frageboegen',
  members: (lists) => ({
    questionnaire: reference.describe('id of the questionnaire, or its canonical URL'),
    authored: moment.describe('when it was filled in'),
    answers: z.array(answer(lists)).min(1).describe('in the order of the questions'),
  }),
  faults: ({ answers }) => answerFaults(answers, []),
  names: (entry) =>
    url.safeParse(entry.questionnaire).success
      ? []
      : [{ path: ['questionnaire'], kinds: ['questionnaire'], id: entry.questionnaire, undeclared: 'information' }],
  times: ({ authored }) => ({ from: authored, until: authored }),
  build: (entry, context): WrittenResource<QuestionnaireResponse> => ({
    ...context.resource(RESPONSE, entry.kind, entry.id),
    questionnaire: canonicalOf(entry.questionnaire, context),
    status: 'completed',
    subject: context.subject,
    authored: entry.authored,
    item: entry.answers.map((one) => answered(one, context)),
  }),
  example: {
    kind: 'questionnaireResponse',
    id: 'qr-2',
    questionnaire: 'phq9',
    authored: '2025-01-10T19:00:00+01:00',
    answers: [
      { linkId: '1', text: 'Wenig Interesse oder Freude an Ihren Tätigkeiten', value: 1 },
      { linkId: '2', answers: [{ linkId: '2.1', value: { decimal: 6.5 } }] },
    ],
  },
});

/** Id of an entry, whether it is there or not, or the URL of a questionnaire that is published elsewhere. */
function canonicalOf(name: string, context: BuildContext): string {
  const declared = context.entry('questionnaire', name)?.url;
  if (typeof declared === 'string') return declared;
  return url.safeParse(name).success ? name : canonical(name, context);
}

/** qrs-1 of FHIR: answers or items below, never both. */
function answerFaults(answers: readonly Answer[], path: (string | number)[]): Fault[] {
  return answers.flatMap((one, index) => {
    const at = [...path, 'answers', index];
    const given = (['value', 'values', 'answers'] as const).filter((member) => one[member] !== undefined);
    const own = given.slice(1).map((member) => ({
      path: [...at, member],
      code: 'MEMBER_REPEATED',
      message: `is one too many beside ${given[0]}`,
    }));
    return [...own, ...answerFaults(one.answers ?? [], at)];
  });
}

function answered(
  { linkId, text, value, values, answers }: Answer,
  context: BuildContext,
): Written<QuestionnaireResponseItem> {
  const given = values ?? (value === undefined ? [] : [value]);
  return {
    linkId,
    text,
    answer: given.length === 0 ? undefined : given.map((one) => answerOf(one, context)),
    item: answers?.map((one) => answered(one, context)),
  };
}

const INTEGER_LIMIT = 2 ** 31;

function answerOf(value: AnswerValue, context: BuildContext): Written<QuestionnaireResponseItemAnswer> {
  if (value instanceof Decimal) return { valueDecimal: value };
  if (isNumber(value)) {
    const whole = Number.isInteger(value) && value >= -INTEGER_LIMIT && value < INTEGER_LIMIT;
    return whole ? { valueInteger: value } : { valueDecimal: value };
  }
  if (typeof value === 'string') return { valueString: value };
  if (typeof value === 'boolean') return { valueBoolean: value };
  if ('decimal' in value) return { valueDecimal: value.decimal };
  if ('dateTime' in value) return { valueDateTime: value.dateTime };
  if ('time' in value) return { valueTime: value.time };
  if ('unit' in value) return { valueQuantity: context.quantity(value.value, value.unit) };
  return { valueCoding: context.coding(value) };
}
