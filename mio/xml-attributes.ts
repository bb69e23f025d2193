// The attributes of the tag being read. One object for all tags of a document, filled anew for each: objects of their own would be
// half of the reader's garbage.

export class Attributes {
  /** Never made shorter, as V8 would give the room back each time; beyond `count` it holds what other tags had. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  /** All names, where there are many: a hostile tag may have a million, and each is compared with all before it. */
  #many = new Set<string>();
  count = 0;
  /** One of them declares a namespace. */
  declares = false;
  /** Two have the same name, which is no XML (section 3.1). */
  repeated = false;

  clear(): void {
    this.count = 0;
    this.declares = false;
    this.repeated = false;
  }

  add(name: string, value: string): void {
    const count = this.count;
    if (this.#isKnown(name)) this.repeated = true;
    this.#names[count] = name;
    this.#values[count] = value;
    this.count = count + 1;
    if (name.charCodeAt(0) === X && name.startsWith('xmlns')) this.declares = true;
  }

  #isKnown(name: string): boolean {
    const count = this.count;
    if (count >= FEW) {
      if (count === FEW) this.#many = new Set(this.#names.slice(0, FEW));
      const size = this.#many.size;
      return this.#many.add(name).size === size;
    }
    for (let at = 0; at < count; at += 1) if (this.#names[at] === name) return true;
    return false;
  }

  /** `at`: below `count`. */
  name(at: number): string {
    return this.#names[at] as string;
  }

  value(at: number): string {
    return this.#values[at] as string;
  }

  /** The value of the only one, where that is `value`: all that most elements have. */
  onlyValue(): string | undefined {
    return this.count === 1 && this.#names[0] === 'value' ? this.#values[0] : undefined;
  }
}

const X = 0x78;

/** No tag of a document that is meant well has more. */
const FEW = 16;
