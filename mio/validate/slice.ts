// When an entry belongs to a slice: the conditions of the table (table-format.ts, Condition) as functions.
import { MioError } from '../error.ts';
import { type FhirValue, isObject } from '../model.ts';
import type { Condition } from '../table-format.ts';
import type { ToolkitTables, ValueSet } from '../tables.ts';
import { contains, equals } from './match.ts';

export function belongs(when: readonly Condition[], tables: ToolkitTables): (value: FhirValue | undefined) => boolean {
  const tests = when.filter((one) => !('type' in one)).map((one) => testOf(one, tables));
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (value) => tests.every((test) => test(value));
}

/** The types of a choice that a slice is for; undefined when it is cut by something else. */
export function sliceTypes(when: readonly Condition[]): readonly string[] | undefined {
  for (const one of when) if ('type' in one) return one.type;
  return undefined;
}

function testOf(condition: Condition, tables: ToolkitTables): (value: FhirValue | undefined) => boolean {
  if ('type' in condition) throw new MioError('MIO_TABLE_BROKEN', 'the type of a choice is no test of its value');
  const path = condition.at === '' ? [] : condition.at.split('.');
  const fits = fitOf(condition, tables);
  const [first, ...rest] = path;
  if (first === undefined) return fits;
  if (rest.length === 0) return (value) => isObject(value) && anyOf(value[first], fits);
  return (value) => anyBelow(value, path, fits);
}

function fitOf(
  condition: Exclude<Condition, { type: string[] }>,
  tables: ToolkitTables,
): (value: FhirValue | undefined) => boolean {
  if ('is' in condition) return (value) => value === condition.is;
  if ('like' in condition) return (value) => contains(condition.like, value);
  if ('same' in condition) return (value) => equals(condition.same, value);
  const codes = tables.valueSet(condition.in);
  // Nothing can be told apart by a value set that no package has (index.unchecked).
  return codes === undefined ? () => false : (value) => hasCode(codes, value);
}

/** A code, Coding, Quantity or CodeableConcept of the value set. */
export function hasCode(codes: ValueSet, value: FhirValue | undefined): boolean {
  if (typeof value === 'string') return codes.has(value);
  if (!isObject(value)) return false;
  if (Array.isArray(value.coding)) return value.coding.some((one) => hasCode(codes, one));
  return typeof value.code === 'string' && typeof value.system === 'string' && codes.has(value.code, value.system);
}

function anyBelow(
  value: FhirValue | undefined,
  path: readonly string[],
  fits: (value: FhirValue | undefined) => boolean,
): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return anyOf(value, fits);
  if (Array.isArray(value)) return value.some((one) => anyBelow(one, path, fits));
  return isObject(value) && anyBelow(value[first], rest, fits);
}

function anyOf(value: FhirValue | undefined, fits: (value: FhirValue | undefined) => boolean): boolean {
  return Array.isArray(value) ? value.some((one) => fits(one)) : value !== undefined && fits(value);
}
