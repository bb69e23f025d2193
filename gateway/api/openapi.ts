// `/openapi.json` (OpenAPI 3.1): made from the route table (operation.ts) and from the schemas that check the requests, so
// that description and behaviour cannot part. It names no secret and no setting and is open to all who reach the listener.
import { z } from 'zod';
import { catalogue, type ErrorCode } from '../errors.ts';
import { problem } from './answers.ts';
import type { AnswerHeader, Media, Operation, RequestHeader } from './operation.ts';
import { exportOperations } from './operations-exports.ts';
import { mioOperations } from './operations-mio.ts';
import { personOperations } from './operations-persons.ts';
import { readingOperations } from './operations-readings.ts';
import { webhookOperations } from './operations-webhooks.ts';

/** Every call of the listener. */
export const operations: readonly Operation[] = [
  ...exportOperations,
  ...mioOperations,
  ...personOperations,
  ...webhookOperations,
  ...readingOperations,
];

/** What every call behind a key may answer, whatever it does. */
const EVERYWHERE = [
  'REQUEST_INVALID',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'NOT_READY',
  'STORE_UNREACHABLE',
  'TOKEN_KEYS_UNREACHABLE',
  'KEYS_OUTDATED',
  'STORE_BROKEN',
  'INTERNAL',
] as const satisfies readonly ErrorCode[];

export type Json = { readonly [member: string]: unknown };

const PROBLEM_TYPE = 'application/problem+json';
const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } };
const ENVIRONMENT = { 'X-Environment': { $ref: '#/components/headers/X-Environment' } };
const text = { type: 'string' };

const REQUEST_HEADERS: Record<RequestHeader, { description: string; schema: Json }> = {
  'Accept-Language': { description: 'German unless English is preferred', schema: text },
  'Idempotency-Key': {
    description: 'Makes a repeat safe; scope: client and DiGA, kept as long as the export',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]*$' },
  },
  Prefer: { description: '`wait=N` (1 to 30 seconds, RFC 7240); what is not understood is ignored', schema: text },
  'If-None-Match': { description: 'An ETag of an earlier answer', schema: text },
  'Last-Event-ID': {
    description: '`seq` of the last event seen',
    schema: { type: 'string', pattern: '^[0-9]{0,15}$' },
  },
};
const ANSWER_HEADERS: Record<AnswerHeader | 'Retry-After' | 'WWW-Authenticate', string> = {
  ETag: 'Entity tag of this very answer',
  Location: 'Address of the export',
  'Idempotent-Replayed': '`true` where the export stood already',
  'Preference-Applied': 'The wait that was granted',
  'Content-Disposition': '`attachment`',
  'Mio-Parts': 'Parts of the document, in the order in which they would be written',
  'Retry-After': 'Seconds to wait',
  'WWW-Authenticate': 'How to authenticate',
};
/** Not in every answer of their status. */
const OPTIONAL = new Set<string>(['Idempotent-Replayed', 'Preference-Applied']);

/** The whole document, JSON. `contents`: schemas in the place of those that only name a content (content-schemas.ts). */
export function describeApi(o: {
  version: string;
  operations?: readonly Operation[];
  contents?: Readonly<Record<string, Json>>;
}): Json {
  const rows = o.operations ?? operations;
  const { inline, components } = schemasOf(rows);
  const paths: Record<string, Record<string, Json>> = {};
  for (const row of rows) {
    paths[row.path] ??= {};
    Object.assign(paths[row.path] ?? {}, { [row.method]: describe(row, inline) });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'DiGA ePA gateway',
      version: o.version,
      description:
        'Writes the data of a DiGA into the German electronic patient record. A KVNR is in no address and in no answer. ' +
        'Every refusal is a problem document with a stable code, who must act and what to do. A request that cannot be ' +
        'read at all is answered 400, 408 or 431 before it has come to any of these calls; an address that is none 404, ' +
        'a method that it does not know 405.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    tags: [...new Set(rows.map((r) => r.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'API key of the client' } },
      headers: {
        'X-Request-Id': { description: 'Names this request in our log', required: true, schema: text },
        'X-Environment': { description: 'RU, TU, PU or SIM', required: true, schema: text },
      },
      schemas: { ...components, ...o.contents },
    },
  };
}

type Inline = (schema: z.ZodType) => unknown;

function describe(row: Operation, inline: Inline): Json {
  const parameters = [...pathParameters(row.path), ...queryParameters(row, inline), ...headerParameters(row)];
  return {
    operationId: row.id,
    tags: [row.tag],
    summary: row.summary,
    description: [row.description, row.role === null ? undefined : `Role: ${row.role}.`].filter(Boolean).join('\n\n'),
    ...(row.role === null && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(row.body !== undefined && { requestBody: { required: true, content: contentOf(row.body, inline) } }),
    responses: { ...answersOf(row, inline), ...refusalsOf(row) },
  };
}

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text }));

function queryParameters(row: Operation, inline: Inline): Json[] {
  if (row.query === undefined) return [];
  const { properties = {}, required = [] } = inline(row.query) as { properties?: Json; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

const headerParameters = (row: Operation) =>
  (row.headers ?? []).map((name) => ({ name, in: 'header', required: false, ...REQUEST_HEADERS[name] }));

function contentOf(media: Readonly<Record<string, Media>>, inline: Inline): Json {
  const entries = Object.entries(media).map(([type, m]) => [
    type,
    {
      schema:
        m.stream === true || m.schema === undefined
          ? { description: m.description ?? `one ${type} item each` }
          : inline(m.schema),
      // OpenAPI 3.1 cannot say "a line each" (3.2 has itemSchema): an extension says what one of them is.
      ...(m.parts !== undefined && {
        encoding: Object.fromEntries(Object.entries(m.parts).map(([part, contentType]) => [part, { contentType }])),
      }),
      ...(m.stream === true && m.schema !== undefined && { 'x-item-schema': inline(m.schema) }),
    },
  ]);
  return Object.fromEntries(entries);
}

function answersOf(row: Operation, inline: Inline): Json {
  const entries = Object.entries(row.answers).map(([status, a]) => [
    status,
    {
      description: a.description,
      headers: { ...REQUEST_ID, ...ENVIRONMENT, ...headersOf(a.headers ?? []) },
      ...(a.media !== undefined && { content: contentOf(a.media, inline) }),
    },
  ]);
  return Object.fromEntries(entries);
}

const headersOf = (names: readonly (keyof typeof ANSWER_HEADERS)[]): Json =>
  Object.fromEntries(
    names.map((name) => [name, { description: ANSWER_HEADERS[name], required: !OPTIONAL.has(name), schema: text }]),
  );

/** One answer per HTTP status, with the codes that it may carry. */
function refusalsOf(row: Operation): Json {
  const codes = [
    ...new Set([
      ...(row.role === null ? [] : EVERYWHERE),
      ...row.refusals,
      ...(row.body?.['application/json'] === undefined ? [] : (['DOCUMENT_TOO_LARGE'] as const)),
    ]),
  ];
  const byStatus = Map.groupBy(codes, (code) => catalogue[code].http);
  const entries = [...byStatus].map(([status, of]) => [
    status,
    {
      description: of.map((code) => `${code}: ${catalogue[code].remedy.en}`).join('\n'),
      headers: {
        ...REQUEST_ID,
        ...ENVIRONMENT,
        ...(status === 401 && headersOf(['WWW-Authenticate'])),
        ...((status === 429 || status === 503) && headersOf(['Retry-After'])),
      },
      content: {
        [PROBLEM_TYPE]: {
          schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: of } } }] },
        },
      },
    },
  ]);
  return Object.fromEntries(entries);
}

/** All schemas of the table made into JSON Schema (draft 2020-12) at once; those with an id become components. */
function schemasOf(rows: readonly Operation[]): { inline: Inline; components: Json } {
  const media = (of: Readonly<Record<string, Media>> | undefined) =>
    Object.values(of ?? {}).flatMap((m) => (m.schema === undefined ? [] : [m.schema]));
  const all = new Set<z.ZodType>([problem]);
  for (const row of rows) {
    if (row.query !== undefined) all.add(row.query);
    for (const schema of media(row.body)) all.add(schema);
    for (const answer of Object.values(row.answers)) for (const schema of media(answer.media)) all.add(schema);
  }
  const list = [...all];
  const shape = Object.fromEntries(list.map((schema, i) => [String(i), schema]));
  const made = z.toJSONSchema(z.object(shape), {
    io: 'input',
    override: ({ jsonSchema: s }) => {
      // What every integer of JavaScript is anyway.
      if (s.minimum === Number.MIN_SAFE_INTEGER) delete s.minimum;
      if (s.maximum === Number.MAX_SAFE_INTEGER) delete s.maximum;
    },
  });
  const { properties, $defs } = JSON.parse(JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/')) as {
    properties: Record<string, unknown>;
    $defs: Record<string, Json>;
  };
  for (const [name, schema] of Object.entries($defs)) {
    const { id: _, ...rest } = schema;
    $defs[name] = rest;
  }
  return { inline: (schema) => properties[String(list.indexOf(schema))], components: $defs };
}
