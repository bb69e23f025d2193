// What a compiled expression is, and what it looks at besides its collection.
import type { FhirObject } from '../../model.ts';
import { Decimal } from '../../model.ts';
import type { Shapes } from '../../shapes.ts';
import { EvaluationFault, type Items, isElement, primitiveOf } from './items.ts';

export type Evaluation = {
  shapes: Shapes;
  /** `$this`. */
  focus: Items;
  /** `%resource` and `%rootResource`. */
  resource: FhirObject;
  root: FhirObject;
};

/** From the collection that a part of an expression is about to the one that it gives. May throw EvaluationFault. */
export type Compiled = (input: Items, evaluation: Evaluation) => Items;

/** A collection as a boolean (N1 section 4.5): empty is neither true nor false, one item that is no boolean is true. */
export function truthOf(items: Items): boolean | undefined {
  const [only] = items;
  if (only === undefined) return undefined;
  if (items.length > 1) throw new EvaluationFault('one item is needed');
  const value = primitiveOf(only);
  return typeof value === 'boolean' ? value : true;
}

/** The one text in it; undefined when there is none or one with extensions only. */
export function textOf(items: Items): string | undefined {
  const [only] = items;
  if (only === undefined) return undefined;
  const value = primitiveOf(only);
  if (items.length === 1 && typeof value === 'string') return value;
  if (items.length === 1 && isElement(only) && only.value === undefined) return undefined;
  throw new EvaluationFault('one text is needed');
}

/** As toString() writes it. */
export function spellingOf(items: Items): string | undefined {
  const [only] = items;
  if (only === undefined) return undefined;
  if (items.length > 1) throw new EvaluationFault('one item is needed');
  const value = primitiveOf(only);
  return value instanceof Decimal ? value.text : value === undefined ? undefined : String(value);
}
