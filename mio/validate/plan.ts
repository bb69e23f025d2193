// What the walk needs to know of each element, made once from the tables (docs/mio-tables.md) and then only looked at: JSON
// names, counts, forms, values, slices. Plans refer to each other as types do (Extension has extensions), so the part below a
// value is made when it is first asked for.
import type { FhirObject, FhirValue } from '../model.ts';
import type { ValueSet } from '../tables.ts';
import type { PrimitiveCheck } from './primitive.ts';

/** A rule of the tables (an invariant), ready to be asked. `object` and `sibling` as they stand in the JSON. */
export type Rule = {
  key: string;
  severity: 'error' | 'warning';
  holds: (value: FhirValue | undefined, sibling: FhirObject | undefined, scope: RuleScope) => boolean;
};

/** What a rule may look at besides its own element. */
export type RuleScope = { resource: FhirObject; root: FhirObject };

/** One value: an element of one type. */
export type ValuePlan = {
  type: string;
  kind: 'primitive' | 'complex' | 'resource' | 'xhtml';
  form: PrimitiveCheck | undefined;
  fixed: FhirValue | undefined;
  pattern: FhirValue | undefined;
  codes: ValueSet | undefined;
  maxLength: number | undefined;
  rules: readonly Rule[];
  /** Plans of which the value must satisfy one as well: profiles of its type. */
  profiles: () => readonly ValuePlan[];
  /** What a reference may lead to; undefined for anything. */
  targets: ReadonlySet<string> | undefined;
  /** A Quantity, Age or Duration whose code nothing more exact is said of. */
  unit: boolean;
  /** An extension of which nothing is known but its url: the definition of that url decides. */
  anyExtension: boolean;
  /** What stands below: of a primitive its id and extensions. */
  members: () => Members;
};

export type Members = {
  resource: boolean;
  /** By JSON name, with `_` and without. */
  fields: ReadonlyMap<string, Field>;
  /** Elements that must be there. */
  required: readonly ElementPlan[];
  /** Elements that may be of several types. */
  choices: readonly ElementPlan[];
};

export type Field = {
  name: string;
  sibling: string;
  element: ElementPlan;
  /** A type of a choice that its slices do not let through. */
  closed: boolean;
  plan: () => ValuePlan;
};

export type ElementPlan = {
  /** Name in the schema: `code`, `value[x]`. */
  name: string;
  choice: boolean;
  /** What to say when it is missing: `valueQuantity` where only that may stand, else `value[x]`. */
  missing: string;
  min: number;
  max: number;
  list: boolean;
  /** Name in JSON of an element that is no choice, and of its sibling. */
  sibling: string;
  slicing: Slicing | undefined;
};

export type Slicing = { closed: boolean; ordered: boolean; last: boolean; slices: readonly SlicePlan[] };

export type SlicePlan = {
  name: string;
  min: number;
  max: number;
  plan: () => ValuePlan;
  belongs: (value: FhirValue | undefined) => boolean;
  /** How many conditions that are: of two slices that a value fits, it belongs to the one that asks more. */
  conditions: number;
  /** Slices of the slice. */
  inner: Slicing | undefined;
};
