// Differential to snapshot (hl7.org/fhir/R4/profiling.html): the base's tree, then each element of the differential merged
// into it in order. Where a differential walks below an element, its type's elements are copied there, from the profile
// that the type names where it names one. Nothing is ever loosened: what a base demands stays demanded.
import { choiceName } from '../shapes.ts';
import type { DefinitionType, ElementDefinition, StructureDefinition } from './structure.ts';
import { nameOf, nameWith, withoutVersion } from './structure.ts';
import { cloneNode, splitSegment, type TreeNode, treeOf, unitedPattern } from './tree.ts';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const COPIED = ['min', 'max', 'slicing', 'maxLength', 'contentReference'] as const;

export class Snapshots {
  /** What a person should look at: contradictions between a profile and its base. */
  readonly notes: string[] = [];
  readonly #find: (canonical: string) => StructureDefinition | undefined;
  readonly #trees = new Map<string, TreeNode>();
  #building = '';

  constructor(find: (canonical: string) => StructureDefinition | undefined) {
    this.#find = find;
  }

  /** The whole tree of a definition; not to be changed by the caller. `canonical` may name the version that is expected. */
  tree(canonical: string): TreeNode {
    const url = withoutVersion(canonical);
    const known = this.#trees.get(url);
    if (known !== undefined) return known;
    const definition = this.#find(url);
    if (definition === undefined) throw new Error(`${canonical} is in none of the packages`);
    const wanted = canonical.slice(url.length + 1);
    if (wanted !== '' && wanted !== definition.version) throw new Error(`${canonical}: found ${definition.version}`);
    const tree = this.#build(definition);
    this.#trees.set(url, tree);
    return tree;
  }

  #build(definition: StructureDefinition): TreeNode {
    if (definition.derivation !== 'constraint') return treeOf(definition.snapshot?.element ?? []);
    const root = cloneNode(this.tree(definition.baseDefinition ?? ''));
    const outer = this.#building;
    this.#building = definition.name;
    for (const element of definition.differential.element) {
      this.#apply(root, segmentsOf(element), element, false);
    }
    this.#building = outer;
    const url = definition.type === 'Extension' ? this.expand(root).find((one) => one.name === 'url') : undefined;
    if (url !== undefined && nameWith(url.def, 'fixed') === undefined) url.def.fixedUri = definition.url;
    return root;
  }

  /** `pushed`: the differential speaks of the list as a whole, and this is one of its slices. */
  #apply(node: TreeNode, segments: string[], element: ElementDefinition, pushed: boolean): void {
    const [segment, ...rest] = segments;
    if (segment === undefined) {
      this.#merge(node, element, pushed);
      return;
    }
    const child = this.#descend(node, segment, { optional: pushed, last: rest.length === 0 });
    if (child === undefined) return;
    this.#apply(child, rest, element, pushed);
    if (rest.length > 0) for (const slice of child.slices) this.#apply(slice, rest, element, true);
  }

  #descend(node: TreeNode, segment: string, how: { optional: boolean; last: boolean }): TreeNode | undefined {
    const { name, slice } = splitSegment(segment);
    const children = this.expand(node);
    const exact = children.find((one) => one.name === name);
    if (exact !== undefined && slice === undefined) return exact;
    if (exact !== undefined && slice !== undefined) return this.#slice(exact, slice, how.last);
    const choice = children.find((one) => one.name.endsWith('[x]') && name.startsWith(one.name.slice(0, -3)));
    if (choice !== undefined) return this.#slice(choice, name, how.last);
    if (how.optional) return undefined;
    throw new Error(`${this.#building}: no element ${segment} in ${node.def.path}`);
  }

  #slice(general: TreeNode, name: string, last: boolean): TreeNode {
    const known = general.slices.find((one) => one.slice === name);
    if (known !== undefined) return known;
    if (!last && !general.name.endsWith('[x]')) {
      // No element of the differential introduces this slice: its name is a leftover in the ids, the paths have none.
      this.#note(general, `the slice ${name} is named below and never made`);
      return general;
    }
    const slice = { ...cloneNode(general), slice: name, slices: [] };
    delete slice.def.slicing;
    slice.def.sliceName = name;
    slice.def.min = 0;
    if (general.name.endsWith('[x]')) {
      general.def.slicing ??= { discriminator: [{ type: 'type', path: '$this' }], rules: 'open' };
      const types = general.def.type ?? [];
      const type = types.find((one) => choiceName(general.name, one.code) === name);
      if (type !== undefined) slice.def.type = [structuredClone(type)];
      if (type !== undefined && types.length > 1) slice.children = undefined;
    } else if (general.def.slicing === undefined) {
      throw new Error(`${this.#building}: ${general.def.path} has the slice ${name} and no slicing`);
    }
    general.slices.push(slice);
    return slice;
  }

  /** The elements below, copied from the type where no differential has been yet. */
  expand(node: TreeNode): TreeNode[] {
    if (node.children !== undefined) return node.children;
    const source = this.#source(node);
    node.children = source?.children?.map(cloneNode) ?? [];
    return node.children;
  }

  #source(node: TreeNode): TreeNode | undefined {
    if (node.def.contentReference !== undefined) return this.#referenced(node.def.contentReference);
    const types = node.def.type ?? [];
    const [type] = types;
    if (type === undefined || types.length > 1) return this.tree(`${CORE}Element`);
    if (type.code.includes('/')) return undefined;
    const profiles = type.profile ?? [];
    if (profiles.length > 1) throw new Error(`${this.#building}: ${node.def.path} below a choice of profiles`);
    const [profile] = profiles;
    if (profile === undefined) return this.tree(CORE + type.code);
    const tree = this.tree(profile);
    node.of.push(nameOf(profile));
    delete type.profile;
    this.#addConstraints(node.def, tree.def);
    this.#addValues(node, tree.def, true);
    return tree;
  }

  #referenced(reference: string): TreeNode {
    const [type = '', ...names] = reference.replace('#', '').split('.');
    let node = this.tree(CORE + type);
    for (const name of names) {
      const next = node.children?.find((one) => one.name === name);
      if (next === undefined) throw new Error(`${reference} does not exist`);
      node = next;
    }
    return node;
  }

  #merge(node: TreeNode, element: ElementDefinition, pushed: boolean): void {
    const before = structuredClone(node.def);
    for (const name of COPIED)
      if (element[name] !== undefined) node.def[name] = structuredClone(element[name]) as never;
    if (pushed) {
      node.def.min = Math.max(before.min ?? 0, node.def.min ?? 0);
      node.def.max = lower(before.max, node.def.max);
    } else if ((node.def.min ?? 0) < (before.min ?? 0)) {
      this.#note(node, `min ${before.min} loosened to ${node.def.min}`);
      node.def.min = before.min;
    }
    if (before.max !== undefined && lower(before.max, node.def.max) !== node.def.max) {
      this.#note(node, `max ${before.max} loosened to ${node.def.max}`);
      node.def.max = before.max;
    }
    // A binding may name only what changes, its strength or its value set.
    if (element.binding !== undefined) node.def.binding = { ...node.def.binding, ...structuredClone(element.binding) };
    if (element.type !== undefined) this.#setType(node, element);
    this.#addConstraints(node.def, element);
    this.#addValues(node, element, false);
  }

  #setType(node: TreeNode, element: ElementDefinition): void {
    const codes = (def: ElementDefinition) => (def.type ?? []).map((one) => one.code).join();
    const changed = codes(node.def) !== codes(element);
    const profile = element.type?.flatMap((one) => one.profile ?? []) ?? [];
    const merged = profile.every((one) => node.of.includes(nameOf(one)));
    const before = node.def.type ?? [];
    node.def.type = element.type?.map((one) => ({ ...kept(before, one), ...structuredClone(one) }));
    if (element.max === undefined) this.#capExtension(node);
    if (node.children === undefined) return;
    if (changed) node.children = undefined;
    else if (profile.length > 0 && !merged) this.#overlay(node);
    else for (const type of node.def.type ?? []) delete type.profile;
  }

  /** How often an extension may stand is said by its own definition, where the place says nothing. */
  #capExtension(node: TreeNode): void {
    const [type] = node.def.type ?? [];
    const [profile] = type?.profile ?? [];
    if (type?.code === 'Extension' && profile !== undefined && this.#find(withoutVersion(profile)) !== undefined) {
      node.def.max = lower(node.def.max, this.tree(profile).def.max);
    }
  }

  /** A profile named for an element that already has elements below it: both hold. */
  #overlay(node: TreeNode): void {
    const [type] = node.def.type ?? [];
    const [profile] = type?.profile ?? [];
    const definition = profile === undefined ? undefined : this.#find(withoutVersion(profile));
    if (type === undefined || profile === undefined || definition === undefined) return;
    this.tree(profile);
    const chain: StructureDefinition[] = [];
    for (let one: StructureDefinition | undefined = definition; one?.derivation === 'constraint'; ) {
      chain.unshift(one);
      one = this.#find(withoutVersion(one.baseDefinition ?? ''));
    }
    for (const one of chain) {
      for (const element of one.differential.element) {
        this.#apply(node, segmentsOf(element), { ...element, ...rootLess(element) }, false);
      }
    }
    node.of.push(nameOf(profile));
    delete type.profile;
  }

  #addConstraints(def: ElementDefinition, more: ElementDefinition): void {
    const known = new Set((def.constraint ?? []).map((one) => `${one.key} ${one.expression}`));
    const added = (more.constraint ?? []).filter((one) => !known.has(`${one.key} ${one.expression}`));
    if (added.length > 0) def.constraint = [...(def.constraint ?? []), ...structuredClone(added)];
  }

  /** Fixed values, patterns and bounds: both the base's and the profile's hold. */
  #addValues(node: TreeNode, element: ElementDefinition, fromType: boolean): void {
    for (const prefix of ['fixed', 'pattern', 'minValue', 'maxValue']) {
      const name = nameWith(element, prefix);
      if (name === undefined) continue;
      const before = nameWith(node.def, prefix);
      const value = element[name] as never;
      if (before === undefined) {
        node.def[name] = structuredClone(value);
        continue;
      }
      const both = unitedPattern(node.def[before] as never, value);
      if (both === undefined) {
        this.#note(node, `${before} contradicts the base`);
        if (fromType) continue;
      }
      delete node.def[before];
      node.def[name] = structuredClone(both ?? value) as never;
    }
  }

  #note(node: TreeNode, text: string): void {
    this.notes.push(`${this.#building}: ${node.def.path}${node.slice === undefined ? '' : `:${node.slice}`} ${text}`);
  }
}

/** What the base says about a type that is named again without profiles or targets. */
function kept(before: readonly DefinitionType[], type: DefinitionType): Partial<DefinitionType> {
  const same = before.find((one) => one.code === type.code);
  return structuredClone({ profile: same?.profile, targetProfile: same?.targetProfile });
}

/** The id's segments below the root. KBV's ids write the type of a choice in two ways; one of them as if it were below. */
function segmentsOf(element: ElementDefinition): string[] {
  return element.id
    .replace(/(\w+)\[x\]\.\1(?=[A-Z])/g, '$1[x]:$1')
    .split('.')
    .slice(1);
}

/** The root of a type's profile says nothing about how often and as what the element stands here. */
function rootLess(element: ElementDefinition): Partial<ElementDefinition> {
  return element.id.includes('.') ? {} : { min: undefined, max: undefined, type: undefined };
}

function lower(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || a === '*') return b;
  if (b === undefined || b === '*') return a;
  return Number(a) <= Number(b) ? a : b;
}
