// The tables of the store as types (Kysely). Times are milliseconds since 1970, flags 0 or 1. No column holds a KVNR, a
// name or content in the clear (SEC-07): the KVNR is sealed in `insured`, content in `sealed_chunks`.
import type { ColumnType, Generated, Selectable } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import type { AlarmMessagesTable, AlarmSightsTable, AlarmsTable, OcspAnswersTable } from './schema-alarms.ts';

/** May be left out where a row is inserted. */
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** Outward status of an export (api.md section 2). */
export type ExportStatus =
  | 'queued'
  | 'running'
  | 'waiting'
  | 'unclear'
  | 'written'
  | 'unchanged'
  | 'superseded'
  | 'refused'
  | 'failed'
  | 'cancelled';

/** Statuses in which an export still wants to be written; each blocks the later ones of its series (EXP-07). */
export const OPEN: readonly ExportStatus[] = ['queued', 'running', 'waiting', 'unclear'];

export type ExportsTable = {
  /** Order of acceptance. */
  seq: Generated<number>;
  id: string;
  diga: string;
  client: string;
  reference: string | null;
  lookup_key: string;
  series: string;
  queue: 'latest' | 'all';
  priority: 'user' | 'batch';
  on_target_gone: 'fail' | 'create-new';
  consent_id: string;
  consent_version: string;
  consent_granted_at: number;
  kvnr_issuer: string;
  kvnr_authenticated_at: number;
  prescription_ends: string;
  not_before: number | null;
  /** End of prescription or notAfter, whichever comes first, and the code that it brings. */
  deadline_at: number;
  deadline_code: 'PRESCRIPTION_ENDED' | 'EXPORT_EXPIRED';
  status: ExportStatus;
  /** Inside `running`: claimed (nothing has left the house) or sent (bytes may have). */
  phase: 'claimed' | 'sent' | null;
  /** Fencing token of the claim (D9). */
  claim: string | null;
  /** The gateway that holds the claim, and until when it does without renewing it, by the database's clock (D9). */
  holder: string | null;
  lease_until: number | null;
  /** Tries of which a byte left. */
  attempts: number;
  /** Tries that ended without a definite answer; above 0 the export is never superseded (D3). */
  unanswered: number;
  retry_step: number;
  reason_code: ErrorCode | null;
  reason_check: string | null;
  reason_foreign: string | null;
  reason_export: string | null;
  reason_since: number | null;
  next_attempt_at: number | null;
  retry_requested: number;
  retried_at: number | null;
  /** Content key, wrapped under the DiGA's key; null once the content is erased (RET-04). */
  wrapped_key: Uint8Array | null;
  /** Name of the key in `keys` that opens `wrapped_key`; null with it. */
  wrapped_under: string | null;
  erase_at: number | null;
  created_at: number;
  updated_at: number;
};

export type DocumentsTable = {
  export_id: string;
  /** '' for the document itself, `pdf` beside it, a day for a part of a split one (D4). */
  part: string;
  entry_uuid: string;
  unique_id: string;
  mime_type: string;
  bytes: number;
  sha256: string;
  creation_time: number;
  version: number | null;
  replaces: string | null;
  /** 1 after TARGET_GONE with onTargetGone create-new: goes without RPLC from then on. */
  without_target: number;
  record_system: string | null;
  status: ExportStatus;
  written_at: number | null;
  /** 1: a series/import gave this unanswered document another target than its first try had (D1). */
  rebased: Generated<number>;
  /** Betrachtungszeitraum as JSON under the content key, for the metadata of the write; null where the document has none. */
  sealed_period: Optional<Uint8Array>;
  /** Of an unchanged document: what the record holds instead of it. */
  held_uuid: Optional<string>;
  held_version: Optional<number>;
  /** Parts are written in this order (D4). */
  position: Generated<number>;
};

export type SeriesTable = {
  lookup_key: string;
  series: string;
  part: string;
  /** Newest confirmed or imported document: the RPLC target of the next (EXP-06, OPS-04). */
  entry_uuid: string;
  version: number;
  record_system: string;
  /** '' where an import did not tell. */
  sha256: string;
  /** '' where no export of this store wrote it. */
  export_id: string;
  /** 1 after a restore, an import or TARGET_STALE: "not Approved" then proves nothing (D1). */
  doubtful: number;
  /** 1 after TARGET_STALE until series/import (D2). */
  frozen: number;
  updated_at: number;
  /** Of an imported document, where the import told. */
  written_at: Optional<number>;
};

export type PersonEventType = 'person.revoked' | 'person.forgotten';

export type EventsTable = {
  /** Order of the commits. */
  seq: Generated<number>;
  id: string;
  type: `export.${ExportStatus}` | PersonEventType;
  at: number;
  diga: string;
  /** '' for an event about a person. */
  export_id: string;
  /** ExportSnapshot or the event's own data (outbox.ts) as JSON. */
  data: string;
  /** Of an event about a person, so that forgetting finds it; never told. */
  lookup_key: Optional<string>;
  /** Seal of the row (row-seals.ts). */
  mac: Optional<Uint8Array>;
};

/** One entry of the audit trail (audit.ts). */
export type AuditTable = {
  /** From 1, without gaps. */
  seq: number;
  at: number;
  actor_kind: string;
  actor: string;
  action: string;
  object_kind: string | null;
  object: string | null;
  diga: string | null;
  result: string;
  request_id: string | null;
  /** JSON of a flat object. */
  details: string | null;
  /** SHA-256 over all of the above and the hash before (audit-chain.ts), hexadecimal. */
  hash: string;
};

/** What a gateway signed (audit-checkpoints.ts): at `at` the entry `seq` was there with this hash. */
export type AuditCheckpointsTable = { seq: number; writer: string; at: number; hash: string; signature: string };
/** What is remembered of a webhook target (gateway/webhooks). */
export type WebhookTargetsTable = {
  /** `diga/id` of the settings. */
  target: string;
  /** Events up to here have been put before it. */
  after_seq: number;
  /** In a row, since it last took a message. */
  failures: number;
  /** It rests until then. */
  resume_at: number | null;
  /** It answered 410 then. */
  gone_at: number | null;
  last_success_at: number | null;
  last_failure_at: number | null;
  last_code: ErrorCode | null;
  last_status: number | null;
  /** The process that tells it, and until when. */
  holder: string | null;
  held_until: number | null;
};

/** A message that a target has not taken yet. */
export type WebhookDeliveriesTable = {
  target: string;
  seq: number;
  /** Messages of one stream go one after the other. */
  stream: string;
  /** Time of the event. */
  at: number;
  attempts: number;
  /** Null: behind another of its stream. */
  next_at: number | null;
};

/** What an operator has a person do at a card terminal (gateway/cards/pin-operations.ts). */
export type PinOperationsTable = {
  id: string;
  iccsn: string;
  /** Where the card was plugged; its DiGA, where that is known. */
  konnektor: string;
  diga: string | null;
  kind: 'verify' | 'change' | 'unblock';
  /** 1 while it runs: one at a time for each card. */
  open: 1 | null;
  asked_by: string;
  asked_at: number;
  /** The gateway that asked the Konnektor, and when that must have ended. */
  holder: string;
  lease_until: number;
  ended_at: number | null;
  /** PinResult; null: not known. */
  result: string | null;
  left_tries: number | null;
  code: ErrorCode | null;
  /** gematik's code, where the Konnektor named one. */
  trace: string | null;
};

export type StoreTables = {
  alarms: AlarmsTable;
  alarm_sights: AlarmSightsTable;
  alarm_messages: AlarmMessagesTable;
  ocsp_answers: OcspAnswersTable;
  pin_operations: PinOperationsTable;
  /** The SMC-B that an operator has chosen where a DiGA has several (KON-09). */
  card_choices: { diga: string; iccsn: string; chosen_by: string; chosen_at: number };
  keys: { name: string; wrapped: Uint8Array };
  insured: {
    lookup_key: string;
    diga: string;
    wrapped_key: Uint8Array | null;
    kvnr_sealed: Uint8Array | null;
    created_at: number;
    /** Exports under a consent of before are refused (EXP-16). */
    revoked_at: Optional<number>;
    /** The last export of before. */
    revoked_seq: Optional<number>;
    wrapped_under: string | null;
    /** Last day of the latest prescription; null once the KVNR is erased (RET-03). */
    prescription_ends: string | null;
    /** Data key of part_memories, wrapped under the DiGA's key; stays when the KVNR is erased (D6). */
    memory_key: Optional<Uint8Array>;
    memory_under: Optional<string>;
  };
  key_rotations: {
    id: Generated<number>;
    open: 1 | null;
    /** Ids of the DiGAs as JSON. */
    digas: string;
    started_by: string;
    started_at: number;
    rewrapped: number;
    /** Wrapped keys that did not open; the generation that they name is kept. */
    unreadable: number;
    finished_at: number | null;
  };
  exports: ExportsTable;
  documents: DocumentsTable;
  sealed_chunks: { export_id: string; part: string; n: number; sealed: Uint8Array };
  /** Whose sealed chunks belong to no export yet (staging.ts). */
  stagings: { export_id: string; staged_at: number };
  /** What is remembered of documents built here (part-memory.ts). */
  part_memories: { export_id: string; part: string; n: number; sealed: Uint8Array };
  series: SeriesTable;
  events: EventsTable;
  audit: AuditTable;
  audit_checkpoints: AuditCheckpointsTable;
  webhook_targets: WebhookTargetsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  /** Seals of rows (row-seals.ts). */
  row_seals: { kind: string; key: string; rev: number; mac: Uint8Array };
  timeline: { export_id: string; n: number; at: number; step: string; ms: number | null; code: string | null };
  idempotency: {
    client: string;
    diga: string;
    key_mac: Uint8Array;
    body_mac: Uint8Array;
    export_id: string;
    created_at: number;
  };
};

export type ExportRow = Selectable<ExportsTable>;
export type DocumentRow = Selectable<DocumentsTable>;
export type SeriesRow = Selectable<SeriesTable>;
export type WebhookDeliveryRow = Selectable<WebhookDeliveriesTable>;
export type TimelineRow = Selectable<StoreTables['timeline']>;
export type AuditRow = Selectable<AuditTable>;
