// Finds the trust checks of a source file in its syntax tree; each becomes one mutant, the file without that check. By node,
// not by text: what a check looks like is written here once, and a check written tomorrow is found without a list.
import {
  alone,
  asNode,
  calleeOf,
  conjuncts,
  disjuncts,
  isNarrowing,
  type Node,
  neverReturning,
  parse,
  walk,
} from './syntax.ts';

export type Operator = 'refusal' | 'part' | 'call' | 'guard' | 'conjunct' | 'predicate' | 'branch' | 'option' | 'tag';

export type Mutant = {
  /** The check's own name as its error carries it, else what is called or asked. */
  check: string;
  file: string;
  line: number;
  operator: Operator;
  /** What was taken out, on one line. */
  removed: string;
  /** The whole file without it. */
  text: string;
};

type Edit = { node: Node; operator: Operator; by: string; named?: Node };

/** Options that are a check by being set, and what being unset looks like. */
const OPTIONS: Readonly<Record<string, { set: RegExp; unset: string }>> = {
  rejectUnauthorized: { set: /^true$/, unset: 'false' },
  requireCertHash: { set: /^true$/, unset: 'false' },
  maxCachedSessions: { set: /^0$/, unset: '100' },
  maxAgeMs: { set: /^[A-Z_]+$/, unset: 'Number.POSITIVE_INFINITY' },
  minVersion: { set: /^'/, unset: "'TLSv1'" },
  ciphers: { set: /^\[/, unset: "'ALL:@SECLEVEL=0'" },
  secureOptions: { set: /./, unset: '0' },
  clockTolerance: { set: /./, unset: 'Number.POSITIVE_INFINITY' },
};

/** Calls whose answer nobody takes are there for what they throw; of objects only those that say so by their name. */
const CHECKING_METHOD = /^#(check|require|verify|judge|valid)/;
const SELECTING = /\.(filter|find|findLast|some|every)$/;

/** @param text the source of `file`, which is named in the mutants only */
export function findMutants(file: string, text: string): Mutant[] {
  const program = parse(text);
  const never = neverReturning(program);
  return [...walk(program)].flatMap(({ node, above }) =>
    editsAt(node, above, text, never).map((edit) => mutantOf({ ...edit, within: functionOf(above) }, file, text)),
  );
}

function editsAt(node: Node, above: readonly Node[], text: string, never: ReadonlySet<string>): Edit[] {
  switch (node.type) {
    case 'IfStatement':
      // Where something was caught already, it is only told in other words.
      return above.some((one) => one.type === 'CatchClause') ? [] : ofIf(node, never);
    case 'ExpressionStatement':
      return ofStatement(node, never);
    case 'ReturnStatement': {
      const within = above.find((one) => /Function/.test(one.type));
      const value = asNode(node.argument);
      return value !== undefined && within !== undefined && saysBoolean(within)
        ? ofAnswer(value, asksForWrong(above))
        : [];
    }
    case 'ArrowFunctionExpression':
      return ofArrow(node, above, text);
    case 'ConditionalExpression':
    case 'LogicalExpression':
      return ofBranch(node, never, text);
    case 'Property':
      return ofOption(node, text);
    case 'CallExpression':
      // GCM: `final` judges the tag and gives no bytes.
      return calleeOf(node) === 'decipher.final' ? [{ node, operator: 'tag', by: 'Buffer.alloc(0)' }] : [];
    default:
      return [];
  }
}

function ofIf(node: Node, never: ReadonlySet<string>): Edit[] {
  const then = alone(asNode(node.consequent));
  if (then === undefined || asNode(node.alternate) !== undefined) return [];
  const called = calleeOf(asNode(then.expression) ?? asNode(then.argument)) ?? '';
  const refuses = then.type === 'ThrowStatement' || never.has(called) || /^(untrusted|refuse)/.test(called);
  if (refuses) {
    const parts = disjuncts(asNode(node.test)).filter((one) => !isNarrowing(one));
    return [
      { node, operator: 'refusal', by: ';', named: then },
      ...(parts.length > 1 ? parts : []).map(
        (one): Edit => ({ node: one, operator: 'part', by: 'false', named: then }),
      ),
    ];
  }
  const given = asNode(then.argument);
  const saysNo = then.type === 'ReturnStatement' && given?.type === 'Literal' && given.value === false;
  return saysNo || then.type === 'ContinueStatement' ? [{ node, operator: 'guard', by: ';' }] : [];
}

function ofStatement(node: Node, never: ReadonlySet<string>): Edit[] {
  const call = asNode(node.expression);
  const callee = calleeOf(call);
  if (callee === undefined || never.has(callee)) return [];
  const isCheck = callee.startsWith('#') ? CHECKING_METHOD.test(callee) : !callee.includes('.');
  return isCheck ? [{ node, operator: 'call', by: ';', ...(call && { named: call }) }] : [];
}

/** What a predicate says: without one of its conditions, or always yes; of one that asks for what is wrong always no. */
function ofAnswer(value: Node, wrong: boolean): Edit[] {
  // A variable is somebody else's answer.
  if (/^(Literal|Identifier|MemberExpression)$/.test(value.type)) return [];
  if (wrong) return [{ node: value, operator: 'predicate', by: 'false' }];
  const parts = conjuncts(value).map((node): Edit => ({ node, operator: 'conjunct', by: 'true' }));
  return [{ node: value, operator: 'predicate', by: 'true' }, ...(parts.length > 1 ? parts : [])];
}

function ofArrow(node: Node, above: readonly Node[], text: string): Edit[] {
  const body = asNode(node.body);
  if (body === undefined || body.type === 'BlockStatement') return [];
  const callee = above[0]?.type === 'CallExpression' ? asNode(above[0].callee) : undefined;
  const called = callee === undefined ? '' : text.slice(callee.start, callee.end);
  if (!SELECTING.test(called)) return saysBoolean(node) ? ofAnswer(body, asksForWrong(above)) : [];
  return ofAnswer(body, called.endsWith('.some') && body.type === 'UnaryExpression');
}

/** Predicates that are true of what is to be refused, by their name; `some((one) => !ok(one))` is another. */
function asksForWrong(above: readonly Node[]): boolean {
  return /^isLinkLocal$/.test(functionOf(above));
}

function saysBoolean(fn: Node): boolean {
  return asNode(asNode(fn.returnType)?.typeAnnotation)?.type === 'TSBooleanKeyword';
}

/** `found ?? refuse()`, `ok ? value : refuse()`: the value whatever it is. */
function ofBranch(node: Node, never: ReadonlySet<string>, text: string): Edit[] {
  const source = (one: Node | undefined) => (one === undefined ? '' : `(${text.slice(one.start, one.end)})`);
  if (node.type === 'LogicalExpression') {
    const refuses = node.operator === '??' && never.has(calleeOf(asNode(node.right)) ?? '');
    return refuses ? [{ node, operator: 'branch', by: source(asNode(node.left)) }] : [];
  }
  const [yes, no] = [asNode(node.consequent), asNode(node.alternate)];
  if (never.has(calleeOf(no) ?? '')) return [{ node, operator: 'branch', by: source(yes) }];
  return never.has(calleeOf(yes) ?? '') ? [{ node, operator: 'branch', by: source(no) }] : [];
}

function ofOption(node: Node, text: string): Edit[] {
  const [key, value] = [asNode(node.key), asNode(node.value)];
  const option = key?.type === 'Identifier' ? OPTIONS[String(key.name)] : undefined;
  if (option === undefined || value === undefined || !option.set.test(text.slice(value.start, value.end))) return [];
  return [{ node: value, operator: 'option', by: option.unset }];
}

function mutantOf(
  { node, operator, by, named, within }: Edit & { within: string },
  file: string,
  text: string,
): Mutant {
  const removed = text.slice(node.start, node.end).replaceAll(/\s+/g, ' ');
  return {
    check: (named && nameIn(named, text)) ?? `${within}: ${removed.length > 60 ? `${removed.slice(0, 59)}…` : removed}`,
    file,
    line: text.slice(0, node.start).split('\n').length,
    operator,
    removed,
    text: `${text.slice(0, node.start)}${by}${text.slice(node.end)}`,
  };
}

/** `check: 'vau.role'` before any other text, then what looks like a check's name or an error's code, then its words. */
function nameIn(node: Node, text: string): string | undefined {
  const texts: string[] = [];
  for (const { node: inner } of walk(node)) {
    const key = inner.type === 'Property' ? asNode(inner.key) : undefined;
    const value = asNode(inner.value);
    if (key?.name === 'check' && value?.type === 'Literal') return String(value.value);
    if (inner.type === 'Literal' && typeof inner.value === 'string') texts.push(inner.value);
    if (inner.type === 'TemplateLiteral')
      texts.push(text.slice(inner.start + 1, inner.end - 1).replaceAll(/\$\{.*?\}/g, '*'));
  }
  const check = texts.find((one) => /^[a-z]+\.[a-z*-]+$/.test(one));
  const code = texts.find((one) => /^[A-Z]+(_[A-Z]+)+$/.test(one));
  const words = texts.find((one) => one.includes(' '));
  return check ?? (code !== undefined && words !== undefined ? `${code}: ${words}` : (code ?? words));
}

function functionOf(above: readonly Node[]): string {
  for (const node of above) {
    const key = asNode(
      node.type === 'MethodDefinition' ? node.key : /^(Function|VariableDecl)/.test(node.type) ? node.id : undefined,
    );
    if (key !== undefined) return key.type === 'PrivateIdentifier' ? `#${key.name}` : String(key.name);
  }
  return 'the module';
}
