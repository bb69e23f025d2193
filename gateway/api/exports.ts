// `POST /v1/exports` and what belongs to one export (api.md section 2). 202 means: on disk, validated, survives kill -9.
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { acceptExport, checkTimes, type ExportOrder } from '../exports/accept.ts';
import type { Asking } from '../exports/audit.ts';
import type { Checkpoint } from '../exports/checkpoints.ts';
import { RETRY_EVERY_MS, retryExport } from '../exports/claims.ts';
import { checkDocumentInTurns } from '../exports/document-check.ts';
import { foresee } from '../exports/dry-run.ts';
import { viewExport } from '../exports/export-view.ts';
import type { FinalWaits } from '../exports/final-waits.ts';
import { type IdempotencyKey, idempotencyKey, replayOf } from '../exports/idempotency.ts';
import { type Database, isFinal, listExports, readExport } from '../exports/store.ts';
import { cancelExport } from '../exports/sweep.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Vault } from '../vault/keys.ts';
import { type Caller, type Role, requireRole } from './authentication.ts';
import { isDryRun, viewForeseen } from './dry-run.ts';
import { type ExportBody, parseExportBody } from './export-body.ts';
import { canonicalJson, readJson } from './json-body.ts';
import { readListQuery } from './list-query.ts';
import { waitAsPreferred } from './prefer.ts';
import { languageOf, RequestError } from './problem.ts';

export type ExportsApi = {
  db: Database;
  vault: Vault;
  documentBytes: number;
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
export function registerExports(app: FastifyInstance, api: ExportsApi, callerOf: (r: FastifyRequest) => Caller): void {
  const inFlight = new Set<string>();
  const may = (request: FastifyRequest, ...roles: Role[]) => {
    const caller = callerOf(request);
    requireRole(caller, ...roles);
    return caller;
  };

  app.post('/v1/exports', async (request, reply) => {
    const caller = may(request, 'writer');
    const dryRun = isDryRun(request.query);
    const body = parseExportBody(readJson(bodyOf(request)));
    const order = orderOf(body, caller, api);
    if (dryRun) {
      await check(api, order);
      const foreseen = await foresee({ ...api, order, now: api.now() });
      return send(request, reply, viewForeseen(order, foreseen, languageOf(request.headers['accept-language'])));
    }
    const key = idempotencyOf(request, body, api.vault);
    const lock = key === null ? null : `${caller.id} ${order.diga} ${Buffer.from(key.keyMac).toString('hex')}`;
    if (lock !== null && inFlight.has(lock))
      throw new RequestError(
        'IDEMPOTENCY_KEY_IN_USE',
        'the first request with this Idempotency-Key is not answered yet',
      );
    if (lock !== null) inFlight.add(lock);
    let accepted: { id: string; replayed: boolean };
    try {
      const replay = key === null ? undefined : await replayOf(api.db, order, key);
      accepted =
        replay === undefined
          ? await accept(api, order, { key, requestId: request.id })
          : { id: replay, replayed: true };
    } finally {
      // What is stored can be replayed: a client that lost this connection need not wait for the wait to end.
      if (lock !== null) inFlight.delete(lock);
    }
    if (accepted.replayed) reply.header('idempotent-replayed', 'true');
    reply.header('location', `/v1/exports/${accepted.id}`).code(202);
    await api.checkpoint?.('accept.answering');
    await waitFor(api, request, reply, accepted.id);
    return answer(api, request, reply, accepted.id, order.diga);
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
    return answer(api, request, reply, request.params.id, diga);
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
      if (thrown instanceof GatewayError && thrown.code === 'TOO_MANY_REQUESTS')
        throw new RequestError(thrown.code, thrown.message, {
          headers: { 'retry-after': String(RETRY_EVERY_MS / 1000) },
        });
      throw thrown;
    }
    api.wake();
    return answer(api, request, reply.code(202), request.params.id, caller.diga ?? undefined);
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
    return answer(api, request, reply, id, caller.diga ?? undefined);
  });
}

/** The caller as the audit trail names it. */
export const asking = (caller: Caller, request: FastifyRequest): Asking => ({
  actor: { kind: 'client', id: caller.id },
  requestId: request.id,
});

/** Everything that must be right before 202. */
async function check(api: ExportsApi, order: ExportOrder): Promise<void> {
  const { content, mimeType } = order.document;
  if (content.length > api.documentBytes)
    throw new RequestError('DOCUMENT_TOO_LARGE', `the document is larger than ${api.documentBytes} bytes`);
  const untimely = checkTimes(order, api.now());
  const verdict = await checkDocumentInTurns({ mimeType, content, kvnr: order.kvnr, pointer: '/content/base64' });
  const findings = [...untimely, ...(verdict?.findings ?? [])];
  if (untimely.length > 0)
    throw new RequestError('EXPORT_INVALID', 'the export could never go as it is, see findings', { findings });
  if (verdict !== undefined)
    throw new RequestError(verdict.code, 'the document has faults, each named in findings', { findings });
}

/** Checked, then the one transaction. */
async function accept(api: ExportsApi, order: ExportOrder, by: { key: IdempotencyKey | null; requestId: string }) {
  await check(api, order);
  const { db, vault, checkpoint } = api;
  const accepted = await acceptExport({ ...by, db, vault, order, now: api.now(), checkpoint });
  if (!accepted.replayed) {
    api.metrics.exportEntered('queued', null);
    for (const id of accepted.superseded) {
      api.finalWaits.ended(id);
      api.metrics.exportEntered('superseded', 'SUPERSEDED');
      api.log.info('export superseded', { export: id, code: 'SUPERSEDED' });
    }
    const person = api.vault.pseudonym(order.diga, order.kvnr);
    api.log.info('export accepted', { export: accepted.id, diga: order.diga, client: order.client, person });
    api.wake();
  }
  return accepted;
}

function orderOf(body: ExportBody, caller: Caller, api: ExportsApi): ExportOrder {
  const diga = digaOf(caller, body.diga, api.digas);
  const { content, diga: _diga, reference, ...rest } = body;
  return {
    ...rest,
    diga,
    client: caller.id,
    reference: reference ?? null,
    document: { mimeType: content.mimeType, content: Buffer.from(content.base64, 'base64') },
  };
}

/** The one DiGA that a body is about; FORBIDDEN when the key does not cover it, or covers several and none is named. */
export function digaOf(caller: Caller, asked: string | undefined, digas: ReadonlySet<string>): string {
  const diga = asked ?? caller.diga;
  if (diga === null || !digas.has(diga) || (caller.diga !== null && caller.diga !== diga))
    throw new RequestError('FORBIDDEN', 'this key does not cover the DiGA of the export');
  return diga;
}

function idempotencyOf(request: FastifyRequest, body: ExportBody, vault: Vault): IdempotencyKey | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  // Two headers would be joined with a comma and become a third key.
  const once = request.raw.headersDistinct['idempotency-key']?.length === 1;
  if (!once || typeof key !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(key))
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
  return idempotencyKey(vault, key, canonicalJson(body));
}

const waitFor = (api: ExportsApi, request: FastifyRequest, reply: FastifyReply, id: string) =>
  waitAsPreferred(request, reply, (o) => api.finalWaits.until(id, { ...o, isFinal: () => isFinal(api.db, id) }));

/** The DiGA of a reading; undefined: all that the key covers, which are all. FORBIDDEN when it does not cover it. */
export function coveredDiga(caller: Caller, asked: string | undefined): string | undefined {
  if (asked !== undefined && caller.diga !== null && asked !== caller.diga)
    throw new RequestError('FORBIDDEN', 'this key does not cover the DiGA');
  return asked ?? caller.diga ?? undefined;
}

async function answer(api: ExportsApi, request: FastifyRequest, reply: FastifyReply, id: string, diga?: string) {
  const stored = await readExport(api.db, id, diga);
  if (stored === undefined) throw new RequestError('NOT_FOUND', 'there is no such export');
  return send(request, reply, viewExport(stored, languageOf(request.headers['accept-language'])));
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
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity')
    throw new RequestError('MEDIA_TYPE_UNSUPPORTED', 'the body must not be compressed', {
      headers: { 'accept-encoding': 'identity' },
    });
  if (request.body instanceof Uint8Array) return request.body;
  throw new RequestError('BODY_INVALID', 'the body is missing');
}

/** Strong entity tag of an answer's exact text (RFC 9110 section 8.8.3). */
export function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}
