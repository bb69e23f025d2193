// Amounts, ranges and what they refer to, as doses, strengths, aims and meals need them.
import type { Quantity, Range, Ratio } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { Decimal } from '../model.ts';
import { UCUM } from '../ucum.ts';
import type { CodeLists } from './code-lists.ts';
import { because, decimal, oneOf, text, ucum } from './inputs.ts';
import type { BuildContext } from './kind.ts';
import type { Written } from './written.ts';

/** `unit` is UCUM; `name` is what people read: alone where UCUM has nothing (`Tablette`). */
export type Amount = { value: number | Decimal; unit?: string | undefined; name?: string | undefined };

const unit = ucum.describe('UCUM code of the unit: mg, km/d, 1');
const name = text(100).describe('what people read as the unit; alone where UCUM has no code: Tablette');

export const amountMembers = {
  value: decimal().describe('how much'),
  unit: unit.optional(),
  name: name.optional(),
};
export const amount = z.strictObject(amountMembers).meta({ format: 'amount' });
/** Where the profile demands UCUM. */
export const measured = z.strictObject({ value: decimal(), unit, name: name.optional() }).meta({ format: 'measured' });

export function amountQuantity({ value, unit, name }: Amount, context: BuildContext): Written<Quantity> {
  return unit === undefined ? { value, unit: name } : context.quantity(value, unit, name);
}

/** One unit for both ends: FHIR compares them (rng-2). */
export const range = z
  .strictObject({ low: decimal(), high: decimal(), unit: unit.optional(), name: name.optional() })
  .refine((value) => Number(value.low) <= Number(value.high), {
    message: because('RANGE_REVERSED', 'must not be below low'),
    path: ['high'],
  })
  .meta({ format: 'range' });
export type RangeOf = z.output<typeof range>;

export function rangeOf({ low, high, unit, name }: RangeOf, context: BuildContext): Written<Range> {
  return {
    low: amountQuantity({ value: low, unit, name }, context),
    high: amountQuantity({ value: high, unit, name }, context),
  };
}

/** So much per so much; per one of whatever it is when left out. */
export const ratio = z.strictObject({ ...amountMembers, per: amount.optional() }).meta({ format: 'ratio' });
export type RatioOf = Amount & { per?: Amount | undefined };

export function ratioOf({ per, ...of }: RatioOf, context: BuildContext): Written<Ratio> {
  return {
    numerator: amountQuantity(of, context),
    denominator: amountQuantity(per ?? { value: 1, unit: '1' }, context),
  };
}

/** So much in a stretch of time. */
export const perTime = (lists: CodeLists) =>
  z
    .strictObject({
      ...amountMembers,
      per: z.strictObject({ value: decimal({ min: 0 }), unit: oneOf(lists, 'units-of-time') }),
    })
    .meta({ format: 'rate' });
export type PerTime = Amount & { per: { value: number | Decimal; unit: string } };

export function perTimeOf({ per, ...of }: PerTime, context: BuildContext): Written<Ratio> {
  const name = context.lists.display(UCUM, per.unit);
  return { numerator: amountQuantity(of, context), denominator: context.quantity(per.value, per.unit, name) };
}
