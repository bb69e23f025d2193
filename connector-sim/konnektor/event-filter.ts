// The filter of a subscription: the part of XPath 1.0 that names elements of an EVT:Event and compares their values
// (ILF 4.1.4.2), with or without the prefix EVT. What is more than that cannot be evaluated: fault 4095.
import { KonnektorFault } from './konnektor-fault.ts';

/** The event as the filter sees it: an element with children or with text. */
export type FilterNode = { name: string; text: string; children: FilterNode[] };
export type EventFilter = (event: FilterNode) => boolean;

type Values = { nodes: FilterNode[] } | { text: string };
type Expression = (at: FilterNode, root: FilterNode) => Values | boolean;

const token = /\s*(?:("[^"]*"|'[^']*')|(\/\/|!=|[/()[\],=.])|([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?(?:\(\))?))/y;

/** Reads the filter once, when somebody subscribes. Throws KonnektorFault 4095. */
export function readFilter(source: string): EventFilter {
  const reader = new FilterReader(tokensOf(source));
  const expression = reader.whole();
  return (event) => {
    const document = { name: '', text: '', children: [event] };
    return truth(expression(document, document));
  };
}

function tokensOf(source: string): string[] {
  const found: string[] = [];
  token.lastIndex = 0;
  while (source.slice(token.lastIndex).trim() !== '') {
    const match = token.exec(source);
    if (match === null) throw new KonnektorFault(4095);
    found.push(match[0].trim());
  }
  if (found.length === 0) throw new KonnektorFault(4095);
  return found;
}

/** XPath 1.0, 4.3: a node set is true when it is not empty. */
function truth(value: Values | boolean): boolean {
  if (typeof value === 'boolean') return value;
  return 'nodes' in value ? value.nodes.length > 0 : value.text !== '';
}

function textsOf(value: Values | boolean): string[] {
  if (typeof value === 'boolean') return [String(value)];
  return 'nodes' in value ? value.nodes.map(stringValue) : [value.text];
}

function stringValue(node: FilterNode): string {
  return node.children.length === 0 ? node.text : node.children.map(stringValue).join('');
}

function descendants(node: FilterNode): FilterNode[] {
  return node.children.flatMap((child) => [child, ...descendants(child)]);
}

class FilterReader {
  readonly #tokens: string[];
  #at = 0;

  constructor(tokens: string[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#or();
    if (this.#at < this.#tokens.length) throw new KonnektorFault(4095);
    return expression;
  }

  #next(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(wanted?: string): string {
    const found = this.#next();
    if (found === undefined || (wanted !== undefined && found !== wanted)) throw new KonnektorFault(4095);
    this.#at += 1;
    return found;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#next() === 'or') {
      this.#take();
      const [a, b] = [left, this.#and()];
      left = (at, root) => truth(a(at, root)) || truth(b(at, root));
    }
    return left;
  }

  #and(): Expression {
    let left = this.#comparison();
    while (this.#next() === 'and') {
      this.#take();
      const [a, b] = [left, this.#comparison()];
      left = (at, root) => truth(a(at, root)) && truth(b(at, root));
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#operand();
    const sign = this.#next();
    if (sign !== '=' && sign !== '!=') return left;
    this.#take();
    const right = this.#operand();
    return (at, root) => {
      const others = textsOf(right(at, root));
      return textsOf(left(at, root)).some((one) => others.some((other) => (one === other) === (sign === '=')));
    };
  }

  #operand(): Expression {
    const first = this.#next() ?? '';
    if (/^["']/.test(first)) {
      this.#take();
      return () => ({ text: first.slice(1, -1) });
    }
    if (first === '(') {
      this.#take();
      const inner = this.#or();
      this.#take(')');
      return inner;
    }
    if (first === 'true()' || first === 'false()') {
      this.#take();
      return () => first === 'true()';
    }
    return this.#tokens[this.#at + 1] === '(' ? this.#call() : this.#path();
  }

  #call(): Expression {
    const name = this.#take();
    this.#take('(');
    const first = this.#or();
    if (name === 'not') {
      this.#take(')');
      return (at, root) => !truth(first(at, root));
    }
    if (name !== 'contains' && name !== 'starts-with') throw new KonnektorFault(4095);
    this.#take(',');
    const second = this.#or();
    this.#take(')');
    return (at, root) => {
      const [text = '', part = ''] = [textsOf(first(at, root))[0], textsOf(second(at, root))[0]];
      return name === 'contains' ? text.includes(part) : text.startsWith(part);
    };
  }

  #path(): Expression {
    const steps: ((nodes: FilterNode[], root: FilterNode) => FilterNode[])[] = [];
    const absolute = this.#next() === '/' || this.#next() === '//';
    let deep = false;
    if (absolute) deep = this.#take() === '//';
    for (;;) {
      steps.push(this.#step(deep));
      if (this.#next() !== '/' && this.#next() !== '//') break;
      deep = this.#take() === '//';
    }
    return (at, root) => ({
      nodes: steps.reduce((nodes, step) => step(nodes, root), [absolute ? root : at]),
    });
  }

  #step(deep: boolean): (nodes: FilterNode[], root: FilterNode) => FilterNode[] {
    const word = this.#take();
    const name = word.replace(/^EVT:/, '');
    if (word !== '.' && word !== 'text()' && !/^[A-Za-z]+$/.test(name)) throw new KonnektorFault(4095);
    const predicates: Expression[] = [];
    while (this.#next() === '[') {
      this.#take();
      predicates.push(this.#or());
      this.#take(']');
    }
    return (nodes, root) =>
      nodes
        .flatMap((node) => {
          if (word === '.') return [node];
          if (word === 'text()') return node.children.length === 0 && node.text !== '' ? [node] : [];
          return (deep ? descendants(node) : node.children).filter((child) => child.name === name);
        })
        .filter((node) => predicates.every((holds) => truth(holds(node, root))));
  }
}
