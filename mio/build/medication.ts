// Medication (mio-diga.md sections 5 and 6): what the insured is to take (MedicationStatement_Medication_Information, with its
// Medication and treatment goals) and what was taken (MedicationAdministration_Medication_Intake).
import type { MedicationAdministration, MedicationStatement } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { amount, amountQuantity } from './amounts.ts';
import { choiceOf, chosenConcept } from './choices.ts';
import { PROFILE } from './context.ts';
import { dosage, dosageOf } from './dosage.ts';
import { concept, moment, oneOf, reference } from './inputs.ts';
import { type BuildContext, type Built, defineKind, type NamedEntry } from './kind.ts';
import { listOf, namedOf, namesAt, namesIn, personOf, referencesTo, referenceTo } from './named.ts';
import { atOrPeriod, note, notes, timeFaults } from './observation-parts.ts';
import { openPeriod } from './open-period.ts';
import { MEDICATION, product, productKind, productOf } from './product.ts';
import { TREATMENT_GOAL, treatmentGoal, treatmentGoalOf } from './treatment-goal.ts';
import type { WrittenResource } from './written.ts';

const STATEMENT = `${PROFILE}MedicationStatement_Medication_Information`;
const ADMINISTRATION = `${PROFILE}MedicationAdministration_Medication_Intake`;
const ROUTES = 'KBV_VS_Base_Medicine_Route_Of_Administration';
const PERTAINS_TO_GOAL = 'http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal';
const REASONS = ['problem', 'observation', 'bloodPressure', 'glucose'];
const GOAL_KIND = 'medication.goal';

const namesOf = (path: string, kind: string, ids: readonly string[] | undefined): NamedEntry[] =>
  (ids ?? []).map((id, index) => ({ path: [path, index], kinds: [kind], id }));

export const medication = defineKind({
  kind: 'medication',
  profile: STATEMENT,
  section: 'medikation',
  members: (lists) => ({
    product: product(lists).describe('what is taken'),
    status: oneOf(lists, 'medication-statement-status').optional().describe('default active'),
    statusReasons: listOf(concept(lists)).optional().describe('why it is so'),
    at: moment.optional().describe('the one time it was taken; or period'),
    period: openPeriod.optional().describe('from when until when; no end where it goes on'),
    asserted: moment.optional().describe('when that was said'),
    source: personOf().optional().describe('who said it; default patient'),
    reason: concept(lists).optional().describe('what for'),
    problems: listOf(reference).optional().describe('ids of the problems it is for'),
    goals: listOf(treatmentGoal(lists)).optional().describe('what the treatment is to reach'),
    dosages: listOf(dosage(lists)).optional().describe('how it is to be taken'),
    note: note.optional().describe('what else is to be said'),
  }),
  faults: (entry) => timeFaults({ at: entry.at, period: entry.period && { start: '', end: '' } }, false),
  names: (entry) => [...namesAt(['source'], entry.source), ...namesOf('problems', 'problem', entry.problems)],
  // What goes on is a state: it stands in the newest part, however long ago it began.
  times: () => ({}),
  build: (entry, context): Built[] => {
    const goals = (entry.goals ?? []).map((goal, index) => treatmentGoalOf(goal, goalName(entry.id, index), context));
    const references = goals.map((_, index) => context.reference(...goalName(entry.id, index)));
    return [
      {
        profile: STATEMENT,
        section: 'medikation',
        resource: {
          ...context.resource(STATEMENT, entry.kind, entry.id),
          extension: extensionsOf(references, entry.problems, context),
          status: entry.status ?? 'active',
          statusReason: entry.statusReasons?.map((reason) => context.concept(reason)),
          medicationReference: context.reference(productKind(entry.kind), entry.id),
          subject: context.subject,
          effectiveDateTime: entry.at,
          effectivePeriod: entry.period && { ...entry.period },
          dateAsserted: entry.asserted,
          informationSource: referenceTo(entry.source ?? 'patient', context),
          reasonCode: entry.reason && [context.concept(entry.reason)],
          note: notes(entry.note),
          dosage: entry.dosages?.map((one) => dosageOf(one, context)),
        } satisfies WrittenResource<MedicationStatement>,
      },
      { profile: MEDICATION, resource: productOf(entry.product, entry.kind, entry.id, context) },
      ...goals.map((resource) => ({ profile: TREATMENT_GOAL, resource })),
    ];
  },
  example: {
    kind: 'medication',
    id: 'ibu',
    product: {
      name: 'IBU-ratiopharm 400 mg akut',
      pzn: '10019621',
      codes: [{ system: 'atc', version: '2025', code: 'M01AE01', display: 'Ibuprofen' }],
      form: { code: '10221000', text: 'Filmtablette' },
      ingredients: [
        {
          substance: { system: 'snomed', code: '387207008', display: 'Ibuprofen (substance)' },
          strength: { value: 400, unit: 'mg', per: { value: 1, name: 'Tablette' } },
        },
      ],
    },
    status: 'active',
    period: { start: '2025-01-02' },
    reason: { text: 'Kopfschmerzen' },
    dosages: [
      {
        text: 'Bei Bedarf bis zu dreimal am Tag eine Tablette.',
        timing: { times: 1, timesMax: 3, every: { value: 1, unit: 'd' } },
        asNeeded: true,
        route: { code: '20053000' },
        dose: { value: 1, name: 'Tablette' },
        maxPerTime: { value: 3, name: 'Tablette', per: { value: 1, unit: 'd' } },
      },
    ],
  },
});

/** Kind and id that its UUID is made from; the index is always there, so no two entries share one. */
function goalName(id: string, index: number): [string, string] {
  return [GOAL_KIND, `${id}.${index}`];
}

function extensionsOf(goals: FhirObject[], problems: readonly string[] | undefined, context: BuildContext) {
  const { url } = context.lists.profile('KBV_EX_MIO_DIGA_Reference');
  const extensions = [
    ...goals.map((valueReference) => ({ url: PERTAINS_TO_GOAL, valueReference })),
    ...(problems ?? []).map((id) => ({ url, valueReference: context.reference('problem', id) })),
  ];
  return extensions.length === 0 ? undefined : extensions;
}

export const intake = defineKind({
  kind: 'intake',
  profile: ADMINISTRATION,
  section: 'medikation',
  members: (lists) => ({
    medication: z
      .union([reference, z.strictObject({ product: product(lists).describe('what was taken') })])
      .describe('id of the medication it belongs to, or {product} where there is none'),
    at: atOrPeriod.at.describe('when; or period'),
    period: atOrPeriod.period.describe('from when until when'),
    dose: amount.describe('how much was taken'),
    route: choiceOf(lists, ROUTES).optional().describe('EDQM route of administration, or a text'),
    performer: personOf().optional().describe('who gave it'),
    reasons: listOf(concept(lists)).optional().describe('what for'),
    causes: listOf(namedOf(REASONS)).optional().describe('entries that were the reason'),
    note: note.optional().describe('what else is to be said'),
  }),
  faults: (entry) => timeFaults(entry, true),
  names: (entry) => [
    ...(typeof entry.medication === 'string'
      ? [{ path: ['medication'], kinds: ['medication'], id: entry.medication }]
      : []),
    ...namesAt(['performer'], entry.performer),
    ...namesIn(['causes'], entry.causes),
  ],
  build: (entry, context): Built[] => {
    const { medication } = entry;
    const named = typeof medication === 'string';
    const { url } = context.lists.profile('KBV_EX_MIO_DIGA_Reference');
    const own: Built = {
      profile: ADMINISTRATION,
      section: 'medikation',
      resource: {
        ...context.resource(ADMINISTRATION, entry.kind, entry.id),
        extension: named ? [{ url, valueReference: context.reference('medication', medication) }] : undefined,
        status: 'completed',
        medicationReference: named
          ? context.reference(productKind('medication'), medication)
          : context.reference(productKind(entry.kind), entry.id),
        subject: context.subject,
        effectiveDateTime: entry.at,
        effectivePeriod: entry.period && { ...entry.period },
        performer: entry.performer && [{ actor: referenceTo(entry.performer, context) }],
        reasonCode: entry.reasons?.map((reason) => context.concept(reason)),
        reasonReference: referencesTo(entry.causes, context),
        note: notes(entry.note),
        dosage: {
          route: entry.route && chosenConcept(ROUTES, entry.route, context),
          dose: amountQuantity(entry.dose, context),
        },
      } satisfies WrittenResource<MedicationAdministration>,
    };
    if (named) return [own];
    return [own, { profile: MEDICATION, resource: productOf(medication.product, entry.kind, entry.id, context) }];
  },
  example: {
    kind: 'intake',
    id: 'intake-1',
    medication: 'ibu',
    at: '2025-01-03T08:00:00+01:00',
    dose: { value: 1, name: 'Tablette' },
    route: { code: '20053000' },
    note: 'Nach dem Frühstück.',
  },
});
