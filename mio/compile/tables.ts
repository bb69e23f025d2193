// From packages to the files in mio/tables: the core table of R4, and for one version of the toolkit an index, a table for
// each definition and a file for each value set. The same packages always give the same bytes.
import { type Definition, definitionOf } from '../definition.ts';
import { Shapes } from '../shapes.ts';
import type { DefinitionTable, ElementRow, PackageIndex, ValueSetTable } from '../table-format.ts';
import type { Registry } from './packages.ts';
import { tableOf } from './rows.ts';
import { Snapshots } from './snapshot.ts';
import { nameOf, type StructureDefinition, withoutVersion } from './structure.ts';
import { valueSetTable } from './terminology.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';

/** File name below the folder of the tables: text. `notes` is for the person who compiles. */
export type Compiled = { files: Map<string, string>; notes: string[] };

/** Every type and resource of R4, to read packages with. */
export function allShapes(core: Registry): Shapes {
  const snapshots = new Snapshots((url) => core.structures.get(url));
  const definitions = new Map<string, Definition>();
  for (const definition of core.structures.values()) {
    if (definition.derivation === 'constraint' || definition.kind === 'logical') continue;
    definitions.set(definition.type, definitionOf(tableOf(definition, snapshots)));
  }
  return new Shapes(definitions);
}

/** `main` is the package of the toolkit, `all` it and those it builds on, with FHIR R4. */
export function compileVersion(
  core: Registry,
  given: { name: string; version: string; packages: Record<string, string>; main: Registry; all: Registry },
): Compiled {
  const snapshots = new Snapshots((url) => given.all.structures.get(url));
  const notes: string[] = [];
  const tables = new Map<string, DefinitionTable>();
  const waiting = [...given.main.structures.keys()];
  for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
    const definition = given.all.structures.get(url);
    if (definition === undefined) {
      notes.push(`named and not in the packages: ${url}`);
      continue;
    }
    if (tables.get(nameOf(url))?.url === url || isCore(definition)) continue;
    if (tables.has(nameOf(url))) throw new Error(`two definitions are named ${nameOf(url)}`);
    tables.set(nameOf(url), tableOf(definition, snapshots));
    waiting.push(...mentioned(snapshots, url));
  }
  const files = new Map<string, string>();
  const coreTables = closure(core, new Set([...tables.values()].map((one) => one.type)));
  const coreSets = valueSets(coreTables, new Set(), { all: core, notes });
  const sets = valueSets([...tables.values()], new Set(coreSets.tables.map((one) => one.name)), {
    all: given.all,
    notes,
  });
  const index: PackageIndex = {
    package: given.name,
    version: given.version,
    packages: given.packages,
    definitions: {},
    valueSets: {},
    unchecked: sets.unchecked,
  };
  for (const table of sorted([...tables.values()])) {
    for (const row of table.rows)
      if (row.when?.length === 0) notes.push(`${table.name}: nothing tells slice ${row.id}`);
    index.definitions[table.name] = { url: table.url, version: table.version, type: table.type };
    files.set(`${given.version}/${table.name}.json`, printTable(table));
  }
  for (const set of sets.tables) {
    index.valueSets[set.name] = set.url;
    files.set(`${given.version}/value-sets/${set.name}.json`, `${JSON.stringify(set)}\n`);
  }
  files.set(`${given.version}/index.json`, printIndex(index));
  files.set('r4.json', printCore(coreTables, coreSets.tables));
  return { files, notes: [...notes, ...snapshots.notes] };
}

function isCore(definition: StructureDefinition): boolean {
  return definition.url.startsWith(CORE) && definition.type !== 'Extension';
}

/** Profiles that elements of a definition name: of types, of extensions and of what references point to. */
function mentioned(snapshots: Snapshots, url: string): string[] {
  const found = new Set<string>();
  const visit = (node: ReturnType<Snapshots['tree']>): void => {
    for (const type of node.def.type ?? []) {
      for (const one of [...(type.profile ?? []), ...(type.targetProfile ?? [])]) {
        const canonical = withoutVersion(one);
        if (!canonical.startsWith(CORE) || type.code === 'Extension') found.add(canonical);
      }
    }
    for (const inner of [...(node.children ?? []), ...node.slices]) visit(inner);
  };
  visit(snapshots.tree(url));
  return [...found];
}

/** The tables of these resource types and of every type they are made of. */
function closure(core: Registry, types: ReadonlySet<string>): DefinitionTable[] {
  const snapshots = new Snapshots((url) => core.structures.get(url));
  const tables = new Map<string, DefinitionTable>();
  const waiting = ['Element', 'BackboneElement', 'Resource', 'DomainResource', 'Extension', ...types];
  for (let type = waiting.shift(); type !== undefined; type = waiting.shift()) {
    const definition = core.structures.get(CORE + type);
    if (tables.has(type) || type === 'xhtml') continue;
    if (definition === undefined) throw new Error(`R4 has no type ${type}`);
    const table = tableOf(definition, snapshots);
    tables.set(type, definition.kind === 'primitive-type' ? { ...table, rows: table.rows.slice(0, 1) } : table);
    if (definition.kind !== 'primitive-type' && table.base !== undefined) waiting.push(table.base);
    for (const row of table.rows) {
      for (const one of row.types ?? []) {
        waiting.push(
          typeof one === 'string' ? one : one.code,
          ...(typeof one === 'string' ? [] : (one.profiles ?? [])),
        );
      }
    }
  }
  return sorted([...tables.values()]);
}

type Sets = { tables: ValueSetTable[]; unchecked: Record<string, string> };

function valueSets(
  tables: readonly DefinitionTable[],
  known: ReadonlySet<string>,
  { all, notes }: { all: Registry; notes: string[] },
): Sets {
  const urls = new Map<string, string>();
  for (const url of [...boundIn(all), ...all.valueSets.keys()]) urls.set(nameOf(url), url);
  const names = new Set<string>();
  for (const row of tables.flatMap((one) => one.rows)) {
    if (row.codes !== undefined) names.add(row.codes);
    for (const one of row.when ?? []) if ('in' in one) names.add(one.in);
  }
  const sets: Sets = { tables: [], unchecked: {} };
  for (const name of [...names].filter((one) => !known.has(one)).sort()) {
    const url = urls.get(name) ?? name;
    const table = valueSetTable(url, all, (line) => notes.push(line));
    if (table === undefined) sets.unchecked[name] = url;
    else sets.tables.push(table);
  }
  return sets;
}

/** URLs of value sets that elements are bound to, whether they are in the packages or not. */
function* boundIn(all: Registry): Generator<string> {
  for (const definition of all.structures.values()) {
    for (const { binding } of definition.differential.element) {
      if (binding?.valueSet !== undefined) yield withoutVersion(binding.valueSet);
    }
  }
}

function sorted<T extends { name: string }>(tables: T[]): T[] {
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function printTable(table: DefinitionTable): string {
  const { rows, invariants, ...head } = table;
  return `{${members(head)},\n"invariants":{${lines(invariants)}},\n"rows":[\n${rows.map((row: ElementRow) => JSON.stringify(row)).join(',\n')}\n]}\n`;
}

function printCore(definitions: readonly DefinitionTable[], sets: readonly ValueSetTable[]): string {
  const tables = definitions.map((one) => printTable(one).trimEnd()).join(',\n');
  return `{"fhirVersion":"4.0.1",\n"definitions":[\n${tables}\n],\n"valueSets":[\n${sets.map((one) => JSON.stringify(one)).join(',\n')}\n]}\n`;
}

function printIndex({ definitions, valueSets: sets, unchecked, ...head }: PackageIndex): string {
  const parts = { definitions, valueSets: sets, unchecked };
  const printed = Object.entries(parts).map(([name, one]) => `"${name}":{${lines(one)}}`);
  return `{${members(head)},\n${printed.join(',\n')}}\n`;
}

function members(value: object): string {
  return JSON.stringify(value).slice(1, -1);
}

function lines(value: Record<string, unknown>): string {
  const all = Object.entries(value).map(([key, one]) => `\n${JSON.stringify(key)}:${JSON.stringify(one)}`);
  return all.length === 0 ? '' : `${all.join(',')}\n`;
}
