// When an element belongs to a slice (hl7.org/fhir/R4/profiling.html#discriminator): each discriminator's path is followed
// through the slice and what is fixed there becomes a condition, so that nobody has to do it again while validating.
import type { FhirValue } from '../model.ts';
import type { Condition } from '../table-format.ts';
import type { Snapshots } from './snapshot.ts';
import { type ElementDefinition, nameOf, valueWith } from './structure.ts';
import { cloneNode, type TreeNode } from './tree.ts';

/** Empty when nothing tells the slice from the others; the caller reports it. */
export function conditionsOf(general: TreeNode, slice: TreeNode, snapshots: Snapshots): Condition[] {
  const found: Condition[] = [];
  for (const { type, path } of general.def.slicing?.discriminator ?? []) {
    if (type === 'type' && path === '$this') found.push({ type: (slice.def.type ?? []).map((one) => one.code) });
    else if (type === 'value' || type === 'pattern')
      found.push(...follow(slice, path === '$this' ? '' : path, snapshots));
    else throw new Error(`${slice.def.path}: a discriminator ${type} ${path} is not known here`);
  }
  return found;
}

function follow(slice: TreeNode, path: string, snapshots: Snapshots): Condition[] {
  let node = cloneNode(slice);
  const names = path === '' ? [] : path.split('.');
  for (const [depth, name] of names.entries()) {
    const inherited = conditionsIn(node.def, names.slice(depth), path);
    if (inherited.length > 0) return inherited;
    const child = snapshots.expand(node).find((one) => one.name === name);
    if (child === undefined) throw new Error(`${slice.def.path}:${slice.slice}: nothing at ${path}`);
    node = child;
  }
  const here = conditionsIn(node.def, [], path);
  return here.length > 0 ? here : conditionsBelow(node, path, snapshots);
}

/** What a fixed value or pattern of an element demands of the path `rest` below it. */
function conditionsIn(def: ElementDefinition, rest: readonly string[], at: string): Condition[] {
  const fixed = valueWith(def, 'fixed');
  const pattern = valueWith(def, 'pattern');
  const value = pick(fixed ?? pattern, rest);
  if (value !== undefined) {
    if (typeof value !== 'object') return [{ at, is: value }];
    return [fixed !== undefined ? { at, same: value } : { at, like: value }];
  }
  if (rest.length === 0 && def.binding?.strength === 'required' && def.binding.valueSet !== undefined) {
    return [{ at, in: nameOf(def.binding.valueSet) }];
  }
  return [];
}

function pick(value: FhirValue | undefined, path: readonly string[]): FhirValue | undefined {
  let found = value;
  for (const name of path) {
    if (Array.isArray(found)) found = found.length === 1 ? found[0] : undefined;
    found = typeof found === 'object' && found !== null ? (found as Record<string, FhirValue>)[name] : undefined;
  }
  return found;
}

/** Where the element itself has no value: the values of what must stand below it. */
function conditionsBelow(node: TreeNode, at: string, snapshots: Snapshots): Condition[] {
  if (node.children === undefined && node.def.type?.[0]?.profile === undefined) return [];
  return snapshots.expand(node).flatMap((child) => {
    const below = at === '' ? child.name : `${at}.${child.name}`;
    const own = conditionsIn(child.def, [], below);
    return own.length > 0 ? own : conditionsBelow(child, below, snapshots);
  });
}
