// How a medication is to be taken: Dosage with its Timing, each rule of which (tim-1 to tim-10) is a shape here: a duration
// has its unit, times of day and parts of the day exclude each other.
import type { Dosage as FhirDosage, TimingRepeat } from '@medplum/fhirtypes';
import { z } from 'zod';
import { amount, amountQuantity, perTime, perTimeOf, range, rangeOf } from './amounts.ts';
import { choiceOf, chosenConcept } from './choices.ts';
import type { CodeLists } from './code-lists.ts';
import { because, concept, decimal, oneOf, text, timeOfDay, whole } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import { listOf } from './named.ts';
import type { Written } from './written.ts';

const ROUTES = 'KBV_VS_Base_Medicine_Route_Of_Administration';
const MANY = 10_000;

const timing = (lists: CodeLists) => {
  const unit = oneOf(lists, 'units-of-time').describe('UCUM');
  const length = decimal({ min: 0 }).describe('how many of the unit');
  return z
    .strictObject({
      times: whole(1, MANY).optional().describe('how often in each stretch of every'),
      timesMax: whole(1, MANY).optional().describe('up to how often'),
      every: z
        .strictObject({ value: length, max: length.optional().describe('up to how many'), unit })
        .optional()
        .describe('in which stretch of time: {value: 1, unit: d}'),
      lasting: z.strictObject({ value: length, unit }).optional().describe('how long one intake lasts'),
      days: listOf(oneOf(lists, 'days-of-week')).optional().describe('on which days'),
      at: z
        .union([
          z.strictObject({ times: listOf(timeOfDay).describe('o’clock') }),
          z.strictObject({ parts: listOf(oneOf(lists, 'KBV_VS_Base_Event_Timing')).describe('of the day') }),
        ])
        .optional()
        .describe('at which times of the day'),
    })
    .refine(
      (value) => Object.values(value).some((one) => one !== undefined),
      because('MEMBER_MISSING', 'needs a member'),
    )
    .meta({ format: 'timing' });
};

export const dosage = (lists: CodeLists) =>
  z
    .strictObject({
      text: text(1000).optional().describe('in words, as on the plan'),
      instruction: text(1000).optional().describe('what else the insured must heed'),
      timing: timing(lists).optional().describe('when and how often'),
      asNeeded: z
        .union([z.boolean(), concept(lists)])
        .optional()
        .describe('true, or what it is needed for'),
      site: concept(lists).optional().describe('of the body'),
      route: choiceOf(lists, ROUTES).optional().describe('EDQM route of administration, or a text'),
      dose: z.union([amount, range]).optional().describe('how much each time'),
      rate: perTime(lists).optional().describe('how fast'),
      maxPerTime: perTime(lists).optional().describe('no more than that in a stretch of time'),
      maxPerIntake: amount.optional().describe('no more than that at once'),
    })
    .refine(
      (value) => Object.values(value).some((one) => one !== undefined),
      because('MEMBER_MISSING', 'needs a member'),
    )
    .meta({ format: 'dosage' });
type Dosage = z.output<ReturnType<typeof dosage>>;
type Timing = z.output<ReturnType<typeof timing>>;

export function dosageOf(dosage: Dosage, context: BuildContext): Written<FhirDosage> {
  const { asNeeded, dose, rate } = dosage;
  return {
    text: dosage.text,
    patientInstruction: dosage.instruction,
    timing: dosage.timing && { repeat: repeatOf(dosage.timing) },
    asNeededBoolean: typeof asNeeded === 'boolean' ? asNeeded : undefined,
    asNeededCodeableConcept: typeof asNeeded === 'object' ? context.concept(asNeeded) : undefined,
    site: dosage.site && context.concept(dosage.site),
    route: dosage.route && chosenConcept(ROUTES, dosage.route, context),
    doseAndRate:
      dose === undefined && rate === undefined
        ? undefined
        : [
            {
              doseQuantity: dose && 'value' in dose ? amountQuantity(dose, context) : undefined,
              doseRange: dose && 'low' in dose ? rangeOf(dose, context) : undefined,
              rateRatio: rate && perTimeOf(rate, context),
            },
          ],
    maxDosePerPeriod: dosage.maxPerTime && perTimeOf(dosage.maxPerTime, context),
    maxDosePerAdministration: dosage.maxPerIntake && amountQuantity(dosage.maxPerIntake, context),
  };
}

function repeatOf({ times, timesMax, every, lasting, days, at }: Timing): Written<TimingRepeat> {
  return {
    duration: lasting?.value,
    durationUnit: lasting?.unit,
    frequency: times,
    frequencyMax: timesMax,
    period: every?.value,
    periodMax: every?.max,
    periodUnit: every?.unit,
    dayOfWeek: days,
    timeOfDay: at && 'times' in at ? at.times : undefined,
    when: at && 'parts' in at ? at.parts : undefined,
  };
}
