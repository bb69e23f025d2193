// A snapshot as the rows of a table (table-format.ts): what validation and building need, and nothing a person would read.
import type { DefinitionTable, ElementRow, InvariantRow, TypeRow } from '../table-format.ts';
import { conditionsOf } from './conditions.ts';
import type { Snapshots } from './snapshot.ts';
import type { Constraint, DefinitionType, ElementDefinition, StructureDefinition } from './structure.ts';
import { nameOf, nameWith, valueWith } from './structure.ts';
import { nodesOf, type TreeNode } from './tree.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';
const REGEX = 'http://hl7.org/fhir/StructureDefinition/regex';

export function tableOf(definition: StructureDefinition, snapshots: Snapshots): DefinitionTable {
  const root = snapshots.tree(definition.url);
  const invariants: Record<string, InvariantRow> = {};
  const context = definition.context?.map((one) => one.expression);
  const table: DefinitionTable = {
    name: nameOf(definition.url),
    url: definition.url,
    version: definition.version ?? '',
    type: definition.type,
    kind: definition.kind === 'logical' ? 'complex-type' : definition.kind,
    ...(definition.baseDefinition === undefined ? {} : { base: nameOf(definition.baseDefinition) }),
    ...(definition.abstract ? { abstract: true as const } : {}),
    ...(definition.type === 'Extension' && context !== undefined ? { context } : {}),
    ...(definition.kind === 'primitive-type' ? primitiveRegex(root) : {}),
    invariants,
    rows: [],
  };
  const inherited =
    definition.derivation === 'constraint' ? [definition.type] : [nameOf(definition.baseDefinition ?? '')];
  const parents = parentsOf(root);
  for (const [id, node] of nodesOf(root)) {
    // The value of a primitive is no element; its form stands in the table of its type.
    if (node.name === 'value' && node.def.type?.[0]?.code.includes('/') === true) continue;
    const types = id === '' ? inherited : (node.def.type ?? []).map((one) => typeCode(one, node.def));
    const own = ownConstraints(node.def, types, snapshots);
    const rules = own.map((one) => keyFor(one, invariants));
    const general = parents.get(node);
    table.rows.push({
      id,
      ...(id === '' ? valuesOf(node.def) : rowOf(node)),
      ...(rules.length > 0 ? { rules } : {}),
      ...slicingOf(node),
      ...(general === undefined ? {} : { when: conditionsOf(general, node, snapshots) }),
    });
  }
  return table;
}

function primitiveRegex(root: TreeNode): { regex?: string } {
  const value = root.children?.find((one) => one.name === 'value')?.def.type?.[0] as
    | { extension?: { url: string; valueString?: string }[] }
    | undefined;
  const regex = value?.extension?.find((one) => one.url === REGEX)?.valueString;
  return regex === undefined ? {} : { regex };
}

/** Each slice with the element it cuts. */
function parentsOf(root: TreeNode): Map<TreeNode, TreeNode> {
  const found = new Map<TreeNode, TreeNode>();
  for (const [, node] of nodesOf(root)) for (const slice of node.slices) found.set(slice, node);
  return found;
}

function rowOf(node: TreeNode): Partial<ElementRow> {
  const { def } = node;
  const max = def.max === '*' ? '*' : Number(def.max ?? 1);
  const many = def.base !== undefined && def.base.max !== '1' && def.base.max !== '0';
  const types = (def.type ?? []).map((one) => typeRow(one, node));
  return {
    ...(def.min ? { min: def.min } : {}),
    ...(max === 1 ? {} : { max }),
    ...(many && (max === 0 || max === 1) ? { list: true as const } : {}),
    ...(types.length > 0 && def.contentReference === undefined ? { types } : {}),
    ...(def.contentReference === undefined ? {} : { ref: def.contentReference.replace('#', '') }),
    ...(def.representation?.includes('xmlAttr') ? { attribute: true as const } : {}),
    ...valuesOf(def),
    ...(def.binding?.strength === 'required' && def.binding.valueSet !== undefined
      ? { codes: nameOf(def.binding.valueSet) }
      : {}),
    ...(typeof def.maxLength === 'number' ? { maxLength: def.maxLength } : {}),
  };
}

function valuesOf(def: ElementDefinition): Partial<ElementRow> {
  const row: Partial<ElementRow> = {};
  for (const prefix of ['fixed', 'pattern', 'minValue', 'maxValue'] as const) {
    if (nameWith(def, prefix) !== undefined) row[prefix] = valueWith(def, prefix);
  }
  return row;
}

function slicingOf(node: TreeNode): Partial<ElementRow> {
  const slicing = node.def.slicing;
  // Every list of extensions is cut by url in R4; without slices and open it says nothing.
  if (slicing === undefined || (node.slices.length === 0 && slicing.rules === 'open')) return {};
  return { slicing: { rules: slicing.rules, ...(slicing.ordered === true ? { ordered: true as const } : {}) } };
}

function typeRow(type: DefinitionType, node: TreeNode): TypeRow {
  const code = typeCode(type, node.def);
  const profiles = (type.profile ?? []).map(nameOf);
  const targets = (type.targetProfile ?? []).map(nameOf).filter((one) => one !== 'Resource');
  if (profiles.length === 0 && targets.length === 0 && node.of.length === 0) return code;
  return {
    code,
    ...(profiles.length > 0 ? { profiles } : {}),
    ...(node.of.length > 0 ? { of: [...node.of] } : {}),
    ...(targets.length > 0 ? { targets } : {}),
  };
}

function typeCode(type: DefinitionType, def: ElementDefinition): string {
  if (!type.code.includes('/')) return type.code;
  // R4 says string for a resource's id, an erratum of that version: it means id (resource.html#id).
  if (def.base?.path === 'Resource.id') return 'id';
  return type.extension?.find((one) => one.url === FHIR_TYPE)?.valueUrl ?? 'string';
}

/** Without those that every element of the type has anyway; these stand in the type's own table. */
function ownConstraints(def: ElementDefinition, types: readonly string[], snapshots: Snapshots): Constraint[] {
  const known = new Set(['Element', ...types].flatMap((type) => keysOf(type, snapshots)));
  return (def.constraint ?? []).filter(
    (one) => one.expression !== undefined && !known.has(`${one.key} ${one.expression}`),
  );
}

function keysOf(type: string, snapshots: Snapshots): string[] {
  if (type === '') return [];
  const root = snapshots.tree(CORE + type).def;
  return (root.constraint ?? []).map((one) => `${one.key} ${one.expression}`);
}

/** The key, with a number where a definition uses one key for two expressions. */
function keyFor(constraint: Constraint, invariants: Record<string, InvariantRow>): string {
  for (let number = 1; ; number += 1) {
    const key = number === 1 ? constraint.key : `${constraint.key}#${number}`;
    const known = invariants[key];
    if (known === undefined)
      invariants[key] = { severity: constraint.severity, expression: constraint.expression ?? '' };
    if (known === undefined || known.expression === constraint.expression) return key;
  }
}
