// Content at rest in sealed chunks (D8): AES-256-GCM, 256 KiB each, own nonce, chunk index, last flag and the document's
// name in the additional data. A changed, missing, swapped, cut or foreign chunk throws before its bytes are handed on,
// so a VAU frame that streams from here never gets its tag.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { buffersDied } from './dead-buffers.ts';

export const CHUNK_BYTES = 256 * 1024;
const VERSION = 1;
const HEAD = 1 + 12;
const TAG = 16;

/** `content` as sealed chunks, at least one. `name` binds them to one document of one export. */
export function sealContent(key: Uint8Array, name: string, content: Uint8Array): Uint8Array[] {
  const sealer = openSealer(key, name);
  return [...sealer.write(content), sealer.end()];
}

/** Content sealed while it comes in; holds less than two chunks of it. */
export type Sealer = {
  /** The chunks that are full; they are made as they are taken. */
  write(bytes: Uint8Array): Iterable<Uint8Array>;
  /** The last chunk; only now it is known to be the last. */
  end(): Uint8Array;
};

export function openSealer(key: Uint8Array, name: string): Sealer {
  let held: Uint8Array[] = [];
  let length = 0;
  let index = 0;
  const take = (last: boolean) => {
    const plain = Buffer.concat(held);
    const now = last ? plain : plain.subarray(0, CHUNK_BYTES);
    held = last ? [] : [plain.subarray(CHUNK_BYTES)];
    length -= now.length;
    return sealChunk(key, aad(name, index++, last), now);
  };
  return {
    *write(bytes) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        const piece = bytes.subarray(at, at + CHUNK_BYTES);
        held.push(piece);
        length += piece.length;
        // A full chunk waits for one more byte: it may be the last.
        while (length > CHUNK_BYTES) yield take(false);
      }
    },
    end: () => take(true),
  };
}

/** The plaintext, chunk by chunk. `read(index)` answers a sealed chunk or undefined behind the last. STORE_BROKEN. */
export async function* openContent(
  key: Uint8Array,
  name: string,
  read: (index: number) => Promise<Uint8Array | undefined>,
): AsyncGenerator<Uint8Array> {
  let next = await read(0);
  for (let index = 0; ; index++) {
    const sealed = next;
    if (sealed === undefined) throw new GatewayError('STORE_BROKEN', 'a chunk of the content is missing');
    next = await read(index + 1);
    // The last flag is authenticated: cutting the tail off makes this the last chunk, and it does not open as one.
    yield openChunk(key, aad(name, index, next === undefined), sealed);
    if (next === undefined) return;
  }
}

/** One short value (the KVNR) sealed under `name`. */
export function sealValue(key: Uint8Array, name: string, value: string): Uint8Array {
  return sealChunk(key, aad(name, 0, true), Buffer.from(value, 'utf8'));
}

/** The value of `sealValue`. STORE_BROKEN when changed or sealed under another name or key. */
export function openValue(key: Uint8Array, name: string, sealed: Uint8Array): string {
  return openChunk(key, aad(name, 0, true), sealed).toString('utf8');
}

function sealChunk(key: Uint8Array, additional: Uint8Array, plain: Uint8Array): Uint8Array {
  if (plain.length === CHUNK_BYTES) buffersDied(CHUNK_BYTES);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(additional);
  return Buffer.concat([Uint8Array.of(VERSION), iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openChunk(key: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < HEAD + TAG || sealed.length > HEAD + CHUNK_BYTES + TAG || sealed[0] !== VERSION)
    throw new GatewayError('STORE_BROKEN', 'a chunk of the content has a wrong form');
  if (sealed.length === HEAD + CHUNK_BYTES + TAG) buffersDied(CHUNK_BYTES);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEAD)).setAAD(additional);
    decipher.setAuthTag(sealed.subarray(-TAG));
    return Buffer.concat([decipher.update(sealed.subarray(HEAD, -TAG)), decipher.final()]);
  } catch (cause) {
    throw new GatewayError('STORE_BROKEN', 'a chunk of the content was changed, swapped or cut', { cause });
  }
}

function aad(name: string, index: number, last: boolean): Uint8Array {
  const tail = Buffer.alloc(5);
  tail.writeUInt32BE(index, 0);
  tail[4] = last ? 1 : 0;
  return Buffer.concat([Buffer.from(`epa-gateway chunk v1\0${name}\0`, 'utf8'), tail]);
}
