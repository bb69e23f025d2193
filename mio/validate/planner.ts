// Makes plans (plan.ts) of the tables. A profile's rows are complete, so a node with children is planned from them and one
// without from the table of its type (docs/mio-tables.md).
import type { Definition, ElementNode, ElementType } from '../definition.ts';
import { MioError } from '../error.ts';
import { choiceName } from '../shapes.ts';
import type { ToolkitTables } from '../tables.ts';
import type { ElementPlan, Field, Members, Rule, SlicePlan, Slicing, ValuePlan } from './plan.ts';
import { primitiveCheck } from './primitive.ts';
import { belongs, sliceTypes } from './slice.ts';

/** A node together with the definition whose invariants its rules name. */
type Place = { node: ElementNode; definition: Definition };

export class Planner {
  readonly tables: ToolkitTables;
  readonly #values = new Map<string, ValuePlan>();
  readonly #members = new Map<ElementNode, Members>();

  constructor(tables: ToolkitTables) {
    this.tables = tables;
  }

  /** The whole of a definition: a profile, an extension, a type or resource of R4. MioError MIO_TABLE_BROKEN. */
  ofDefinition(name: string): ValuePlan {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const definition = this.tables.definition(name);
    if (definition === undefined) throw new MioError('MIO_TABLE_BROKEN', `${name} is no definition of the tables`);
    const type = { code: definition.type, profiles: [], targets: [] };
    const plan = this.#value({ node: definition.root, definition }, type);
    this.#values.set(name, plan);
    return plan;
  }

  #value(place: Place, type: ElementType): ValuePlan {
    const { node } = place;
    const kind = this.#kind(type.code);
    const profiles = once(() => type.profiles.map((name) => this.ofDefinition(name)));
    return {
      type: type.code,
      kind,
      form: kind === 'primitive' ? primitiveCheck(type.code, this.#core(type.code).regex) : undefined,
      fixed: node.fixed,
      pattern: node.pattern,
      codes: node.codes === undefined ? undefined : this.tables.valueSet(node.codes),
      maxLength: node.maxLength,
      rules: this.#rules(place, type.code),
      profiles,
      targets: type.code === 'Reference' && type.targets.length > 0 ? new Set(type.targets) : undefined,
      anyExtension: type.code === 'Extension' && node.children.length === 0 && type.profiles.length === 0,
      members: once(() => this.#below(place, type.code)),
    };
  }

  #kind(type: string): ValuePlan['kind'] {
    if (type === 'xhtml') return 'xhtml';
    const definition = this.#core(type);
    if (definition.kind === 'primitive-type') return 'primitive';
    return definition.kind === 'resource' && definition.abstract ? 'resource' : 'complex';
  }

  #core(type: string): Definition {
    const definition = this.tables.core.definitions.get(type);
    if (definition === undefined) throw new MioError('MIO_TABLE_BROKEN', `${type} is no type of R4`);
    return definition;
  }

  #rules(_place: Place, _type: string): readonly Rule[] {
    return [];
  }

  #below(place: Place, type: string): Members {
    const { node } = place;
    if (node.children.length > 0) return this.#membersOf(place);
    if (node.ref !== undefined) return this.#membersOf(this.#referred(node.ref));
    const definition = this.#core(this.#kind(type) === 'primitive' || type === 'xhtml' ? 'Element' : type);
    return this.#membersOf({ node: definition.root, definition });
  }

  #referred(ref: string): Place {
    const [type = '', ...names] = ref.split('.');
    const definition = this.#core(type);
    let node: ElementNode | undefined = definition.root;
    for (const name of names) node = node?.children.find((one) => one.name === name);
    if (node === undefined) throw new MioError('MIO_TABLE_BROKEN', `${ref} does not exist`);
    return { node, definition };
  }

  #membersOf({ node, definition }: Place): Members {
    const known = this.#members.get(node);
    if (known !== undefined) return known;
    const fields = new Map<string, Field>();
    const required: ElementPlan[] = [];
    const choices: ElementPlan[] = [];
    for (const child of node.children) {
      const element = this.#element(child, definition);
      if (element.choice) choices.push(element);
      if (element.min > 0 || element.slicing?.slices.some((slice) => slice.min > 0) === true) required.push(element);
      for (const field of this.#fields({ node: child, definition }, element)) {
        fields.set(field.name, field);
        fields.set(field.sibling, field);
      }
    }
    const members = { resource: definition.kind === 'resource' && node === definition.root, fields, required, choices };
    this.#members.set(node, members);
    return members;
  }

  #element(node: ElementNode, definition: Definition): ElementPlan {
    const choice = node.name.endsWith('[x]');
    // The profile of a resource is chosen by meta.profile itself (profile.ts): what the slice says is judged there.
    const slicing = choice || node.id === 'meta.profile' ? undefined : this.#slicing({ node, definition });
    const min = choice ? Math.max(node.min, ...node.slices.map((one) => one.min)) : node.min;
    const [only, ...others] = node.types;
    const missing = choice && only !== undefined && others.length === 0 ? choiceName(node.name, only.code) : node.name;
    return { name: node.name, choice, missing, min, max: node.max, list: node.list, sibling: `_${node.name}`, slicing };
  }

  #slicing({ node, definition }: Place): Slicing | undefined {
    if (node.slices.length === 0) return undefined;
    return {
      closed: node.slicing?.rules === 'closed',
      ordered: node.slicing?.ordered === true,
      last: node.slicing?.rules === 'openAtEnd',
      slices: node.slices.map((slice) => this.#slice({ node: slice, definition })),
    };
  }

  #slice(place: Place): SlicePlan {
    const { node } = place;
    return {
      name: node.slice ?? '',
      min: node.min,
      max: node.max,
      value: this.#value(place, typeOf(node)),
      belongs: belongs(node.when, this.tables),
      inner: this.#slicing(place),
    };
  }

  *#fields(place: Place, element: ElementPlan): Generator<Field> {
    const { node, definition } = place;
    if (!element.choice) {
      const plan = once(() => this.#value(place, typeOf(node)));
      yield { name: node.name, sibling: element.sibling, element, closed: false, plan };
      return;
    }
    const mustBe = node.slices.some((one) => one.min > 0);
    for (const type of node.types) {
      const slice = node.slices.find((one) => sliceTypes(one.when)?.includes(type.code) === true);
      const name = choiceName(node.name, type.code);
      const isClosed =
        slice === undefined
          ? mustBe || node.slicing?.rules === 'closed'
          : slice.max === 0 || (mustBe && slice.min === 0);
      const plan = once(() =>
        slice === undefined ? this.#value(place, type) : this.#value({ node: slice, definition }, typeOf(slice)),
      );
      yield { name, sibling: `_${name}`, element, closed: isClosed, plan };
    }
  }
}

/** Several entries of one code differ only in what a reference may lead to; each of it is right. */
function typeOf(node: ElementNode): ElementType {
  const [first, ...rest] = node.types;
  if (first === undefined) return { code: 'BackboneElement', profiles: [], targets: [] };
  return rest.length === 0 ? first : { ...first, targets: node.types.flatMap((one) => [...one.targets]) };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
