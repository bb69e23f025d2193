// A VAU message in the form its vendor writes: maps of known length in our order, or of indefinite length in another order
// (RFC 8949 3.2.2; lib-vau's Jackson). Both say the same; a client hashes the bytes as they came.
import { type CborMap, type CborValue, encodeCbor } from '../../wire/cbor.ts';
import type { VendorProfile } from '../tables/vendors.ts';

export type CborForm = VendorProfile['cborMaps'];

const MAP_WITHOUT_LENGTH = Buffer.of(0xbf);
const BREAK = Buffer.of(0xff);

export function writeCbor(form: CborForm, map: CborMap): Uint8Array {
  return form === 'definite' ? encodeCbor(map) : withoutLength(map);
}

function withoutLength(map: CborMap): Uint8Array {
  const entries = Object.entries(map)
    .reverse()
    .flatMap(([key, value]) => [encodeCbor(key), isMap(value) ? withoutLength(value) : encodeCbor(value)]);
  return Buffer.concat([MAP_WITHOUT_LENGTH, ...entries, BREAK]);
}

function isMap(value: CborValue): value is CborMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
