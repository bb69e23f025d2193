// What was eaten and drunk (mio-diga.md section 5): Observation_Nutrition_Intake, and for what it was made of one
// Observation_Nutrition_Intake_Food_Composition_Types each, in no section and reached from the meal.
import type { Observation } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { amount, amountQuantity } from './amounts.ts';
import { concept } from './inputs.ts';
import { type BuildContext, type Built, defineKind } from './kind.ts';
import { listOf, namesAt, personOf, referenceTo } from './named.ts';
import { atOrPeriod, note, notes, observationProfile, timeFaults } from './observation-parts.ts';
import type { WrittenResource } from './written.ts';

const INTAKE = observationProfile('Nutrition_Intake');
const COMPOSITION = observationProfile('Nutrition_Intake_Food_Composition_Types');
const NUTRIENT_KIND = 'nutrition.nutrient';
/** "Food (substance)" */
const FOOD = { system: 'snomed', code: '255620007', display: 'Food (substance)' };

export const nutrition = defineKind({
  kind: 'nutrition',
  profile: INTAKE,
  section: 'nahrung',
  members: (lists) => ({
    at: atOrPeriod.at.describe('when; or period'),
    period: atOrPeriod.period.describe('from when until when'),
    code: concept(lists).optional().describe('the meal; default SNOMED CT 255620007, food'),
    items: listOf(
      z.strictObject({
        code: concept(lists).describe('food or drink'),
        amount: amount.describe('how much'),
        notConsumed: z.boolean().optional().describe('true: it was left'),
        notConsumedReason: concept(lists).optional().describe('why it was left'),
      }),
    )
      .optional()
      .describe('what was on the plate'),
    nutrients: listOf(z.strictObject({ code: concept(lists).describe('which'), amount: amount.describe('how much') }))
      .optional()
      .describe('what it was made of: carbohydrates, energy'),
    performer: personOf().optional().describe('who saw it'),
    note: note.optional().describe('what else is to be said'),
  }),
  faults: (entry) => timeFaults(entry, true),
  names: (entry) => namesAt(['performer'], entry.performer),
  build: (entry, context): Built[] => {
    const performer = entry.performer && [referenceTo(entry.performer, context)];
    const names = (entry.nutrients ?? []).map((_, index): [string, string] => [NUTRIENT_KIND, `${entry.id}.${index}`]);
    const own: Built = {
      profile: INTAKE,
      section: 'nahrung',
      resource: {
        ...context.resource(INTAKE, entry.kind, entry.id),
        status: 'final',
        code: entry.code === undefined ? { coding: [context.coding(FOOD)] } : context.concept(entry.code),
        subject: context.subject,
        effectiveDateTime: entry.at,
        effectivePeriod: entry.period && { ...entry.period },
        performer,
        note: notes(entry.note),
        hasMember: entry.nutrients && names.map((name) => context.reference(...name)),
        component: entry.items?.map((item) => ({
          extension: notConsumed(
            item.notConsumed,
            item.notConsumedReason && context.concept(item.notConsumedReason),
            context,
          ),
          code: context.concept(item.code),
          valueQuantity: amountQuantity(item.amount, context),
        })),
      } satisfies WrittenResource<Observation>,
    };
    const { url } = context.lists.profile('KBV_EX_MIO_DIGA_Reference');
    const nutrients = (entry.nutrients ?? []).map(({ code, amount }, index): Built => {
      const [kind, id] = names[index] ?? [NUTRIENT_KIND, entry.id];
      return {
        profile: COMPOSITION,
        resource: {
          ...context.resource(COMPOSITION, kind, id),
          extension: [{ url, valueReference: context.reference(entry.kind, entry.id) }],
          status: 'final',
          category: [context.fixed(COMPOSITION, 'category') as FhirObject],
          code: context.concept(code),
          subject: context.subject,
          performer,
          valueQuantity: amountQuantity(amount, context),
        } satisfies WrittenResource<Observation>,
      };
    });
    return [own, ...nutrients];
  },
  example: {
    kind: 'nutrition',
    id: 'meal-1',
    at: '2025-01-03T12:30:00+01:00',
    code: { system: 'snomed', code: '255620007', display: 'Food (substance)', text: 'Mittagessen' },
    items: [
      { code: { text: 'Naan-Brot' }, amount: { value: 200, unit: 'g' } },
      {
        code: { text: 'Linsencurry' },
        amount: { value: 80, unit: 'g' },
        notConsumed: true,
        notConsumedReason: { text: 'Übelkeit' },
      },
    ],
    nutrients: [
      {
        code: { system: 'snomed', code: '788472008', display: 'Carbohydrate intake (observable entity)' },
        amount: { value: 95, unit: 'g' },
      },
    ],
  },
});

function notConsumed(is: boolean | undefined, reason: FhirObject | undefined, context: BuildContext) {
  const url = (name: string) => context.lists.profile(`KBV_EX_MIO_DIGA_Nutrition_Intake_${name}`).url;
  const extensions: FhirObject[] = [
    ...(is === undefined ? [] : [{ url: url('Not_Consumed'), valueBoolean: is }]),
    ...(reason === undefined ? [] : [{ url: url('Not_Consumed_Reason'), valueCodeableConcept: reason }]),
  ];
  return extensions.length === 0 ? undefined : extensions;
}
