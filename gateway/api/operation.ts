// What is told about one call of the REST API: the row of the route table from which `/openapi.json` is made (openapi.ts).
// Queries and bodies are the very schemas that check the requests; a test calls every row for every status it names.
import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Role } from './authentication.ts';

export type RequestHeader = 'Accept-Language' | 'Idempotency-Key' | 'Prefer' | 'If-None-Match' | 'Last-Event-ID';
export type AnswerHeader =
  | 'ETag'
  | 'Location'
  | 'Idempotent-Replayed'
  | 'Preference-Applied'
  | 'Content-Disposition'
  | 'Mio-Parts';

/** What a body holds: JSON by a schema, or anything else in words. `stream`: lines or events, each by `schema`. */
export type Media = {
  schema?: z.ZodType;
  stream?: true;
  description?: string;
  /** Content-Type of each part of a form. */
  parts?: Readonly<Record<string, string>>;
};

export type Answer = {
  description: string;
  headers?: readonly AnswerHeader[];
  /** By media type; none: no body. */
  media?: Readonly<Record<string, Media>>;
};

export type Operation = {
  /** operationId of OpenAPI; never changes. */
  id: string;
  method: 'get' | 'post';
  /** As OpenAPI writes it: `/v1/exports/{id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** What the key must hold (SEC-14); null: open to everyone who reaches the listener. */
  role: Role | null;
  /** A strict object of strings. */
  query?: z.ZodType;
  headers?: readonly RequestHeader[];
  body?: Readonly<Record<string, Media>>;
  answers: Readonly<Record<number, Answer>>;
  /** Codes beyond those of every call behind a key (openapi.ts). */
  refusals: readonly ErrorCode[];
};
