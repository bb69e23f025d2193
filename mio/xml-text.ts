// What XML 1.0 (fifth edition) says about characters, references, names and the XML declaration, for the scanner: the rare and
// slow cases, and why a document is refused. A fault has a code and the place where it is.
import { MioError } from './error.ts';

export type Fault = { code: string; at: number };

const messages: Record<string, string> = {
  XML_DOCTYPE: 'the document has a DOCTYPE',
  XML_ENTITY: 'a reference to something else than a predefined entity or a character',
  XML_CHARACTER: 'a character that XML 1.0 forbids',
  XML_PROCESSING_INSTRUCTION: 'the document has a processing instruction',
  XML_ENCODING: 'the document is not UTF-8 or declares another encoding',
  XML_DEPTH: 'elements are nested too deep',
};

export function refusalOf(code: string, line: number): MioError {
  return new MioError(code, messages[code] ?? 'the document is not well-formed XML', { line });
}

// Section 2.2. With the `u` flag a lone surrogate is a character of its own, and no XML character; without it the test is fast.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const SUSPECT = /[^\t\n\r -\uD7FF\uE000-\uFFFD]/;
// Sections 2.3 and 2.4.
const NAME_STARTS =
  ':A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}' +
  '\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NAME_PATTERN = `[${NAME_STARTS}][${NAME_STARTS}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]*`;
const WHOLE_NAME = new RegExp(NAME_PATTERN, 'uy');
const [TAB, LF, CR, SPACE] = [9, 10, 13, 32];

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The place of the next character that is no white space. */
export function afterSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== SPACE && code !== LF && code !== TAB && code !== CR) return at;
    at += 1;
  }
}

/** Where the first character stands that no document may contain; Infinity for none. */
export function forbiddenIn(text: string): number {
  const at = SUSPECT.test(text) ? text.search(FORBIDDEN) : -1;
  return at === -1 ? Number.POSITIVE_INFINITY : at;
}

/** Section 3.3.3: the value with references resolved, and white space that is no reference turned into spaces. */
export function attributeValue(raw: string): { value: string; fault: Fault | undefined } {
  let fault: Fault | undefined;
  const value = raw.replace(/\r\n|[\t\n\r]|&([^;]*)(;?)/g, (_, name: string | undefined, end: string, at: number) => {
    if (name === undefined) return ' ';
    const resolved = end === '' ? undefined : referenced(name);
    if (resolved === undefined) fault ??= { code: referenceFault(name, end), at };
    return resolved ?? '';
  });
  return { value, fault };
}

/** Character data between tags. `blank`: nothing but white space once its references are resolved. */
export function characterData(raw: string): { blank: boolean; fault: Fault | undefined } {
  const { value, fault } = attributeValue(raw);
  const end = raw.indexOf(']]>');
  if (end !== -1 && !(fault !== undefined && fault.at < end))
    return { blank: false, fault: { code: 'XML_MALFORMED', at: end } };
  return { blank: !/[^ \t\r\n]/.test(value), fault };
}

function referenced(name: string): string | undefined {
  if (!name.startsWith('#')) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
  const digits = /^#(?:x([0-9A-Fa-f]+)|([0-9]+))$/.exec(name);
  const code = digits?.[1] === undefined ? Number.parseInt(digits?.[2] ?? '', 10) : Number.parseInt(digits[1], 16);
  const one = code <= 0x10ffff ? String.fromCodePoint(code) : '\u{0}';
  return FORBIDDEN.test(one) ? undefined : one;
}

function referenceFault(name: string, end: string): string {
  return end === ';' && (name === '' || name.startsWith('#') || new RegExp(`^${NAME_PATTERN}$`, 'u').test(name))
    ? 'XML_ENTITY'
    : 'XML_MALFORMED';
}

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.0\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])([A-Za-z][A-Za-z0-9._-]*)\2)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\4)?[ \t\r\n]*\?>$/;

/** Section 2.8: what is wrong with an XML declaration. */
export function declarationFault(text: string): Fault | undefined {
  const found = DECLARATION.exec(text);
  if (found === null) return { code: 'XML_MALFORMED', at: 0 };
  return found[3] === undefined || found[3].toLowerCase() === 'utf-8' ? undefined : { code: 'XML_ENCODING', at: 0 };
}

/** Whether an ASCII character may begin a name, or stand in one. */
const [START, PART] = [1, 2];
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const one = String.fromCharCode(code);
  return /[:A-Z_a-z]/.test(one) ? START | PART : /[-.0-9]/.test(one) ? PART : 0;
});
/** More than all names of the toolkit need. */
const MAX_NODES = 1024;

/** The names of one document: each is made once, and found again by its characters, node by node. */
export class Names {
  readonly #next = new Int16Array(MAX_NODES * 128);
  readonly #names = [''];

  /** The name that begins at `at`, or ''. */
  at(text: string, at: number): string {
    let node = 0;
    let end = at;
    for (;;) {
      const code = text.charCodeAt(end);
      const next = code < 128 ? (this.#next[node * 128 + code] ?? 0) : 0;
      if (next === 0) {
        const name = this.#names[node] ?? '';
        return name !== '' && !(code >= 128) && ((ASCII[code] ?? 0) & PART) === 0 ? name : this.#learn(text, at);
      }
      node = next;
      end += 1;
    }
  }

  #learn(text: string, at: number): string {
    WHOLE_NAME.lastIndex = at;
    const name = WHOLE_NAME.exec(text)?.[0] ?? '';
    let node = 0;
    for (let index = 0; index < name.length; index += 1) {
      const code = name.charCodeAt(index);
      if (code >= 128) return name;
      const slot = node * 128 + code;
      if (this.#next[slot] === 0) {
        if (this.#names.length === MAX_NODES) return name;
        this.#next[slot] = this.#names.push('') - 1;
      }
      node = this.#next[slot] ?? 0;
    }
    if (at + name.length < text.length && name !== '') this.#names[node] = name;
    return name;
  }
}
