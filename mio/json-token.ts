// Texts, numbers and words of JSON, out of bytes that may end anywhere within them (RFC 8259 sections 6 and 7).
import { isUtf8 } from 'node:buffer';
import { MioError } from './error.ts';
import { hashed, LONGEST, Texts } from './texts.ts';

/** What a byte within a text is. */
const Kind = { plain: 0, quote: 1, escape: 2, control: 3, high: 4 } as const;
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code === 0x22) return Kind.quote;
  if (code === 0x5c) return Kind.escape;
  if (code < 0x20) return Kind.control;
  return code < 0x80 ? Kind.plain : Kind.high;
});
/** 1 for what numbers and words are made of. */
const BARE = Uint8Array.from({ length: 256 }, (_, code) => (/[0-9A-Za-z.+-]/.test(String.fromCharCode(code)) ? 1 : 0));
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

export class JsonToken {
  /** The bytes at hand. */
  piece: Buffer = Buffer.alloc(0);
  /** Begun and not complete. */
  open = false;
  /** In quotes; otherwise a number or a word. */
  isText = false;
  /** Once complete; escapes are resolved. */
  text = '';
  /** False for a text with a character that XML cannot carry. */
  isXml = true;
  readonly #malformed: () => MioError;
  readonly #names = new Texts();
  readonly #values = new Texts();
  #isName = false;
  /** What earlier pieces had of it. */
  readonly #before: Buffer[] = [];
  #start = 0;
  #hash = 0;
  #high = false;
  #escapes = false;
  /** The last byte was a backslash that escapes the next one. */
  #escaping = false;

  constructor(malformed: () => MioError) {
    this.#malformed = malformed;
  }

  /** Behind its quote. */
  beginText(isName: boolean): void {
    this.#begin(true);
    this.#isName = isName;
  }

  beginBare(): void {
    this.#begin(false);
    this.#isName = false;
  }

  #begin(isText: boolean): void {
    this.open = true;
    this.isText = isText;
    this.isXml = true;
    this.#hash = 0;
    this.#high = false;
    this.#escapes = false;
    this.#start = -1;
  }

  /** Reads on from `at` in the piece; gives the place behind what it has read. */
  goOn(at: number): number {
    if (this.#start < 0) this.#start = at;
    return this.isText ? this.#goOnText(at) : this.#goOnBare(at);
  }

  /** The end of the document is the end of a number. */
  end(): void {
    if (this.isText) throw this.#malformed();
    this.#complete(Buffer.alloc(0), 0, 0);
  }

  /** Before another piece comes: copies what this one has of it. */
  keep(): void {
    if (this.open && this.#start >= 0) this.#before.push(Buffer.from(this.piece.subarray(this.#start)));
    this.#start = 0;
  }

  #goOnText(from: number): number {
    const piece = this.piece;
    const length = piece.length;
    let hash = this.#hash;
    let at = from;
    if (this.#escaping && at < length) {
      this.#escaping = false;
      at += 1;
    }
    while (at < length) {
      const code = piece[at] as number;
      const kind = KINDS[code];
      if (kind === Kind.plain) hash = hashed(hash, code);
      else if (kind === Kind.high) this.#high = true;
      else if (kind === Kind.quote) {
        this.#hash = hash;
        this.#complete(piece, this.#start, at);
        return at + 1;
      } else if (kind === Kind.control) throw this.#malformed();
      else {
        this.#escapes = true;
        at += 1;
        this.#escaping = at === length;
      }
      at += 1;
    }
    this.#hash = hash;
    return length;
  }

  #goOnBare(from: number): number {
    const piece = this.piece;
    let at = from;
    while (at < piece.length && BARE[piece[at] as number] === 1) {
      this.#hash = hashed(this.#hash, piece[at] as number);
      at += 1;
    }
    if (at < piece.length) this.#complete(piece, this.#start, at);
    return at;
  }

  #complete(piece: Buffer, start: number, end: number): void {
    this.open = false;
    if (this.#before.length === 0) this.text = this.#decode(piece, start, end);
    else {
      const whole = Buffer.concat([...this.#before, piece.subarray(start, end)]);
      this.#before.length = 0;
      this.text = this.#decode(whole, 0, whole.length);
    }
  }

  #decode(bytes: Buffer, start: number, end: number): string {
    if (!this.#high && !this.#escapes) {
      if (end - start > LONGEST) return bytes.toString('latin1', start, end);
      return (this.#isName ? this.#names : this.#values).ofAscii(bytes, start, end, this.#hash);
    }
    const source = bytes.toString('utf8', start, end);
    // The decoder puts it where something is broken.
    if (source.includes('\u{FFFD}') && !isUtf8(bytes.subarray(start, end))) throw notUtf8();
    const text = this.#escapes ? this.#unescaped(source) : source;
    this.isXml = !NOT_XML.test(text);
    return this.#values.of(text);
  }

  #unescaped(source: string): string {
    let text = '';
    let at = 0;
    for (let next = source.indexOf('\\'); next >= 0; next = source.indexOf('\\', at)) {
      ESCAPE.lastIndex = next;
      const found = ESCAPE.exec(source);
      if (found === null) throw this.#malformed();
      const [all, letter = '', hex] = found;
      text += source.slice(at, next);
      text += hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16));
      at = next + all.length;
    }
    return text + source.slice(at);
  }
}

export const notUtf8 = () => new MioError('JSON_ENCODING', 'the body is not valid UTF-8');

const ESCAPE = /\\(?:(["\\/bfnrt])|u([0-9A-Fa-f]{4}))/y;
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
