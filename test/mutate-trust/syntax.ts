// The syntax tree of one source file, as far as the finder needs it: nodes with their place, their children, their text.
import { parseAst } from 'rolldown/parseAst';

export type Node = { type: string; start: number; end: number } & Record<string, unknown>;

/** @throws Error where the text is no TypeScript: said of a mutant, the tool is at fault */
export function parse(text: string): Node {
  return asNode(parseAst(text, { lang: 'ts' })) ?? { type: 'Program', start: 0, end: 0 };
}

export function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
    ? (value as Node)
    : undefined;
}

export function asNodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.flatMap((one) => asNode(one) ?? []) : [];
}

/** Every node with those it lies in, the nearest first. */
export function* walk(node: Node, above: readonly Node[] = []): Generator<{ node: Node; above: readonly Node[] }> {
  yield { node, above };
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? asNodes(value) : [asNode(value)].filter((one) => one !== undefined))
      yield* walk(child, [node, ...above]);
}

/** `f` of `f(…)`, `#f` of `this.#f(…)`, `a.f` of `a.f(…)`; undefined for anything else that is called. */
export function calleeOf(node: Node | undefined): string | undefined {
  const call = node?.type === 'AwaitExpression' ? asNode(node.argument) : node;
  if (call?.type !== 'CallExpression') return undefined;
  const callee = asNode(call.callee);
  if (callee?.type === 'Identifier') return String(callee.name);
  const property = asNode(callee?.property);
  const object = asNode(callee?.object);
  if (property?.type === 'PrivateIdentifier') return `#${property.name}`;
  return object?.type === 'Identifier' && property !== undefined ? `${object.name}.${property.name}` : undefined;
}

/** The conjuncts of `a && b && c`; any other expression is its only one. */
export const conjuncts = (node: Node | undefined): Node[] => parts(node, '&&');

/** The same of `a || b || c`. */
export const disjuncts = (node: Node | undefined): Node[] => parts(node, '||');

function parts(node: Node | undefined, operator: string): Node[] {
  if (node === undefined) return [];
  if (node.type !== 'LogicalExpression' || node.operator !== operator) return [node];
  return [...parts(asNode(node.left), operator), ...parts(asNode(node.right), operator)];
}

/** `x === undefined`, `x === null`: there for the compiler, what follows could not be read without it. */
export function isNarrowing(node: Node): boolean {
  const right = asNode(node.right);
  const nothing = right?.name === 'undefined' || (right?.type === 'Literal' && right.value === null);
  return node.type === 'BinaryExpression' && node.operator === '===' && nothing;
}

/** The first statement of a block that holds only this one, or the statement itself. */
export function alone(node: Node | undefined): Node | undefined {
  if (node?.type !== 'BlockStatement') return node;
  const [only, ...more] = asNodes(node.body);
  return more.length === 0 ? only : undefined;
}

/** Functions of the file that never return: calling one is a refusal. */
export function neverReturning(program: Node): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { node } of walk(program)) {
    if (node.type !== 'FunctionDeclaration') continue;
    const type = asNode(asNode(node.returnType)?.typeAnnotation)?.type;
    if (type === 'TSNeverKeyword') names.add(String(asNode(node.id)?.name));
  }
  return names;
}
