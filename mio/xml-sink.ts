// XML as bytes, in pieces, for the writer of FHIR XML: what is written goes straight into them as UTF-8. A text that grows would
// have to be flattened, copied and encoded, and half of the time would go into collecting what is left of it.

/** Bytes per piece; only a narrative may be longer. The first one is small, as most resources are. */
const PIECE = 65_536;
const FIRST = 2048;
/** Characters of a value for which room is made at once; none takes more bytes than `&quot;`. */
const RUN = 2048;
const WIDEST = 6;

export class XmlSink {
  readonly #give: (piece: Uint8Array) => void;
  #piece: Uint8Array = new Uint8Array(FIRST);
  #at = 0;
  #given = 0;

  /** `give` gets each piece in its turn and has it only during the call: the next one is written over it. */
  constructor(give: (piece: Uint8Array) => void) {
    this.#give = give;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#given + this.#at;
  }

  /** Gives what is left; to be called at the end. */
  flush(): void {
    const at = this.#at;
    if (at === 0) return;
    this.#given += at;
    this.#at = 0;
    this.#give(this.#piece.subarray(0, at));
  }

  /** Markup: ASCII, as it is. */
  markup(text: string): void {
    const length = text.length;
    this.#room(length);
    const piece = this.#piece;
    const at = this.#at;
    for (let index = 0; index < length; index += 1) piece[at + index] = text.charCodeAt(index);
    this.#at = at + length;
  }

  /** Any well-formed text as it is. */
  raw(text: string): void {
    const bytes = Buffer.from(text);
    if (bytes.length <= PIECE) {
      this.#room(bytes.length);
      this.#piece.set(bytes, this.#at);
      this.#at += bytes.length;
      return;
    }
    this.flush();
    this.#given += bytes.length;
    this.#give(bytes);
  }

  /**
   * The value of an attribute; false where it has a character that XML 1.0 forbids (section 2.2). White space that a reader would
   * turn into spaces is kept as references (section 3.3.3).
   */
  value(text: string): boolean {
    const length = text.length;
    let index = 0;
    while (index < length) {
      const end = Math.min(length, index + RUN);
      // One more: a pair of surrogates may stand across the end.
      this.#room((end - index + 1) * WIDEST);
      const piece = this.#piece;
      let at = this.#at;
      while (index < end) {
        const code = text.charCodeAt(index);
        if (code < 0x80 && PLAIN[code] === 1) {
          piece[at] = code;
          at += 1;
          index += 1;
          continue;
        }
        const point = text.codePointAt(index) ?? 0;
        const next = put(piece, at, point);
        if (next === at) return false;
        at = next;
        index += point > 0xffff ? 2 : 1;
      }
      this.#at = at;
    }
    return true;
  }

  /** Makes `<a>` that was just written `<a/>`. */
  closeEmpty(): void {
    this.#piece[this.#at - 1] = SLASH;
    this.markup('>');
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#piece.length) return;
    this.flush();
    if (this.#piece.length < PIECE) this.#piece = new Uint8Array(PIECE);
  }
}

const SLASH = 0x2f;
const ESCAPES: ReadonlyMap<number, Uint8Array> = new Map(
  Object.entries({
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    '\t': '&#9;',
    '\n': '&#10;',
    '\r': '&#13;',
  }).map(([character, escaped]) => [character.charCodeAt(0), Buffer.from(escaped)]),
);
/** 1 for ASCII that is written as it is. */
const PLAIN = Uint8Array.from({ length: 0x80 }, (_, code) => (code >= 0x20 && !ESCAPES.has(code) ? 1 : 0));

/** Where the next one goes; `at` for a character that is none in XML, among them half a surrogate pair. */
function put(piece: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    const escaped = ESCAPES.get(point);
    if (escaped === undefined) return at;
    piece.set(escaped, at);
    return at + escaped.length;
  }
  let next = at;
  if (point < 0x800) piece[next++] = 0xc0 | (point >> 6);
  else {
    if ((point >= 0xd800 && point < 0xe000) || point === 0xfffe || point === 0xffff) return at;
    if (point < 0x10000) piece[next++] = 0xe0 | (point >> 12);
    else {
      piece[next++] = 0xf0 | (point >> 18);
      piece[next++] = 0x80 | ((point >> 12) & 0x3f);
    }
    piece[next++] = 0x80 | ((point >> 6) & 0x3f);
  }
  piece[next++] = 0x80 | (point & 0x3f);
  return next;
}
