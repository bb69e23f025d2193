// The sealed parts of the VAU protocol: AEAD of the handshake messages (gemSpec_Krypt 7, epa-record-system.md 1.3) and the
// data frames header(43) ‖ IV(12) ‖ ciphertext ‖ tag(16) of A_24628-01, A_24632 (1.5). AES-256-GCM throughout, no I/O.
// Whether counter, KeyID, PU flag and direction are the expected ones is judged by client and server, each for itself.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { WireError } from './error.ts';

export type FrameHeader = { pu: boolean; kind: 'request' | 'response'; counter: bigint; keyId: Uint8Array };

const HEADER = 43;
const IV = 12;
const TAG = 16;
const VERSION = 0x02;
/** Bytes a frame is longer than its content. */
export const FRAME_OVERHEAD = HEADER + IV + TAG;
const KINDS = { request: 0x01, response: 0x02 } as const;

/** IV ‖ ciphertext ‖ tag, no AAD. `iv` is fixed only to reproduce recorded messages. */
export function sealHandshake(key: Uint8Array, plaintext: Uint8Array, iv: Uint8Array = randomBytes(IV)): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** @throws WireError VAU_AEAD */
export function openHandshake(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  return open({ key, iv: sealed.subarray(0, IV), sealed: sealed.subarray(IV) });
}

/** The 43 bytes in front, which are the AAD. @throws WireError VAU_FRAME_COUNTER, VAU_FRAME_LENGTH on impossible values */
export function encodeFrameHeader(h: FrameHeader): Uint8Array {
  if (h.counter < 0n || h.counter > 0xffffffffffffffffn) {
    throw new WireError('VAU_FRAME_COUNTER', 'the request counter does not fit 64 bits');
  }
  if (h.keyId.length !== 32) throw new WireError('VAU_FRAME_LENGTH', 'the KeyID is not 32 bytes');
  const header = Buffer.alloc(HEADER);
  header[0] = VERSION;
  header[1] = h.pu ? 1 : 0;
  header[2] = KINDS[h.kind];
  header.writeBigUInt64BE(h.counter, 3);
  header.set(h.keyId, 11);
  return header;
}

/** @param frame a whole frame. @throws WireError VAU_FRAME_LENGTH, VAU_FRAME_VERSION, VAU_FRAME_PU, VAU_FRAME_TYPE */
export function decodeFrameHeader(frame: Uint8Array): FrameHeader {
  // At least one byte of content (A_24628-01: 72 bytes).
  if (frame.length <= FRAME_OVERHEAD) throw new WireError('VAU_FRAME_LENGTH', 'the frame is shorter than 72 bytes');
  const header = Buffer.from(frame.buffer, frame.byteOffset, HEADER);
  if (header[0] !== VERSION) throw new WireError('VAU_FRAME_VERSION', 'the frame is not of version 2');
  const pu = header[1];
  if (pu !== 0 && pu !== 1) throw new WireError('VAU_FRAME_PU', 'the PU byte of the frame is neither 0 nor 1');
  const kind = header[2] === KINDS.request ? 'request' : header[2] === KINDS.response ? 'response' : undefined;
  if (kind === undefined) throw new WireError('VAU_FRAME_TYPE', 'the frame is neither request nor response');
  return { pu: pu === 1, kind, counter: header.readBigUInt64BE(3), keyId: Uint8Array.from(header.subarray(11)) };
}

/**
 * One frame in pieces: header and IV, then the ciphertext as the source delivers, then the tag. Nothing is collected.
 * A source that throws ends the frame without its tag, so no receiver can take the torn content for whole (D8).
 * @param o.iv see frameIv; must never repeat under one key
 */
export async function* sealFrame(o: {
  header: FrameHeader;
  key: Uint8Array;
  iv: Uint8Array;
  plaintext: AsyncIterable<Uint8Array> | Uint8Array;
}): AsyncGenerator<Uint8Array> {
  const header = encodeFrameHeader(o.header);
  if (o.iv.length !== IV) throw new WireError('VAU_FRAME_LENGTH', 'the IV is not 12 bytes');
  const cipher = createCipheriv('aes-256-gcm', o.key, o.iv).setAAD(header);
  yield Buffer.concat([header, o.iv]);
  for await (const chunk of o.plaintext instanceof Uint8Array ? [o.plaintext] : o.plaintext) {
    if (chunk.length > 0) yield cipher.update(chunk);
  }
  cipher.final();
  yield cipher.getAuthTag();
}

/** @throws WireError VAU_AEAD and those of decodeFrameHeader */
export function openFrame(o: { key: Uint8Array; frame: Uint8Array }): { header: FrameHeader; plaintext: Uint8Array } {
  const header = decodeFrameHeader(o.frame);
  const plaintext = open({
    key: o.key,
    iv: o.frame.subarray(HEADER, HEADER + IV),
    sealed: o.frame.subarray(HEADER + IV),
    aad: o.frame.subarray(0, HEADER),
  });
  return { header, plaintext };
}

/** 4 random bytes ‖ 8-byte counter of encryptions under this key, big endian (A_24628-01). @throws WireError VAU_FRAME_LENGTH */
export function frameIv(counter: bigint, random4: Uint8Array): Uint8Array {
  if (random4.length !== 4) throw new WireError('VAU_FRAME_LENGTH', 'the random part of the IV is not 4 bytes');
  const iv = Buffer.alloc(IV);
  iv.set(random4);
  iv.writeBigUInt64BE(counter, 4);
  return iv;
}

function open(o: { key: Uint8Array; iv: Uint8Array; sealed: Uint8Array; aad?: Uint8Array }): Uint8Array {
  const end = o.sealed.length - TAG;
  if (end < 0) throw new WireError('VAU_AEAD', 'the sealed bytes are too short');
  const decipher = createDecipheriv('aes-256-gcm', o.key, o.iv, { authTagLength: TAG });
  if (o.aad !== undefined) decipher.setAAD(o.aad);
  decipher.setAuthTag(o.sealed.subarray(end));
  try {
    const plaintext = decipher.update(o.sealed.subarray(0, end));
    decipher.final(); // GCM: no bytes, only the judgement
    return plaintext;
  } catch {
    throw new WireError('VAU_AEAD', 'the sealed bytes do not open with this key');
  }
}
