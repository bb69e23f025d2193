// Is there a record, and where (`POST /v1/persons/check`): locating and nothing else (EXP-21). Nothing is stored and nothing is
// written; every outcome of the location stays apart from every other (EXP-23, D12).
import { asGatewayError, type ErrorCode } from '../errors.ts';
import type { LocatePort } from './ports.ts';

export type RecordCheck =
  | { found: true; recordSystem: string; code: null }
  /** `found` null: it could not be found out now. */
  | { found: false | null; recordSystem: null; code: ErrorCode };

/** Definitely no active record into which a document could go. */
const NONE: readonly ErrorCode[] = ['RECORD_NOT_FOUND', 'RECORD_SUSPENDED'];
const UNKNOWN: readonly ErrorCode[] = [
  'RECORD_AMBIGUOUS',
  'RECORD_BUSY',
  'RECORD_SYSTEM_UNREACHABLE',
  'RECORD_SYSTEM_TLS_UNTRUSTED',
];

/** Throws what is no outcome of a location (INTERNAL). */
export async function checkRecord(locator: LocatePort, of: { kvnr: string; lookupKey: string }): Promise<RecordCheck> {
  try {
    return { found: true, recordSystem: await locator.locate(of.kvnr, of.lookupKey), code: null };
  } catch (thrown) {
    const { code } = asGatewayError(thrown);
    if (NONE.includes(code)) return { found: false, recordSystem: null, code };
    if (UNKNOWN.includes(code)) return { found: null, recordSystem: null, code };
    throw thrown;
  }
}
