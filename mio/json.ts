// JSON as FHIR needs it (RFC 8259, hl7.org/fhir/R4/json.html): numbers keep their spelling, a name may stand once in an object,
// and characters that XML cannot carry are found here, where the caller's pointer to them is known. Strict, within limits.
import { type Finding, MioError } from './error.ts';
import { Decimal, type FhirObject, type FhirValue, numberOf } from './model.ts';

/** A body of the REST API may have 32 MiB (api.md section 2); nothing of the toolkit is nested this deep. */
export type JsonLimits = { maxBytes?: number; maxDepth?: number };
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_DEPTH = 100;
const MAX_FINDINGS = 1000;

export type JsonResult = { value: FhirValue; findings: Finding[] };

/** MioError JSON_ENCODING, JSON_MALFORMED, JSON_REPEATED, JSON_DEPTH, MIO_TOO_LARGE, with a pointer where there is one. */
export function readJson(input: Uint8Array | string, limits: JsonLimits = {}): JsonResult {
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  if (input.length > maxBytes) throw new MioError('MIO_TOO_LARGE', `more than ${maxBytes} bytes`);
  const reader = new JsonReader(typeof input === 'string' ? input : decode(input), limits.maxDepth ?? MAX_DEPTH);
  return { value: reader.document(), findings: reader.findings };
}

/** Compact JSON with numbers as they are spelled. */
export function writeJson(value: FhirValue | undefined): string {
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) return `[${value.map((one) => writeJson(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${writeJson(one)}`).join(',')}}`;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new MioError('JSON_ENCODING', 'the body is not valid UTF-8');
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?[0-9][0-9.eE+-]*/y;
// \p{Cc} has a few characters more than the grammar forbids; CONTROL lets those through.
const PLAIN = /[^"\\\p{Cc}]*/uy;
const CONTROL = /[\u{7F}-\u{9F}]/uy;
const ESCAPE = /\\(?:(["\\/bfnrt])|u([0-9A-Fa-f]{4}))/y;
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

class JsonReader {
  readonly findings: Finding[] = [];
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): FhirValue {
    const value = this.#value();
    this.#match(SPACE);
    if (this.#at < this.#text.length) throw this.#malformed();
    return value;
  }

  #value(): FhirValue {
    this.#match(SPACE);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#list();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(): FhirObject {
    const object: FhirObject = {};
    this.#enter();
    for (let more = this.#opens('}'); more; more = this.#continues('}')) {
      this.#match(SPACE);
      if (this.#text[this.#at] !== '"') throw this.#malformed();
      const name = this.#string();
      this.#match(SPACE);
      if (this.#text[this.#at] !== ':') throw this.#malformed();
      this.#at += 1;
      this.#path.push(name);
      if (Object.hasOwn(object, name)) {
        throw new MioError('JSON_REPEATED', 'a name stands twice in an object', { pointer: this.#pointer() });
      }
      const value = this.#value();
      // Assigning would set the prototype.
      if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true });
      else object[name] = value;
      this.#path.pop();
    }
    return object;
  }

  #list(): FhirValue[] {
    const list: FhirValue[] = [];
    this.#enter();
    for (let more = this.#opens(']'); more; more = this.#continues(']')) {
      this.#path.push(list.length);
      list.push(this.#value());
      this.#path.pop();
    }
    return list;
  }

  #enter(): void {
    this.#at += 1;
    if (this.#path.length >= this.#maxDepth) {
      throw new MioError('JSON_DEPTH', 'the body is nested too deep', { pointer: this.#pointer() });
    }
  }

  /** After the opening bracket: false when it closes at once. */
  #opens(end: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== end) return true;
    this.#at += 1;
    return false;
  }

  #continues(end: string): boolean {
    this.#match(SPACE);
    const next = this.#text[this.#at];
    this.#at += 1;
    if (next !== ',' && next !== end) throw this.#malformed();
    return next === ',';
  }

  #string(): string {
    this.#at += 1;
    let text = '';
    for (;;) {
      text += this.#match(PLAIN);
      const next = this.#text[this.#at];
      if (next === '"') break;
      text += next === '\\' ? this.#escape() : this.#match(CONTROL) || this.#fail();
    }
    this.#at += 1;
    if (NOT_XML.test(text)) this.#find();
    return text;
  }

  #escape(): string {
    ESCAPE.lastIndex = this.#at;
    const found = ESCAPE.exec(this.#text);
    if (found === null) return this.#fail();
    this.#at = ESCAPE.lastIndex;
    const [, letter, hex] = found;
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPES[letter ?? ''] ?? letter ?? '';
  }

  #number(): number | Decimal {
    const value = numberOf(this.#match(NUMBER));
    return value ?? this.#fail();
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#malformed();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const start = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }

  #find(): void {
    if (this.findings.length >= MAX_FINDINGS) return;
    const path = this.#path.map((one) => (typeof one === 'number' ? `[${one}]` : `.${one}`)).join('');
    this.findings.push({
      severity: 'error',
      code: 'XML_CHARACTER',
      path: path.replace(/^\./, ''),
      pointer: this.#pointer(),
      message: 'a character that XML 1.0 forbids',
    });
  }

  #pointer(): string {
    return this.#path.map((one) => `/${String(one).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  }

  #fail(): never {
    throw this.#malformed();
  }

  #malformed(): MioError {
    return new MioError('JSON_MALFORMED', 'the body is not JSON', { pointer: this.#pointer() });
  }
}
