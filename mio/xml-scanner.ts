// saxes (D21) as the FHIR reader drives it, with three of its inner methods replaced, which took more time than all the rest of it:
// attributes as objects of their own in another object for each tag, and the white space between elements, half of a document
// written for people, character by character into texts that nobody wants. Everything else is as saxes does it. Its version is
// pinned; one that names them otherwise is refused when this module is loaded.
import { type EventName, type EventNameToHandler, SaxesParser } from 'saxes';
import { Attributes } from './xml-attributes.ts';

type Options = { xmlns: false; position: true };

/** What is used of a SaxesParser. */
declare class Inner {
  constructor(options: Options);
  readonly position: number;
  line: number;
  /** The text being parsed, and where in it. */
  protected chunk: string;
  protected i: number;
  /** The part of a text that stood in the pieces before, or was a reference. */
  protected text: string;
  /** How much of `]]>` has been seen; 0 is nothing. */
  protected forbiddenState: number;
  on<Name extends EventName>(name: Name, handler: EventNameToHandler<Options, Name>): void;
  write(text: string): this;
  close(): this;
  fail(message: string): this;
  protected pushAttribPlain(name: string, value: string): void;
  protected processAttribsPlain(): void;
  protected handleTextInRoot(): void;
}

const INNER = [
  'chunk',
  'i',
  'text',
  'line',
  'forbiddenState',
  'pushAttribPlain',
  'processAttribsPlain',
  'handleTextInRoot',
];

function isInner(parser: unknown): parser is typeof Inner {
  const one: object = new SaxesParser();
  return parser === SaxesParser && INNER.every((name) => name in one);
}

function innerOf(parser: unknown): typeof Inner {
  if (!isInner(parser))
    throw new Error('this version of saxes is another inside than the one the reader of FHIR XML knows');
  return parser;
}

/**
 * Gives no event `attribute`, and texts without the white space they begin with. A class of ours also gets room for all handlers:
 * for an object of SaxesParser itself the eighth is the member too many that makes V8 keep it as a hash table, and the parser takes
 * four times as long (Node 26).
 */
export class Scanner extends innerOf(SaxesParser) {
  /** Of the tag that was opened last; to be cleared by whoever hears `opentagstart`. */
  readonly attributes = new Attributes();
  /** What becomes of the value of an attribute. */
  readonly #text: (value: string) => string;

  constructor(text: (value: string) => string) {
    super({ xmlns: false, position: true });
    this.#text = text;
  }

  protected override pushAttribPlain(name: string, value: string): void {
    this.attributes.add(name, this.#text(value));
  }

  protected override processAttribsPlain(): void {
    if (this.attributes.repeated) this.fail('duplicate attribute.');
  }

  /** Passes over white space at the beginning of a text at once. Lines are counted as saxes does, columns are not: nobody asks for them. */
  protected override handleTextInRoot(): void {
    if (this.text === '') this.#space();
    super.handleTextInRoot();
  }

  #space(): void {
    const chunk = this.chunk;
    let at = this.i;
    let lines = 0;
    for (; at < chunk.length; at += 1) {
      const code = chunk.charCodeAt(at);
      if (code === NEW_LINE || (code === RETURN && chunk.charCodeAt(at + 1) !== NEW_LINE)) lines += 1;
      else if (code !== SPACE && code !== TAB && code !== RETURN) break;
    }
    if (at === this.i) return;
    this.i = at;
    this.line += lines;
    this.forbiddenState = 0;
  }
}

const TAB = 0x09;
const NEW_LINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
