// The tables of alarms (MON-03) and of OCSP answers (CRT-04), part of the store's schema.
import type { Generated, Selectable } from 'kysely';
import type { ErrorCode } from '../errors.ts';

/** One cause that a person must know of, from its beginning to its end (gateway/alarms). */
export type AlarmsTable = {
  id: string;
  key: string;
  code: ErrorCode;
  subject: string;
  diga: string | null;
  /** JSON of a flat object. */
  details: string | null;
  stage: string;
  raised_at: number;
  stage_at: number;
  cleared_at: number | null;
};

/** Which gateway sees its cause. */
export type AlarmSightsTable = { alarm_id: string; gateway: string; seen_at: number };

/** What one channel is told of an alarm; without `next_at` it has taken it, or was given up. */
export type AlarmMessagesTable = {
  n: Generated<number>;
  channel: string;
  alarm_id: string;
  type: 'raised' | 'reminded' | 'cleared' | 'test';
  /** Code and stage, or the end: told once only. */
  about: string;
  body: string;
  at: number;
  attempts: number;
  next_at: number | null;
  last_code: ErrorCode | null;
};

/** `answer`: the last one that was about this certificate and by an authorised responder, as it came. */
export type OcspAnswersTable = {
  fingerprint: string;
  answer: Uint8Array | null;
  answered_at: number | null;
  first_asked_at: number;
};

export type AlarmRow = Selectable<AlarmsTable>;
export type AlarmMessageRow = Selectable<AlarmMessagesTable>;
