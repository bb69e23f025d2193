// The VAU's error messages (A_24635, spelling theirs; epa-record-system.md 1.7) and the restart message (A_24772, A_24773).
import type { HttpAnswer } from '../http-server.ts';
import type { VendorProfile } from '../tables/vendors.ts';
import { writeCbor } from './cbor-form.ts';

/** Error code → HTTP status and ErrorMessage, as the table of A_24635 has them. */
export const VAU_ERRORS = [
  [500, 'Internal Server Error'],
  [400, 'Decoding Error'],
  [400, 'Missing Parameters'],
  [403, 'GCM returns FAIL'],
  [403, 'PU/nonPU Failure'],
  [403, 'Transscript Error'],
  [400, 'bad format: extended ciphertext'],
  [403, 'is not a request'],
  [403, 'unknow KeyID'],
  [403, 'unknown CID'],
  [400, 'verification of public keys failed'],
] as const satisfies readonly (readonly [status: number, message: string])[];

/** A refusal of the VAU: its error code 0–10 and the rule that was broken. */
export class VauError extends Error {
  readonly code: number;
  readonly rule: string;

  constructor(code: number, rule: string, options?: { cause?: unknown }) {
    super(VAU_ERRORS[code]?.[1] ?? 'unknown VAU error', options);
    this.name = 'VauError';
    this.code = code;
    this.rule = rule;
  }

  static from(cause: unknown, code: number, rule: string): VauError {
    return new VauError(code, rule, { cause });
  }
}

export type MessageManner = Pick<VendorProfile, 'cborMaps' | 'moreInErrors'>;

export function vauErrorAnswer(error: VauError, manner: MessageManner, more: Partial<HttpAnswer> = {}): HttpAnswer {
  const [status, message] = VAU_ERRORS[error.code] ?? VAU_ERRORS[0];
  const said = { MessageType: 'Error', ErrorCode: error.code, ErrorMessage: message };
  const body = writeCbor(manner.cborMaps, { ...said, ...manner.moreInErrors });
  return { status, headers: [['Content-Type', 'application/cbor']], body, rule: error.rule, ...more };
}

export function restartAnswer(keyId: Uint8Array, manner: MessageManner, more: Partial<HttpAnswer> = {}): HttpAnswer {
  const body = writeCbor(manner.cborMaps, { MessageType: 'Restart', KeyID: keyId });
  return { status: 200, headers: [['Content-Type', 'application/cbor']], body, ...more };
}
