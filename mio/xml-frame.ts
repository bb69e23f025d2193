// What the reader of FHIR XML knows of each element that is open, and how what it finds is put into FHIR objects (json.html).
import { type FhirObject, type FhirValue, numberOf } from './model.ts';
import type { Field, Shape } from './shapes.ts';
import type { Scope } from './xml-namespace.ts';

export type Frame = {
  /** Undefined below `contained` and `resource` until the resource itself opens. */
  object: FhirObject | undefined;
  shape: Shape | undefined;
  field: Field | undefined;
  /** `name` or `name[2]`; '' for the resource inside `contained` and `resource`. */
  label: string;
  index: number;
  lastOrder: number;
  scope: Scope;
  value: FhirValue | undefined;
  /** The object has members with `_`. */
  siblings: boolean;
};

const INTEGERS: ReadonlySet<string> = new Set(['integer', 'positiveInt', 'unsignedInt']);

/** The JSON value of a primitive, or undefined when the text is none of its type. */
export function primitiveOf(field: Field, text: string): FhirValue | undefined {
  if (field.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (field.type === 'decimal') return numberOf(text);
  if (INTEGERS.has(field.type)) return /^-?[0-9]+$/.test(text) ? numberOf(text) : undefined;
  return text;
}

export function frameOf(given: Partial<Frame> & { label: string; scope: Scope }): Frame {
  return {
    object: given.object,
    shape: given.shape,
    field: given.field,
    label: given.label,
    index: given.index ?? -1,
    lastOrder: -1,
    scope: given.scope,
    value: undefined,
    siblings: false,
  };
}

export function put(owner: FhirObject, field: Field, value: FhirValue): void {
  if (!field.list) owner[field.name] = value;
  else {
    const list = owner[field.name];
    if (Array.isArray(list)) list.push(value);
    else owner[field.name] = [value];
  }
}

export function nextIndex(above: Frame, field: Field): number {
  const list = above.object?.[field.name];
  return Array.isArray(list) ? list.length : 0;
}

/** Lists of primitives and of their siblings get the same length; a list without any value is left out (json.html). */
export function alignSiblings(object: FhirObject): void {
  for (const name in object) {
    const siblings = object[name];
    if (!name.startsWith('_')) continue;
    const values = object[name.slice(1)];
    if (Array.isArray(siblings) && Array.isArray(values)) {
      while (siblings.length < values.length) siblings.push(null);
      if (values.every((one) => one === null)) delete object[name.slice(1)];
    } else if (values === undefined) delete object[name.slice(1)];
  }
}
