// XML as events for the FHIR reader: bytes in pieces of any size, decoded as UTF-8 and parsed by saxes, within limits. What
// FHIR XML never needs is refused before it can do anything: DTD, entities, processing instructions (a style sheet is one, and the
// document is stored as it is), other encodings.
import { MioError } from './error.ts';
import { Texts } from './texts.ts';
import type { Attributes } from './xml-attributes.ts';
import { Scanner } from './xml-scanner.ts';

/** A document may have 25,000,000 bytes (mio-diga.md section 9); no FHIR structure of the toolkit is nested this deep. */
export const MAX_BYTES = 25_000_000;
export const MAX_DEPTH = 100;
const PIECE = 65_536;
/** From here on memory counts more than the tenth of the time that it takes to keep each text once. */
const LARGE = 1_000_000;

export type XmlEvents = {
  /** `attributes` are valid during the call only. `closed`: the tag ends itself; `close` still follows. */
  open(name: string, attributes: Attributes, closed: boolean): void;
  close(): void;
  /** Character data that is not white space. */
  text(): void;
};

export class XmlSource {
  readonly #parser = new Scanner((value) => (this.#texts === undefined ? value : this.#texts.of(value)));
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #maxBytes: number;
  /** Only for what is large. */
  #texts: Texts | undefined;
  #bytes = 0;
  /** Before the root: what ends what is being read there. */
  #outside: '<' | '-->' | '?>' | undefined = '<';
  #unread = '';
  #depth = 0;
  /** The piece being read and a little before it; more only while a narrative is kept. */
  #recent = '';
  #recentAt = 0;
  #divAt = -1;
  #keeping = false;

  constructor(events: XmlEvents, limits: { maxBytes?: number; maxDepth?: number } = {}) {
    this.#maxBytes = limits.maxBytes ?? MAX_BYTES;
    const maxDepth = limits.maxDepth ?? MAX_DEPTH;
    const parser = this.#parser;
    parser.on('error', (error) => this.#refuse(codeOf(error.message)));
    parser.on('doctype', () => this.#refuse('XML_DOCTYPE'));
    parser.on('processinginstruction', () => this.#refuse('XML_PROCESSING_INSTRUCTION'));
    parser.on('xmldecl', ({ version, encoding }) => {
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') this.#refuse('XML_ENCODING');
      if (version !== '1.0') this.#refuse('XML_MALFORMED');
    });
    parser.on('opentagstart', ({ name }) => {
      parser.attributes.clear();
      this.#depth += 1;
      if (this.#depth > maxDepth) this.#refuse('XML_DEPTH');
      if (name === 'div' && !this.#keeping) {
        this.#divAt = this.#recentAt + this.#recent.lastIndexOf('<', parser.position - this.#recentAt - 1);
      }
    });
    parser.on('opentag', (tag) => {
      events.open(tag.name, parser.attributes, tag.isSelfClosing);
      if (!this.#keeping) this.#divAt = -1;
    });
    parser.on('closetag', () => {
      this.#depth -= 1;
      events.close();
    });
    parser.on('text', (text) => {
      if (!isSpace(text)) events.text();
    });
    parser.on('cdata', () => events.text());
  }

  get line(): number {
    return this.#parser.line;
  }

  /** MioError XML_*, MIO_TOO_LARGE. */
  write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) throw new MioError('MIO_TOO_LARGE', `more than ${this.#maxBytes} bytes`);
    if (this.#bytes >= LARGE) this.#texts ??= new Texts();
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.#feed(() => this.#decoder.decode(bytes.subarray(at, at + PIECE), { stream: true }));
    }
  }

  end(): void {
    this.#feed(() => this.#decoder.decode());
    this.#parser.close();
  }

  #feed(decode: () => string): void {
    let text: string;
    try {
      text = decode();
    } catch {
      throw new MioError('XML_ENCODING', 'the document is not valid UTF-8', { line: this.line });
    }
    if (text === '') return;
    this.#prolog(text);
    if (this.#divAt < 0) {
      const start = Math.max(this.#recent.length - 8, 0);
      this.#recentAt += start;
      this.#recent = this.#recent.slice(start);
    }
    this.#recent += text;
    this.#parser.write(text);
  }

  /**
   * A DTD is an event only once it is complete, and there is no reason to read it until then. It may stand before the root only,
   * where comments may stand, too, with whatever in them; saxes refuses one further below.
   */
  #prolog(text: string): void {
    let rest = this.#unread + text;
    for (this.#unread = ''; this.#outside !== undefined; ) {
      const end = rest.indexOf(this.#outside);
      if (end === -1) {
        // The end may be cut in two.
        this.#unread = rest.slice(rest.length - Math.min(rest.length, this.#outside.length - 1));
        return;
      }
      rest = rest.slice(end + this.#outside.length);
      if (this.#outside !== '<') this.#outside = '<';
      else if ('!DOCTYPE'.startsWith(rest.slice(0, 8)) || '!--'.startsWith(rest.slice(0, 3))) {
        if (rest.startsWith('!DOCTYPE')) this.#refuse('XML_DOCTYPE');
        if (!rest.startsWith('!--')) {
          this.#unread = `<${rest}`;
          return;
        }
        this.#outside = '-->';
        rest = rest.slice(3);
      } else this.#outside = rest.startsWith('?') ? '?>' : undefined;
    }
  }

  /** Keeps the source from the start of the tag that was just opened, where it is a `div`. */
  keep(): void {
    this.#keeping = this.#divAt >= 0;
  }

  /** The source from there to the end of the tag that was just closed; '' where nothing was kept. */
  kept(): string {
    const source = this.#keeping
      ? this.#recent.slice(this.#divAt - this.#recentAt, this.#parser.position - this.#recentAt)
      : '';
    this.#keeping = false;
    this.#divAt = -1;
    return source;
  }

  #refuse(code: string): never {
    throw new MioError(code, messages[code] ?? 'the document is not well-formed XML', { line: this.line });
  }
}

/** What is left of it: written as references. */
function isSpace(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}

const messages: Record<string, string> = {
  XML_DOCTYPE: 'the document has a DOCTYPE',
  XML_ENTITY: 'a reference to something else than a predefined entity or a character',
  XML_CHARACTER: 'a character that XML 1.0 forbids',
  XML_PROCESSING_INSTRUCTION: 'the document has a processing instruction, which is to be taken out: FHIR has none',
  XML_ENCODING: 'the document declares another encoding than UTF-8',
  XML_DEPTH: 'elements are nested too deep',
};

/** saxes has no codes; its texts are part of its pinned version, and a test holds one document against each. */
function codeOf(message: string): string {
  if (/undefined entity|empty entity name|malformed character entity/.test(message)) return 'XML_ENTITY';
  if (/disallowed character\.$/.test(message)) return 'XML_CHARACTER';
  if (/processing instruction/.test(message)) return 'XML_PROCESSING_INSTRUCTION';
  return /doctype/.test(message) ? 'XML_DOCTYPE' : 'XML_MALFORMED';
}
