// Keys at rest (D7): a key wrapped under its parent by AES-256-GCM, with its own name and the parent's generation as
// additional data, so that it cannot be moved to another name. The blob says which generation of the parent opens it: while
// a DiGA's key rotates, blobs of the old and of the new one lie side by side.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { GatewayError } from '../errors.ts';

export const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED_BYTES = IV_BYTES + KEY_BYTES + TAG_BYTES;

/** 1: format ‖ sealed, of parents without generations (the master key) and of a DiGA's first; 2: format ‖ u32 ‖ sealed. */
const PLAIN = 1;
const NUMBERED = 2;

export type Random = (bytes: number) => Uint8Array;
/** A parent key; `generation` null where it has none. */
export type Parent = { key: Uint8Array; generation: number | null };

/** `key` under `parent` as `name`. */
export function wrapKey(o: { parent: Parent; name: string; key: Uint8Array; random: Random }): Uint8Array {
  const iv = o.random(IV_BYTES);
  const head = headOf(o.parent.generation);
  const cipher = createCipheriv('aes-256-gcm', o.parent.key, iv).setAAD(aad(o.parent.generation, o.name));
  return Buffer.concat([head, iv, cipher.update(o.key), cipher.final(), cipher.getAuthTag()]);
}

/** Generation of the parent that opens the blob; format 1 is the first. STORE_BROKEN for what is no wrapped key. */
export function generationOf(wrapped: Uint8Array): number {
  if (wrapped[0] === PLAIN && wrapped.length === 1 + SEALED_BYTES) return 1;
  if (wrapped[0] === NUMBERED && wrapped.length === 5 + SEALED_BYTES)
    return Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength).readUInt32BE(1);
  throw broken();
}

/** The key of a blob. STORE_BROKEN when changed, moved to another name, or wrapped under another parent. */
export function unwrapKey(parent: Uint8Array, name: string, wrapped: Uint8Array): Uint8Array {
  const generation = generationOf(wrapped);
  const head = wrapped.length - SEALED_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', parent, wrapped.subarray(head, head + IV_BYTES));
    decipher.setAAD(aad(head === 1 ? null : generation, name));
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(head + IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw broken(cause);
  }
}

function headOf(generation: number | null): Uint8Array {
  if (generation === null) return Uint8Array.of(PLAIN);
  const head = Buffer.alloc(5);
  head[0] = NUMBERED;
  head.writeUInt32BE(generation, 1);
  return head;
}

const aad = (generation: number | null, name: string) =>
  Buffer.from(
    generation === null ? `epa-gateway key v1\0${name}` : `epa-gateway key v2\0${generation}\0${name}`,
    'utf8',
  );
const broken = (cause?: unknown) =>
  new GatewayError('STORE_BROKEN', 'a stored key does not open: wrong master key or changed data', { cause });
