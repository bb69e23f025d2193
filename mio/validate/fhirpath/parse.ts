// Reads an expression of FHIRPath (hl7.org/fhirpath/N1, grammar of appendix B) into a tree: the part of the language that the
// rules of the tables are written in. Anything else is a fault of the table.
import { MioError } from '../../error.ts';

export type Ast =
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'empty' }
  /** A member or a function, of `of` or of what the expression is about. */
  | { kind: 'member'; of: Ast | undefined; name: string }
  | { kind: 'call'; of: Ast | undefined; name: string; args: Ast[] }
  /** `$this`, `%resource`. */
  | { kind: 'this' }
  | { kind: 'variable'; name: string }
  | { kind: 'binary'; operator: string; left: Ast; right: Ast }
  | { kind: 'type'; operator: 'is' | 'as'; left: Ast; name: string };

/** How strongly operators bind, weakest first (grammar, rule `expression`). */
const LEVELS: readonly (readonly string[])[] = [
  ['implies'],
  ['or', 'xor'],
  ['and'],
  ['in', 'contains'],
  ['=', '!='],
  ['<=', '<', '>', '>='],
  ['|'],
  ['is', 'as'],
  ['+', '-', '&'],
];

const TOKEN =
  /\s*(?:(?<text>'(?:[^'\\]|\\.)*')|(?<number>\d+(?:\.\d+)?)|(?<variable>%[A-Za-z][A-Za-z0-9]*|\$this)|(?<name>[A-Za-z_][A-Za-z0-9_]*|`[^`]*`)|(?<sign><=|>=|!=|[=<>|+\-&().,{}]))/y;

type Token = { kind: 'text' | 'number' | 'variable' | 'name' | 'sign' | 'end'; text: string };

/** MioError MIO_EXPRESSION. */
export function parseExpression(source: string): Ast {
  const parser = new Parser(tokensOf(source), source);
  return parser.whole();
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.trimEnd().length) {
    const groups = TOKEN.exec(source)?.groups;
    const found = Object.entries(groups ?? {}).find(([, text]) => text !== undefined);
    if (found === undefined) throw refused(source);
    tokens.push({ kind: found[0] as Token['kind'], text: found[1] ?? '' });
  }
  return tokens;
}

function refused(source: string): MioError {
  return new MioError('MIO_EXPRESSION', `not an expression that can be compiled: ${source}`);
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #source: string;
  #at = 0;

  constructor(tokens: readonly Token[], source: string) {
    this.#tokens = tokens;
    this.#source = source;
  }

  whole(): Ast {
    const tree = this.#level(0);
    if (this.#next.kind !== 'end') throw refused(this.#source);
    return tree;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #take(text?: string): Token {
    const token = this.#next;
    if (token.kind === 'end' || (text !== undefined && token.text !== text)) throw refused(this.#source);
    this.#at += 1;
    return token;
  }

  #level(level: number): Ast {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#path();
    let left = this.#level(level + 1);
    while (this.#next.kind !== 'text' && operators.includes(this.#next.text)) {
      const operator = this.#take().text;
      left =
        operator === 'is' || operator === 'as'
          ? { kind: 'type', operator, left, name: nameOf(this.#take()) }
          : { kind: 'binary', operator, left, right: this.#level(level + 1) };
    }
    return left;
  }

  #path(): Ast {
    let left = this.#term();
    while (this.#is('.')) {
      this.#take('.');
      left = this.#invocation(left);
    }
    return left;
  }

  #term(): Ast {
    const { kind, text } = this.#next;
    if (kind === 'name' && (text === 'true' || text === 'false')) {
      this.#take();
      return { kind: 'literal', value: text === 'true' };
    }
    if (kind === 'name') return this.#invocation(undefined);
    this.#take();
    if (kind === 'text') return { kind: 'literal', value: unescaped(text) };
    if (kind === 'number') return { kind: 'literal', value: Number(text) };
    if (text === '$this') return { kind: 'this' };
    if (kind === 'variable') return { kind: 'variable', name: text.slice(1) };
    if (text === '{') {
      this.#take('}');
      return { kind: 'empty' };
    }
    if (text !== '(') throw refused(this.#source);
    const inner = this.#level(0);
    this.#take(')');
    return inner;
  }

  #invocation(of: Ast | undefined): Ast {
    const token = this.#take();
    if (token.kind !== 'name') throw refused(this.#source);
    const name = nameOf(token);
    if (!this.#is('(')) return { kind: 'member', of, name };
    return { kind: 'call', of, name, args: this.#arguments() };
  }

  #arguments(): Ast[] {
    this.#take('(');
    const args: Ast[] = [];
    while (!this.#is(')')) {
      args.push(this.#level(0));
      if (!this.#is(')')) this.#take(',');
    }
    this.#take(')');
    return args;
  }

  #is(sign: string): boolean {
    return this.#next.kind === 'sign' && this.#next.text === sign;
  }
}

function nameOf(token: Token): string {
  return token.text.replaceAll('`', '');
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescaped(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_all, one: string) => ESCAPES[one] ?? one);
}
