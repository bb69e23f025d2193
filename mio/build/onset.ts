// When something began and ended: a date as far as it is known, an age, a stage of life, or a span (onset[x] and
// abatement[x] of Condition_Problem and AllergyIntolerance).
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import type { CodeLists } from './code-lists.ts';
import { because, date, decimal, oneOf, period } from './inputs.ts';
import type { BuildContext } from './kind.ts';

const STAGES = 'KBV_VS_Base_Stage_Life';
/** FHIR's units of age. */
const AGE_UNITS: Readonly<Record<'years' | 'months' | 'weeks' | 'days', string>> = {
  years: 'a',
  months: 'mo',
  weeks: 'wk',
  days: 'd',
};
const ageUnit = z.enum(['years', 'months', 'weeks', 'days']).describe('what the age is counted in');
/** age-1: more than nothing. */
const age = decimal({ min: 0.001, max: 100_000 }).describe('how old the insured was');

export const stageOfLife = (lists: CodeLists) => oneOf(lists, STAGES).describe('in which part of life');

const ages = z
  .strictObject({ from: age, to: age, unit: ageUnit })
  .refine((value) => Number(value.from) <= Number(value.to), {
    message: because('RANGE_REVERSED', 'must not be below from'),
    path: ['to'],
  })
  .meta({ format: 'ages' });

const between = z.strictObject({ period: period.describe('between two moments') });
const aged = z.strictObject({ ages: ages.describe('between two ages') });

const ONSET =
  'must be a date, {age, unit, stageOfLife?}, {stageOfLife}, {period: {start, end}} or {ages: {from, to, unit}}';

export const onset = (lists: CodeLists) =>
  z.union(
    [
      date,
      z.strictObject({ age, unit: ageUnit, stageOfLife: stageOfLife(lists).optional() }),
      z.strictObject({ stageOfLife: stageOfLife(lists) }),
      between,
      aged,
    ],
    { error: because('VALUE_INVALID', ONSET) },
  );
export type Onset = z.output<ReturnType<typeof onset>>;

/** As an onset, but the profile lets no age in numbers through. */
export const ended = (lists: CodeLists) =>
  z.union([date, z.strictObject({ stageOfLife: stageOfLife(lists) }), between, aged], {
    error: because(
      'VALUE_INVALID',
      'must be a date, {stageOfLife}, {period: {start, end}} or {ages: {from, to, unit}}',
    ),
  });

export function onsetOf(value: Onset, context: BuildContext): FhirObject {
  return timed('onset', value, context);
}

export function endedOf(value: z.output<ReturnType<typeof ended>>, context: BuildContext): FhirObject {
  return timed('abatement', value, context);
}

function timed(name: 'onset' | 'abatement', value: Onset, context: BuildContext): FhirObject {
  if (typeof value === 'string') return { [`${name}DateTime`]: value };
  if ('period' in value) return { [`${name}Period`]: { ...value.period } };
  if ('ages' in value) {
    const { from, to, unit } = value.ages;
    const of = (age: typeof from) => context.quantity(age, AGE_UNITS[unit], unit);
    return { [`${name}Range`]: { low: of(from), high: of(to) } };
  }
  return {
    [`${name}Age`]: {
      extension: value.stageOfLife === undefined ? undefined : [stageExtension(value.stageOfLife, context)],
      ...('age' in value ? context.quantity(value.age, AGE_UNITS[value.unit], value.unit) : {}),
    },
  };
}

export function stageExtension(code: string, context: BuildContext): FhirObject {
  const url = context.lists.profile('KBV_EX_Base_Stage_Life').url;
  return { url, valueCodeableConcept: { coding: [context.listed(STAGES, code)] } };
}
