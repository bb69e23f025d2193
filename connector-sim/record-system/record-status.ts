// Status of a record as I_Information_Service 1.3.0 and every operation on a record answer it (epa-record-system.md 3.1):
// 400 malformedRequest, 404 noHealthRecord, 409 statusMismatch. How INACCESSIBLE is answered no source says: our reading is 409
// as for SUSPENDED, with the state's name in errorDetail.
import { type HttpAnswer, jsonAnswer } from '../http-server.ts';
import type { RecordSystemId, SimRecord } from '../records.ts';

const INSURANT_ID = /^[A-Z]\d{9}$/;

/** The activated record of this system, or the answer that refuses. */
export function recordRefusal(
  records: ReadonlyMap<string, SimRecord>,
  id: RecordSystemId,
  kvnr: string,
): { record: SimRecord } | { answer: HttpAnswer } {
  const refuse = (status: number, errorCode: string, rule: string, errorDetail?: string) => ({
    answer: jsonAnswer(status, { errorCode, errorDetail }, { rule }),
  });
  if (!INSURANT_ID.test(kvnr)) return refuse(400, 'malformedRequest', 'record.insurant-id');
  const record = records.get(kvnr);
  if (record === undefined || record.recordSystem !== id) return refuse(404, 'noHealthRecord', 'record.unknown');
  if (record.status === 'UNKNOWN' || record.status === 'INITIALIZED')
    return refuse(404, 'noHealthRecord', 'record.unknown');
  if (record.status === 'INACCESSIBLE')
    return refuse(409, 'statusMismatch', 'record.status', 'record state is INACCESSIBLE');
  if (record.status !== 'ACTIVATED') return refuse(409, 'statusMismatch', 'record.status');
  return { record };
}
