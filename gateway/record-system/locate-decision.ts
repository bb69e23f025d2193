// What the record systems' answers about one person mean together (I_Information_Service getRecordStatus; EXP-22, EXP-23,
// D12). Pure. A 404 or 409 counts only with the errorCode of the interface: the page of a proxy must not end an export for good.
import { type Foreign, GatewayError } from '../errors.ts';
import { foreignOf } from './outside.ts';

export type StatusAnswer =
  /** 204: the record is active here. */
  | { status: 'active' }
  /** 404 noHealthRecord, 409 statusMismatch: definitely not active here. */
  | { status: 'none'; foreign: Foreign }
  | { status: 'suspended'; foreign: Foreign }
  /** 400 malformedRequest: our own header. */
  | { status: 'malformed'; foreign: Foreign }
  /** Nothing definite was said. */
  | { status: 'busy'; foreign: Foreign }
  | { status: 'not-asked'; error: GatewayError };

export type Located = {
  recordSystem: string;
  /** Those that have said themselves that the record is not active there. */
  denied: ReadonlySet<string>;
  /** All others have. */
  certain: boolean;
};

const CODES: Record<number, { code: string; status: 'none' | 'suspended' | 'malformed' }> = {
  400: { code: 'malformedRequest', status: 'malformed' },
  404: { code: 'noHealthRecord', status: 'none' },
  409: { code: 'statusMismatch', status: 'suspended' },
};

/** State of later releases for a short maintenance: the same code as a record that moves, told apart by its text alone. */
const MAINTENANCE = /\b(INACCESSIBLE|MAINTENANCE)\b/i;

/** One answer of `GET /information/api/v1/ehr`. */
export function readStatus(answer: { status: number; body: Uint8Array }): StatusAnswer {
  if (answer.status === 204) return { status: 'active' };
  const foreign = foreignOf(answer);
  const known = CODES[answer.status];
  if (known === undefined || foreign.code !== known.code) return { status: 'busy', foreign };
  if (known.status === 'suspended' && MAINTENANCE.test(foreign.text ?? '')) return { status: 'busy', foreign };
  return { status: known.status, foreign };
}

/**
 * Where the record is. A lone 204 decides, whatever became of the others (docs/decisions.md); without one everybody must have
 * been asked. GatewayError RECORD_NOT_FOUND, RECORD_SUSPENDED, RECORD_AMBIGUOUS, RECORD_BUSY, INTERNAL (400), or that of a
 * record system that could not be asked.
 */
export function decide(recordSystems: readonly string[], answers: ReadonlyMap<string, StatusAnswer>): Located {
  const by = <S extends StatusAnswer['status']>(status: S) =>
    [...answers].filter((one): one is [string, Extract<StatusAnswer, { status: S }>] => one[1].status === status);
  const active = by('active');
  if (active.length > 1) throw ambiguous();
  const denied = new Set([...by('none'), ...by('suspended')].map(([id]) => id));
  const [here] = active[0] ?? [];
  if (here !== undefined) {
    const certain = recordSystems.every((id) => id === here || denied.has(id));
    return { recordSystem: here, denied, certain };
  }
  const refusal = (code: 'INTERNAL' | 'RECORD_BUSY' | 'RECORD_SUSPENDED', message: string, foreign: Foreign) =>
    new GatewayError(code, message, { foreign });
  const [notAsked] = by('not-asked');
  if (notAsked !== undefined) throw notAsked[1].error;
  const [malformed] = by('malformed');
  if (malformed !== undefined)
    throw refusal('INTERNAL', 'a record system calls our enquiry malformed', malformed[1].foreign);
  const [busy] = by('busy');
  if (busy !== undefined)
    throw refusal('RECORD_BUSY', 'a record system cannot say now whether it holds the record', busy[1].foreign);
  const [suspended] = by('suspended');
  if (suspended !== undefined) throw refusal('RECORD_SUSPENDED', 'the record is suspended', suspended[1].foreign);
  throw new GatewayError('RECORD_NOT_FOUND', 'no record system knows an active record');
}

export const ambiguous = (): GatewayError =>
  new GatewayError('RECORD_AMBIGUOUS', 'more than one record system says that it holds the active record');
