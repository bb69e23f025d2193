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
  /** `_` and the name: where the id and the extensions of a primitive stand in JSON. */
  sibling: string;
  /** How a primitive of XML is read. */
  form: 'text' | 'boolean' | 'decimal' | 'integer';
};

/** `attributes` are those of `fields` that XML writes as attributes. */
export type Shape = {
  type: string;
  resource: boolean;
  fields: ReadonlyMap<string, Field>;
  /** Fields that `fieldOf` has found before. */
  found: (Field | undefined)[];
  attributes: readonly Field[];
};

/** A power of two, a few times the fields of a usual type. */
const FOUND = 64;

const FORMS: ReadonlyMap<string, Field['form']> = new Map([
  ['boolean', 'boolean'],
  ['decimal', 'decimal'],
  ['integer', 'integer'],
  ['positiveInt', 'integer'],
  ['unsignedInt', 'integer'],
]);

export class Shapes {
  readonly #definitions: ReadonlyMap<string, Definition>;
  readonly #byNode = new Map<ElementNode, Shape>();
  readonly #below = new Map<Field, Shape>();
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
    let shape = this.#below.get(field);
    if (shape === undefined) {
      shape = this.#find(field);
      this.#below.set(field, shape);
    }
    return shape;
  }

  #find(field: Field): Shape {
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
    const found = new Array<Field | undefined>(FOUND).fill(undefined);
    const shape = { type, resource: this.#definitions.get(type)?.kind === 'resource', fields, attributes, found };
    this.#byNode.set(node, shape);
    return shape;
  }

  *#fieldsOf(node: ElementNode, order: number): Generator<Field> {
    const choice = node.name.endsWith('[x]') ? node.name : undefined;
    const types = node.ref === undefined ? node.types.map((type) => type.code) : ['BackboneElement'];
    for (const type of types) {
      const name = asKey(choice === undefined ? node.name : choiceName(choice, type));
      yield {
        name,
        order,
        list: node.list,
        attribute: node.attribute,
        kind: this.#kindOf(type),
        type,
        choice,
        node,
        sibling: asKey(`_${name}`),
        form: FORMS.get(type) ?? 'text',
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

/** The same text as V8 keeps it for names of members; every other copy is looked up in its table of names at each access by it. */
function asKey(name: string): string {
  return Object.keys({ [name]: true })[0] ?? name;
}

/**
 * As `fields.get`, for names just cut out of a document: a Map has to take the hash of each, which is more than to compare it with the
 * field that was found last for a name of that length, beginning and end.
 */
export function fieldOf(shape: Shape, name: string): Field | undefined {
  const last = name.length - 1;
  const place = (name.charCodeAt(0) + name.charCodeAt(last) * 5 + last * 11) & (FOUND - 1);
  const known = shape.found[place];
  if (known !== undefined && known.name === name) return known;
  const field = shape.fields.get(name);
  if (field !== undefined) shape.found[place] = field;
  return field;
}
