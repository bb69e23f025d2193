// The codes of one version of the toolkit, out of its tables: closed lists for the schema, displays and versions for the
// builder, and what a profile says in fixed values and patterns. Nothing here is typed by hand.
import type { Definition, ElementNode } from '../definition.ts';
import { type FhirObject, type FhirValue, isObject } from '../model.ts';
import type { ToolkitTables, ValueSet } from '../tables.ts';
import { knownName, systemVersion } from './systems.ts';

const lists = new WeakMap<ToolkitTables, CodeLists>();

/** One for each version, made when first asked for. */
export function codeListsOf(tables: ToolkitTables): CodeLists {
  const known = lists.get(tables) ?? new CodeLists(tables);
  lists.set(tables, known);
  return known;
}

export class CodeLists {
  readonly tables: ToolkitTables;
  #displays: Map<string, string> | undefined;
  readonly #elements = new Map<string, ElementNode>();
  readonly #fixed = new Map<string, FhirValue | undefined>();

  constructor(tables: ToolkitTables) {
    this.tables = tables;
  }

  valueSet(name: string): ValueSet {
    const found = this.tables.valueSet(name);
    if (found === undefined) throw new TypeError(`the tables have no value set ${name}`);
    return found;
  }

  /** Codes in the order of the packages; undefined where none can be listed, as with any code of a system, or thousands. */
  codes(name: string): string[] | undefined {
    const all = this.valueSet(name).lists.map((list) => list.codes);
    if (all.some((codes) => codes === undefined || codes.size > MAX_CHOICE)) return undefined;
    return [...new Set(all.flatMap((codes) => [...(codes?.keys() ?? [])]))];
  }

  /** System, version, code and display of a code of that list; version only where it is known. */
  coding(name: string, code: string, display?: string): FhirObject {
    const list = this.valueSet(name).lists.find((one) => one.codes === undefined || one.codes.has(code));
    if (list === undefined) throw new TypeError(`${name} does not have the code`);
    const version = list.version ?? systemVersion(list.system);
    return {
      system: list.system,
      ...(version === undefined ? {} : { version }),
      code,
      display: display ?? this.display(list.system, code) ?? code,
    };
  }

  /** What any of the toolkit's lists or our own few names call the code. */
  display(system: string, code: string): string | undefined {
    return knownName(system, code) ?? this.#allDisplays().get(`${system} ${code}`);
  }

  #allDisplays(): Map<string, string> {
    if (this.#displays !== undefined) return this.#displays;
    const displays = new Map<string, string>();
    const names = [...Object.keys(this.tables.index.valueSets), ...this.tables.core.valueSets.keys()];
    for (const { lists: all } of names.map((name) => this.valueSet(name))) {
      for (const { system, codes } of all) {
        for (const [code, display] of codes ?? []) {
          if (display !== '' && !displays.has(`${system} ${code}`)) displays.set(`${system} ${code}`, display);
        }
      }
    }
    this.#displays = displays;
    return displays;
  }

  profile(name: string): Definition {
    const found = this.tables.definition(name);
    if (found === undefined) throw new TypeError(`the tables have no profile ${name}`);
    return found;
  }

  /** The element with that id, `code.coding:loinc`; a TypeError when the profile has none. */
  element(profile: string, id: string): ElementNode {
    const key = `${profile} ${id}`;
    const found = this.#elements.get(key) ?? find(this.profile(profile).root, id);
    if (found !== undefined) this.#elements.set(key, found);
    else throw new TypeError(`${profile} has no element ${id}`);
    return found;
  }

  /** All that the profile fixes at and below the element: a complete value where it leaves no choice. Not to be changed. */
  fixed(profile: string, id: string): FhirValue | undefined {
    const key = `${profile} ${id}`;
    if (!this.#fixed.has(key)) this.#fixed.set(key, fixedOf(this.element(profile, id)));
    return this.#fixed.get(key);
  }
}

/** Longer lists are looked up, not enumerated. */
const MAX_CHOICE = 500;

function find(node: ElementNode, id: string): ElementNode | undefined {
  if (node.id === id) return node;
  for (const below of [...node.children, ...node.slices]) {
    if (id === below.id) return below;
    const rest = id.slice(below.id.length);
    if (id.startsWith(below.id) && /^[.:/]/.test(rest)) {
      const found = find(below, id);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function fixedOf(node: ElementNode): FhirValue | undefined {
  const own = node.fixed ?? node.pattern;
  const members: FhirObject = {};
  for (const child of node.children) {
    if (child.name.endsWith('[x]') || child.attribute) continue;
    const slices = child.slices.filter((slice) => slice.min > 0).map(fixedOf);
    const value = slices.length > 0 ? slices.filter((one) => one !== undefined) : fixedOf(child);
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    members[child.name] = child.list && !Array.isArray(value) ? [value] : value;
  }
  return Object.keys(members).length === 0 ? own : united(members, own);
}

/** What the elements below fix and the pattern above them, which wins; entries that no system tells apart are one. */
function united(below: FhirValue, pattern: FhirValue | undefined): FhirValue {
  if (isObject(below) && isObject(pattern)) {
    const all: FhirObject = { ...below };
    for (const [name, value] of Object.entries(pattern)) all[name] = united(below[name] ?? value ?? null, value);
    return all;
  }
  if (Array.isArray(below) && Array.isArray(pattern)) {
    const rest = [...pattern];
    const met = below.map((one) => {
      const place = rest.findIndex(
        (other) => isObject(one) && isObject(other) && (one.system ?? other.system) === (other.system ?? one.system),
      );
      return place === -1 ? one : united(one, rest.splice(place, 1)[0]);
    });
    return [...met, ...rest];
  }
  return pattern ?? below;
}
