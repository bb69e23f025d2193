// The electronic patient records of both simulated record systems: state, entitlements, documents and what the history of
// 10 has dropped (epa-record-system.md 3.1, 3.3, 4.7; api.md section 4). Who may write and how lives in the record system.
import { createHash, randomUUID } from 'node:crypto';

export const RECORD_SYSTEMS = ['epa-as-1', 'epa-as-2'] as const;
export type RecordSystemId = (typeof RECORD_SYSTEMS)[number];
export const RECORD_STATUS = ['ACTIVATED', 'INITIALIZED', 'SUSPENDED', 'UNKNOWN', 'INACCESSIBLE'] as const;
export type RecordStatus = (typeof RECORD_STATUS)[number];

export type StoredDocument = {
  entryUuid: string;
  uniqueId: string;
  status: 'Approved' | 'Deprecated';
  replaces: string | null;
  bytes: Uint8Array;
  /** lower-case hex of SHA-256 over `bytes` */
  sha256: string;
  mimeType: string;
  classCode: string;
  typeCode: string;
  formatCode: string;
  title: string;
  telematikId: string;
  receivedAt: string;
};

/** What is kept of a document that fell out of the history of 10. */
export type TrimmedDocument = Omit<StoredDocument, 'bytes'> & { bytes: number };

/** Made by the record system on the first write of an entitled DiGA (XDS concept, "Dedizierte Unterstützung von DiGA"). */
export type DigaFolder = { telematikId: string; title: string; comments: string; codeList: string };

export type SimRecord = {
  kvnr: string;
  recordSystem: RecordSystemId;
  status: RecordStatus;
  /** Telematik-IDs */
  entitled: Set<string>;
  /** D2: the insured hid the category; what that does to a DiGA's write is `world.choices.hiddenWrite`. */
  hidden: boolean;
  /** D2: whether a move to the other record system keeps the entryUUIDs. */
  keepIds: boolean;
  folders: DigaFolder[];
  /** oldest first */
  documents: StoredDocument[];
  trimmed: TrimmedDocument[];
};

export type RecordChange = {
  recordSystem?: RecordSystemId;
  status?: RecordStatus;
  entitled?: string[];
  hidden?: boolean;
  keepIds?: boolean;
};

export function createRecord(kvnr: string, recordSystem: RecordSystemId, change: RecordChange = {}): SimRecord {
  return {
    kvnr,
    recordSystem,
    status: change.status ?? 'ACTIVATED',
    entitled: new Set(change.entitled ?? []),
    hidden: change.hidden ?? false,
    keepIds: change.keepIds ?? true,
    folders: [],
    documents: [],
    trimmed: [],
  };
}

/** Applies what is given; another record system moves the record, with new entryUUIDs unless it keeps them (D2). */
export function changeRecord(record: SimRecord, change: RecordChange): void {
  record.status = change.status ?? record.status;
  record.hidden = change.hidden ?? record.hidden;
  record.keepIds = change.keepIds ?? record.keepIds;
  if (change.entitled !== undefined) record.entitled = new Set(change.entitled);
  if (change.recordSystem === undefined || change.recordSystem === record.recordSystem) return;
  record.recordSystem = change.recordSystem;
  if (record.keepIds) return;
  const renamed = new Map(record.documents.map((d) => [d.entryUuid, `urn:uuid:${randomUUID()}`]));
  for (const document of record.documents) {
    document.entryUuid = renamed.get(document.entryUuid) ?? document.entryUuid;
    if (document.replaces !== null) document.replaces = renamed.get(document.replaces) ?? document.replaces;
  }
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
