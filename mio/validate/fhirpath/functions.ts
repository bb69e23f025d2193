// The functions of FHIRPath (hl7.org/fhirpath/N1 section 5, hl7.org/fhir/R4/fhirpath.html#functions) that the rules of the
// tables use. A table that uses another one is refused when it is loaded.
import { MioError } from '../../error.ts';
import { isObject } from '../../model.ts';
import { narrativeFault } from '../../narrative.ts';
import type { Shapes } from '../../shapes.ts';
import { type Compiled, spellingOf, textOf, truthOf } from './evaluation.ts';
import {
  FALSE,
  type Item,
  type Items,
  isElement,
  NOTHING,
  primitiveOf,
  pushAllChildren,
  pushChildren,
  sameItem,
  TRUE,
} from './items.ts';
import { distinct } from './operators.ts';

const asItems = (value: boolean | undefined): Items => (value === undefined ? NOTHING : value ? TRUE : FALSE);
type Evaluating = Parameters<Compiled>[1];

/** MioError MIO_EXPRESSION. `args` are evaluated by the function: for each item, or once. */
export function functionOf(name: string, args: readonly Compiled[]): Compiled {
  const made = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]?.(args) : undefined;
  if (made === undefined) throw new MioError('MIO_EXPRESSION', `the function ${name} is not compiled`);
  return made;
}

const FUNCTIONS: Readonly<Record<string, (args: readonly Compiled[]) => Compiled>> = {
  empty: () => (input) => asItems(input.length === 0),
  exists: ([criteria]) =>
    criteria === undefined
      ? (input) => asItems(input.length > 0)
      : (input, evaluation) => asItems(input.some((item) => holds(criteria, item, evaluation) === true)),
  not: () => (input) => {
    const truth = truthOf(input);
    return asItems(truth === undefined ? undefined : !truth);
  },
  hasValue: () => (input) => {
    const [only] = input;
    return asItems(only !== undefined && input.length === 1 && primitiveOf(only) !== undefined);
  },
  count: () => (input) => [input.length],
  first: () => (input) => input.slice(0, 1),
  isDistinct: () => (input) => asItems(distinct(input).length === input.length),
  trace: () => (input) => input,
  all: (args) => {
    const criteria = one(args);
    return (input, evaluation) => asItems(input.every((item) => holds(criteria, item, evaluation) === true));
  },
  allFalse: () => (input) => asItems(input.every((item) => truthOf([item]) === false)),
  where: (args) => {
    const criteria = one(args);
    return (input, evaluation) => input.filter((item) => holds(criteria, item, evaluation) === true);
  },
  select: (args) => {
    const projection = one(args);
    return (input, evaluation) => input.flatMap((item) => [...on(projection, item, evaluation)]);
  },
  intersect: (args) => {
    const others = one(args);
    return (input, evaluation) => {
      const right = others(evaluation.focus, evaluation);
      return distinct(input.filter((item) => right.some((other) => sameItem(item, other))));
    };
  },
  extension: (args) => {
    const url = one(args);
    return (input, evaluation) => {
      if (input.length === 0) return NOTHING;
      const wanted = textOf(url(evaluation.focus, evaluation));
      const found: Item[] = [];
      for (const item of input) pushChildren(found, item, 'extension', evaluation.shapes);
      return found.filter((item) => isElement(item) && isObject(item.value) && item.value.url === wanted);
    };
  },
  descendants: () => (input, evaluation) => descendantsOf(input, evaluation.shapes),
  startsWith: (args) => onText(args, (text, given) => asItems(text.startsWith(given))),
  contains: (args) => onText(args, (text, given) => asItems(text.includes(given))),
  matches: (args) => {
    const known = new Map<string, RegExp>();
    return onText(args, (text, given) => {
      const pattern = known.get(given) ?? new RegExp(given);
      known.set(given, pattern);
      return asItems(pattern.test(text));
    });
  },
  substring: (args) => {
    const from = one(args);
    return (input, evaluation) => {
      const text = textOf(input);
      const [start] = from(evaluation.focus, evaluation);
      if (text === undefined || typeof start !== 'number' || start < 0 || start >= text.length) return NOTHING;
      return [text.slice(start)];
    };
  },
  length: () => (input) => {
    const text = textOf(input);
    return text === undefined ? NOTHING : [text.length];
  },
  toString: (): Compiled => (input) => {
    const text = spellingOf(input);
    return text === undefined ? NOTHING : [text];
  },
  htmlChecks: () => (input) =>
    asItems(input.every((item) => narrativeFault(String(primitiveOf(item) ?? '')) === undefined)),
};

function one(args: readonly Compiled[]): Compiled {
  const [first, ...rest] = args;
  if (first === undefined || rest.length > 0) throw new MioError('MIO_EXPRESSION', 'a function has other arguments');
  return first;
}

/** The argument with one item as its collection and as `$this`. */
function on(argument: Compiled, item: Item, evaluation: Evaluating): Items {
  const { focus } = evaluation;
  const single = [item];
  evaluation.focus = single;
  const found = argument(single, evaluation);
  evaluation.focus = focus;
  return found;
}

function holds(criteria: Compiled, item: Item, evaluation: Evaluating): boolean | undefined {
  return truthOf(on(criteria, item, evaluation));
}

function onText(args: readonly Compiled[], check: (text: string, given: string) => Items): Compiled {
  const argument = one(args);
  return (input, evaluation) => {
    const text = textOf(input);
    const given = textOf(argument(evaluation.focus, evaluation));
    return text === undefined || given === undefined ? NOTHING : check(text, given);
  };
}

function descendantsOf(input: Items, shapes: Shapes): Items {
  const found: Item[] = [];
  let level = input;
  // A resource is at most as deep as its readers let it be.
  while (level.length > 0) {
    const next: Item[] = [];
    for (const item of level) pushAllChildren(next, item, shapes);
    found.push(...next);
    level = next;
  }
  return found;
}
