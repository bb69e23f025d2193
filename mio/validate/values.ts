// What a profile says of a value as a whole: fixed and pattern values, required value sets, length.
import { type FhirValue, isObject } from '../model.ts';
import type { ValueSet } from '../tables.ts';
import { isUcum, UCUM } from '../ucum.ts';
import { contains, equals, firstDifference } from './match.ts';
import type { ValuePlan } from './plan.ts';
import { hasCode } from './slice.ts';
import type { Trail } from './trail.ts';

export function checkValues({ trail }: { trail: Trail }, plan: ValuePlan, value: FhirValue | undefined): void {
  if (plan.fixed !== undefined && !equals(plan.fixed, value)) {
    trail.error('MIO_FIXED', `must be ${wanted(plan.fixed)}`, ...firstDifference(plan.fixed, value));
  }
  if (plan.pattern !== undefined && !contains(plan.pattern, value)) {
    trail.error('MIO_PATTERN', `must contain ${wanted(plan.pattern)}`, ...firstDifference(plan.pattern, value));
  }
  if (plan.codes !== undefined && value !== undefined) checkCode(trail, plan.codes, { type: plan.type, value });
  if (plan.unit && isObject(value) && value.system === UCUM && typeof value.code === 'string' && !isUcum(value.code)) {
    trail.error('MIO_UNIT', 'no expression of UCUM', 'code');
  }
  if (plan.maxLength !== undefined && typeof value === 'string' && value.length > plan.maxLength) {
    trail.error('MIO_LENGTH', `more than ${plan.maxLength} characters`);
  }
}

/** A fact of the profile, never a value of the document. */
function wanted(value: FhirValue): string {
  return JSON.stringify(value);
}

/** A code that is missing is no wrong one: whether it must be there is said by the counts. */
function checkCode(trail: Trail, codes: ValueSet, { type, value }: { type: string; value: FhirValue }): void {
  if (hasCode(codes, value)) return;
  const message = `not a code of ${codes.name}`;
  if (!isObject(value)) {
    if (typeof value === 'string') trail.error('MIO_CODE', message);
  } else if (type !== 'CodeableConcept') {
    if (value.code !== undefined) trail.error('MIO_CODE', message, 'code');
  } else {
    const [only, ...more] = Array.isArray(value.coding) ? value.coding : [];
    const single = more.length === 0 && isObject(only) && only.code !== undefined;
    trail.error('MIO_CODE', message, ...(single ? ['coding', 0, 'code'] : []));
  }
}
