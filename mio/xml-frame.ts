// What the reader of FHIR XML knows of each element that is open, and how what it finds is put into FHIR objects (json.html).
import { type FhirObject, type FhirValue, numberOf } from './model.ts';
import type { Field, Shape } from './shapes.ts';
import { NO_SCOPE, type Scope } from './xml-namespace.ts';

/** One element that is open. Used again for each that opens at its depth: a document has thousands, and few at a time. */
export class Frame {
  /** Undefined below `contained` and `resource` until the resource itself opens. */
  object: FhirObject | undefined = undefined;
  shape: Shape | undefined = undefined;
  field: Field | undefined = undefined;
  /** Type of the root; '' for the resource inside `contained` and `resource`; name of the field elsewhere. */
  label = '';
  index = -1;
  lastOrder = -1;
  scope: Scope = NO_SCOPE;
  value: FhirValue | undefined = undefined;
  /** The object has members with `_`. */
  siblings = false;
  /** The list that was put into the object last, and what it is. */
  list: FhirValue[] | undefined = undefined;
  listed: Field | undefined = undefined;

  open(label: string, scope: Scope): void {
    this.object = undefined;
    this.shape = undefined;
    this.field = undefined;
    this.label = label;
    this.index = -1;
    this.lastOrder = -1;
    this.scope = scope;
    this.value = undefined;
    this.siblings = false;
    this.list = undefined;
    this.listed = undefined;
  }
}

const INTEGER = /^-?[0-9]+$/;

/** The JSON value of a primitive, or undefined when the text is none of its type. */
export function primitiveOf(field: Field, text: string): FhirValue | undefined {
  switch (field.form) {
    case 'text':
      return text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'decimal':
      return numberOf(text);
    default:
      return INTEGER.test(text) ? numberOf(text) : undefined;
  }
}

/** `first`: the object cannot have the field yet. */
export function put(frame: Frame, owner: FhirObject, field: Field, value: FhirValue, first: boolean): void {
  if (!field.list) {
    owner[field.name] = value;
    return;
  }
  if (frame.listed === field && frame.list !== undefined) {
    frame.list.push(value);
    return;
  }
  const known = first ? undefined : owner[field.name];
  if (Array.isArray(known)) {
    known.push(value);
    frame.list = known;
  } else {
    const list = [value];
    owner[field.name] = list;
    frame.list = list;
  }
  frame.listed = field;
}

export function nextIndex(above: Frame, field: Field): number {
  const list = above.listed === field ? above.list : above.object?.[field.name];
  return Array.isArray(list) ? list.length : 0;
}

/** The object for id and extensions of a primitive, put beside its value. */
export function siblingOf(frame: Frame, above: Frame | undefined): FhirObject {
  const owner = above?.object;
  const sibling: FhirObject = {};
  if (above === undefined || owner === undefined || frame.field === undefined) return sibling;
  above.siblings = true;
  const name = frame.field.sibling;
  if (!frame.field.list) {
    owner[frame.field.name] = frame.value;
    owner[name] = sibling;
    return sibling;
  }
  const list = (owner[name] ?? []) as FhirValue[];
  while (list.length < frame.index) list.push(null);
  list.push(sibling);
  owner[frame.field.name] ??= [];
  owner[name] = list;
  return sibling;
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
