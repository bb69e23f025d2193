// The decision table of D1 and D2, cell by cell: every answer of the registry, on a first try and on our own repeat.
import { describe, expect, test } from 'vitest';
import type { RegistryMeaning } from '../../../../gateway/exports/ports.ts';
import { nextVersion } from '../../../../gateway/exports/rplc.ts';
import { type Answered, judgeAnswer } from '../../../../gateway/exports/series.ts';
import { noAnswer, registryError } from '../../../support/gateway-fakes.ts';

const judge = (change: Partial<Answered> & { meaning?: RegistryMeaning; errorCode?: string }) => {
  const { meaning, errorCode, ...rest } = change;
  const verdict = judgeAnswer({
    outcome: meaning === undefined ? { kind: 'stored' } : registryError(meaning, errorCode),
    unanswered: false,
    replaces: 'urn:uuid:old',
    doubtful: false,
    onTargetGone: 'fail',
    ...rest,
  });
  return verdict.kind === 'ends'
    ? `${verdict.code}${verdict.definite ? '' : ' in doubt'}${verdict.freeze ? ' frozen' : ''}`
    : verdict.kind;
};

// columns: first try v1, first try v2, own repeat v1, own repeat v2, own repeat v2 in a doubtful series
const table: [RegistryMeaning, string, string, string, string, string][] = [
  ['duplicate', 'DOCUMENT_DUPLICATE', 'DOCUMENT_DUPLICATE', 'written', 'written', 'written'],
  [
    'target-not-approved',
    'DOCUMENT_REJECTED',
    'TARGET_STALE frozen',
    'WRITE_DOUBTFUL in doubt',
    'written',
    'WRITE_DOUBTFUL in doubt',
  ],
  [
    'target-unknown',
    'DOCUMENT_REJECTED',
    'TARGET_GONE',
    'WRITE_DOUBTFUL in doubt',
    'WRITE_DOUBTFUL in doubt',
    'WRITE_DOUBTFUL in doubt',
  ],
  ['not-entitled', 'not-entitled', 'not-entitled', 'not-entitled', 'not-entitled', 'not-entitled'],
  ['wrong-telematik-id', 'other-card', 'other-card', 'other-card', 'other-card', 'other-card'],
  ['busy', 'RECORD_BUSY', 'RECORD_BUSY', 'RECORD_BUSY in doubt', 'RECORD_BUSY in doubt', 'RECORD_BUSY in doubt'],
  [
    'rejected',
    'DOCUMENT_REJECTED',
    'DOCUMENT_REJECTED',
    'DOCUMENT_REJECTED in doubt',
    'DOCUMENT_REJECTED in doubt',
    'DOCUMENT_REJECTED in doubt',
  ],
];

describe.each(table)('"%s"', (meaning, first1, first2, repeat1, repeat2, doubtful2) => {
  test(`first try: ${first1} for version 1, ${first2} for version 2`, () => {
    expect([judge({ meaning, replaces: null }), judge({ meaning })]).toEqual([first1, first2]);
  });
  test(`own repeat: ${repeat1} for version 1, ${repeat2} for version 2, ${doubtful2} in a doubtful series`, () => {
    const unanswered = true;
    expect([
      judge({ meaning, unanswered, replaces: null }),
      judge({ meaning, unanswered }),
      judge({ meaning, unanswered, doubtful: true }),
    ]).toEqual([repeat1, repeat2, doubtful2]);
  });
});

test('create-new applies to a target that is gone on a first try, never to a stale one and never to a repeat (EXP-08)', () => {
  const onTargetGone = 'create-new';
  expect(judge({ meaning: 'target-unknown', onTargetGone })).toBe('create-new');
  expect(judge({ meaning: 'target-not-approved', onTargetGone })).toBe('TARGET_STALE frozen');
  expect(judge({ meaning: 'target-unknown', onTargetGone, unanswered: true })).toBe('WRITE_DOUBTFUL in doubt');
});

test.each([false, true])(
  'stored is written, no answer is in doubt, another hash is our bug (repeat: %s)',
  (unanswered) => {
    expect(judge({ unanswered })).toBe('written');
    expect(judge({ unanswered, outcome: noAnswer() })).toBe('WRITE_UNANSWERED in doubt');
    expect(judge({ unanswered, meaning: 'rejected', errorCode: 'XDSNonIdenticalHash' })).toBe('INTERNAL');
  },
);

test('a repeat keeps version and target of its first try, whatever the head says now', () => {
  const document = { version: 2, replaces: 'urn:uuid:one', without_target: 0 };
  const head = { entry_uuid: 'urn:uuid:seven', version: 7 };
  expect(nextVersion({ head, document, unanswered: true })).toEqual({ version: 2, replaces: 'urn:uuid:one' });
  expect(nextVersion({ head, document, unanswered: false })).toEqual({ version: 8, replaces: 'urn:uuid:seven' });
  expect(nextVersion({ head, document: { ...document, without_target: 1 }, unanswered: false }).replaces).toBeNull();
  expect(nextVersion({ head: undefined, document, unanswered: false })).toEqual({ version: 1, replaces: null });
});
