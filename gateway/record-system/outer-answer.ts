// What an answer outside the VAU's frame means (A_24635, A_24772, A_24773; epa-record-system.md 1.7). None of it is
// authenticated: it can cost a try, never prove one. Only what the VAU says in CBOR speaks about the channel; a proxy that is
// full, moved or broken says nothing about the session behind it, and a login for each of its pages would be waste.
import { cborBytes, decodeCborMap } from '../../wire/cbor.ts';
import type { EgressResponse } from '../egress.ts';
import { type ErrorCode, type Foreign, GatewayError } from '../errors.ts';
import { foreignOf } from './outside.ts';

/** M1 and M3, or a data frame: of a call without content of its own, or of a document. */
export type VauPhase = 'handshake' | 'call' | 'document';

/** A_24635: our frame says PU and the VAU is not, or the other way round. Nothing but another setting helps. */
const WRONG_ENVIRONMENT = 'VAU 4';

/**
 * The error for an answer that is no message of the protocol: another status than 200, or another media type.
 * `isOurs`: whether a Restart names the KeyID of this channel. SESSION_LOST and VAU_HANDSHAKE_FAILED mean that the channel
 * is over; with every other code it may live on.
 */
export function outerRefusal(
  phase: VauPhase,
  answer: EgressResponse,
  isOurs: (keyId: Uint8Array) => boolean = () => false,
): GatewayError {
  const foreign = outerError(answer);
  const refusal = (code: ErrorCode, message: string, check?: string) =>
    new GatewayError(code, message, { foreign, ...(check !== undefined && { check }) });
  const { status } = answer;
  // Too much asked: whoever says so, in whatever form.
  if (status === 429 || (status === 503 && answer.headers['retry-after'] !== undefined))
    return new GatewayError('RECORD_BUSY', 'the record system asks to wait', { foreign, ...waitOf(answer) });
  if (hasType(answer, 'application/cbor')) {
    if (foreign.code === WRONG_ENVIRONMENT)
      return refusal('CONFIG_INVALID', 'environment: the VAU belongs to another environment than ours', 'vau.pu');
    if (phase === 'handshake')
      return refusal('VAU_HANDSHAKE_FAILED', 'the VAU refused a handshake message', 'vau.status');
    if (foreign.code === 'Restart' && !restarts(answer.body, isOurs))
      return refusal('SESSION_LOST', 'an answer of the VAU failed a check', 'vau.restart-key-id');
    return refusal('SESSION_LOST', 'the VAU does not take this channel any more');
  }
  if (status >= 300 && status < 400)
    return refusal('RECORD_SYSTEM_UNREACHABLE', 'a redirect stands in the place of the VAU', 'egress.redirect');
  // All else we send is a kilobyte: only a document can be too large.
  if (status === 413 && phase === 'document')
    return refusal('DOCUMENT_REJECTED', 'the record system does not take a message of this size');
  if (status < 300 && phase === 'handshake')
    return refusal('VAU_HANDSHAKE_FAILED', 'the VAU refused a handshake message', 'vau.status');
  return refusal('RECORD_SYSTEM_UNREACHABLE', 'what stands before the VAU answered in its place');
}

const LONGEST_WAIT_SECONDS = 86_400;

/** `Retry-After` in seconds; a date, or more than a day, is answered by our own schedule. */
function waitOf({ headers }: EgressResponse): { retryAfterSeconds?: number } {
  const said = headers['retry-after'] ?? '';
  const seconds = /^[0-9]{1,5}$/.test(said) ? Number(said) : 0;
  return seconds > 0 && seconds <= LONGEST_WAIT_SECONDS ? { retryAfterSeconds: seconds } : {};
}

/** Whether the channel ends with this error of it. */
export const endsChannel = (thrown: unknown): boolean =>
  !(thrown instanceof GatewayError) ||
  !['RECORD_BUSY', 'RECORD_SYSTEM_UNREACHABLE', 'DOCUMENT_REJECTED'].includes(thrown.code);

export function hasType(answer: EgressResponse, mediaType: string): boolean {
  return (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === mediaType;
}

/** What stands in an outer error: CBOR `Error` (A_24635), JSON of the infrastructure, or only a status. */
function outerError(answer: EgressResponse): Foreign {
  if (!hasType(answer, 'application/cbor')) return foreignOf(answer);
  try {
    const { ErrorCode, ErrorMessage, MessageType } = decodeCborMap(answer.body);
    const code =
      typeof ErrorCode === 'number' ? `VAU ${ErrorCode}` : typeof MessageType === 'string' ? MessageType : undefined;
    return {
      status: answer.status,
      ...(code !== undefined && { code }),
      ...(typeof ErrorMessage === 'string' && { text: ErrorMessage }),
    };
  } catch {
    return { status: answer.status };
  }
}

function restarts(body: Uint8Array, isOurs: (keyId: Uint8Array) => boolean): boolean {
  try {
    return isOurs(cborBytes(decodeCborMap(body), 'KeyID', 32));
  } catch {
    return false;
  }
}
