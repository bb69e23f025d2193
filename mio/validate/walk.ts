// The walk: one value beside one plan (plan.ts), from the root down. Names, counts, lists, and what each type says; what needs
// more than the value itself is asked of the rules (invariants) and of `references`.
import { type FhirObject, type FhirValue, isObject } from '../model.ts';
import { narrativeFault } from '../narrative.ts';
import { checkContext, knownExtension } from './extension.ts';
import type { ElementPlan, Field, Members, ValuePlan } from './plan.ts';
import type { Planner } from './planner.ts';
import { SliceCount } from './slice-count.ts';
import type { Trail } from './trail.ts';
import { checkValues } from './values.ts';

export type Walk = {
  trail: Trail;
  planner: Planner;
  /** Where the trail begins. */
  document: FhirObject;
  /** The resource the walk is in, and the one that it is contained in. */
  resource: FhirObject;
  root: FhirObject;
  /** Asked for each Reference with what it may lead to. */
  reference: (value: FhirObject, targets: ReadonlySet<string> | undefined) => void;
  /** Asked for each resource below another one. Returns the plan that holds for it. */
  inner: (value: FhirObject) => ValuePlan | undefined;
};

/** A resource or the value of a complex type. */
export function checkObject(walk: Walk, object: FhirObject, plan: ValuePlan): void {
  checkMembers(walk, object, plan.members());
  checkValues(walk, plan, object);
  for (const profile of plan.profiles()) checkObject(walk, object, profile);
  if (plan.rules.length > 0) checkRules(walk, plan, object, undefined);
  if (plan.type === 'Reference') walk.reference(object, plan.targets);
}

/** hl7.org/fhir/R4/json.html, on the representation of primitives. */
const NULL = 'null may stand only in a list of primitives, where the list beside it says something';

export function checkMembers(walk: Walk, object: FhirObject, members: Members): void {
  const { trail } = walk;
  if (trail.full) return;
  let chosen: ElementPlan[] | undefined;
  let empty = true;
  for (const name in object) {
    const value = object[name];
    if (value === undefined || (name === 'resourceType' && members.resource)) continue;
    empty &&= name === 'id' && !members.resource;
    const field = members.fields.get(name);
    if (field === undefined) {
      const meant = checkUnknown(walk, name, members);
      if (meant !== undefined) chosen = [...(chosen ?? []), meant];
      continue;
    }
    if (value === null) trail.error('MIO_EMPTY', NULL, name);
    if (name === field.sibling && object[field.name] !== undefined) continue;
    const { element } = field;
    if (element.choice) {
      if (chosen?.includes(element)) trail.error('MIO_MAX', `${element.name} may have one type only`, name);
      chosen = [...(chosen ?? []), element];
    }
    if (value === null) continue;
    if (element.max === 0) trail.error('MIO_MAX', `${element.name} is not allowed here`, name);
    else if (field.closed) trail.error('MIO_SLICE_CLOSED', `${element.name} may not be of this type here`, name);
    else if (name === field.sibling) checkField(walk, field, undefined, value);
    else checkField(walk, field, value, object[field.sibling] ?? undefined);
  }
  // ele-1: an element has a value or children beside its id.
  if (empty) trail.error('MIO_EMPTY', 'an element needs a value or something below it');
  for (const element of members.required) checkRequired(walk, object, element, chosen);
}

function checkRequired(
  walk: Walk,
  object: FhirObject,
  element: ElementPlan,
  chosen: readonly ElementPlan[] | undefined,
): void {
  if (
    element.choice
      ? chosen?.includes(element)
      : object[element.name] !== undefined || object[element.sibling] !== undefined
  )
    return;
  if (element.min > 0) walk.trail.error('MIO_MIN', `${element.missing} is missing`, element.missing);
  else {
    for (const slice of element.slicing?.slices ?? []) {
      if (slice.min > 0)
        walk.trail.error('MIO_SLICE_MIN', `${element.name} needs an entry ${slice.name}`, element.name);
    }
  }
}

/** A name that no element has, or a choice with a type that it does not have: then the choice that is meant, which is there. */
function checkUnknown(walk: Walk, name: string, members: Members): ElementPlan | undefined {
  const bare = name.startsWith('_') ? name.slice(1) : name;
  const choice = members.choices.find((one) => isTypeOf(walk, bare, one.name.slice(0, -3)));
  if (choice === undefined) walk.trail.error('MIO_ELEMENT_UNKNOWN', 'there is no such element here', name);
  else if (choice.max === 0) walk.trail.error('MIO_MAX', `${choice.name} is not allowed here`, name);
  else {
    const only = choice.missing === choice.name ? '' : `, only ${choice.missing}`;
    walk.trail.error('MIO_TYPE', `${choice.name} may not be of this type here${only}`, name);
  }
  return choice;
}

function isTypeOf(walk: Walk, name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false;
  const type = name.slice(prefix.length);
  const types = walk.planner.tables.core.definitions;
  return types.has(type) || types.has(type.charAt(0).toLowerCase() + type.slice(1));
}

function checkField(walk: Walk, field: Field, value: FhirValue | undefined, sibling: FhirValue | undefined): void {
  if (field.element.list) {
    checkList(walk, field, value, sibling);
    return;
  }
  const { trail } = walk;
  if (Array.isArray(value) || Array.isArray(sibling)) {
    trail.error('MIO_TYPE', `${field.element.name} is no list`, value === undefined ? field.sibling : field.name);
    return;
  }
  checkValue(walk, field.plan(), { field, index: -1, value: value ?? undefined, sibling: sibling ?? undefined });
}

function checkList(walk: Walk, field: Field, values: FhirValue | undefined, siblings: FhirValue | undefined): void {
  const { trail } = walk;
  const { element } = field;
  if ((values !== undefined && !Array.isArray(values)) || (siblings !== undefined && !Array.isArray(siblings))) {
    const name = values !== undefined && !Array.isArray(values) ? field.name : field.sibling;
    trail.error('MIO_TYPE', `${element.name} is a list`, name);
    return;
  }
  const length = Math.max(values?.length ?? 0, siblings?.length ?? 0);
  if (length === 0) trail.error('MIO_EMPTY', 'a list without entries', field.name);
  if (length < element.min) trail.error('MIO_MIN', `${element.name} needs at least ${element.min}`, field.name);
  if (length > element.max) trail.error('MIO_MAX', `${element.name} may have at most ${element.max}`, field.name);
  const seen = element.slicing === undefined ? undefined : new SliceCount(trail, field, element.slicing);
  for (let index = 0; index < length; index += 1) {
    const value = values?.[index] ?? undefined;
    const sibling = siblings?.[index] ?? undefined;
    const plan = (seen?.sliceOf(value, index) ?? field).plan();
    checkValue(walk, plan, { field, index, value, sibling });
  }
  seen?.end();
}

export type Entry = { field: Field; index: number; value: FhirValue | undefined; sibling: FhirValue | undefined };

/** One value with its sibling, alone (index -1) or in a list. */
export function checkValue(walk: Walk, plan: ValuePlan, entry: Entry): void {
  const { trail } = walk;
  const { field, index, value, sibling } = entry;
  trail.push(field.name);
  if (index >= 0) trail.push(index);
  if (plan.kind === 'primitive') checkPrimitive(walk, plan, value, sibling);
  else if (value === undefined) trail.error('MIO_EMPTY', NULL);
  else if (plan.kind === 'xhtml') checkNarrative(walk, value);
  else if (!isObject(value)) trail.error('MIO_TYPE', `${plan.type} is an object`);
  else if (plan.kind === 'resource') checkInner(walk, value, field.name === 'contained');
  else if (plan.anyExtension) checkExtension(walk, value, plan);
  else checkObject(walk, value, plan);
  if (index >= 0) trail.pop();
  trail.pop();
  const bare = sibling === undefined;
  if (bare && (plan.kind !== 'primitive' || value === undefined || plan.members().required.length === 0)) return;
  trail.push(field.sibling);
  if (index >= 0) trail.push(index);
  // A family name alone lacks the extension that KBV demands of it.
  if (bare) for (const element of plan.members().required) checkRequired(walk, {}, element, undefined);
  else if (plan.kind !== 'primitive') trail.error('MIO_ELEMENT_UNKNOWN', 'only primitives have a member with _');
  else if (isObject(sibling)) checkMembers(walk, sibling, plan.members());
  else trail.error('MIO_TYPE', 'an object with id or extension');
  if (index >= 0) trail.pop();
  trail.pop();
}

function checkPrimitive(
  walk: Walk,
  plan: ValuePlan,
  value: FhirValue | undefined,
  sibling: FhirValue | undefined,
): void {
  const { trail } = walk;
  if (value === undefined) {
    if (sibling === undefined) trail.error('MIO_EMPTY', NULL);
  } else {
    const fault = plan.form?.(value);
    if (fault === 'type') trail.error('MIO_TYPE', `no JSON value of the type ${plan.type}`);
    else if (fault === 'format') trail.error('MIO_FORMAT', `not a valid ${plan.type}`);
    else if (fault === 'empty') trail.error('MIO_EMPTY', 'a text without content');
  }
  checkValues(walk, plan, value);
  if (plan.rules.length > 0) checkRules(walk, plan, value, isObject(sibling) ? sibling : undefined);
}

function checkNarrative(walk: Walk, value: FhirValue): void {
  if (typeof value !== 'string') walk.trail.error('MIO_TYPE', 'xhtml is a text');
  else if (narrativeFault(value) !== undefined) {
    // txt-1 and txt-2.
    walk.trail.error('MIO_NARRATIVE', 'not plain, safe xhtml');
  }
}

/** A contained resource belongs to the one around it, any other stands for itself (%rootResource). */
function checkInner(walk: Walk, value: FhirObject, contained: boolean): void {
  const plan = walk.inner(value);
  if (plan === undefined) return;
  const { resource, root } = walk;
  walk.resource = value;
  if (!contained) walk.root = value;
  checkObject(walk, value, plan);
  walk.resource = resource;
  walk.root = root;
}

function checkExtension(walk: Walk, value: FhirObject, plan: ValuePlan): void {
  const { trail, planner, document } = walk;
  const known = knownExtension(value, planner.tables);
  if (known !== undefined) checkContext(trail, known, { document, tables: planner.tables });
  checkObject(walk, value, known === undefined ? plan : planner.ofDefinition(known.name));
}

function checkRules(walk: Walk, plan: ValuePlan, value: FhirValue | undefined, sibling: FhirObject | undefined): void {
  for (const rule of plan.rules) {
    if (rule.holds(value, sibling, walk)) continue;
    walk.trail.report({ severity: rule.severity, code: 'MIO_INVARIANT', message: `the rule ${rule.key} is broken` });
  }
}
