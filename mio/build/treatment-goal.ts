// What a medication is to reach: Goal_Treatment_Goal, in no section and reached from the medication only.
import type { Goal as FhirGoal, GoalTarget, Quantity } from '@medplum/fhirtypes';
import { z } from 'zod';
import { UCUM } from '../ucum.ts';
import { type Amount, amountMembers, amountQuantity, range, rangeOf } from './amounts.ts';
import type { CodeLists } from './code-lists.ts';
import { PROFILE } from './context.ts';
import { concept, day, oneOf } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import { listOf } from './named.ts';
import { note, notes } from './observation-parts.ts';
import type { Written, WrittenResource } from './written.ts';

export const TREATMENT_GOAL = `${PROFILE}Goal_Treatment_Goal`;

const compared = (lists: CodeLists) =>
  z.strictObject({
    ...amountMembers,
    comparator: oneOf(lists, 'quantity-comparator').optional().describe('below or above the value'),
  });
type Compared = Amount & { comparator?: string | undefined };

export const treatmentGoal = (lists: CodeLists) =>
  z.strictObject({
    description: concept(lists).describe('what is to be reached'),
    status: oneOf(lists, 'goal-status').optional().describe('default active'),
    start: day.optional().describe('from when'),
    end: day.optional().describe('until when'),
    targets: listOf(
      z.strictObject({
        measure: concept(lists).describe('what is measured'),
        aim: z
          .union([
            compared(lists),
            range,
            z.strictObject({ concept: concept(lists).describe('a finding') }),
            z.strictObject({
              numerator: compared(lists).describe('so much'),
              denominator: compared(lists).describe('per so much'),
            }),
          ])
          .optional()
          .describe('what it is to be: a value, a range, a finding, or so much per so much'),
      }),
    )
      .optional()
      .describe('how one can tell'),
    note: note.optional().describe('what else is to be said'),
  });
export type TreatmentGoal = z.output<ReturnType<typeof treatmentGoal>>;

export function treatmentGoalOf(
  goal: TreatmentGoal,
  [kind, id]: [string, string],
  context: BuildContext,
): WrittenResource<FhirGoal> {
  const end = context.lists.profile('KBV_EX_Base_Treatment_Goal_End').url;
  return {
    ...context.resource(TREATMENT_GOAL, kind, id),
    extension: goal.end === undefined ? undefined : [{ url: end, valueDate: goal.end }],
    lifecycleStatus: goal.status ?? 'active',
    description: context.concept(goal.description),
    subject: context.subject,
    startDate: goal.start,
    target: goal.targets?.map(({ measure, aim }) => ({ measure: context.concept(measure), ...aimOf(aim, context) })),
    note: notes(goal.note),
  };
}

type Aim = NonNullable<TreatmentGoal['targets']>[number]['aim'];

function aimOf(aim: Aim, context: BuildContext): Written<GoalTarget> {
  if (aim === undefined) return {};
  if ('concept' in aim) return { detailCodeableConcept: context.concept(aim.concept) };
  if ('low' in aim) return { detailRange: rangeOf(aim, context) };
  if ('value' in aim) return { detailQuantity: quantityOf(aim, context) };
  return {
    detailRatio: { numerator: quantityOf(aim.numerator, context), denominator: quantityOf(aim.denominator, context) },
  };
}

/** The profile wants UCUM as the system, with or without a code of it. */
function quantityOf({ comparator, ...of }: Compared, context: BuildContext): Written<Quantity> {
  const { value, unit, code } = amountQuantity(of, context);
  return { value, comparator, unit, system: UCUM, code };
}
