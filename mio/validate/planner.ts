// Makes plans (plan.ts) of the tables. A profile's rows are complete, so a node with children is planned from them and one
// without from the table of its type (docs/mio-tables.md).
import type { Definition, ElementNode, ElementType } from '../definition.ts';
import { MioError } from '../error.ts';
import { isObject } from '../model.ts';
import { choiceName, type Shape } from '../shapes.ts';
import type { Condition } from '../table-format.ts';
import type { ToolkitTables } from '../tables.ts';
import { Invariants } from './invariant.ts';
import type { ElementPlan, Field, Members, Rule, SlicePlan, Slicing, ValuePlan } from './plan.ts';
import { primitiveCheck } from './primitive.ts';
import { belongs, sliceTypes } from './slice.ts';

/**
 * A node together with the definition whose invariants its rules name, and what R4 has below it: undefined for primitives
 * and for resources of any type.
 */
type Place = { node: ElementNode; definition: Definition; shape: Shape | undefined };

export class Planner {
  readonly tables: ToolkitTables;
  readonly #values = new Map<string, ValuePlan>();
  readonly #members = new Map<ElementNode, Members>();
  readonly #invariants: Invariants;

  constructor(tables: ToolkitTables) {
    this.tables = tables;
    this.#invariants = new Invariants(tables.core.shapes, tables.core.definitions);
  }

  /** The whole of a definition: a profile, an extension, a type or resource of R4. MioError MIO_TABLE_BROKEN. */
  ofDefinition(name: string): ValuePlan {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const definition = this.tables.definition(name);
    if (definition === undefined) throw new MioError('MIO_TABLE_BROKEN', `${name} is no definition of the tables`);
    const type = { code: definition.type, profiles: [], targets: [] };
    const plan = this.#value({ node: definition.root, definition, shape: this.#shapeOf(definition.type) }, type);
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
      unit: this.#isQuantity(type.code) && !namesUnit(node),
      anyExtension: type.code === 'Extension' && node.children.length === 0 && type.profiles.length === 0,
      members: once(() => this.#below(place, type.code)),
    };
  }

  /** `name` is that in JSON. */
  #child({ node, definition, shape }: Place, type: ElementType, name: string): ValuePlan {
    const field = shape?.fields.get(name);
    const isPlain = field?.kind === 'complex' || field?.kind === 'primitive';
    return this.#value({ node, definition, shape: isPlain ? this.tables.core.shapes.below(field) : undefined }, type);
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

  /** Its own rules and those of its type and of what that derives from, each key once. */
  #rules({ node, definition, shape }: Place, type: string): readonly Rule[] {
    const rules = new Map<string, Rule>();
    const add = (keys: readonly string[], from: Definition) => {
      for (const key of keys) {
        const row = from.invariants[key];
        const rule = row && this.#invariants.rule(key, row, { type, shape });
        if (rule !== undefined && !rules.has(`${rule.key} ${row?.expression}`))
          rules.set(`${rule.key} ${row?.expression}`, rule);
      }
    };
    add(node.rules, definition);
    if (node.ref !== undefined) {
      const referred = this.#referred(node.ref);
      add(referred.node.rules, referred.definition);
    }
    for (let base = this.tables.core.definitions.get(type); base !== undefined; base = this.#baseOf(base)) {
      add(base.root.rules, base);
    }
    return [...rules.values()];
  }

  #isQuantity(type: string): boolean {
    return type === 'Quantity' || this.tables.core.definitions.get(type)?.base === 'Quantity';
  }

  #baseOf({ base }: Definition): Definition | undefined {
    return base === undefined ? undefined : this.tables.core.definitions.get(base);
  }

  /** Undefined where the value itself says what it is. */
  #shapeOf(type: string): Shape | undefined {
    return this.#kind(type) === 'complex' ? this.tables.core.shapes.ofType(type) : undefined;
  }

  #below(place: Place, type: string): Members {
    const { node } = place;
    if (node.children.length > 0) return this.#membersOf(place);
    if (node.ref !== undefined) return this.#membersOf(this.#referred(node.ref));
    const definition = this.#core(this.#kind(type) === 'primitive' || type === 'xhtml' ? 'Element' : type);
    return this.#membersOf({
      node: definition.root,
      definition,
      shape: this.tables.core.shapes.ofType(definition.name),
    });
  }

  #referred(ref: string): Place {
    const [type = '', ...names] = ref.split('.');
    const definition = this.#core(type);
    let node: ElementNode | undefined = definition.root;
    for (const name of names) node = node?.children.find((one) => one.name === name);
    if (node === undefined) throw new MioError('MIO_TABLE_BROKEN', `${ref} does not exist`);
    return { node, definition, shape: this.tables.core.shapes.ofReference(ref) };
  }

  #membersOf({ node, definition, shape }: Place): Members {
    const known = this.#members.get(node);
    if (known !== undefined) return known;
    const fields = new Map<string, Field>();
    const required: ElementPlan[] = [];
    const choices: ElementPlan[] = [];
    for (const child of node.children) {
      const place = { node: child, definition, shape };
      const element = this.#element(place);
      if (element.choice) choices.push(element);
      if (element.min > 0 || element.slicing?.slices.some((slice) => slice.min > 0) === true) required.push(element);
      for (const field of this.#fields(place, element)) {
        fields.set(field.name, field);
        fields.set(field.sibling, field);
      }
    }
    const members = { resource: definition.kind === 'resource' && node === definition.root, fields, required, choices };
    this.#members.set(node, members);
    return members;
  }

  /** Of a child: `shape` is that of the element above, here and in what follows. */
  #element(place: Place): ElementPlan {
    const { node } = place;
    const choice = node.name.endsWith('[x]');
    // The profile of a resource is chosen by meta.profile itself (profile.ts): what the slice says is judged there.
    const slicing = choice || node.id === 'meta.profile' ? undefined : this.#slicing(place);
    const min = choice ? Math.max(node.min, ...node.slices.map((one) => one.min)) : node.min;
    const [only, ...others] = node.types;
    const missing = choice && only !== undefined && others.length === 0 ? choiceName(node.name, only.code) : node.name;
    return { name: node.name, choice, missing, min, max: node.max, list: node.list, sibling: `_${node.name}`, slicing };
  }

  #slicing({ node, ...above }: Place): Slicing | undefined {
    if (node.slices.length === 0) return undefined;
    return {
      closed: node.slicing?.rules === 'closed',
      ordered: node.slicing?.ordered === true,
      last: node.slicing?.rules === 'openAtEnd',
      slices: node.slices.map((slice) => this.#slice({ node: slice, ...above })),
    };
  }

  #slice(place: Place): SlicePlan {
    const { node } = place;
    return {
      name: node.slice ?? '',
      min: node.min,
      max: node.max,
      plan: once(() => this.#child(place, typeOf(node), node.name)),
      belongs: belongs(this.#conditions(node), this.tables),
      conditions: node.when.length,
      inner: this.#slicing(place),
    };
  }

  /** A value set that no package has (index.unchecked) is told by the system that the slice demands. */
  #conditions(node: ElementNode): readonly Condition[] {
    const system = node.children.find((one) => one.name === 'system');
    const is = system?.fixed ?? system?.pattern;
    return node.when.map((one) =>
      'in' in one && is !== undefined && this.tables.valueSet(one.in) === undefined ? { at: 'system', is } : one,
    );
  }

  /** One field for each type of the element. */
  *#fields(place: Place, element: ElementPlan): Generator<Field> {
    const { node, ...above } = place;
    if (!element.choice) {
      const plan = once(() => this.#child(place, typeOf(node), node.name));
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
        slice === undefined
          ? this.#child(place, type, name)
          : this.#child({ node: slice, ...above }, typeOf(slice), name),
      );
      yield { name, sibling: `_${name}`, element, closed: isClosed, plan };
    }
  }
}

/** The profile itself says which codes may stand there: another one is told as that. */
function namesUnit({ codes, fixed, pattern, children }: ElementNode): boolean {
  if ([codes, fixed, isObject(pattern) ? pattern.code : undefined].some((one) => one !== undefined)) return true;
  const code = children.find(({ name }) => name === 'code');
  return code !== undefined && [code.codes, code.fixed, code.pattern].some((one) => one !== undefined);
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
