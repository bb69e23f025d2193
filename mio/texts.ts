// Texts of a document, each kept once: systems, codes, units and names stand in it thousands of times, and most of the memory that
// a large one takes as objects would be their copies. Belongs to one reading, so that nothing of a document outlives it.

/** Longer ones are hardly ever the same twice. */
export const LONGEST = 128;
const FEWEST = 512;
const MOST = 32_768;

export class Texts {
  #hashes = new Int32Array(FEWEST);
  /** One place for each hash: a text that came later takes it, so however many there are, the table stays small. */
  #texts: string[] = new Array<string>(FEWEST).fill('');
  #added = 0;

  /** The ASCII text of these bytes, whose `hash` (`hashed` byte by byte) is found while they are looked at anyway. */
  ofAscii(bytes: Buffer, start: number, end: number, hash: number): string {
    const place = placeOf(hash, this.#texts.length);
    const known = this.#texts[place] as string;
    if (this.#hashes[place] === hash && isSame(known, bytes, start, end)) return known;
    return this.#add(bytes.toString('latin1', start, end), place, hash);
  }

  /** Any text, as a copy of its own: what was cut out of a larger one would keep that one in memory. */
  of(text: string): string {
    const length = text.length;
    if (length > LONGEST) return text;
    let hash = 0;
    let all = 0;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      hash = hashed(hash, code);
      all |= code;
    }
    const place = placeOf(hash, this.#texts.length);
    if (this.#hashes[place] === hash && this.#texts[place] === text) return this.#texts[place];
    const encoding = all < 0x100 ? 'latin1' : 'utf16le';
    return this.#add(Buffer.from(text, encoding).toString(encoding), place, hash);
  }

  #add(text: string, place: number, hash: number): string {
    this.#hashes[place] = hash;
    this.#texts[place] = text;
    this.#added += 1;
    if (this.#added > this.#texts.length && this.#texts.length < MOST) this.#grow(this.#texts.length * 8);
    return text;
  }

  #grow(places: number): void {
    const [hashes, texts] = [this.#hashes, this.#texts];
    this.#hashes = new Int32Array(places);
    this.#texts = new Array<string>(places).fill('');
    for (const [at, text] of texts.entries()) {
      const place = placeOf(hashes[at] as number, places);
      this.#hashes[place] = hashes[at] as number;
      this.#texts[place] = text;
    }
  }
}

/** `places`: a power of two. */
function placeOf(hash: number, places: number): number {
  return (hash ^ (hash >>> 15)) & (places - 1);
}

/** To be begun with 0. */
export function hashed(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

function isSame(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (text.length !== length) return false;
  for (let at = 0; at < length; at += 1) if (text.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}
