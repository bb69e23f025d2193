// What an answer of the registry means for an export and its series: D1 (own repeat), D2 (gone and stale targets),
// EXP-05, EXP-08. Pure: one table, tested cell by cell. Whether a refusal proves that nothing was written depends on one
// thing only: whether an earlier try of the same bytes went without an answer.
import type { ErrorCode, Foreign } from '../errors.ts';
import type { WriteOutcome } from './ports.ts';

export type Answered = {
  outcome: WriteOutcome;
  /** An earlier try of this very document ended without a definite answer. */
  unanswered: boolean;
  /** entryUUID that this try replaces, or null. */
  replaces: string | null;
  /** After a restore, an import or TARGET_STALE: "not Approved" proves nothing (D1). */
  doubtful: boolean;
  onTargetGone: 'fail' | 'create-new';
};

/**
 * `definite`: this try surely wrote nothing. `freeze`: the series waits for series/import (D2).
 * `not-entitled` and `create-new` let the journey go on; every other end is final for this try.
 */
export type Verdict =
  | { kind: 'written' }
  | { kind: 'not-entitled'; foreign: Foreign }
  | { kind: 'other-card'; foreign: Foreign }
  | { kind: 'create-new' }
  | {
      kind: 'ends';
      code: ErrorCode;
      definite: boolean;
      freeze: boolean;
      /** Ends as failed whatever earlier tries were. */
      fatal?: true;
      foreign?: Foreign;
      check?: string;
    };

/** The decision table. */
export function judgeAnswer(a: Answered): Verdict {
  const { outcome } = a;
  if (outcome.kind === 'stored') return { kind: 'written' };
  if (outcome.kind === 'no-answer')
    return {
      kind: 'ends',
      code: 'WRITE_UNANSWERED',
      definite: false,
      freeze: false,
      foreign: outcome.error.foreign,
      check: outcome.error.check,
    };
  const foreign: Foreign = { code: outcome.errorCode, text: outcome.codeContext };
  // Same uniqueId with other bytes cannot be: bytes and ids are fixed before 202 (D5). Our own broken promise (D1).
  if (outcome.errorCode === 'XDSNonIdenticalHash')
    return { kind: 'ends', code: 'INTERNAL', definite: true, freeze: false, fatal: true, foreign };
  return a.unanswered ? ofRepeat(a, outcome.meaning, foreign) : ofFirstTry(a, outcome.meaning, foreign);
}

type Meaning = Extract<WriteOutcome, { kind: 'registry-error' }>['meaning'];

/** Every earlier try, if any, was definitely refused: what the registry says now is true of this document. */
function ofFirstTry(a: Answered, meaning: Meaning, foreign: Foreign): Verdict {
  const ends = (code: ErrorCode, freeze = false): Verdict => ({ kind: 'ends', code, definite: true, freeze, foreign });
  switch (meaning) {
    case 'not-entitled':
      return { kind: 'not-entitled', foreign };
    case 'wrong-telematik-id':
      return { kind: 'other-card', foreign };
    case 'duplicate':
      return ends('DOCUMENT_DUPLICATE');
    case 'target-unknown':
      if (a.replaces === null) return ends('DOCUMENT_REJECTED');
      return a.onTargetGone === 'create-new' ? { kind: 'create-new' } : ends('TARGET_GONE');
    case 'target-not-approved':
      // Known but not the newest (D2): onTargetGone never applies.
      return a.replaces === null ? ends('DOCUMENT_REJECTED') : ends('TARGET_STALE', true);
    case 'busy':
      return ends('RECORD_BUSY');
    case 'rejected':
      return ends('DOCUMENT_REJECTED');
  }
}

/** Our own repeat (D1): some refusals prove that the first try arrived, all others prove nothing about it. */
function ofRepeat(a: Answered, meaning: Meaning, foreign: Foreign): Verdict {
  const unclear = (code: ErrorCode): Verdict => ({ kind: 'ends', code, definite: false, freeze: false, foreign });
  switch (meaning) {
    case 'duplicate':
      return { kind: 'written' };
    case 'target-not-approved':
      // The first try deprecated its target, unless a second writer is possible.
      return a.replaces !== null && !a.doubtful ? { kind: 'written' } : unclear('WRITE_DOUBTFUL');
    case 'target-unknown':
      // Neither success nor TARGET_GONE, and never create-new.
      return unclear('WRITE_DOUBTFUL');
    case 'not-entitled':
      return { kind: 'not-entitled', foreign };
    case 'wrong-telematik-id':
      return { kind: 'other-card', foreign };
    case 'busy':
      return unclear('RECORD_BUSY');
    case 'rejected':
      return unclear('DOCUMENT_REJECTED');
  }
}
