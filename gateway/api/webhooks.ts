// `POST /v1/webhooks/test` (api.md section 2): a signed message to the caller's targets now, and how each took it.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { catalogue } from '../errors.ts';
import { appendAudit } from '../exports/audit.ts';
import type { Database } from '../exports/store.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { type Caller, coveredDiga, type Role } from './authentication.ts';
import { text } from './export-body.ts';
import { asking } from './exports.ts';
import { readQuery } from './list-query.ts';
import { languageOf, RequestError } from './problem.ts';

export type WebhooksApi = { db: Database; webhooks: Pick<Webhooks, 'targetsOf' | 'test'>; now: () => number };

export const testQuery = z.strictObject({ diga: text(64).optional(), webhook: text(64).optional() });
/** A test is a request to somebody else's server. */
const TEST_EVERY_MS = 5_000;

/** `callerOf` authenticates and asks for one of the roles. */
export function registerWebhooks(
  app: FastifyInstance,
  api: WebhooksApi,
  callerOf: (request: FastifyRequest, ...roles: Role[]) => Caller,
): void {
  const lastTest = new Map<string, number>();

  app.post('/v1/webhooks/test', async (request, reply) => {
    const caller = callerOf(request, 'writer');
    const query = readQuery(testQuery, request.query);
    const diga = coveredDiga(caller, query.diga) ?? '';
    if (query.webhook !== undefined && !api.webhooks.targetsOf(diga).includes(query.webhook))
      throw new RequestError('NOT_FOUND', 'there is no such webhook');
    const wait = (lastTest.get(diga) ?? Number.NEGATIVE_INFINITY) + TEST_EVERY_MS - api.now();
    if (wait > 0)
      throw new RequestError('TOO_MANY_REQUESTS', 'the webhooks of a DiGA can be tested every five seconds', {
        headers: { 'retry-after': String(Math.ceil(wait / 1000)) },
      });
    lastTest.set(diga, api.now());
    const language = languageOf(request.headers['accept-language']);
    const results = await api.webhooks.test(diga, query.webhook);
    // SEC-09: a taken one also wakes what a target that was gone is still to be told.
    const entry = { ...asking(caller, request), at: api.now(), action: 'webhook.tested', diga } as const;
    await api.db.transaction().execute(async (tx) => {
      for (const { id, code } of results)
        await appendAudit(tx, { ...entry, object: { kind: 'webhook', id }, result: code ?? 'ok' });
    });
    reply.headers({ vary: 'Accept-Language', 'cache-control': 'no-store, private' });
    return {
      webhooks: results.map((r) => ({ ...r, remedy: r.code === null ? null : catalogue[r.code].remedy[language] })),
    };
  });
}
