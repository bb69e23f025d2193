// The answers of `/v1/persons/…` and what an export has beside its view when a person asks what is held on them (RET-06).
import { catalogue, type Language } from '../errors.ts';
import { viewExport } from '../exports/export-view.ts';
import type { Forgotten } from '../exports/forget.ts';
import type { Holdings } from '../exports/holdings.ts';
import type { RecordCheck } from '../exports/record-check.ts';
import type { Revocation } from '../exports/revocation.ts';
import type { StoredExport } from '../exports/store.ts';

export function viewRevocation(diga: string, revoked: Revocation) {
  return { diga, revokedAt: time(revoked.at), cancelled: revoked.cancelled, finishing: revoked.finishing };
}

/** EXP-28: said with every receipt, so that nobody promises the insured more. */
const NOTICE = {
  de: 'Dokumente in der Akte bleiben dort: Eine DiGA kann in der ePA nicht löschen, das kann nur die versicherte Person selbst. Sie können nicht mehr ersetzt werden: Ein neuer Export beginnt wieder mit Version 1.',
  en: 'Documents in the record stay there: a DiGA cannot delete in the ePA, only the insured person can. They can no longer be replaced: a new export begins with version 1 again.',
} as const;

/** This version makes no backups of its own: how long the operator's copies live it cannot know (D7). */
const BACKUPS_FORGET_BY = null;

export function viewReceipt(diga: string, forgotten: Forgotten, language: Language) {
  const { receipt, at, erased, unclear, revocationKept } = forgotten;
  return {
    id: receipt,
    at: time(at),
    diga,
    erased,
    unclear,
    kept: { audit: true, revocation: revocationKept },
    backupsForgetBy: BACKUPS_FORGET_BY,
    notice: NOTICE[language],
  };
}

export function viewHoldings(diga: string, held: Holdings, language: Language) {
  return {
    diga,
    known: held.known,
    kvnrHeld: held.kvnrHeld,
    firstSeenAt: time(held.firstSeenAt),
    revokedAt: time(held.revokedAt),
    events: held.events,
    idempotencyKeys: held.idempotencyKeys,
    series: held.series.map((head) => ({
      series: head.series,
      part: head.part === '' ? null : head.part,
      entryUuid: head.entry_uuid,
      version: head.version,
      recordSystem: head.record_system,
      sha256: head.sha256 === '' ? null : head.sha256,
      export: head.export_id === '' ? null : head.export_id,
      frozen: head.frozen === 1,
      doubtful: head.doubtful === 1,
      updatedAt: time(head.updated_at),
    })),
    exports: held.exports.map((stored) => viewHeld(stored, language)),
    next: held.next === null ? null : String(held.next),
  };
}

function viewHeld(stored: StoredExport, language: Language) {
  const { row } = stored;
  return {
    ...viewExport(stored, language),
    client: row.client,
    consent: { id: row.consent_id, version: row.consent_version, grantedAt: time(row.consent_granted_at) },
    kvnrSource: { issuer: row.kvnr_issuer, authenticatedAt: time(row.kvnr_authenticated_at) },
    prescriptionEnds: row.prescription_ends,
    contentHeld: row.wrapped_key !== null,
    contentErasedBy: time(row.erase_at),
  };
}

export function viewCheck(diga: string, check: RecordCheck, language: Language) {
  if (check.code === null) return { diga, found: true, recordSystem: check.recordSystem, code: null };
  const entry = catalogue[check.code];
  return {
    diga,
    found: check.found,
    recordSystem: null,
    code: check.code,
    who: entry.who,
    remedy: entry.remedy[language],
    ...('userMessage' in entry && { userMessage: entry.userMessage }),
  };
}

function time(ms: number): string;
function time(ms: number | null): string | null;
function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
