// Data frames of an open VAU channel, server half (A_24628-01, A_24630, A_24632, A_24633; epa-record-system.md 1.5):
// what is refused, in which order, and the answer with its own encryption counter. One frame carries one HTTP message.
import { createCipheriv, randomBytes } from 'node:crypto';
import { WireError } from '../../wire/error.ts';
import { type HttpRequest, parseRequest, writeResponse } from '../../wire/http-message.ts';
import {
  decodeFrameHeader,
  encodeFrameHeader,
  type FrameHeader,
  frameIv,
  openFrame,
  sealFrame,
} from '../../wire/vau-frame.ts';
import type { K2 } from '../../wire/vau-keys.ts';
import type { HttpAnswer } from '../http-server.ts';
import { VauError } from './vau-errors.ts';

export type DataChannel = {
  k2: K2;
  /** encryptions of this side under K2_s2c_app_data */
  sealed: bigint;
  /** request counters and IVs seen: none may come twice under one key (SES-04) */
  counters: Set<bigint>;
  ivs: Set<string>;
  /** the newest answer, for the fault that sends it once more */
  answered?: Uint8Array;
};

export function createChannelKeys(k2: K2): DataChannel {
  return { k2, sealed: 0n, counters: new Set(), ivs: new Set() };
}

const HEADER_FAILURES: Record<string, readonly [code: number, rule: string]> = {
  VAU_FRAME_LENGTH: [6, 'vau.frame-length'],
  VAU_FRAME_VERSION: [6, 'vau.frame-version'],
  VAU_FRAME_PU: [4, 'vau.frame-pu'],
  VAU_FRAME_TYPE: [7, 'vau.frame-type'],
};

/** Opens a request frame. Throws VauError 3, 4, 6, 7, 8; 1 when the content is no HTTP request. */
export function openRequest(channel: DataChannel, frame: Uint8Array): { request: HttpRequest; counter: bigint } {
  const header = headerOfFrame(frame);
  if (header.pu) throw new VauError(4, 'vau.frame-pu'); // the simulator is never PU
  if (header.kind !== 'request') throw new VauError(7, 'vau.frame-type');
  if (Buffer.compare(header.keyId, channel.k2.KeyID) !== 0) throw new VauError(8, 'vau.frame-key-id');
  const plaintext = openContent(channel, frame);
  const iv = Buffer.from(frame.subarray(43, 55)).toString('hex');
  // no start is prescribed (one client begins with 0, others with 1), and frames sent side by side may overtake each other
  if (channel.counters.has(header.counter)) throw new VauError(0, 'vau.frame-counter');
  if (channel.ivs.has(iv)) throw new VauError(0, 'vau.frame-iv');
  channel.counters.add(header.counter);
  channel.ivs.add(iv);
  try {
    return { request: parseRequest(plaintext), counter: header.counter };
  } catch (error) {
    throw VauError.from(error, 1, 'vau.inner-http');
  }
}

function headerOfFrame(frame: Uint8Array) {
  try {
    return decodeFrameHeader(frame);
  } catch (error) {
    const failure = error instanceof WireError ? HEADER_FAILURES[error.code] : undefined;
    throw failure === undefined ? error : VauError.from(error, ...failure);
  }
}

function openContent(channel: DataChannel, frame: Uint8Array): Uint8Array {
  try {
    return openFrame({ key: channel.k2.K2_c2s_app_data, frame }).plaintext;
  } catch (error) {
    throw VauError.from(error, 3, 'vau.frame-aead');
  }
}

/** Seals the answer under the request's counter. One vendor leaves the inner Content-Length out (export-flow.md 3.5). */
export async function sealResponse(
  channel: DataChannel,
  counter: bigint,
  answer: HttpAnswer & { body: Uint8Array },
  o: { innerContentLength: boolean; what: string | undefined },
): Promise<Uint8Array> {
  const { k2 } = channel;
  channel.sealed += 1n;
  const message = writeResponse({
    status: answer.status,
    headers: answer.headers,
    body: answer.body,
    contentLength: o.innerContentLength,
  });
  const frame = {
    header: {
      pu: o.what === 'pu',
      kind: o.what === 'type' ? 'request' : 'response',
      // Before the first answer there is none to send again: one of before would have had a lower number.
      counter: o.what === 'counter' ? counter + 1n : o.what === 'replay' ? counter - 1n : counter,
      keyId: o.what === 'key-id' ? randomBytes(32) : k2.KeyID,
    } satisfies FrameHeader,
    key: o.what === 'key' ? k2.K2_c2s_app_data : k2.K2_s2c_app_data,
    iv: frameIv(channel.sealed, randomBytes(4)),
    plaintext: o.what === 'inner-http' ? Buffer.from('no HTTP message') : message,
  };
  if (o.what === 'version') return sealUnderVersion1(frame);
  if (o.what === 'replay' && channel.answered !== undefined) return channel.answered;
  const sealed = Buffer.concat(await Array.fromAsync(sealFrame(frame)));
  channel.answered = Uint8Array.from(sealed);
  if (o.what === 'ciphertext') sealed[60] = (sealed[60] ?? 0) ^ 1;
  return o.what === 'short' ? sealed.subarray(0, 71) : sealed;
}

/** A frame whose AEAD fits its header, so that nothing but the check of the version can refuse it. */
function sealUnderVersion1(o: {
  header: FrameHeader;
  key: Uint8Array;
  iv: Uint8Array;
  plaintext: Uint8Array;
}): Uint8Array {
  const header = Buffer.from(encodeFrameHeader(o.header));
  header[0] = 0x01;
  const cipher = createCipheriv('aes-256-gcm', o.key, o.iv).setAAD(header);
  return Buffer.concat([header, o.iv, cipher.update(o.plaintext), cipher.final(), cipher.getAuthTag()]);
}
