// The operators of FHIRPath (hl7.org/fhirpath/N1 section 6) that the rules of the tables use.
import { MioError } from '../../error.ts';
import { type Compiled, textOf, truthOf } from './evaluation.ts';
import {
  compareItems,
  EvaluationFault,
  FALSE,
  type Item,
  type Items,
  NOTHING,
  primitiveOf,
  sameItem,
  TRUE,
} from './items.ts';

const asItems = (value: boolean | undefined): Items => (value === undefined ? NOTHING : value ? TRUE : FALSE);

/** MioError MIO_EXPRESSION. */
export function operatorOf(operator: string, left: Compiled, right: Compiled): Compiled {
  const logic = LOGIC[operator];
  if (logic !== undefined) return logic(left, right);
  const plain = PLAIN[operator];
  if (plain === undefined) throw new MioError('MIO_EXPRESSION', `the operator ${operator} is not compiled`);
  return (input, evaluation) => plain(left(input, evaluation), right(input, evaluation));
}

/** Three-valued (N1 section 6.5); the right side is asked only when it matters. */
const LOGIC: Readonly<Record<string, (left: Compiled, right: Compiled) => Compiled>> = {
  and: (left, right) => (input, evaluation) => {
    const a = truthOf(left(input, evaluation));
    if (a === false) return FALSE;
    const b = truthOf(right(input, evaluation));
    return b === false ? FALSE : asItems(a === undefined ? undefined : b);
  },
  or: (left, right) => (input, evaluation) => {
    const a = truthOf(left(input, evaluation));
    if (a === true) return TRUE;
    const b = truthOf(right(input, evaluation));
    return b === true ? TRUE : asItems(a === undefined ? undefined : b);
  },
  xor: (left, right) => (input, evaluation) => {
    const a = truthOf(left(input, evaluation));
    const b = truthOf(right(input, evaluation));
    return asItems(a === undefined || b === undefined ? undefined : a !== b);
  },
  implies: (left, right) => (input, evaluation) => {
    const a = truthOf(left(input, evaluation));
    if (a === false) return TRUE;
    const b = truthOf(right(input, evaluation));
    return b === true ? TRUE : asItems(a === undefined ? undefined : b);
  },
};

const PLAIN: Readonly<Record<string, (left: Items, right: Items) => Items>> = {
  '=': (left, right) => asItems(sameItems(left, right)),
  '!=': (left, right) => {
    const same = sameItems(left, right);
    return asItems(same === undefined ? undefined : !same);
  },
  '<': (left, right) => ordered(left, right, (order) => order < 0),
  '<=': (left, right) => ordered(left, right, (order) => order <= 0),
  '>': (left, right) => ordered(left, right, (order) => order > 0),
  '>=': (left, right) => ordered(left, right, (order) => order >= 0),
  in: (left, right) => membership(left, right),
  contains: (left, right) => membership(right, left),
  '|': (left, right) => distinct([...left, ...right]),
  '+': (left, right) => {
    const [a, b] = [left[0], right[0]];
    if (typeof a === 'number' && typeof b === 'number' && left.length + right.length === 2) return [a + b];
    const [text, more] = [textOf(left), textOf(right)];
    return text === undefined || more === undefined ? NOTHING : [text + more];
  },
  '&': (left, right) => [(textOf(left) ?? '') + (textOf(right) ?? '')],
};

function sameItems(left: Items, right: Items): boolean | undefined {
  if (left.length === 0 || right.length === 0) return undefined;
  return left.length === right.length && left.every((item, place) => sameItem(item, right[place] ?? ''));
}

function ordered(left: Items, right: Items, isRight: (order: number) => boolean): Items {
  const [a, b] = [left[0], right[0]];
  if (a === undefined || b === undefined) return NOTHING;
  if (left.length > 1 || right.length > 1) throw new EvaluationFault('one item is needed on each side');
  const order = compareItems(a, b);
  return asItems(order === undefined ? undefined : isRight(order));
}

function membership(one: Items, many: Items): Items {
  const [item] = one;
  if (item === undefined) return NOTHING;
  if (one.length > 1) throw new EvaluationFault('one item is needed');
  return asItems(many.some((other) => sameItem(item, other)));
}

/** Values by the set, for a document may hold very many; only complex elements are compared with each other. */
export function distinct(items: Items): Items {
  const kept: Item[] = [];
  const complex: Item[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const value = primitiveOf(item);
    if (value === undefined) {
      if (complex.some((other) => sameItem(item, other))) continue;
      complex.push(item);
    } else {
      const key =
        typeof value === 'string' ? `'${value}` : typeof value === 'boolean' ? `${value}` : `${Number(value)}`;
      if (seen.has(key)) continue;
      seen.add(key);
    }
    kept.push(item);
  }
  return kept;
}
