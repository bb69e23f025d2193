// The query of `GET /v1/events` and where a stream is resumed. Unknown parameters and values are refused, not ignored.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { queryFindings } from './list-query.ts';
import { RequestError } from './problem.ts';

const SEQ = /^[0-9]{1,15}$/;

export const eventsQuery = z.strictObject({
  after: z.string().regex(SEQ).transform(Number).default(0),
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50),
});

/** EXPORT_INVALID with one finding per fault. */
export function readEventsQuery(query: unknown): { after: number; limit: number } {
  const parsed = eventsQuery.safeParse(query);
  if (!parsed.success) throw queryFindings(parsed.error);
  return parsed.data;
}

/** The seq of the last event that a resuming client has seen; goes before `after`, which its address may still hold. */
export function readLastEventId(request: FastifyRequest): number | undefined {
  const given = request.headers['last-event-id'];
  if (given === undefined || given === '') return undefined;
  // Something else would start over or skip events without a word.
  if (typeof given !== 'string' || !SEQ.test(given))
    throw new RequestError('EXPORT_INVALID', 'the Last-Event-ID is not one of ours', {
      findings: [
        { pointer: '', path: 'Last-Event-ID', code: 'HEADER_INVALID', message: 'must be the seq of an event' },
      ],
    });
  return Number(given);
}
