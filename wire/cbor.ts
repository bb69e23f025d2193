// CBOR (RFC 8949) as the VAU messages use it: maps with text keys, byte strings, text, integers, booleans (A_24608 ff.).
// Written in the shortest form with definite lengths. Read strictly – no duplicate keys, trailing bytes, tags, floats,
// undefined, lengths longer than needed – but with indefinite lengths, which lib-vau's Jackson emits (D21): cborg knows
// those of maps and arrays, this reader adds those of byte and text strings (RFC 8949 3.2.3).
import { type DecodeOptions, decode, encode, Token, Tokenizer, Type } from 'cborg';
import { WireError } from './error.ts';

export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CborValue[]
  | { [key: string]: CborValue };
export type CborMap = { [key: string]: CborValue };

const OPTIONS: DecodeOptions = {
  strict: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: true,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: true,
  retainStringBytes: true,
};
const INDEFINITE_BYTES = 0x5f;
const INDEFINITE_TEXT = 0x7f;

/** @throws WireError CBOR_INVALID when the value holds what a VAU message never holds (fractions, undefined) */
export function encodeCbor(value: CborValue): Uint8Array {
  if (!isCborValue(value)) throw new WireError('CBOR_INVALID', 'the value has no place in a CBOR message');
  return encode(value);
}

/** One data item that fills the input exactly. @throws WireError CBOR_INVALID */
export function decodeCbor(bytes: Uint8Array): CborValue {
  let value: unknown;
  try {
    value = decode(bytes, { ...OPTIONS, tokenizer: new StrictTokenizer(Uint8Array.from(bytes), OPTIONS) });
  } catch {
    // No cause: cborg's messages quote the map key they stumble over.
    throw new WireError('CBOR_INVALID', 'the bytes are not one strict CBOR item');
  }
  // cborg lets a "break" stand where a map's value belongs; its marker is no CborValue.
  if (!isCborValue(value)) throw new WireError('CBOR_INVALID', 'a break stands where a value belongs');
  return value;
}

/** @throws WireError CBOR_INVALID, also when the item is not a map */
export function decodeCborMap(bytes: Uint8Array): CborMap {
  const value = decodeCbor(bytes);
  if (!isMap(value)) throw new WireError('CBOR_INVALID', 'the CBOR item is not a map');
  return value;
}

/** @param length exact length in bytes, where the message fixes it. @throws WireError CBOR_MISSING, CBOR_TYPE */
export function cborBytes(map: CborMap, key: string, length?: number): Uint8Array {
  const value = member(map, key);
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) throw wrongType(key);
  return value;
}

/** @throws WireError CBOR_MISSING, CBOR_TYPE */
export function cborText(map: CborMap, key: string): string {
  const value = member(map, key);
  if (typeof value !== 'string') throw wrongType(key);
  return value;
}

/** An unsigned integer up to 2^53 − 1. @throws WireError CBOR_MISSING, CBOR_TYPE */
export function cborUint(map: CborMap, key: string): number {
  const value = member(map, key);
  if (typeof value !== 'number' || value < 0) throw wrongType(key);
  return value;
}

/** @throws WireError CBOR_MISSING, CBOR_TYPE */
export function cborBool(map: CborMap, key: string): boolean {
  const value = member(map, key);
  if (typeof value !== 'boolean') throw wrongType(key);
  return value;
}

/** @throws WireError CBOR_MISSING, CBOR_TYPE */
export function cborMap(map: CborMap, key: string): CborMap {
  const value = member(map, key);
  if (!isMap(value)) throw wrongType(key);
  return value;
}

function member(map: CborMap, key: string): CborValue {
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  if (value === undefined) throw new WireError('CBOR_MISSING', `the CBOR map has no ${key}`);
  return value;
}

function wrongType(key: string): WireError {
  return new WireError('CBOR_TYPE', `${key} in the CBOR map has the wrong type or length`);
}

function isMap(value: CborValue): value is CborMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isCborValue(value: unknown): value is CborValue {
  if (value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(isCborValue);
  if (typeof value === 'object') return Object.values(value).every(isCborValue);
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint';
}

/** cborg's tokenizer with strings of indefinite length joined, floats and broken UTF-8 refused. */
class StrictTokenizer extends Tokenizer {
  override next(): Token {
    const first = this.data[this._pos];
    if (first === INDEFINITE_BYTES) return new Token(Type.bytes, this.#joined(Type.bytes));
    if (first === INDEFINITE_TEXT) return new Token(Type.string, utf8(this.#joined(Type.string)));
    const token = super.next();
    if (Type.equals(token.type, Type.float)) throw new Error('no float stands in a VAU message');
    if (!Type.equals(token.type, Type.string)) return token;
    return new Token(Type.string, utf8(contentOf(token)), token.encodedLength);
  }

  /** The definite strings up to the break; each one of the same type and, as text, whole UTF-8 by itself. */
  #joined(type: Type): Uint8Array {
    this._pos += 1;
    const chunks: Uint8Array[] = [];
    for (;;) {
      const token = super.next();
      if (Type.equals(token.type, Type.break)) return Uint8Array.from(Buffer.concat(chunks));
      if (!Type.equals(token.type, type)) throw new Error('a chunk of another type');
      const chunk = contentOf(token);
      if (Type.equals(type, Type.string)) utf8(chunk);
      chunks.push(chunk);
    }
  }
}

function contentOf(token: Token): Uint8Array {
  const bytes: unknown = Type.equals(token.type, Type.bytes) ? token.value : token.byteValue;
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(); // cborg keeps no bytes of an empty text
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
