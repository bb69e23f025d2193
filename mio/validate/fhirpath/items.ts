// What collections of FHIRPath hold (hl7.org/fhirpath/N1, hl7.org/fhir/R4/fhirpath.html#types): elements of a resource with
// their type, and values that were computed. How to go down from an element, and when two items are equal or one is less.
import { Decimal, type FhirObject, type FhirValue, isObject } from '../../model.ts';
import type { Field, Shape, Shapes } from '../../shapes.ts';
import { equals as sameJson } from '../match.ts';

/** An element. `shape` is what may stand below it; of a primitive that is its id and extensions, in `sibling`. */
export type Element = {
  value: FhirValue | undefined;
  sibling: FhirObject | undefined;
  type: string;
  shape: Shape | undefined;
};

export type Item = Element | string | number | boolean;
export type Items = readonly Item[];

export const NOTHING: Items = [];
export const TRUE: Items = [true];
export const FALSE: Items = [false];

/** Thrown where FHIRPath says that the evaluation ends with an error: several items where one is needed. */
export class EvaluationFault extends Error {}

export function isElement(item: Item): item is Element {
  return typeof item === 'object';
}

/** The primitive value; undefined for complex elements and those with extensions only. */
export function primitiveOf(item: Item): string | number | boolean | Decimal | undefined {
  if (!isElement(item)) return item;
  const { value } = item;
  return isObject(value) || Array.isArray(value) || value === null ? undefined : value;
}

/** The children by name: `value` stands for each type of `value[x]`. */
export function pushChildren(found: Item[], item: Item, name: string, shapes: Shapes): void {
  if (!isElement(item)) return;
  const object = isObject(item.value) ? item.value : item.sibling;
  const { shape } = item;
  if (object === undefined || shape === undefined) return;
  const field = shape.fields.get(name);
  if (field !== undefined) {
    if (field.choice === undefined) pushField(found, object, field, shapes);
    return;
  }
  const choice = `${name}[x]`;
  for (const key in object) {
    if (!key.startsWith(name, key.startsWith('_') ? 1 : 0)) continue;
    const one = shape.fields.get(key.startsWith('_') ? key.slice(1) : key);
    if (one?.choice !== choice || (key.startsWith('_') && object[one.name] !== undefined)) continue;
    pushField(found, object, one, shapes);
  }
}

export function pushAllChildren(found: Item[], item: Item, shapes: Shapes): void {
  if (!isElement(item)) return;
  const object = isObject(item.value) ? item.value : item.sibling;
  if (object === undefined || item.shape === undefined) return;
  for (const key in object) {
    const field = item.shape.fields.get(key.startsWith('_') ? key.slice(1) : key);
    if (field === undefined || (key.startsWith('_') && object[field.name] !== undefined)) continue;
    pushField(found, object, field, shapes);
  }
}

function pushField(found: Item[], object: FhirObject, field: Field, shapes: Shapes): void {
  const value = object[field.name];
  const sibling = field.kind === 'primitive' ? object[`_${field.name}`] : undefined;
  if (value === undefined && sibling === undefined) return;
  if (!Array.isArray(value) && !Array.isArray(sibling)) {
    pushElement(found, value, sibling, { field, shapes });
    return;
  }
  const [values, siblings] = [Array.isArray(value) ? value : [], Array.isArray(sibling) ? sibling : []];
  for (let index = 0; index < Math.max(values.length, siblings.length); index += 1)
    pushElement(found, values[index], siblings[index], { field, shapes });
}

function pushElement(
  found: Item[],
  value: FhirValue | undefined,
  sibling: FhirValue | undefined,
  { field, shapes }: { field: Field; shapes: Shapes },
): void {
  const beside = isObject(sibling) ? sibling : undefined;
  if ((value === undefined || value === null) && beside === undefined) return;
  found.push(elementOf(value ?? undefined, beside, { field, shapes }));
}

function elementOf(
  value: FhirValue | undefined,
  sibling: FhirObject | undefined,
  { field, shapes }: { field: Field; shapes: Shapes },
): Element {
  if (field.kind === 'resource') return resourceElement(value, shapes);
  const shape =
    field.kind === 'xhtml' || (field.kind === 'primitive' && sibling === undefined) ? undefined : shapes.below(field);
  return { value, sibling, type: field.type, shape };
}

/** A resource; one of a type that R4's tables do not have is an element without children. */
export function resourceElement(value: FhirValue | undefined, shapes: Shapes): Element {
  const type = isObject(value) && typeof value.resourceType === 'string' ? value.resourceType : 'Resource';
  return { value, sibling: undefined, type, shape: shapes.isResource(type) ? shapes.ofType(type) : undefined };
}

/** Equality of two items (N1 section 6.1.1): numbers by value, complex elements by everything in them. */
export function sameItem(left: Item, right: Item): boolean {
  const [a, b] = [primitiveOf(left), primitiveOf(right)];
  if (a !== undefined && b !== undefined) {
    if (a instanceof Decimal || b instanceof Decimal) return isNumber(a) && isNumber(b) && Number(a) === Number(b);
    return a === b;
  }
  if (a !== undefined || b !== undefined) return false;
  return isElement(left) && isElement(right) && sameJson(left.value ?? left.sibling, right.value ?? right.sibling);
}

function isNumber(value: string | number | boolean | Decimal): boolean {
  return typeof value === 'number' || value instanceof Decimal;
}

/** N1 section 6.2: negative, 0 or positive; undefined where it cannot be told: dates of different precision, other units. */
export function compareItems(left: Item, right: Item): number | undefined {
  const [a, b] = [primitiveOf(left), primitiveOf(right)];
  if (a === undefined || b === undefined) return compareQuantities(left, right);
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (typeof a !== 'string' || typeof b !== 'string')
    throw new EvaluationFault('values of different types are compared');
  const dates = isElement(left) && isElement(right) && isDate(left.type) && isDate(right.type);
  return dates ? compareDates(a, b) : a < b ? -1 : a > b ? 1 : 0;
}

function isDate(type: string): boolean {
  return type === 'date' || type === 'dateTime' || type === 'instant';
}

const DATE = /^\d{4}(?:-\d\d(?:-\d\d(?:T.*)?)?)?$/;

/** Part by part; a part that one of them lacks leaves it open, and so does a text that is no date. */
function compareDates(a: string, b: string): number | undefined {
  if (!DATE.test(a) || !DATE.test(b)) return undefined;
  const times = a.includes('T') && b.includes('T');
  if (times) {
    const [left, right] = [Date.parse(a), Date.parse(b)];
    return Number.isNaN(left) || Number.isNaN(right) ? undefined : left - right;
  }
  const [left, right] = [a.slice(0, 10).split('-'), b.slice(0, 10).split('-')];
  for (let part = 0; part < 3; part += 1) {
    const [one, other] = [left[part], right[part]];
    if (one === undefined && other === undefined) return 0;
    if (one === undefined || other === undefined) return undefined;
    if (one !== other) return one < other ? -1 : 1;
  }
  return a.length === b.length ? 0 : undefined;
}

/** Quantities of one unit; nothing is converted. */
function compareQuantities(left: Item, right: Item): number | undefined {
  if (!isElement(left) || !isElement(right) || !isObject(left.value) || !isObject(right.value)) return undefined;
  const [a, b] = [left.value, right.value];
  if (a.value === undefined || b.value === undefined) return undefined;
  const sameUnit =
    a.code === undefined && b.code === undefined ? a.unit === b.unit : a.code === b.code && a.system === b.system;
  return sameUnit ? Number(a.value) - Number(b.value) : undefined;
}
