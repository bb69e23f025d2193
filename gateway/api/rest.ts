// The REST API for DiGA backends: `/v1` behind a key, `/livez` and `/readyz` open (api.md section 2, MON-01). Who calls is
// known before a byte of a body is read.
import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors.ts';
import type { AuditRefusals } from '../exports/audit-refusals.ts';
import type { HealthOfDiga } from '../health-of-diga.ts';
import { type Authenticate, type Caller, type Role, requireRole } from './authentication.ts';
import { registerBatch } from './batch.ts';
import { registerDescription } from './description.ts';
import { type EventsApi, registerEvents } from './events.ts';
import { type ExportsApi, registerExports } from './exports.ts';
import { registerHealthOfDiga } from './health.ts';
import { createIntake } from './intake.ts';
import { registerMio } from './mio.ts';
import { longestForm } from './multipart-export.ts';
import { type PersonsApi, registerPersons } from './persons.ts';
import { RequestError } from './problem.ts';
import { registerReadings } from './readings.ts';
import type { RequestRate } from './request-rate.ts';
import { registerSeriesImport } from './series-import.ts';
import { createListener, type ListenerOptions } from './server.ts';
import { registerWebhooks, type WebhooksApi } from './webhooks.ts';

/** `ok`: takes exports; `canExport`: nothing known hinders them from being written; `code`: what does. */
export type Readiness = { ok: boolean; canExport: boolean; code: ErrorCode | null };

export type GuardOptions = {
  authenticate: Authenticate;
  requestRate: RequestRate;
  /** Told of everyone who is turned away (SEC-09). */
  refusals: Pick<AuditRefusals, 'unauthenticated' | 'denied'>;
};

export type RestOptions = ListenerOptions &
  GuardOptions & {
    exports: ExportsApi & PersonsApi;
    events: EventsApi;
    webhooks: WebhooksApi;
    readiness: () => Readiness;
    health: HealthOfDiga;
  };

/** The listener with all routes, not listening yet. */
export function createRestApi(o: RestOptions): FastifyInstance {
  const app = createListener({ ...o, formBytes: longestForm(o.exports) });
  registerHealth(app, o.readiness);
  registerDescription(app);
  app.register(async (v1) => {
    const callerOf = guard(v1, o, 'client');
    v1.addHook('preHandler', async () => {
      if (!o.readiness().ok)
        throw new RequestError('NOT_READY', 'the gateway is starting or stopping', { headers: { 'retry-after': '5' } });
    });
    const intake = createIntake(o.exports);
    registerExports(v1, { ...o.exports, intake }, callerOf);
    registerBatch(v1, { exports: o.exports, intake, rate: o.requestRate, timer: o.events.timer }, callerOf);
    registerMio(v1, o.exports, callerOf);
    registerReadings(v1, o.exports, callerOf);
    registerPersons(v1, o.exports, callerOf);
    registerSeriesImport(v1, o.exports, callerOf);
    registerEvents(v1, o.events, callerOf);
    registerWebhooks(v1, o.webhooks, callerOf);
    registerHealthOfDiga(v1, o.health, callerOf);
  });
  return app;
}

/** Open to everyone who reaches the listener, so they say nothing but this. */
export function registerHealth(app: FastifyInstance, readiness: () => Readiness): void {
  app.get('/livez', async () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const state = readiness();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
}

/** The client's own certificate; never by getPeerCertificate (SEC-05). */
export const certificateOf = ({ raw: { socket } }: FastifyRequest): X509Certificate | undefined =>
  socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;

/** Authenticates every request of a scope before its body is read; answers how to ask who it was. */
export function guard(
  scope: FastifyInstance,
  { authenticate, requestRate, refusals }: GuardOptions,
  kind: 'client' | 'operator',
): (request: FastifyRequest, ...roles: Role[]) => Caller {
  const callers = new WeakMap<FastifyRequest, Caller>();
  scope.addHook('onResponse', async (request, { statusCode }) => {
    const caller = callers.get(request);
    if (caller === undefined && (statusCode === 401 || statusCode === 429)) refusals.unauthenticated();
    if (caller !== undefined && statusCode === 403)
      refusals.denied({ actor: { kind, id: caller.id }, requestId: request.id });
  });
  scope.addHook('onRequest', async (request) => {
    const caller = await authenticate({
      authorization: request.headers.authorization,
      address: request.ip,
      certificate: certificateOf(request),
    });
    requestRate.take(caller.id);
    callers.set(request, caller);
  });
  return (request, ...roles) => {
    const caller = callers.get(request);
    // Deny by default (SEC-14): a route outside the guarded scope has no caller.
    if (caller === undefined) throw new RequestError('UNAUTHENTICATED', 'the API key is missing');
    if (roles.length > 0) requireRole(caller, ...roles);
    return caller;
  };
}
