// What there is to break: every rule that the rows of the toolkit's profiles state, by kind, apart from what stands below an
// element that may not be there at all. Against it the mutants are counted.
import type { ElementNode } from '../../mio/definition.ts';
import type { ToolkitTables } from '../../mio/tables.ts';

/** Of one kind: rules there are, rules broken, rules whose breaking leaves the document valid, rules no example has the element of. */
export type Reach = { kind: string; rules: number; broken: number; valid: number; absent: number };

type Named = { kind: string; rule: string };

export function reachOf(mutants: readonly Named[], notMade: ReadonlySet<string>, tables: ToolkitTables): Reach[] {
  const broken = new Set(mutants.map(rowOf));
  const valid = new Set([...notMade].map((one) => one.split(' ').slice(0, 2).join(' ')));
  const byKind = Map.groupBy(new Set(rulesOf(tables)), (one) => one.split(' ')[0] ?? '');
  return [...byKind].map(([kind, rules]) => {
    const done = rules.filter((one) => broken.has(one)).length;
    const harmless = rules.filter((one) => !broken.has(one) && valid.has(one)).length;
    return { kind, rules: rules.length, broken: done, valid: harmless, absent: rules.length - done - harmless };
  });
}

/** Kind, table and row of a mutant. */
function rowOf({ kind, rule }: Named): string {
  return `${kind} ${rule.split(' ')[0]}`;
}

function* rulesOf(tables: ToolkitTables): Generator<string> {
  for (const name of Object.keys(tables.index.definitions)) {
    const definition = name.startsWith('KBV_PR_MIO_DIGA_') ? tables.definition(name) : undefined;
    if (definition === undefined) continue;
    for (const node of nodesOf(definition.root)) {
      for (const kind of kindsOf(node, tables)) yield `${kind} ${name}#${node.id}`;
    }
  }
}

function* nodesOf(node: ElementNode): Generator<ElementNode> {
  yield node;
  if (node.max === 0) return;
  for (const below of [...node.children, ...node.slices]) yield* nodesOf(below);
}

function kindsOf(node: ElementNode, tables: ToolkitTables): string[] {
  const isSlice = node.slice !== undefined;
  const set = node.codes === undefined ? undefined : tables.valueSet(node.codes);
  const isChoice = node.name.endsWith('[x]');
  const holds: [kind: string, stated: boolean][] = [
    ['min', node.min > 0 && !isSlice],
    ['max-0', node.max === 0 && !isSlice],
    ['max', node.list && node.max > 0 && Number.isFinite(node.max) && !isSlice],
    ['slice-min', node.min > 0 && isSlice],
    ['slice-max', node.list && Number.isFinite(node.max) && isSlice],
    ['slice-value', isSlice && node.max > 0 && !isChoice],
    ['slice-closed', node.slicing?.rules === 'closed' && node.list],
    ['choice-type', isChoice && !isSlice && node.max > 0],
    ['fixed', node.fixed !== undefined && node.max > 0],
    ['pattern', node.pattern !== undefined && node.max > 0],
    ['binding', node.max > 0 && (set?.lists.every((one) => one.codes !== undefined) ?? false)],
    ['target', node.max > 0 && node.types.some((one) => one.code === 'Reference' && one.targets.length > 0)],
  ];
  return holds.filter(([, stated]) => stated).map(([kind]) => kind);
}
