// Fixed and pattern values (hl7.org/fhir/R4/elementdefinition-definitions.html): a fixed value is the whole value, a pattern is
// contained in it, in lists in any entry. Also where exactly a value falls short, for the finding's path.
import { Decimal, type FhirValue, isObject } from '../model.ts';
import type { Step } from './trail.ts';

export function equals(wanted: FhirValue | undefined, value: FhirValue | undefined): boolean {
  if (isObject(wanted)) {
    if (!isObject(value)) return false;
    const names = Object.keys(wanted);
    return names.length === Object.keys(value).length && names.every((name) => equals(wanted[name], value[name]));
  }
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) && wanted.length === value.length && wanted.every((one, index) => equals(one, value[index]))
    );
  }
  return samePrimitive(wanted, value);
}

export function contains(pattern: FhirValue | undefined, value: FhirValue | undefined): boolean {
  if (isObject(pattern)) {
    if (!isObject(value)) return false;
    for (const name in pattern) if (!contains(pattern[name], value[name])) return false;
    return true;
  }
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((one) => value.some((entry) => contains(one, entry)));
  }
  return samePrimitive(pattern, value);
}

/** The innermost place that differs, as far as there is no choice: of several entries none is meant in particular. */
export function firstDifference(pattern: FhirValue | undefined, value: FhirValue | undefined): Step[] {
  if (isObject(pattern) && isObject(value)) {
    for (const name in pattern) {
      if (!contains(pattern[name], value[name])) return [name, ...firstDifference(pattern[name], value[name])];
    }
  }
  if (Array.isArray(pattern) && Array.isArray(value) && pattern.length === 1 && value.length === 1) {
    return [0, ...firstDifference(pattern[0], value[0])];
  }
  return [];
}

/** Numbers by their value: 1.0 is 1. */
function samePrimitive(wanted: FhirValue | undefined, value: FhirValue | undefined): boolean {
  if (wanted instanceof Decimal || value instanceof Decimal) {
    return typeof wanted !== 'string' && typeof value !== 'string' && Number(wanted) === Number(value);
  }
  return wanted === value;
}
