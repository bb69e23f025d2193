// What a RegistryError means for an export: by text first, since vendors give one cause under several codes, then by code
// (IHE ITI TF-3 table 4.2.4.1; epa-record-system.md 4.4–4.5, export-flow.md 5.6–5.7). Anything unknown is `rejected`.

export type RegistryMeaning =
  | 'not-entitled'
  | 'duplicate'
  | 'target-unknown'
  | 'target-not-approved'
  | 'busy'
  | 'rejected'
  | 'wrong-telematik-id';

/**
 * In code and `codeContext`, or in the reason of a fault. The first that fits counts. "Not Approved" proves on a repeat that
 * the first try arrived (D1), so it must be said of the target: value sets have approved and deprecated codes, too.
 */
export const MEANING_BY_TEXT: readonly (readonly [RegExp, RegistryMeaning])[] = [
  [/telematik-?id\b.*\b(does not match|mismatch)/i, 'wrong-telematik-id'],
  // "Only an approved DocumentEntry can be target of an … RPLC …" (seen under XDSRepositoryError).
  [/^(?=.*(?:\btarget\b|RPLC|replac|\bstatus\b)).*\b(?:only|not)\b.*\bapproved\b/is, 'target-not-approved'],
  [/^(?=.*(?:\btarget\b|RPLC|replac)).*\bdeprecated\b/is, 'target-not-approved'],
  // "Invalid target ID … RPLC association": deleted by the insured, or never there.
  [/\binvalid target\b|\btarget\b.*\b(unknown|not found|does not exist)\b/i, 'target-unknown'],
];

export const MEANING_BY_CODE: Readonly<Record<string, RegistryMeaning>> = {
  NotEntitled: 'not-entitled',
  notEntitled: 'not-entitled',
  // The same content, or the same identifier: on our own repeat both say that the first try arrived (D1).
  XDSDuplicateDocument: 'duplicate',
  XDSDuplicateUniqueIdInRegistry: 'duplicate',
  XDSRegistryBusy: 'busy',
  XDSRepositoryBusy: 'busy',
  XDSRegistryNotAvailable: 'busy',
  XDSRegistryOutOfResources: 'busy',
  XDSRepositoryOutOfResources: 'busy',
  // "Internal error" in IHE's table; the sources disagree whether a repeat helps, and one costs nothing.
  XDSRegistryError: 'busy',
  XDSRepositoryError: 'busy',
};

/** Where one answer holds several errors, the one that decides what happens next. */
export const MEANING_ORDER: readonly RegistryMeaning[] = [
  'not-entitled',
  'wrong-telematik-id',
  'target-not-approved',
  'target-unknown',
  'duplicate',
  'rejected',
  'busy',
];
