// Makes functions of expressions (parse.ts): each part of the tree becomes a closure from a collection to a collection, once;
// evaluating then looks up nothing that is known before.

import type { Definition } from '../../definition.ts';
import { MioError } from '../../error.ts';
import type { Compiled } from './evaluation.ts';
import { functionOf } from './functions.ts';
import {
  EvaluationFault,
  FALSE,
  type Item,
  type Items,
  isElement,
  NOTHING,
  pushChildren,
  resourceElement,
  TRUE,
} from './items.ts';
import { operatorOf } from './operators.ts';
import { type Ast, parseExpression } from './parse.ts';

/** R4's definitions by name: they say which type derives from which. */
export type TypeNames = ReadonlyMap<string, Definition>;

/** hl7.org/fhir/R4/fhirpath.html#vars. */
const CONSTANTS: Readonly<Record<string, string>> = {
  ucum: 'http://unitsofmeasure.org',
  sct: 'http://snomed.info/sct',
  loinc: 'http://loinc.org',
};

/** MioError MIO_EXPRESSION: an expression with something that is not compiled. */
export function compileExpression(source: string, types: TypeNames): Compiled {
  return new Compiler(types).compile(parseExpression(source));
}

class Compiler {
  readonly #types: TypeNames;

  constructor(types: TypeNames) {
    this.#types = types;
  }

  compile(tree: Ast): Compiled {
    switch (tree.kind) {
      case 'literal': {
        const value: Items = [tree.value];
        return () => value;
      }
      case 'empty':
        return () => NOTHING;
      case 'this':
        return (_input, evaluation) => evaluation.focus;
      case 'variable':
        return variable(tree.name);
      case 'member':
        return tree.of === undefined ? this.#firstMember(tree.name) : after(this.compile(tree.of), member(tree.name));
      case 'call':
        return tree.of === undefined ? this.#call(tree) : after(this.compile(tree.of), this.#call(tree));
      case 'type':
        return after(this.compile(tree.left), this.#typed(tree.operator, tree.name));
      case 'binary':
        return operatorOf(tree.operator, this.compile(tree.left), this.compile(tree.right));
    }
  }

  /** An expression may begin with the type that it is about: `Condition.onset`. */
  #firstMember(name: string): Compiled {
    const children = member(name);
    if (!/^[A-Z]/.test(name)) return children;
    return (input, evaluation) => {
      const own = input.filter((item) => this.#isOfType(item, name));
      return own.length > 0 ? own : children(input, evaluation);
    };
  }

  #call({ name, args }: Ast & { kind: 'call' }): Compiled {
    if (name !== 'is' && name !== 'as' && name !== 'ofType')
      return functionOf(
        name,
        args.map((one) => this.compile(one)),
      );
    const [type] = args;
    if (args.length !== 1 || type?.kind !== 'member' || type.of !== undefined)
      throw new MioError('MIO_EXPRESSION', `${name} needs a type`);
    return this.#typed(name, type.name);
  }

  #typed(operator: 'is' | 'as' | 'ofType', name: string): Compiled {
    return (input) => {
      if (operator === 'ofType') return input.filter((item) => this.#isOfType(item, name));
      const [only] = input;
      if (only === undefined) return NOTHING;
      if (input.length > 1) throw new EvaluationFault('one item is needed');
      if (operator === 'as') return this.#isOfType(only, name) ? input : NOTHING;
      return this.#isOfType(only, name) ? TRUE : FALSE;
    };
  }

  /** FHIR's types and what they derive from; `Boolean` is FHIRPath's own and no element is one. */
  #isOfType(item: Item, name: string): boolean {
    if (!isElement(item)) return typeof item === name.toLowerCase();
    for (let type: string | undefined = item.type; type !== undefined; type = this.#types.get(type)?.base) {
      if (type === name) return true;
    }
    return false;
  }
}

function after(first: Compiled, then: Compiled): Compiled {
  return (input, evaluation) => then(first(input, evaluation), evaluation);
}

function member(name: string): Compiled {
  return (input, evaluation) => {
    if (input.length === 0) return NOTHING;
    const found: Item[] = [];
    for (const item of input) pushChildren(found, item, name, evaluation.shapes);
    return found;
  };
}

function variable(name: string): Compiled {
  if (name === 'resource') return (_input, { resource, shapes }) => [resourceElement(resource, shapes)];
  if (name === 'rootResource') return (_input, { root, shapes }) => [resourceElement(root, shapes)];
  const constant = CONSTANTS[name];
  if (constant === undefined) throw new MioError('MIO_EXPRESSION', `%${name} is not compiled`);
  const value: Items = [constant];
  return () => value;
}
