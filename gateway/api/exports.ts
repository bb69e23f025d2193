// `POST /v1/exports` and what belongs to one export (api.md section 2). 202 means: on disk, validated, survives kill -9.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { Asking } from '../exports/audit.ts';
import type { Checkpoint } from '../exports/checkpoints.ts';
import { RETRY_EVERY_MS, retryExport } from '../exports/claims.ts';
import { viewExport } from '../exports/export-view.ts';
import type { FinalWaits } from '../exports/final-waits.ts';
import type { Finding } from '../exports/finding.ts';
import { type Database, isFinal, listExports, readExport } from '../exports/store.ts';
import { cancelExport } from '../exports/sweep.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Vault } from '../vault/keys.ts';
import { type Caller, coveredDiga, type Role, requireRole } from './authentication.ts';
import { isDryRun, viewForeseen } from './dry-run.ts';
import { bounded, exportBody } from './export-body.ts';
import { IDEMPOTENCY_KEY, type Intake, type Taken } from './intake.ts';
import { parseOpened, readBody, submissionOf } from './json-submission.ts';
import { readListQuery } from './list-query.ts';
import { takeForm, withForm } from './multipart-export.ts';
import { waitAsPreferred } from './prefer.ts';
import { languageOf, RequestError } from './problem.ts';
import type { Documents, Submission } from './submission.ts';

export type ExportsApi = {
  db: Database;
  vault: Vault;
  documentBytes: number;
  bodyBytes: number;
  documents: Documents;
  digas: ReadonlySet<string>;
  now: () => number;
  log: Logger;
  metrics: Metrics;
  /** Something may be due. */
  wake: () => void;
  /** Content was erased, and another of its series may be due. */
  erased: () => void;
  finalWaits: FinalWaits;
  checkpoint?: Checkpoint;
};

/** `callerOf` authenticates; it runs before a body is read. */
export function registerExports(
  app: FastifyInstance,
  api: ExportsApi & { intake: Intake },
  callerOf: (r: FastifyRequest) => Caller,
): void {
  const { intake } = api;
  const may = (request: FastifyRequest, ...roles: Role[]) => {
    const caller = callerOf(request);
    requireRole(caller, ...roles);
    return caller;
  };

  // In a scope of its own: nowhere else is multipart a body.
  app.register(async (scope) => {
    scope.addContentTypeParser(/^multipart\/form-data\s*(;|$)/i, (_request, body, done) => done(null, body));
    scope.post('/v1/exports', async (request, reply) => {
      const caller = may(request, 'writer');
      const dryRun = isDryRun(request.query);
      const language = languageOf(request.headers['accept-language']);
      refuseCoding(request);
      const body = request.body instanceof Readable ? request.body : bodyOf(request);
      if (dryRun) {
        const { order, foreseen, warnings } = await (body instanceof Readable
          ? withForm(body, { ...formOf(request), api, caller, announced: () => {} }, intake.foresee)
          : intake.foresee(await submissionOfJson(body, { api, caller })));
        return send(request, reply, withWarnings(viewForeseen(order, foreseen, language), warnings));
      }
      const key = idempotencyKeyOf(request);
      const by = { key, requestId: request.id };
      const taken = await (body instanceof Readable
        ? takeForm(body, { ...formOf(request), ...by, api, intake, caller })
        : takeSubmission(await submissionOfJson(body, { api, caller }), { ...by, intake }));
      if (taken.replayed) reply.header('idempotent-replayed', 'true');
      reply.header('location', `/v1/exports/${taken.id}`).code(202);
      await api.checkpoint?.('accept.answering');
      await waitFor(api, request, reply, taken.id);
      return answer(api, request, reply, taken.id, { diga: taken.diga, warnings: taken.warnings });
    });
  });

  app.get('/v1/exports', async (request, reply) => {
    const caller = may(request, 'reader');
    const query = readListQuery(request.query);
    const diga = coveredDiga(caller, query.diga);
    const page = await listExports(api.db, { ...query, limit: query.limit + 1, diga });
    const more = page.length > query.limit;
    const shown = page.slice(0, query.limit);
    const language = languageOf(request.headers['accept-language']);
    const last = shown.at(-1);
    return send(request, reply, {
      exports: shown.map((e) => viewExport(e, language)),
      next: more && last !== undefined ? String(last.row.seq) : null,
    });
  });

  app.get<{ Params: { id: string } }>('/v1/exports/:id', async (request, reply) => {
    const caller = may(request, 'reader');
    const diga = caller.diga ?? undefined;
    if ((await readExport(api.db, request.params.id, diga)) !== undefined)
      await waitFor(api, request, reply, request.params.id);
    return answer(api, request, reply, request.params.id, { diga });
  });

  app.post<{ Params: { id: string } }>('/v1/exports/:id/retry', async (request, reply) => {
    const caller = may(request, 'writer');
    try {
      await retryExport(api.db, {
        id: request.params.id,
        diga: caller.diga ?? undefined,
        now: api.now(),
        by: asking(caller, request),
      });
    } catch (thrown) {
      if (thrown instanceof GatewayError && thrown.code === 'TOO_MANY_REQUESTS') {
        const { retried_at = null } = (await readExport(api.db, request.params.id))?.row ?? {};
        const ms = (retried_at ?? api.now()) + RETRY_EVERY_MS - api.now();
        throw new RequestError(thrown.code, thrown.message, {
          headers: { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) },
        });
      }
      throw thrown;
    }
    api.wake();
    return answer(api, request, reply.code(202), request.params.id, { diga: caller.diga ?? undefined });
  });

  app.post<{ Params: { id: string } }>('/v1/exports/:id/cancel', async (request, reply) => {
    const caller = may(request, 'writer');
    const { id } = request.params;
    const cancelling = { id, diga: caller.diga ?? undefined, now: api.now(), by: asking(caller, request) };
    await api.db.transaction().execute((tx) => cancelExport(tx, cancelling));
    api.finalWaits.ended(id);
    api.metrics.exportEntered('cancelled', 'CANCELLED');
    api.log.info('export cancelled', { export: id, code: 'CANCELLED', client: caller.id });
    api.erased();
    return answer(api, request, reply, id, { diga: caller.diga ?? undefined });
  });
}

/** The caller as the audit trail names it. */
export const asking = (caller: Caller, request: FastifyRequest): Asking => ({
  actor: { kind: 'client', id: caller.id },
  requestId: request.id,
});

function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  // Two headers would be joined with a comma and become a third key.
  const once = request.raw.headersDistinct['idempotency-key']?.length === 1;
  if (once && typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new RequestError('EXPORT_INVALID', 'the Idempotency-Key is not usable', {
    findings: [
      {
        pointer: '',
        path: 'Idempotency-Key',
        code: 'HEADER_INVALID',
        message: 'must stand once and have 1 to 255 visible characters',
      },
    ],
  });
}

/** What of a request tells about a form. */
const formOf = ({ headers }: FastifyRequest) => ({
  contentType: headers['content-type'] ?? '',
  contentLength: headers['content-length'] === undefined ? undefined : Number(headers['content-length']),
});

const waitFor = (api: ExportsApi, request: FastifyRequest, reply: FastifyReply, id: string) =>
  waitAsPreferred(request, reply, (o) => api.finalWaits.until(id, { ...o, isFinal: () => isFinal(api.db, id) }));

/** What was accepted with a warning is told where it is accepted. */
const withWarnings = <View extends object>(view: View, warnings: readonly Finding[]) =>
  warnings.length === 0 ? view : { ...view, warnings: bounded(warnings) };

async function submissionOfJson(bytes: Uint8Array, context: { api: ExportsApi; caller: Caller }): Promise<Submission> {
  const body = await readBody(bytes, context);
  return submissionOf(parseOpened(exportBody, body), { ...context, bytes, content: body.content });
}

/** Accepts what came as JSON. */
export async function takeSubmission(
  submission: Submission,
  { intake, key, requestId }: { intake: Intake; key: string | null; requestId: string },
): Promise<Taken> {
  const release = intake.hold(submission.terms, key);
  try {
    return await intake.take(submission, { key, requestId });
  } finally {
    // What is stored can be replayed: a client that lost its connection need not wait for a wait to end.
    release();
  }
}

async function answer(
  api: ExportsApi,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  { diga, warnings = [] }: { diga?: string | undefined; warnings?: readonly Finding[] },
) {
  const stored = await readExport(api.db, id, diga);
  if (stored === undefined) throw new RequestError('NOT_FOUND', 'there is no such export');
  const view = viewExport(stored, languageOf(request.headers['accept-language']));
  return send(request, reply, withWarnings(view, warnings));
}

/** JSON with an entity tag; 304 to a GET that holds it already. */
export function send(request: FastifyRequest, reply: FastifyReply, value: unknown) {
  const body = JSON.stringify(value);
  const etag = etagOf(body);
  reply.header('vary', 'Accept-Language').header('cache-control', 'no-store, private').header('etag', etag);
  const known = String(request.headers['if-none-match'] ?? '');
  const matches = known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
  if (request.method !== 'POST' && known !== '' && matches) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(body);
}

/** The bytes of a body, which is JSON; BODY_INVALID, MEDIA_TYPE_UNSUPPORTED. */
export function bodyOf(request: FastifyRequest): Uint8Array {
  refuseCoding(request);
  if (request.body instanceof Uint8Array) return request.body;
  throw new RequestError('BODY_INVALID', 'the body is missing');
}

/** A compressed body could be a thousand times as long as it looks. MEDIA_TYPE_UNSUPPORTED. */
export function refuseCoding(request: FastifyRequest): void {
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity')
    throw new RequestError('MEDIA_TYPE_UNSUPPORTED', 'the body must not be compressed', {
      headers: { 'accept-encoding': 'identity' },
    });
}

/** Strong entity tag of an answer's exact text (RFC 9110 section 8.8.3). */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}
