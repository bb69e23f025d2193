// Element definitions as a tree: children by name, slices beside the element they cut. `children` stays undefined until a
// differential walks below the element: then the type's own elements are copied there (snapshot.ts).
import type { FhirValue } from '../model.ts';
import type { ElementDefinition } from './structure.ts';

export type TreeNode = {
  name: string;
  slice: string | undefined;
  def: ElementDefinition;
  children: TreeNode[] | undefined;
  slices: TreeNode[];
  /** Names of the profiles whose elements were copied into `children`. */
  of: string[];
};

/** From a snapshot, in its order. Throws when an element has nothing above it. */
export function treeOf(elements: readonly ElementDefinition[]): TreeNode {
  const first = elements[0];
  if (first === undefined) throw new Error('a snapshot without elements');
  const root = newNode(first.id, undefined, first);
  const byId = new Map([[first.id, root]]);
  for (const def of elements.slice(1)) {
    const { above, name, slice } = splitId(def.id);
    const node = newNode(name, slice, def);
    const parent = byId.get(slice === undefined ? above : `${above}.${generalOf(name, slice)}`);
    if (parent === undefined) throw new Error(`${def.id} has nothing above it`);
    if (slice === undefined) {
      parent.children ??= [];
      parent.children.push(node);
    } else {
      parent.slices.push(node);
    }
    byId.set(def.id, node);
  }
  return root;
}

export function cloneNode(node: TreeNode): TreeNode {
  return {
    name: node.name,
    slice: node.slice,
    def: structuredClone(node.def),
    children: node.children?.map(cloneNode),
    slices: node.slices.map(cloneNode),
    of: [...node.of],
  };
}

/** Every node with its id below the root ('' for the root): the element, what is below it, then its slices. */
export function* nodesOf(node: TreeNode, id = ''): Generator<[id: string, node: TreeNode]> {
  yield [id, node];
  for (const child of node.children ?? []) yield* nodesOf(child, id === '' ? child.name : `${id}.${child.name}`);
  for (const slice of node.slices) yield* nodesOf(slice, `${withoutSlice(id, node)}:${slice.slice}`);
}

function withoutSlice(id: string, node: TreeNode): string {
  return node.slice === undefined ? id : id.slice(0, -(node.slice.length + 1));
}

export function splitSegment(segment: string): { name: string; slice: string | undefined } {
  const colon = segment.indexOf(':');
  return colon === -1
    ? { name: segment, slice: undefined }
    : { name: segment.slice(0, colon), slice: segment.slice(colon + 1) };
}

function splitId(id: string): { above: string; name: string; slice: string | undefined } {
  const dot = id.lastIndexOf('.');
  return { above: id.slice(0, Math.max(dot, 0)), ...splitSegment(id.slice(dot + 1)) };
}

/** The element that a slice cuts: `name` for `name:a`, `name:a` for its re-slice `name:a/b`. */
function generalOf(name: string, slice: string): string {
  const cut = slice.lastIndexOf('/');
  return cut === -1 ? name : `${name}:${slice.slice(0, cut)}`;
}

function newNode(name: string, slice: string | undefined, def: ElementDefinition): TreeNode {
  return { name, slice, def, children: undefined, slices: [], of: [] };
}

/** Two patterns as one that demands both; undefined when they contradict each other. */
export function unitedPattern(a: FhirValue, b: FhirValue): FhirValue | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    // One entry each is one demand on one entry; longer lists only when they are the same.
    if (a.length === 1 && b.length === 1 && a[0] !== undefined && b[0] !== undefined) {
      const both = unitedPattern(a[0], b[0]);
      return both === undefined ? undefined : [both];
    }
    return JSON.stringify(a) === JSON.stringify(b) ? a : undefined;
  }
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const left = a as Record<string, FhirValue>;
    const right = b as Record<string, FhirValue>;
    const result: Record<string, FhirValue> = { ...left };
    for (const [key, value] of Object.entries(right)) {
      const before = left[key];
      const both = before === undefined ? value : unitedPattern(before, value);
      if (both === undefined) return undefined;
      result[key] = both;
    }
    return result;
  }
  return a === b ? a : undefined;
}
