// What the insured wants to reach and how (mio-diga.md section 5): Goal and CarePlan, section Ziele. Both are a state and
// stand in the newest part.
import type { CarePlan, Goal, GoalTarget } from '@medplum/fhirtypes';
import { z } from 'zod';
import { amountQuantity, measured, range, rangeOf } from './amounts.ts';
import { listedConcept } from './choices.ts';
import { PROFILE } from './context.ts';
import { concept, day, oneOf, reference, text } from './inputs.ts';
import { type BuildContext, defineKind, type Fault } from './kind.ts';
import { listOf, MEASUREMENTS, namedOf, namesAt, namesIn, personOf, referencesTo, referenceTo } from './named.ts';
import { note, notes } from './observation-parts.ts';
import { openPeriod } from './open-period.ts';
import type { Written, WrittenResource } from './written.ts';

const GOAL = `${PROFILE}Goal`;
const CARE_PLAN = `${PROFILE}CarePlan`;

const aim = z
  .union([
    measured,
    range,
    z.strictObject({ text: text(1000).describe('in words') }),
    z.strictObject({
      numerator: measured.describe('so much'),
      denominator: measured.describe('per so much'),
    }),
  ])
  .describe('what it is to be: a value, a range, in words, or so much per so much');
type Aim = z.output<typeof aim>;

export const goal = defineKind({
  kind: 'goal',
  profile: GOAL,
  section: 'ziele',
  members: (lists) => ({
    description: concept(lists).describe('what is to be reached'),
    status: oneOf(lists, 'goal-status').optional().describe('default active'),
    achievement: oneOf(lists, 'goal-achievement').optional().describe('how far it has come'),
    priority: oneOf(lists, 'goal-priority').optional().describe('how much it matters'),
    start: day.optional().describe('from when'),
    end: day.optional().describe('until when'),
    target: z
      .strictObject({
        measure: concept(lists).describe('what is measured'),
        aim: aim.optional(),
        due: day.optional().describe('until when'),
      })
      .optional()
      .describe('how one can tell'),
    expressedBy: personOf().optional().describe('whose goal it is'),
    outcomes: listOf(concept(lists)).optional().describe('what came of it'),
    results: listOf(namedOf(MEASUREMENTS)).optional().describe('entries that show what came of it'),
    note: note.optional().describe('what else is to be said'),
  }),
  faults: ({ start, end }) => reversed(start, end),
  names: (entry) => [...namesAt(['expressedBy'], entry.expressedBy), ...namesIn(['results'], entry.results)],
  times: () => ({}),
  build: (entry, context): WrittenResource<Goal> => {
    const end = context.lists.profile('KBV_EX_Base_Treatment_Goal_End').url;
    const { target } = entry;
    return {
      ...context.resource(GOAL, entry.kind, entry.id),
      extension: entry.end === undefined ? undefined : [{ url: end, valueDate: entry.end }],
      lifecycleStatus: entry.status ?? 'active',
      achievementStatus: listedConcept('goal-achievement', entry.achievement, context),
      priority: listedConcept('goal-priority', entry.priority, context),
      description: context.concept(entry.description),
      subject: context.subject,
      startDate: entry.start,
      target: target && [
        { measure: context.concept(target.measure), ...aimOf(target.aim, context), dueDate: target.due },
      ],
      expressedBy: entry.expressedBy && referenceTo(entry.expressedBy, context),
      note: notes(entry.note),
      outcomeCode: entry.outcomes?.map((outcome) => context.concept(outcome)),
      outcomeReference: referencesTo(entry.results, context),
    };
  },
  example: {
    kind: 'goal',
    id: 'goal-1',
    description: { text: 'Zehn Kilogramm weniger bis zum Sommer' },
    status: 'active',
    achievement: 'improving',
    priority: 'high-priority',
    start: '2025-01-02',
    end: '2025-06-30',
    target: {
      measure: { system: 'snomed', code: '27113001' },
      aim: { value: 85, unit: 'kg' },
      due: '2025-06-30',
    },
    expressedBy: 'patient',
  },
});

function reversed(start: string | undefined, end: string | undefined): Fault[] {
  if (start === undefined || end === undefined || start <= end) return [];
  return [{ path: ['end'], code: 'PERIOD_REVERSED', message: 'ends before it starts' }];
}

function aimOf(aim: Aim | undefined, context: BuildContext): Written<GoalTarget> {
  if (aim === undefined) return {};
  if ('text' in aim) return { detailString: aim.text };
  if ('low' in aim) return { detailRange: rangeOf(aim, context) };
  if ('value' in aim) return { detailQuantity: amountQuantity(aim, context) };
  const [numerator, denominator] = [aim.numerator, aim.denominator].map((of) => amountQuantity(of, context));
  return { detailRatio: { numerator, denominator } };
}

/** Kinds whose profile an activity of a plan takes as its reason. */
export const PLAN_REASONS = [
  'problem',
  'score',
  ...MEASUREMENTS,
  'diary',
  'environment',
  'functionalAssessment',
  'lifestyle',
  'nutrition',
  'device',
  'encounter',
  'goal',
  'intake',
  'medication',
  'allergy',
  'appointment',
  'plan',
  'organization',
  'practitionerRole',
  'contact',
  'activity',
  'questionnaire',
  'questionnaireResponse',
  'relatedPerson',
];

export const plan = defineKind({
  kind: 'plan',
  profile: CARE_PLAN,
  section: 'ziele',
  members: (lists) => ({
    title: text(1000).optional().describe('name of the plan'),
    status: oneOf(lists, 'request-status').optional().describe('default active'),
    author: personOf().optional().describe('who made it'),
    goals: listOf(reference).optional().describe('ids of the goals it serves'),
    replaces: listOf(reference).optional().describe('ids of the plans it takes the place of'),
    activities: listOf(
      z.strictObject({
        code: concept(lists).optional().describe('what is to be done'),
        text: text().optional().describe('the same in words'),
        status: oneOf(lists, 'care-plan-activity-status').describe('how far it is'),
        period: openPeriod.optional().describe('from when until when; no end where it goes on'),
        quantity: measured.optional().describe('how much: {value: 6, unit: km/d}'),
        avoid: z.boolean().optional().describe('true: it is not to be done'),
        byPatient: z.literal(true).optional().describe('the insured does it'),
        goals: listOf(reference).optional().describe('ids of the goals it serves'),
        reason: concept(lists).optional().describe('what for'),
        causes: listOf(namedOf(PLAN_REASONS)).optional().describe('entries that are the reason'),
        outcomes: listOf(concept(lists)).optional().describe('what came of it'),
      }),
    )
      .optional()
      .describe('what is to be done'),
    note: note.optional().describe('what else is to be said'),
  }),
  names: (entry) => [
    ...namesAt(['author'], entry.author),
    ...idsAt(['goals'], 'goal', entry.goals),
    ...idsAt(['replaces'], 'plan', entry.replaces),
    ...(entry.activities ?? []).flatMap(({ goals, causes }, index) => [
      ...idsAt(['activities', index, 'goals'], 'goal', goals),
      ...namesIn(['activities', index, 'causes'], causes),
    ]),
  ],
  times: () => ({}),
  build: (entry, context): WrittenResource<CarePlan> => {
    const { url } = context.lists.profile('KBV_EX_MIO_DIGA_Reference');
    const goals = (ids: readonly string[] | undefined) => ids?.map((id) => context.reference('goal', id));
    return {
      ...context.resource(CARE_PLAN, entry.kind, entry.id),
      replaces: entry.replaces?.map((id) => context.reference('plan', id)),
      status: entry.status ?? 'active',
      intent: 'plan',
      title: entry.title,
      subject: context.subject,
      author: entry.author && referenceTo(entry.author, context),
      goal: goals(entry.goals),
      activity: entry.activities?.map((activity) => ({
        outcomeCodeableConcept: activity.outcomes?.map((outcome) => context.concept(outcome)),
        detail: {
          extension: referencesTo(activity.causes, context)?.map((valueReference) => ({ url, valueReference })),
          code: activity.code && context.concept(activity.code),
          reasonCode: activity.reason && [context.concept(activity.reason)],
          goal: goals(activity.goals),
          status: activity.status,
          doNotPerform: activity.avoid,
          scheduledPeriod: activity.period && { ...activity.period },
          performer: activity.byPatient && [context.subject],
          quantity: activity.quantity && amountQuantity(activity.quantity, context),
          description: activity.text,
        },
      })),
      note: notes(entry.note),
    };
  },
  example: {
    kind: 'plan',
    id: 'plan-1',
    title: 'Bewegung im ersten Halbjahr',
    status: 'active',
    activities: [
      {
        code: { system: 'snomed', code: '308931006', display: 'Walking practice (regime/therapy)', text: 'Gehen' },
        text: 'Jeden Tag sechs Kilometer gehen.',
        status: 'in-progress',
        period: { start: '2025-01-02', end: '2025-06-30' },
        quantity: { value: 6, unit: 'km/d' },
        byPatient: true,
        reason: { system: 'snomed', code: '414915002', display: 'Obese (finding)', text: 'Übergewicht' },
      },
    ],
    note: 'Mit der Hausärztin besprochen.',
  },
});

function idsAt(path: (string | number)[], kind: string, ids: readonly string[] | undefined) {
  return (ids ?? []).map((id, index) => ({ path: [...path, index], kinds: [kind], id }));
}
