// How an entry at the terminal has ended (KON-07), from the Konnektor's answer or from what came in its place.
import { EgressError } from '../egress-error.ts';
import type { ErrorCode, GatewayError } from '../errors.ts';
import type { PinOutcome } from '../konnektor/card-service.ts';
import { isConnectionLoss } from '../konnektor/faults.ts';
import { GEMATIK_CODES } from '../konnektor/tables/gematik-codes.ts';
import type { PinEnd } from './pin-rows.ts';

const OF_RESULT: Partial<Record<PinOutcome['result'], ErrorCode>> = {
  REJECTED: 'PIN_REJECTED',
  NOWBLOCKED: 'SMCB_PIN_BLOCKED',
  WASBLOCKED: 'SMCB_PIN_BLOCKED',
  TRANSPORT_PIN: 'SMCB_PIN_TRANSPORT',
};
/** Timeout at the pad, cancelled by the person (konnektor.md 4). */
const ENTRY_ENDED = ['4043', '4049'];

export function endOf({ result, leftTries: left, warnings }: PinOutcome): PinEnd {
  const leftTries = left ?? null;
  const trace = warnings.at(-1)?.code ?? null;
  if (result !== 'ERROR') return { result, leftTries, code: OF_RESULT[result] ?? null, trace };
  return { result, leftTries, code: codeOf(trace), trace };
}

/** A fault is an end, too; without one nobody knows what the person has typed. What has never left prompted nobody. */
export function endOfFault(error: GatewayError): PinEnd {
  const trace = error.foreign?.code ?? null;
  const unsent = error.cause instanceof EgressError && !error.cause.bytesSent;
  const unknown =
    (isConnectionLoss(error) && !unsent) || error.code === 'KONNEKTOR_ANSWER_INVALID' || error.kind === 'bug';
  return {
    result: unknown ? null : 'ERROR',
    leftTries: null,
    code: unknown ? 'PIN_OUTCOME_UNKNOWN' : trace === null ? error.code : codeOf(trace, error.code),
    trace: trace !== null && /^\d{1,6}$/.test(trace) ? trace : null,
  };
}

function codeOf(trace: string | null, otherwise: ErrorCode = 'KONNEKTOR_FAULT'): ErrorCode {
  if (trace !== null && ENTRY_ENDED.includes(trace)) return 'PIN_ENTRY_ENDED';
  return GEMATIK_CODES.get(trace ?? '')?.code ?? otherwise;
}

/** The entry may still be open at the terminal. */
export const isUnknown = ({ code }: PinEnd): boolean => code === 'PIN_OUTCOME_UNKNOWN';
