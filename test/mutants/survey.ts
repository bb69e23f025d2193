// What the tables say about a document, read off them in the plainest way: every element that is there with the row that
// holds for it, and every row that is broken. Written from docs/mio-tables.md alone, without a look at mio/validate: the
// mutants and the validator must not share a mistake. Invariants are judged by fhirpath (invariants.ts), references here.
import type { Definition, ElementNode } from '../../mio/definition.ts';
import { Decimal, type FhirObject, type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { choiceName } from '../../mio/shapes.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { at, type Path, show } from './edit.ts';
import { belongs, contains, inSet, TYPE_NAMES } from './facts.ts';

/** An element that is present. `list` and `slice` rows may both speak about it: `row` is the one that holds. */
export type Site = {
  table: string;
  row: ElementNode;
  /** The row of the list or choice that `row` is a slice of, else `row` itself. */
  whole: ElementNode;
  type: string;
  path: Path;
  value: FhirValue | undefined;
};

/** An object and the rows of what may stand in it. */
export type Holder = { table: string; rows: readonly ElementNode[]; path: Path; value: FhirObject; row: ElementNode };

export type Rule = { table: string; key: string; expression: string; severity: string; path: Path; base: string };

export type Breach = { kind: string; path: string };

/** What an object has of one row of its table, perhaps nothing, and to which of its slices each entry belongs. */
export type Member = {
  table: string;
  row: ElementNode;
  path: Path;
  found: Occurrence[];
  slices: Map<ElementNode, Occurrence[]>;
};

export type Survey = { sites: Site[]; holders: Holder[]; members: Member[]; rules: Rule[]; breaches: Breach[] };

export type Occurrence = { path: Path; value: FhirValue | undefined; type: string; sibling: FhirValue | undefined };

/** Of the whole document, or of the one resource in it at `part`. */
export function survey(document: Resource, tables: ToolkitTables, part: Path = []): Survey {
  return new Surveyor(document, tables, part).result;
}

/** The profile a resource claims, else its type. */
export function definitionFor(resource: FhirObject, tables: ToolkitTables): Definition | undefined {
  const profiles = isObject(resource.meta) && Array.isArray(resource.meta.profile) ? resource.meta.profile : [];
  const claimed = profiles.map((one) => (typeof one === 'string' ? tables.byCanonical(one) : undefined));
  return claimed.find((one) => one?.type === resource.resourceType) ?? tables.definition(String(resource.resourceType));
}

class Surveyor {
  readonly result: Survey = { sites: [], holders: [], members: [], rules: [], breaches: [] };
  readonly #tables: ToolkitTables;
  readonly #root: string;

  constructor(document: Resource, tables: ToolkitTables, part: Path) {
    this.#tables = tables;
    this.#root = document.resourceType;
    const resource = at(document, part);
    if (isObject(resource)) this.#resource(resource, part);
    else this.#broken('resource', part);
  }

  #broken(kind: string, path: Path): void {
    this.result.breaches.push({ kind, path: show(this.#root, path) });
  }

  #resource(value: FhirObject, path: Path): void {
    const definition = definitionFor(value, this.#tables);
    if (definition === undefined) {
      this.#broken('resource', path);
      return;
    }
    if (!definition.url.includes('KBV_PR_MIO_DIGA_')) this.#broken('profile', [...path, 'meta', 'profile']);
    this.#rulesOf(definition.name, definition.root.rules, path, definition.type);
    if (definition.name !== definition.type) this.#typeRules(definition.type, path);
    else if (definition.base !== undefined) this.#typeRules(definition.base, path);
    this.#object(definition.name, definition.root, { rows: definition.root.children, path, value });
  }

  #rulesOf(table: string, keys: readonly string[], path: Path, base: string): void {
    for (const key of keys) {
      const row = this.#tables.definition(table)?.invariants[key];
      if (row !== undefined) this.result.rules.push({ table, key, ...row, path, base });
    }
  }

  /** The invariants of the type and of what it derives from. */
  #typeRules(type: string, path: Path): void {
    for (let one = this.#tables.core.definitions.get(type); one !== undefined; ) {
      this.#rulesOf(one.name, one.root.rules, path, one.type);
      one = one.base === undefined ? undefined : this.#tables.core.definitions.get(one.base);
    }
  }

  #object(
    table: string,
    row: ElementNode,
    { rows, path, value }: { rows: readonly ElementNode[]; path: Path; value: FhirObject },
  ): void {
    this.result.holders.push({ table, rows, path, value, row });
    const claimed = new Set(['resourceType']);
    for (const child of rows) this.#member(table, child, { path, value, claimed });
    for (const name of Object.keys(value)) {
      if (!claimed.has(name.replace(/^_/, ''))) this.#broken('unknown', [...path, name]);
    }
  }

  #member(
    table: string,
    child: ElementNode,
    { path, value, claimed }: { path: Path; value: FhirObject; claimed: Set<string> },
  ): void {
    const names: [name: string, type: string][] = child.name.endsWith('[x]')
      ? choicesIn(value, child.name.slice(0, -3))
      : [[child.name, child.types[0]?.code ?? 'BackboneElement']];
    const found: Occurrence[] = [];
    for (const [name, type] of names) {
      if (value[name] === undefined && value[`_${name}`] === undefined) continue;
      claimed.add(name);
      if (value[name] === null) this.#broken('json', [...path, name]);
      const isList = Array.isArray(value[name] ?? value[`_${name}`]);
      if (isList !== child.list) this.#broken('list', [...path, name]);
      else if (isList) found.push(...itemsOf(value, name, { path, type }));
      else found.push({ path: [...path, name], value: value[name], type, sibling: value[`_${name}`] });
    }
    const place = [...path, child.name];
    if (found.length < child.min) this.#broken('min', place);
    if (found.length > child.max) this.#broken('max', found[child.max]?.path ?? place);
    const slices = allSlices(child);
    const counts = new Map<ElementNode, Occurrence[]>(slices.map((slice) => [slice, []]));
    for (const one of found) {
      const slice = slices.find((each) => belongs(one.value, one.type, { slice: each, tables: this.#tables }));
      if (slice !== undefined) counts.get(slice)?.push(one);
      else if (child.slicing?.rules === 'closed') this.#broken('closed', one.path);
      this.#occurrence(table, slice ?? child, { whole: child, one });
    }
    this.result.members.push({ table, row: child, path, found, slices: counts });
    for (const [slice, members] of counts) {
      if (members.length < slice.min) this.#broken('slice-min', place);
      if (members.length > slice.max) this.#broken('slice-max', members[slice.max]?.path ?? place);
    }
  }

  #occurrence(table: string, row: ElementNode, { whole, one }: { whole: ElementNode; one: Occurrence }): void {
    const { path, value, type, sibling } = one;
    this.result.sites.push({ table, row, whole, type, path, value });
    const allowed = row.types.find((each) => each.code === type);
    if (row.ref === undefined && allowed === undefined) {
      this.#broken('type', path);
      return;
    }
    if (row.fixed !== undefined && !contains(value, row.fixed, true)) this.#broken('fixed', path);
    if (row.pattern !== undefined && !contains(value, row.pattern, false)) this.#broken('pattern', path);
    if (row.codes !== undefined && !inSet(value, this.#tables.valueSet(row.codes))) this.#broken('binding', path);
    if (row.rules.length > 0) this.#rulesOf(table, row.rules, path, ruleBase(table, row, this.#tables));
    if (row.ref === undefined) this.#typeRules(type, path);
    const definition = this.#tables.core.definitions.get(type);
    if (type === 'xhtml') return;
    if (definition?.kind === 'primitive-type') {
      if (value === null && sibling === undefined) this.#broken('json', path);
      else if (value !== undefined && value !== null && !lexical(value, type, definition.regex))
        this.#broken('lexical', path);
      if (isObject(sibling)) this.#sibling(table, row, { path, sibling });
      else if (sibling !== undefined) this.#broken('json', path);
      return;
    }
    if (sibling !== undefined) this.#broken('unknown', path);
    if (!isObject(value)) {
      this.#broken('json', path);
      return;
    }
    if (Object.keys(value).length === 0) this.#broken('empty', path);
    if (type === 'Resource' || definition?.kind === 'resource') {
      this.#resource(value, path);
      return;
    }
    this.#complex(table, row, { type, path, value });
    this.#profiled(allowed?.profiles ?? [], path, value);
  }

  #complex(table: string, row: ElementNode, { type, path, value }: { type: string; path: Path; value: FhirObject }) {
    if (row.children.length > 0) {
      this.#object(table, row, { rows: row.children, path, value });
      return;
    }
    const known = type === 'Extension' ? this.#tables.byCanonical(String(value.url)) : undefined;
    if (known !== undefined) {
      this.#rulesOf(known.name, known.root.rules, path, known.type);
      this.#object(known.name, known.root, { rows: known.root.children, path, value });
      return;
    }
    if (row.ref !== undefined) {
      const { core, node } = resolveRef(row.ref, this.#tables);
      this.#rulesOf(core, node.rules, path, row.ref);
      this.#object(core, node, { rows: node.children, path, value });
      return;
    }
    const root = this.#tables.core.definitions.get(type)?.root;
    if (root !== undefined) this.#object(type, root, { rows: root.children, path, value });
  }

  /** The value must satisfy one of these tables too. */
  #profiled(profiles: readonly string[], path: Path, value: FhirObject): void {
    const named = profiles.map((one) => this.#tables.definition(one)).filter((one) => one !== undefined);
    const before = this.result.breaches.length;
    for (const definition of named) {
      const start = this.result.breaches.length;
      this.#object(definition.name, definition.root, { rows: definition.root.children, path, value });
      this.#rulesOf(definition.name, definition.root.rules, path, definition.type);
      if (this.result.breaches.length === start) {
        this.result.breaches.length = before;
        return;
      }
    }
  }

  #sibling(table: string, row: ElementNode, { path, sibling }: { path: Path; sibling: FhirObject }): void {
    const element = this.#tables.core.definitions.get('Element');
    const own = row.children.filter((child) => child.name === 'extension' || child.name === 'id');
    const rows = own.length > 0 ? own : (element?.root.children ?? []);
    const last = path.at(-1);
    const below =
      typeof last === 'number' ? [...path.slice(0, -2), `_${path.at(-2)}`, last] : [...path.slice(0, -1), `_${last}`];
    if (Object.keys(sibling).length === 0) this.#broken('empty', path);
    this.#object(own.length > 0 ? table : 'Element', row, { rows, path: below, value: sibling });
  }
}

const CHOICES = new Map(TYPE_NAMES.map((type) => [choiceName('[x]', type), type]));

/** What an object has of a choice, whatever the type. */
function choicesIn(object: FhirObject, stem: string): [name: string, type: string][] {
  const names = new Set(Object.keys(object).map((name) => name.replace(/^_/, '')));
  return [...names].flatMap((name): [string, string][] => {
    const type = name.startsWith(stem) ? CHOICES.get(name.slice(stem.length)) : undefined;
    return type === undefined ? [] : [[name, type]];
  });
}

function itemsOf(object: FhirObject, name: string, { path, type }: { path: Path; type: string }): Occurrence[] {
  const values = Array.isArray(object[name]) ? object[name] : [];
  const siblings = Array.isArray(object[`_${name}`]) ? (object[`_${name}`] as FhirValue[]) : [];
  return Array.from({ length: Math.max(values.length, siblings.length) }, (_, index) => ({
    path: [...path, name, index],
    value: values[index],
    type,
    sibling: siblings[index] ?? undefined,
  }));
}

const slicesOf = new WeakMap<ElementNode, readonly ElementNode[]>();

function allSlices(node: ElementNode): readonly ElementNode[] {
  const known = slicesOf.get(node) ?? node.slices.flatMap((slice) => [...allSlices(slice), slice]);
  slicesOf.set(node, known);
  return known;
}

export function resolveRef(ref: string, tables: ToolkitTables): { core: string; node: ElementNode } {
  const [core = '', ...names] = ref.split('.');
  let node = tables.core.definitions.get(core)?.root;
  for (const name of names) node = node?.children.find((one) => one.name === name);
  if (node === undefined) throw new Error(`${ref} does not exist`);
  return { core, node };
}

/** Where fhirpath is to think the element stands: `Observation.referenceRange`. */
function ruleBase(table: string, row: ElementNode, tables: ToolkitTables): string {
  const type = tables.definition(table)?.type ?? table;
  const id = row.id
    .split('.')
    .map((one) => one.replace(/:.*/, '').replace('[x]', ''))
    .join('.');
  return id === '' ? type : `${type}.${id}`;
}

const NUMBERS = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);

function lexical(value: FhirValue, type: string, regex: string | undefined): boolean {
  if (type === 'boolean') return typeof value === 'boolean';
  if (NUMBERS.has(type)) {
    if (typeof value !== 'number' && !(value instanceof Decimal)) return false;
  } else if (typeof value !== 'string' || value === '') return false;
  return regex === undefined || patternOf(regex).test(String(value));
}

const patterns = new Map<string, RegExp>();

function patternOf(regex: string): RegExp {
  const known = patterns.get(regex) ?? new RegExp(`^(?:${regex})$`, 'u');
  patterns.set(regex, known);
  return known;
}
