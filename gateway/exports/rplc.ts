// The target of a replacement (RPLC, epa-record-system.md 4.4): always the newest entryUUID that this gateway wrote in the
// series, and for a repeat the very target of its first try (EXP-06). The association itself: record-system/submission-set.ts.

/** Version and target of the next document of a series, or of a repeat, which keeps what its first try said (EXP-06). */
export function nextVersion(o: {
  head: { entry_uuid: string; version: number } | undefined;
  document: { version: number | null; replaces: string | null; without_target: number };
  unanswered: boolean;
}): { version: number; replaces: string | null } {
  if (o.unanswered && o.document.version !== null)
    return { version: o.document.version, replaces: o.document.replaces };
  return {
    version: (o.head?.version ?? 0) + 1,
    replaces: o.document.without_target === 1 ? null : (o.head?.entry_uuid ?? null),
  };
}
