// A table (table-format.ts) as a tree: elements with their children and slices, ready to walk beside a resource.
import { MioError } from './error.ts';
import type { FhirValue } from './model.ts';
import type { Condition, DefinitionTable, ElementRow, InvariantRow, TypeRow } from './table-format.ts';

export type ElementType = { code: string; profiles: readonly string[]; targets: readonly string[] };

/** One element. Without `children` the table of its type (or of `ref`) says what is below. */
export type ElementNode = {
  /** Name in the schema: `code`, `value[x]`. */
  name: string;
  slice: string | undefined;
  id: string;
  min: number;
  /** Infinity for no limit. */
  max: number;
  /** An array in JSON. */
  list: boolean;
  types: readonly ElementType[];
  ref: string | undefined;
  attribute: boolean;
  fixed: FhirValue | undefined;
  pattern: FhirValue | undefined;
  codes: string | undefined;
  maxLength: number | undefined;
  minValue: FhirValue | undefined;
  maxValue: FhirValue | undefined;
  rules: readonly string[];
  slicing: { rules: 'open' | 'closed' | 'openAtEnd'; ordered: boolean } | undefined;
  when: readonly Condition[];
  slices: ElementNode[];
  children: ElementNode[];
};

export type Definition = {
  name: string;
  url: string;
  version: string;
  type: string;
  kind: DefinitionTable['kind'];
  base: string | undefined;
  abstract: boolean;
  context: readonly string[];
  regex: string | undefined;
  invariants: Readonly<Record<string, InvariantRow>>;
  root: ElementNode;
};

export function definitionOf(table: DefinitionTable): Definition {
  const root = nodeOf(table.rows[0] ?? { id: '' }, table.type, undefined);
  const byId = new Map<string, ElementNode>([['', root]]);
  for (const row of table.rows.slice(1)) {
    const { parent, name, slice } = splitId(row.id);
    const node = nodeOf(row, name, slice);
    const above = byId.get(slice === undefined ? parent : join(parent, withoutSlice(name, slice)));
    if (above === undefined)
      throw new MioError('MIO_TABLE_BROKEN', `${table.name}: row ${row.id} has nothing above it`);
    (slice === undefined ? above.children : above.slices).push(node);
    byId.set(row.id, node);
  }
  return {
    name: table.name,
    url: table.url,
    version: table.version,
    type: table.type,
    kind: table.kind,
    base: table.base,
    abstract: table.abstract === true,
    context: table.context ?? [],
    regex: table.regex,
    invariants: table.invariants,
    root,
  };
}

/** `name:a/b` is a slice of the slice `name:a`. */
function withoutSlice(name: string, slice: string): string {
  const cut = slice.lastIndexOf('/');
  return cut === -1 ? name : `${name}:${slice.slice(0, cut)}`;
}

function join(parent: string, last: string): string {
  return parent === '' ? last : `${parent}.${last}`;
}

function splitId(id: string): { parent: string; name: string; slice: string | undefined } {
  const dot = id.lastIndexOf('.');
  const last = id.slice(dot + 1);
  const colon = last.indexOf(':');
  return {
    parent: dot === -1 ? '' : id.slice(0, dot),
    name: colon === -1 ? last : last.slice(0, colon),
    slice: colon === -1 ? undefined : last.slice(colon + 1),
  };
}

function nodeOf(row: ElementRow, name: string, slice: string | undefined): ElementNode {
  const max = row.max ?? 1;
  return {
    name,
    slice,
    id: row.id,
    min: row.min ?? 0,
    max: max === '*' ? Number.POSITIVE_INFINITY : max,
    list: row.list === true || max === '*' || max > 1,
    types: (row.types ?? []).map(typeOf),
    ref: row.ref,
    attribute: row.attribute === true,
    fixed: row.fixed,
    pattern: row.pattern,
    codes: row.codes,
    maxLength: row.maxLength,
    minValue: row.minValue,
    maxValue: row.maxValue,
    rules: row.rules ?? [],
    slicing: row.slicing && { rules: row.slicing.rules, ordered: row.slicing.ordered === true },
    when: row.when ?? [],
    slices: [],
    children: [],
  };
}

function typeOf(row: TypeRow): ElementType {
  if (typeof row === 'string') return { code: row, profiles: [], targets: [] };
  return { code: row.code, profiles: row.profiles ?? [], targets: row.targets ?? [] };
}
