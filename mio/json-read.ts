// The reader behind json.ts: takes the bytes of a body in pieces of any size and makes the objects as they come, so that the text
// of a large body never stands in memory beside them. A grammar by states (RFC 8259) instead of calls within calls.
import { type Finding, MioError } from './error.ts';
import { JsonToken } from './json-token.ts';
import { type Decimal, type FhirObject, type FhirValue, numberOf } from './model.ts';

const MAX_FINDINGS = 1000;

/** What may come next; `list` and `object` are just opened. Below `colon` it is a value. */
const State = { value: 0, list: 1, colon: 2, object: 3, name: 4, next: 5, end: 6 } as const;
type State = (typeof State)[keyof typeof State];

export class JsonReader {
  readonly findings: Finding[] = [];
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #token: JsonToken;
  /** What is open around the innermost object or list, and the step from it inwards: no object for each of them. */
  readonly #objects: (FhirObject | undefined)[] = [];
  readonly #bases: number[] = [];
  readonly #steps: (string | number)[] = [];
  #depth = 0;
  #state: State = State.value;
  /** The innermost object, or undefined in a list. */
  #object: FhirObject | undefined;
  #name = '';
  /**
   * Items of all lists that are open, those of the innermost from `base` to `top`: a list is made when its length is known. Never made
   * shorter, as V8 would give the room back each time.
   */
  readonly #items: FhirValue[] = [];
  #base = 0;
  #top = 0;
  #value: FhirValue = null;
  #bytes = 0;
  /** Bytes of a byte order mark. */
  #marked = 0;

  constructor(maxBytes: number, maxDepth: number) {
    this.#maxBytes = maxBytes;
    this.#maxDepth = maxDepth;
    this.#token = new JsonToken(() => this.#malformed());
  }

  /** MioError as readJson. */
  write(bytes: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) throw new MioError('MIO_TOO_LARGE', `more than ${this.#maxBytes} bytes`);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const token = this.#token;
    token.piece = piece;
    let at = this.#marked === before ? this.#mark(piece) : 0;
    while (at < piece.length) {
      if (!token.open) {
        at = this.#sign(piece[at] as number, at);
        if (!token.open) continue;
      }
      at = token.goOn(at);
      if (!token.open) this.#take();
    }
    token.keep();
  }

  end(): FhirValue {
    if (this.#token.open) {
      this.#token.end();
      this.#take();
    }
    if (this.#marked % BOM.length > 0) throw this.#malformed();
    if (this.#state !== State.end) throw this.#malformed();
    return this.#value;
  }

  /** A byte order mark at the very beginning is passed over, as decoders do; half of one is no JSON. */
  #mark(piece: Buffer): number {
    let at = 0;
    while (this.#marked < BOM.length && at < piece.length && piece[at] === BOM[this.#marked]) {
      at += 1;
      this.#marked += 1;
    }
    if (at < piece.length && this.#marked % BOM.length > 0) throw this.#malformed();
    return at;
  }

  /** What begins here; gives where to go on. */
  #sign(code: number, at: number): number {
    switch (code) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        break;
      case 0x22: // "
        if (this.#state > State.name || this.#state === State.colon) throw this.#malformed();
        this.#token.beginText(this.#state >= State.object);
        break;
      case 0x2c: // ,
        if (this.#state !== State.next) throw this.#malformed();
        this.#state = this.#object === undefined ? State.value : State.name;
        break;
      case 0x3a: // :
        this.#colon();
        break;
      case 0x7b: // {
        this.#open({});
        break;
      case 0x5b: // [
        this.#open(undefined);
        break;
      case 0x7d: // }
        this.#close(this.#object !== undefined && (this.#state === State.object || this.#state === State.next));
        break;
      case 0x5d: // ]
        this.#close(this.#object === undefined && (this.#state === State.list || this.#state === State.next));
        break;
      default:
        if (this.#state > State.list) throw this.#malformed();
        this.#token.beginBare();
        return at;
    }
    return at + 1;
  }

  /** A text, number or word is complete. */
  #take(): void {
    const token = this.#token;
    if (!token.isText) this.#put(this.#bare(token.text));
    else {
      if (!token.isXml) this.#find();
      if (this.#state < State.colon) this.#put(token.text);
      else {
        this.#name = token.text;
        this.#state = State.colon;
      }
    }
  }

  #bare(text: string): boolean | null | number | Decimal {
    if (text === 'true') return true;
    if (text === 'false') return false;
    if (text === 'null') return null;
    const number = numberOf(text);
    if (number === undefined) throw this.#malformed();
    return number;
  }

  #colon(): void {
    if (this.#state !== State.colon) throw this.#malformed();
    this.#state = State.value;
    if (Object.hasOwn(this.#object ?? {}, this.#name)) {
      throw new MioError('JSON_REPEATED', 'a name stands twice in an object', { pointer: this.#pointer() });
    }
  }

  #put(value: FhirValue): void {
    this.#state = State.next;
    const object = this.#object;
    if (object !== undefined) {
      // Assigning would set the prototype.
      if (this.#name === '__proto__') Object.defineProperty(object, this.#name, { value, enumerable: true });
      else object[this.#name] = value;
    } else if (this.#depth > 0) {
      this.#items[this.#top] = value;
      this.#top += 1;
    } else {
      this.#value = value;
      this.#state = State.end;
    }
  }

  #open(object: FhirObject | undefined): void {
    if (this.#state > State.list) throw this.#malformed();
    if (this.#depth >= this.#maxDepth) {
      throw new MioError('JSON_DEPTH', 'the body is nested too deep', { pointer: this.#pointer() });
    }
    this.#objects[this.#depth] = this.#object;
    this.#bases[this.#depth] = this.#base;
    this.#steps[this.#depth] = this.#step();
    this.#depth += 1;
    this.#object = object;
    this.#base = this.#top;
    this.#state = object === undefined ? State.list : State.object;
  }

  #close(allowed: boolean): void {
    if (!allowed) throw this.#malformed();
    const value = this.#object ?? this.#items.slice(this.#base, this.#top);
    this.#top = this.#base;
    this.#depth -= 1;
    this.#object = this.#objects[this.#depth];
    this.#base = this.#bases[this.#depth] as number;
    const step = this.#steps[this.#depth];
    if (typeof step === 'string') this.#name = step;
    this.#put(value);
  }

  #step(): string | number {
    return this.#object === undefined ? this.#top - this.#base : this.#name;
  }

  /** Where the reader is: in a value, or between the values of an object or list. */
  #path(): (string | number)[] {
    const steps = this.#steps.slice(1, Math.max(this.#depth, 1));
    if (this.#depth > 0 && this.#state < State.colon) steps.push(this.#step());
    return steps;
  }

  #find(): void {
    if (this.findings.length >= MAX_FINDINGS) return;
    const path = this.#path()
      .map((one) => (typeof one === 'number' ? `[${one}]` : `.${one}`))
      .join('');
    this.findings.push({
      severity: 'error',
      code: 'XML_CHARACTER',
      path: path.replace(/^\./, ''),
      pointer: this.#pointer(),
      message: 'a character that XML 1.0 forbids',
    });
  }

  #pointer(): string {
    return this.#path()
      .map((one) => `/${String(one).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join('');
  }

  #malformed(): MioError {
    return new MioError('JSON_MALFORMED', 'the body is not JSON', { pointer: this.#pointer() });
  }
}

const BOM = [0xef, 0xbb, 0xbf];
