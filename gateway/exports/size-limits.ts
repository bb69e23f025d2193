// EXP-11: what is too large for a record system is refused before anybody is asked for it, and before a card signs. Documents are
// measured when they come in; these are for those that were accepted before the limits were lowered.
import type { Ending } from './settle.ts';

/** Bytes. */
export type SizeLimits = { documentBytes: number; requestBytes: number };

/** Of an ITI-41 message around its document: SOAP, metadata and MIME heads, which take some 8 kB with the longest names. */
export const MESSAGE_ROOM_BYTES = 64 * 1024;

/** The end of an export whose document, `bytes` long, may not go; `check` is the setting. */
export function tooLarge(bytes: number, limits: SizeLimits): Ending | undefined {
  const setting =
    bytes > limits.documentBytes
      ? 'limits.documentBytes'
      : bytes + MESSAGE_ROOM_BYTES > limits.requestBytes
        ? 'limits.requestBytes'
        : undefined;
  if (setting === undefined) return undefined;
  return { kind: 'ends', code: 'DOCUMENT_TOO_LARGE', definite: true, check: setting };
}
