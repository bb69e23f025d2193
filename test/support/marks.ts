// Looks for marked values where they must not be (SEC-07, SEC-10, D15, RET): plain, in base64 (both alphabets, whatever
// stands before), in hex (both cases), URL-encoded, escaped as JSON, and as a bare hash, which for a KVNR gives it away (D6).
// One pass over the bytes however many marks there are; the places are files, output, answers, dumped tables.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** `what` is said of a find, the value never. */
export type Mark = { what: string; value: string | Uint8Array };
export type Place = { where: string; bytes: string | Uint8Array };
/** `where` and in which form. */
export type Find = { what: string; form: string; where: string };

type Needle = { bytes: Uint8Array; what: string; form: string };
/** Shorter ones would be met by chance. */
const SHORTEST = 8;
const KEY_BYTES = 3;

export class MarkSearch {
  readonly #byKey = new Map<number, Needle[]>();
  readonly #starts = new Uint8Array(1 << (8 * KEY_BYTES));

  constructor(marks: readonly Mark[]) {
    for (const needle of marks.flatMap(needlesOf)) {
      const [a = 0, b = 0, c = 0] = needle.bytes;
      const key = (a << 16) | (b << 8) | c;
      this.#starts[key] = 1;
      this.#byKey.getOrInsertComputed(key, () => []).push(needle);
    }
  }

  /** Each mark once per form and place. */
  find(places: readonly Place[]): Find[] {
    return places.flatMap((place) => this.#findIn(place));
  }

  #findIn({ where, bytes: given }: Place): Find[] {
    const bytes =
      typeof given === 'string' ? Buffer.from(given) : Buffer.from(given.buffer, given.byteOffset, given.length);
    const found = new Map<string, Find>();
    let key = 0;
    for (let end = 0; end < bytes.length; end++) {
      key = ((key << 8) | (bytes[end] as number)) & 0xff_ff_ff;
      if (this.#starts[key] !== 1 || end < KEY_BYTES - 1) continue;
      const from = end - KEY_BYTES + 1;
      for (const { bytes: wanted, what, form } of this.#byKey.get(key) ?? [])
        if (bytes.compare(wanted, 0, wanted.length, from, Math.min(from + wanted.length, bytes.length)) === 0)
          found.set(`${what} ${form}`, { what, form, where });
    }
    return [...found.values()];
  }
}

function needlesOf({ what, value }: Mark): Needle[] {
  const bytes = Buffer.from(value);
  if (bytes.length < SHORTEST) throw new Error(`a mark of ${bytes.length} bytes would be met by chance`);
  const forms = new Map<string, string>();
  for (const before of [0, 1, 2])
    for (const alphabet of ['base64', 'base64url'] as const)
      forms.set(`${alphabet}, ${before} bytes before it`, alignedBase64(bytes, before, alphabet));
  const hex = bytes.toString('hex');
  forms.set('hex', hex).set('HEX', hex.toUpperCase());
  const percent = hex.replaceAll(/../g, '%$&');
  forms.set('percent', percent).set('PERCENT', percent.toUpperCase());
  const hash = createHash('sha256').update(bytes).digest();
  for (const as of ['hex', 'base64', 'base64url'] as const) forms.set(`sha256 in ${as}`, hash.toString(as));
  if (typeof value === 'string') {
    const url = encodeURIComponent(value);
    forms.set('URL', url).set('form', url.replaceAll('%20', '+'));
    forms.set(
      'url',
      url.replaceAll(/%../g, (one) => one.toLowerCase()),
    );
    forms.set('JSON', JSON.stringify(value).slice(1, -1));
    forms.set(
      'JSON in ASCII',
      value.replaceAll(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`),
    );
    forms.set('lower case', value.toLowerCase());
  }
  const needles: Needle[] = [
    { bytes, what, form: 'plain' },
    { bytes: hash, what, form: 'sha256' },
  ];
  for (const [form, text] of forms)
    if (!needles.some((one) => Buffer.from(one.bytes).equals(Buffer.from(text))))
      needles.push({ bytes: Buffer.from(text), what, form });
  return needles;
}

/** The characters that only this value decides, whatever stands before (`before` bytes, modulo 3) and after it. */
function alignedBase64(bytes: Uint8Array, before: number, alphabet: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}

/** Every file below a directory, the store's log among them. */
export function filesBelow(directory: string): Place[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => ({ where: `file ${name}`, bytes: readFileSync(join(directory, name)) }));
}

/** What a world keeps and logs; `kvnrs` and the words of the demo's document are looked for. */
export function findsIn(world: { dataDirectory: string; logs: readonly unknown[] }, kvnrs: readonly string[]): Find[] {
  const marks = kvnrs.map((value) => ({ what: 'a KVNR', value }));
  const words = [
    'Erfundener Tagebucheintrag',
    'KBV_PR_MIO_DIGA_Bundle|1.1.0',
    'PRIVATE KEY',
    'eyJhbGciOi',
    'eyJ0eXAiOi',
  ];
  const search = new MarkSearch([...marks, ...words.map((value) => ({ what: `"${value}"`, value }))]);
  return search.find([...filesBelow(world.dataDirectory), { where: 'log', bytes: JSON.stringify(world.logs) }]);
}
