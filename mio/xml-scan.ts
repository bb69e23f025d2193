// The XML that FHIR documents use, as events (XML 1.0 fifth edition): elements, attributes, text, comments and CDATA with
// every rule of well-formedness, and no DTD, no entities but the five, no processing instructions, which are refused where
// they begin. Takes text in pieces of any size. saxes is the judge in the tests; docs/decisions.md says why it is not enough.
import {
  afterSpace,
  attributeValue,
  characterData,
  declarationFault,
  type Fault,
  forbiddenIn,
  Names,
  refusalOf,
} from './xml-text.ts';

export type XmlEvents = {
  /** `attributes`: name, value, name, value …; valid during the call only. `closed`: the tag ends itself; `close` still follows. */
  open(name: string, attributes: readonly string[], closed: boolean): void;
  close(): void;
  /** Character data that is not white space. */
  text(): void;
};

const [CR, BANG, QUOTE, APOSTROPHE] = [13, 33, 34, 39];
const [SLASH, LESS, EQUALS, GREATER, QUESTION] = [47, 60, 61, 62, 63];

const MARKS = ['&', '\n', '\t', '\r'];

export class XmlScanner {
  readonly #events: XmlEvents;
  readonly #maxDepth: number;
  /** Names of the elements that are open. */
  readonly #open: string[] = [];
  readonly #attributes: string[] = [];
  readonly #names = new Names();
  /** What is still needed: the token being read, or a narrative that is kept; behind it pieces not looked at yet. */
  #text = '';
  #waiting = '';
  /** The token being read; behind it what the last step has read. */
  #at = 0;
  #next = 0;
  /** The first `<` behind the tag being read, the first character that may stand nowhere, the next of each of MARKS. */
  #less = 0;
  #forbidden = Number.POSITIVE_INFINITY;
  readonly #marks = new Int32Array(4);
  /** Length of what stood before #text. */
  #dropped = 0;
  #rootClosed = false;
  #keptFrom = -1;
  /** Lines before #countedTo in #text, and in what was dropped before. */
  #lines = 1;
  #countedTo = 0;

  constructor(events: XmlEvents, maxDepth: number) {
    this.#events = events;
    this.#maxDepth = maxDepth;
  }

  /** The line of the token being read, counting from 1. */
  get line(): number {
    return this.#countLines(this.#at);
  }

  /** A token that does not end is looked at again only when the text has doubled: the work stays proportional to the length. */
  write(piece: string): void {
    this.#waiting += piece;
    if (this.#waiting.length >= this.#text.length - this.#needed) this.#scan();
  }

  end(): void {
    this.#scan();
    if (afterSpace(this.#text, this.#at) < this.#text.length || !this.#rootClosed) this.refuse('XML_MALFORMED');
  }

  /** Keeps the source from the start of the tag that was just opened. */
  keep(): void {
    this.#keptFrom = this.#at;
  }

  /** The source from there to the end of the tag that was just closed. */
  kept(): string {
    const source = this.#text.slice(this.#keptFrom, this.#next);
    this.#keptFrom = -1;
    return source;
  }

  /** Where that begins in #text which is still needed. */
  get #needed(): number {
    return this.#keptFrom < 0 ? this.#at : this.#keptFrom;
  }

  /** A character that may stand nowhere is the reason if it comes before. */
  refuse(code: string, at = this.#at): never {
    if (this.#forbidden <= at) throw refusalOf('XML_CHARACTER', this.#countLines(this.#forbidden));
    throw refusalOf(code, this.#countLines(at));
  }

  #judge(fault: Fault | undefined, from: number): void {
    if (fault !== undefined) this.refuse(fault.code, from + fault.at);
  }

  #scan(): void {
    const from = this.#needed;
    this.#countLines(from);
    this.#countedTo -= from;
    this.#dropped += from;
    this.#at -= from;
    if (this.#keptFrom >= 0) this.#keptFrom = 0;
    this.#marks.fill(-1);
    this.#forbidden = this.#text.length - from + forbiddenIn(this.#waiting);
    this.#text = this.#text.slice(from) + this.#waiting;
    this.#waiting = '';
    const end = Math.min(this.#text.length, this.#forbidden);
    while (this.#at < end && this.#token()) this.#at = this.#next;
    if (this.#forbidden < Number.POSITIVE_INFINITY) this.refuse('XML_CHARACTER', this.#forbidden);
  }

  /** False when the text ends before the token does. */
  #token(): boolean {
    const text = this.#text;
    const at = this.#at;
    if (text.charCodeAt(at) !== LESS) return this.#characters(at);
    const code = text.charCodeAt(at + 1);
    if (code === SLASH) return this.#endTag(at + 2);
    if (code === BANG) return this.#declaration(at);
    if (code === QUESTION) return this.#instruction(at);
    return this.#startTag(at + 1);
  }

  #characters(from: number): boolean {
    const text = this.#text;
    const at = afterSpace(text, from);
    this.#next = at;
    if (at === text.length) {
      // A line end may be cut in two.
      if (text.charCodeAt(at - 1) === CR) this.#next -= 1;
      return this.#next > from;
    }
    if (text.charCodeAt(at) === LESS) return true;
    this.#at = at;
    if (this.#open.length === 0) this.refuse('XML_MALFORMED', at);
    const end = text.indexOf('<', at);
    if (end === -1) return false;
    this.#next = end;
    const { blank, fault } = characterData(text.slice(at, end));
    this.#judge(fault, at);
    if (!blank) this.#events.text();
    return true;
  }

  #startTag(at: number): boolean {
    const name = this.#name(at);
    if (name === undefined) return false;
    const less = this.#text.indexOf('<', at);
    this.#less = less === -1 ? this.#text.length : less;
    if (this.#rootClosed) this.refuse('XML_MALFORMED');
    if (this.#open.length >= this.#maxDepth) this.refuse('XML_DEPTH');
    const text = this.#text;
    this.#attributes.length = 0;
    for (;;) {
      const end = this.#next;
      const next = afterSpace(text, end);
      const code = text.charCodeAt(next);
      if (code === GREATER || code === SLASH) {
        const closed = code === SLASH;
        if (closed && text.charCodeAt(next + 1) !== GREATER) return this.#fails(next + 1);
        this.#next = next + (closed ? 2 : 1);
        this.#element(name, closed);
        return true;
      }
      if (next === end || !(code > 0)) return this.#fails(next);
      if (!this.#attribute(next)) return false;
    }
  }

  #element(name: string, closed: boolean): void {
    const given = this.#attributes;
    if (given.length > 2) {
      const names = new Set(given.filter((_, index) => index % 2 === 0));
      if (names.size * 2 < given.length) this.refuse('XML_MALFORMED');
    }
    this.#open.push(name);
    this.#events.open(name, given, closed);
    if (closed) this.#close();
  }

  #attribute(at: number): boolean {
    const text = this.#text;
    const name = this.#name(at);
    if (name === undefined) return false;
    const equals = afterSpace(text, this.#next);
    if (text.charCodeAt(equals) !== EQUALS) return this.#fails(equals);
    const open = afterSpace(text, equals + 1);
    const quote = text.charCodeAt(open);
    if (quote !== QUOTE && quote !== APOSTROPHE) return this.#fails(open);
    const from = open + 1;
    const end = text.indexOf(quote === QUOTE ? '"' : "'", from);
    if (end === -1 || end > this.#less) return this.#fails(this.#less);
    this.#next = end + 1;
    let value = text.slice(from, end);
    if (this.#isMarked(from, end)) {
      const resolved = attributeValue(value);
      this.#judge(resolved.fault, from);
      value = resolved.value;
    }
    this.#attributes.push(name, value);
    return true;
  }

  /** Whether a value has a reference, or white space that becomes a space. Each of the four is looked for once. */
  #isMarked(from: number, to: number): boolean {
    const marks = this.#marks;
    for (let one = 0; one < 4; one += 1) {
      let at = marks[one] ?? 0;
      if (at < from) {
        at = this.#text.indexOf(MARKS[one] ?? '', from);
        if (at === -1) at = this.#text.length;
        marks[one] = at;
      }
      if (at < to) return true;
    }
    return false;
  }

  #endTag(at: number): boolean {
    const text = this.#text;
    const name = this.#open.at(-1);
    if (name === undefined) return this.#fails(at);
    const after = at + name.length;
    if (after >= text.length) return false;
    if (!text.startsWith(name, at)) return this.#fails(at);
    const end = afterSpace(text, after);
    if (text.charCodeAt(end) !== GREATER) return this.#fails(end);
    this.#next = end + 1;
    this.#close();
    return true;
  }

  #close(): void {
    this.#open.pop();
    this.#rootClosed = this.#open.length === 0;
    this.#events.close();
  }

  /** Comment, CDATA section, or DOCTYPE. */
  #declaration(at: number): boolean {
    const text = this.#text;
    if (text.startsWith('<!--', at)) {
      const end = text.indexOf('--', at + 4);
      if (end === -1) return false;
      if (text.charCodeAt(end + 2) !== GREATER) return this.#fails(end + 2);
      this.#next = end + 3;
      return true;
    }
    if (text.startsWith('<![CDATA[', at)) {
      if (this.#open.length === 0) this.refuse('XML_MALFORMED');
      const end = text.indexOf(']]>', at + 9);
      if (end === -1) return false;
      this.#next = end + 3;
      this.#events.text();
      return true;
    }
    if (text.startsWith('<!DOCTYPE', at)) this.refuse('XML_DOCTYPE');
    const begun = text.slice(at, at + 9);
    if (['<!--', '<![CDATA[', '<!DOCTYPE'].some((one) => one.startsWith(begun))) return false;
    this.refuse('XML_MALFORMED');
  }

  #instruction(at: number): boolean {
    const begun = this.#text.slice(at, at + 6);
    if (begun.length < 6 && '<?xml'.startsWith(begun.toLowerCase())) return false;
    if (!/^<\?xml[ \t\r\n?]/i.test(begun)) this.refuse('XML_PROCESSING_INSTRUCTION');
    if (this.#dropped + at > 0) this.refuse('XML_MALFORMED');
    const end = this.#text.indexOf('?>', at);
    if (end === -1) return false;
    this.#judge(declarationFault(this.#text.slice(at, end + 2)), at);
    this.#next = end + 2;
    return true;
  }

  /** The name that begins at `at`, #next is behind it; undefined when the text ends before it does. */
  #name(at: number): string | undefined {
    const name = this.#names.at(this.#text, at);
    if (name === '') this.#fails(at);
    this.#next = at + name.length;
    return this.#next < this.#text.length ? name : undefined;
  }

  /** The character at `at` may not stand there; or there is none yet. */
  #fails(at: number): false {
    if (at < this.#text.length) this.refuse('XML_MALFORMED', at);
    return false;
  }

  #countLines(to: number): number {
    const part = this.#text.slice(this.#countedTo, Math.max(to, this.#countedTo));
    this.#lines += part.match(/\n|\r(?!\n)/g)?.length ?? 0;
    this.#countedTo = Math.max(to, this.#countedTo);
    return this.#lines;
  }
}
