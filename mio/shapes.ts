// The schema of FHIR R4 as the XML reader and writer need it: which names may stand below an element, in which order, and
// what each of them is (hl7.org/fhir/R4/xml.html). Made from the core table on first use of a type.
import type { Definition, ElementNode } from './definition.ts';
import { MioError } from './error.ts';

export type FieldKind = 'primitive' | 'complex' | 'resource' | 'xhtml';

/** One name below an element; `value[x]` gives one field for each type it may have (`valueQuantity`, …). */
export type Field = {
  name: string;
  /** Place in the schema, counting from 0. */
  order: number;
  list: boolean;
  attribute: boolean;
  kind: FieldKind;
  /** Code of the type: `dateTime`, `Identifier`, `BackboneElement`. */
  type: string;
  /** Name of the choice this is a type of: `value[x]`. */
  choice: string | undefined;
  node: ElementNode;
};

/** `attributes` are those of `fields` that XML writes as attributes. */
export type Shape = {
  type: string;
  resource: boolean;
  fields: ReadonlyMap<string, Field>;
  attributes: readonly Field[];
};

export class Shapes {
  readonly #definitions: ReadonlyMap<string, Definition>;
  readonly #byNode = new Map<ElementNode, Shape>();
  readonly #primitive: Shape;

  /** `definitions` of the core table by name. */
  constructor(definitions: ReadonlyMap<string, Definition>) {
    this.#definitions = definitions;
    this.#primitive = this.ofType('Element');
  }

  /** The shape of a data type or resource; MioError MIO_TYPE_UNKNOWN. */
  ofType(type: string): Shape {
    return this.#ofNode(this.#definition(type).root, type);
  }

  isResource(type: string): boolean {
    const definition = this.#definitions.get(type);
    return definition !== undefined && definition.kind === 'resource' && !definition.abstract;
  }

  /** What may stand below a field: for a primitive its id and extensions. */
  below(field: Field): Shape {
    if (field.kind === 'primitive') return this.#primitive;
    if (field.node.ref !== undefined) return this.ofReference(field.node.ref);
    return field.node.children.length > 0 ? this.#ofNode(field.node, field.type) : this.ofType(field.type);
  }

  #definition(type: string): Definition {
    const definition = this.#definitions.get(type);
    if (definition === undefined) throw new MioError('MIO_TYPE_UNKNOWN', 'a type that is not part of the tables');
    return definition;
  }

  /** Of an element that others are defined as: `Questionnaire.item`. MioError MIO_TYPE_UNKNOWN, MIO_TABLE_BROKEN. */
  ofReference(ref: string): Shape {
    const [type = '', ...names] = ref.split('.');
    let node = this.#definition(type).root;
    for (const name of names) {
      const next = node.children.find((one) => one.name === name);
      if (next === undefined) throw new MioError('MIO_TABLE_BROKEN', `${ref} does not exist`);
      node = next;
    }
    return this.#ofNode(node, 'BackboneElement');
  }

  #ofNode(node: ElementNode, type: string): Shape {
    return this.#byNode.get(node) ?? this.#shapeOf(node, type);
  }

  #shapeOf(node: ElementNode, type: string): Shape {
    const fields = new Map<string, Field>();
    node.children.forEach((child, order) => {
      for (const field of this.#fieldsOf(child, order)) fields.set(field.name, field);
    });
    const attributes = [...fields.values()].filter((one) => one.attribute);
    const shape = { type, resource: this.#definitions.get(type)?.kind === 'resource', fields, attributes };
    this.#byNode.set(node, shape);
    return shape;
  }

  *#fieldsOf(node: ElementNode, order: number): Generator<Field> {
    const choice = node.name.endsWith('[x]') ? node.name : undefined;
    const types = node.ref === undefined ? node.types.map((type) => type.code) : ['BackboneElement'];
    for (const type of types) {
      yield {
        name: choice === undefined ? node.name : choiceName(choice, type),
        order,
        list: node.list,
        attribute: node.attribute,
        kind: this.#kindOf(type),
        type,
        choice,
        node,
      };
    }
  }

  #kindOf(type: string): FieldKind {
    if (type === 'xhtml') return 'xhtml';
    const definition = this.#definition(type);
    if (definition.kind === 'primitive-type') return 'primitive';
    return definition.kind === 'resource' ? 'resource' : 'complex';
  }
}

/** `value[x]` and `dateTime` give `valueDateTime`. */
export function choiceName(choice: string, type: string): string {
  return choice.slice(0, -3) + type.charAt(0).toUpperCase() + type.slice(1);
}
