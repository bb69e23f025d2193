// Which columns a row's seal covers (row-seals.ts). The type checker asks for every new column here. `free` are those that change
// without an event, or that nothing is decided by but when something is tried, and keys, which are authenticated themselves
// (vault/wrap.ts): a wrapped key or sealed chunk under another name does not open.
import type { DocumentRow, ExportRow, SeriesRow, StoreTables } from './schema.ts';

type Cover<Row> = Readonly<Record<keyof Row, 'sealed' | 'free'>>;

export const EXPORT_COLUMNS: Cover<ExportRow> = {
  seq: 'sealed',
  id: 'sealed',
  diga: 'sealed',
  client: 'sealed',
  reference: 'sealed',
  lookup_key: 'sealed',
  series: 'sealed',
  queue: 'sealed',
  priority: 'sealed',
  on_target_gone: 'sealed',
  consent_id: 'sealed',
  consent_version: 'sealed',
  consent_granted_at: 'sealed',
  kvnr_issuer: 'sealed',
  kvnr_authenticated_at: 'sealed',
  prescription_ends: 'sealed',
  not_before: 'sealed',
  deadline_at: 'sealed',
  deadline_code: 'sealed',
  status: 'sealed',
  phase: 'sealed',
  attempts: 'sealed',
  unanswered: 'sealed',
  reason_code: 'sealed',
  reason_check: 'sealed',
  reason_foreign: 'sealed',
  reason_export: 'sealed',
  reason_since: 'sealed',
  retried_at: 'sealed',
  created_at: 'sealed',
  updated_at: 'sealed',
  claim: 'free',
  holder: 'free',
  lease_until: 'free',
  retry_step: 'free',
  retry_requested: 'free',
  next_attempt_at: 'free',
  erase_at: 'free',
  wrapped_key: 'free',
  wrapped_under: 'free',
};

export const DOCUMENT_COLUMNS: Cover<DocumentRow> = {
  export_id: 'sealed',
  part: 'sealed',
  entry_uuid: 'sealed',
  unique_id: 'sealed',
  mime_type: 'sealed',
  bytes: 'sealed',
  sha256: 'sealed',
  creation_time: 'sealed',
  version: 'sealed',
  replaces: 'sealed',
  without_target: 'sealed',
  record_system: 'sealed',
  status: 'sealed',
  written_at: 'sealed',
  rebased: 'sealed',
  sealed_period: 'free',
  position: 'free',
  held_uuid: 'free',
  held_version: 'free',
};

export const SERIES_COLUMNS: Cover<SeriesRow> = {
  lookup_key: 'sealed',
  series: 'sealed',
  part: 'sealed',
  entry_uuid: 'sealed',
  version: 'sealed',
  record_system: 'sealed',
  sha256: 'sealed',
  export_id: 'sealed',
  doubtful: 'sealed',
  frozen: 'sealed',
  updated_at: 'sealed',
  written_at: 'sealed',
};

export const INSURED_COLUMNS: Cover<StoreTables['insured']> = {
  lookup_key: 'sealed',
  diga: 'sealed',
  created_at: 'sealed',
  revoked_at: 'sealed',
  revoked_seq: 'sealed',
  kvnr_sealed: 'free',
  memory_key: 'free',
  memory_under: 'free',
  wrapped_key: 'free',
  wrapped_under: 'free',
  prescription_ends: 'free',
};

export const IDEMPOTENCY_COLUMNS: Cover<StoreTables['idempotency']> = {
  client: 'sealed',
  diga: 'sealed',
  key_mac: 'sealed',
  body_mac: 'sealed',
  export_id: 'sealed',
  created_at: 'sealed',
};

export const EVENT_COLUMNS: Cover<StoreTables['events']> = {
  seq: 'sealed',
  id: 'sealed',
  type: 'sealed',
  at: 'sealed',
  diga: 'sealed',
  export_id: 'sealed',
  data: 'sealed',
  lookup_key: 'sealed',
  mac: 'free',
};

/** The covered values of a row in the order of the table above; bytes in hexadecimal, absent as null. */
export function coveredValues<Row extends object>(columns: Cover<Row>, row: Row): (string | number | null)[] {
  return namesOf(columns).map((name) => {
    const value: unknown = row[name];
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  });
}

const known = new WeakMap<object, string[]>();

function namesOf<Row>(columns: Cover<Row>): (keyof Row)[] {
  const names = known.get(columns) ?? Object.keys(columns).filter((name) => columns[name as keyof Row] === 'sealed');
  known.set(columns, names);
  return names as (keyof Row)[];
}
