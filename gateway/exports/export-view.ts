// An export as its DiGA sees it (api.md section 2): status, reason with who must act, documents, timeline. No KVNR and no
// content ever (D15); what the other side said is masked and cut (D20).
import { catalogue, type ErrorCode, type Foreign, type Language } from '../errors.ts';
import { maskForeign } from './foreign.ts';
import type { ExportSnapshot, GatewayEvent } from './outbox.ts';
import { newestOf, PART_DONE } from './parts.ts';
import type { StoredExport } from './store.ts';

type Reason = {
  code: ErrorCode;
  who: string;
  remedy: string;
  userMessage?: { key: string; de: string; en: string };
  since: string | null;
  nextAttemptAt: string | null;
  /** The newer export (superseded), the one with the same content (unchanged), the one that goes first (BEHIND_EXPORT). */
  export?: string;
  /** The single trust check that failed. */
  check?: string;
  foreign?: Foreign;
};

/** The JSON of `GET /v1/exports/{id}`. */
export function viewExport(stored: StoredExport, language: Language) {
  return {
    ...viewSnapshot(stored, language),
    timeline: stored.timeline.map((t) => ({
      at: time(t.at),
      step: t.step,
      ...(t.ms !== null && { ms: t.ms }),
      ...(t.code !== null && { code: t.code }),
    })),
  };
}

/** The same without timeline, as an event has it. */
export function viewSnapshot(stored: ExportSnapshot, language: Language) {
  const { row } = stored;
  const view = (d: ExportSnapshot['documents'][number]) => ({
    part: d.part === '' ? null : d.part,
    mimeType: d.mime_type,
    // Of an unchanged one what the record holds; its own was never sent.
    entryUuid: d.held_uuid ?? d.entry_uuid,
    uniqueId: d.unique_id,
    version: d.held_version ?? d.version,
    replaces: d.replaces,
    recordSystem: d.record_system,
    bytes: d.bytes,
    sha256: d.sha256,
    // A part that is done is done; any other stands where its export stands, which may be on its way again.
    status: PART_DONE.includes(d.status) ? d.status : row.status,
    writtenAt: time(d.written_at),
  });
  const newest = newestOf(stored.documents);
  return {
    id: row.id,
    reference: row.reference,
    status: row.status,
    diga: row.diga,
    series: row.series,
    createdAt: time(row.created_at),
    updatedAt: time(row.updated_at),
    attempts: row.attempts,
    reason: reasonOf(stored, language),
    document: newest === undefined ? null : view(newest),
    documents: stored.documents.map(view),
  };
}

function reasonOf({ row, behind }: ExportSnapshot, language: Language): Reason | null {
  const code = behind === null ? row.reason_code : 'BEHIND_EXPORT';
  if (code === null) return null;
  const entry = catalogue[code];
  const about = behind ?? row.reason_export;
  return {
    code,
    who: entry.who,
    remedy: entry.remedy[language],
    ...('userMessage' in entry && { userMessage: entry.userMessage }),
    since: time(behind === null ? row.reason_since : row.created_at),
    nextAttemptAt: behind === null ? time(row.next_attempt_at) : null,
    ...(about !== null && { export: about }),
    ...(behind === null && row.reason_check !== null && { check: row.reason_check }),
    ...(behind === null && row.reason_foreign !== null && { foreign: maskForeign(JSON.parse(row.reason_foreign)) }),
  };
}

/** One event of `GET /v1/events`, of a stream's data and of a webhook. */
export function viewEvent(event: GatewayEvent, language: Language) {
  const { at, seq, id, type, diga } = event;
  const data = 'snapshot' in event ? viewSnapshot(event.snapshot, language) : event.data;
  return { id, seq, type, at: new Date(at).toISOString(), diga, data };
}

const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
