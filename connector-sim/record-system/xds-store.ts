// Checks 9, 11, 12, 13 of ITI-41 against what the record holds, and step 14: folder, storing, deprecating, history of 10
// (epa-record-system.md 3.4, 4.4, 4.7). The texts of a refused RPLC target are those clients met in production.
import { type DigaFolder, type SimRecord, type StoredDocument, sha256Hex } from '../records.ts';
import { ASSOCIATION, ENTRY_SCHEME } from '../tables/ebrim.ts';
import { DIGA_FOLDER_COMMENT, DIGA_GUIDE } from '../tables/ig-diga.ts';
import { type VendorProfile, worded } from '../tables/vendors.ts';
import type { Choices } from '../world.ts';
import type { SubmittedDocument } from './xds-message.ts';
import { codesOf, identifierOf, type RegistryObject, type Submission } from './xds-read.ts';
import type { Refusal } from './xds-rules.ts';

/** A_16187 (epa-record-system.md 4.6). */
export const DOCUMENT_LIMIT = 25 * 1024 * 1024;
export const REQUEST_LIMIT = 250 * 1024 * 1024;

/** A document entry with its content and what it replaces, ready to be judged and stored. */
export type Candidate = {
  entry: RegistryObject;
  bytes: Uint8Array;
  sha256: string;
  uniqueId: string;
  replaces: string | null;
};

export function candidatesOf(submission: Submission, documents: readonly SubmittedDocument[]): Candidate[] {
  return submission.entries.map((entry) => {
    const bytes = documents.find((document) => document.id === entry.id)?.bytes ?? new Uint8Array();
    const replace = submission.associations.find((a) => a.type === ASSOCIATION.replace && a.source === entry.id);
    const uniqueId = identifierOf(entry, ENTRY_SCHEME.uniqueId)?.value ?? '';
    return { entry, bytes, sha256: sha256Hex(bytes), uniqueId, replaces: replace?.target ?? null };
  });
}

/** What a repeat of a stored document is told (D1), and the vendor's codes and texts. */
export type StoreManner = Pick<Choices, 'duplicateAnswer'> & Pick<VendorProfile, 'targetErrorCode' | 'wording'>;

/** Nos 9, 11, 12 and 13 for one candidate. */
export function storeRefusal(
  record: SimRecord,
  candidate: Candidate,
  telematikId: string,
  manner: StoreManner,
): Refusal | null {
  const known = [...record.documents, ...record.trimmed];
  const sameIds = known.find((d) => d.entryUuid === candidate.entry.id && d.uniqueId === candidate.uniqueId);
  if (sameIds !== undefined && sameIds.sha256 === candidate.sha256) return repeatRefusal(candidate, manner);
  if (known.some((d) => d.entryUuid === candidate.entry.id || d.uniqueId === candidate.uniqueId)) {
    // IHE ITI TF-3 4.2.4.1: same uniqueId, other content
    const code = sameIds === undefined ? 'XDSDuplicateUniqueIdInRegistry' : 'XDSNonIdenticalHash';
    return { rule: 'xds.unique-id', code, text: worded(manner.wording.uniqueIdInUse, candidate.uniqueId) };
  }
  return targetRefusal(record, candidate, telematikId, manner) ?? contentRefusal(record, candidate, manner);
}

function repeatRefusal(candidate: Candidate, manner: StoreManner): Refusal {
  const { duplicateAnswer: answer, wording } = manner;
  if (answer === 'target-not-approved' && candidate.replaces !== null) return notApproved(manner);
  if (answer === 'XDSDuplicateUniqueIdInRegistry')
    return { rule: 'xds.unique-id', code: answer, text: worded(wording.uniqueIdInUse, candidate.uniqueId) };
  return duplicate(candidate.uniqueId, manner);
}

function duplicate(uniqueId: string, { wording }: StoreManner): Refusal {
  return { rule: 'xds.duplicate', code: 'XDSDuplicateDocument', text: worded(wording.duplicate, uniqueId) };
}

function targetRefusal(
  record: SimRecord,
  candidate: Candidate,
  telematikId: string,
  manner: StoreManner,
): Refusal | null {
  if (candidate.replaces === null) return null;
  // another DiGA's document counts as unknown: whether it exists is none of this DiGA's business
  const target = record.documents.find((d) => d.entryUuid === candidate.replaces && d.telematikId === telematikId);
  if (target === undefined) {
    const text = worded(manner.wording.targetUnknown, candidate.replaces);
    return { rule: 'xds.target-unknown', code: manner.targetErrorCode, text };
  }
  return target.status === 'Approved' ? null : notApproved(manner);
}

function notApproved({ targetErrorCode: code, wording }: StoreManner): Refusal {
  return { rule: 'xds.target-not-approved', code, text: worded(wording.targetNotApproved) };
}

function contentRefusal(
  record: SimRecord,
  { bytes, sha256, uniqueId }: Candidate,
  manner: StoreManner,
): Refusal | null {
  // no code for it is documented: metadata error, which no client may retry
  if (bytes.length > DOCUMENT_LIMIT)
    return { rule: 'xds.size', code: 'XDSRepositoryMetadataError', text: `document larger than 25 MB: ${uniqueId}` };
  if (bytes.length === 0)
    return { rule: 'xds.empty', code: 'XDSMissingDocument', text: `document is empty: ${uniqueId}` };
  // in the record: a version beyond the history of 10 is not in it any more
  return record.documents.some((d) => d.sha256 === sha256) ? duplicate(uniqueId, manner) : null;
}

/** Step 14. */
export function storeCandidate(o: {
  record: SimRecord;
  candidate: Candidate;
  user: { telematikId: string; organizationName: string };
  at: Date;
}): void {
  const { record, candidate, user } = o;
  const { entry } = candidate;
  if (!record.folders.some((folder) => folder.telematikId === user.telematikId)) record.folders.push(digaFolder(user));
  const code = (scheme: string): string => codesOf(entry, scheme)[0]?.code ?? '';
  for (const old of record.documents) if (old.entryUuid === candidate.replaces) old.status = 'Deprecated';
  record.documents.push({
    entryUuid: entry.id,
    uniqueId: candidate.uniqueId,
    status: 'Approved',
    replaces: candidate.replaces,
    bytes: candidate.bytes,
    sha256: candidate.sha256,
    mimeType: entry.attributes.get('mimeType') ?? '',
    classCode: code(ENTRY_SCHEME.classCode),
    typeCode: code(ENTRY_SCHEME.typeCode),
    formatCode: code(ENTRY_SCHEME.formatCode),
    title: entry.name ?? '',
    telematikId: user.telematikId,
    receivedAt: o.at.toISOString(),
  });
  trimHistory(record, entry.id);
}

function digaFolder(user: { telematikId: string; organizationName: string }): DigaFolder {
  return {
    telematikId: user.telematikId,
    title: user.organizationName,
    comments: DIGA_FOLDER_COMMENT + user.telematikId,
    codeList: DIGA_GUIDE.folder.code,
  };
}

/** maxDocumentHistory: the oldest deprecated version beyond 10 leaves the record; ids, hash and `replaces` are kept (api.md). */
function trimHistory(record: SimRecord, newest: string): void {
  const chain: StoredDocument[] = [];
  let at: string | null = record.documents.find((d) => d.entryUuid === newest)?.replaces ?? null;
  while (at !== null) {
    const found = record.documents.find((d) => d.entryUuid === at);
    if (found === undefined) break;
    chain.push(found);
    at = found.replaces;
  }
  for (const old of chain.slice(DIGA_GUIDE.maxDocumentHistory)) {
    record.documents.splice(record.documents.indexOf(old), 1);
    record.trimmed.push({ ...old, bytes: old.bytes.length });
  }
}
