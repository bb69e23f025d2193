// The query of `GET /v1/exports`: filters, all of which must hold, and cursor paging, newest first. Unknown parameters and values are refused, not ignored.
import { z } from 'zod';
import type { ExportStatus } from '../exports/schema.ts';
import type { ListFilter } from '../exports/store.ts';
import { instant, text } from './export-body.ts';
import { RequestError } from './problem.ts';

/** Every outward status of an export. */
export const EXPORT_STATUSES = [
  'queued',
  'running',
  'waiting',
  'unclear',
  'written',
  'unchanged',
  'superseded',
  'refused',
  'failed',
  'cancelled',
] as const satisfies readonly ExportStatus[];

const ONE_OF = EXPORT_STATUSES.join('|');

export const listQuery = z.strictObject({
  status: z
    .string()
    .meta({ pattern: `^(${ONE_OF})(,(${ONE_OF}))*$`, description: 'one or several, separated by commas' })
    .transform((t) => t.split(','))
    .pipe(z.array(z.enum(EXPORT_STATUSES)).min(1))
    .optional(),
  diga: text(64).optional(),
  series: text(64).optional(),
  reference: text(64).optional(),
  createdAfter: instant.transform(Date.parse).optional(),
  createdBefore: instant.transform(Date.parse).optional(),
  after: z
    .string()
    .regex(/^[0-9]{1,15}$/)
    .transform(Number)
    .optional(),
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50),
});

/** The filter of a list. */
export function readListQuery(query: unknown): ListFilter {
  const { status, after, ...filter } = readQuery(listQuery, query);
  return {
    ...filter,
    ...(status !== undefined && { statuses: status }),
    ...(after !== undefined && { before: after }),
  };
}

/** A query as its schema says. EXPORT_INVALID with one finding per fault. */
export function readQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> {
  const parsed = schema.safeParse(query);
  if (!parsed.success) throw queryFindings(parsed.error);
  return parsed.data;
}

/** What is wrong with a query, all of it. */
export function queryFindings(error: z.ZodError): RequestError {
  return new RequestError('EXPORT_INVALID', 'a query parameter is not known or has a wrong value', {
    findings: error.issues.flatMap((issue) =>
      (issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0] ?? '')]).map((name) => ({
        pointer: '',
        path: `?${name}`,
        code: issue.code === 'unrecognized_keys' ? 'QUERY_UNKNOWN' : 'QUERY_INVALID',
        message: issue.code === 'unrecognized_keys' ? 'is no parameter of this call' : 'has a wrong value',
      })),
    ),
  });
}
