// One HTTP listener of the house, used by API and admin (fastify 5): request id and environment on every answer (OPS-05),
// every error a problem document, bodies as raw bytes, and TLS by its settings (plain HTTP only where config allowed it).
import { randomUUIDv7 } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { serverTlsOptions } from '../../wire/tls.ts';
import type { ListenSettings } from '../config.ts';
import { asGatewayError, catalogue, GatewayError } from '../errors.ts';
import { type Logger, maskPersonal, stackOf } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type Audience, languageOf, problemOf, RequestError } from './problem.ts';
import { refuseUnreadable } from './unreadable-request.ts';

export type ListenerOptions = {
  environment: string;
  listen: ListenSettings;
  bodyBytes: number;
  /** Of a body that a route reads as a stream. */
  formBytes?: number;
  log: Logger;
  metrics: Metrics;
  now: () => number;
  /** Who asks here; problem documents speak to them. A backend unless said. */
  audience?: Audience;
  /** Callers may show a client certificate; who it belongs to is authentication.ts' business. */
  askForCertificate?: boolean;
};

/** A listener without routes, not listening yet. */
export function createListener(o: ListenerOptions): FastifyInstance {
  const tls = o.listen.tls;
  const options = {
    logger: false,
    bodyLimit: o.bodyBytes,
    // No KVNR may stand in a URL; long ones are refused before routing.
    routerOptions: { maxParamLength: 128 },
    // 25 MB over a line of 400 kbit/s; who sends nothing for a minute is let go earlier. Headers have a minute (node:http).
    requestTimeout: 600_000,
    connectionTimeout: 60_000,
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestId(request.headers['x-request-id']),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void fail(o, error, request, reply),
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => refuseUnreadable(o, error, socket),
    return503OnClosing: false,
  } as const;
  // Answered by our own hook below, so that this refusal is a problem document, too.
  const http = { requireHostHeader: false };
  const app: FastifyInstance =
    tls === undefined
      ? fastify({ ...options, http })
      : fastify({
          ...options,
          https: {
            ...http,
            ...serverTlsOptions({
              cert: readFileSync(tls.certFile, 'utf8'),
              key: readFileSync(tls.keyFile, 'utf8'),
              askForCertificate: o.askForCertificate === true,
            }),
          },
        });
  // An expectation other than 100-continue may be ignored (RFC 9110 section 10.1.1); Node would answer it by itself.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  // Who asks before sending 25 MB is told to go on when caller and length are known to be fine, not before.
  const longest = Math.max(o.bodyBytes, o.formBytes ?? 0);
  const asking = new WeakSet<IncomingMessage>();
  app.server.on('checkContinue', (request, response) => {
    asking.add(request);
    app.server.emit('request', request, response);
  });
  app.addHook('preParsing', async (request, reply) => {
    const length = Number(request.headers['content-length'] ?? 0);
    if (asking.delete(request.raw) && length <= longest) reply.raw.writeContinue();
  });
  // Bodies are read by the routes, strictly (json-body.ts); other media types never reach one.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/json\s*(;|$)/, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-environment': o.environment,
      'x-content-type-options': 'nosniff',
    });
    // RFC 9112 section 3.2.
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      throw new RequestError('REQUEST_INVALID', 'the Host header is missing');
  });
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    // A connection that its client keeps would keep the stop waiting: the last answer on it ends it.
    const { socket } = request.raw;
    if (closing) socket.destroySoon();
    // A refused body is read on after its answer; should the stop come meanwhile, the connection is kept no longer either.
    else if (!request.raw.complete) request.raw.once('end', () => void (closing && socket.destroySoon()));
    // The route's pattern, not the URL: ids and whatever a stranger types stay out of log and metrics.
    const route = request.routeOptions.url ?? '(none)';
    o.metrics.request(route, request.method, reply.statusCode);
    o.log.info('request', {
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    });
  });
  app.setErrorHandler((error, request, reply) => fail(o, error, request, reply));
  const routes: { method: string; path: RegExp }[] = [];
  app.addHook('onRoute', (route) => {
    const path = new RegExp(`^${route.url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+')}$`);
    for (const method of [route.method].flat()) routes.push({ method, path });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = [...new Set(routes.filter((r) => r.path.test(path)).map((r) => r.method))];
    const refusal =
      allowed.length === 0
        ? new RequestError('NOT_FOUND', 'there is nothing here')
        : new RequestError('METHOD_NOT_ALLOWED', 'this address does not know the method', {
            headers: { allow: allowed.join(', ') },
          });
    return fail(o, refusal, request, reply);
  });
  return app;
}

/** The caller's id where it is harmless, else a new one. */
function requestId(given: string | string[] | undefined): string {
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) && maskPersonal(given) === given) return given;
  return randomUUIDv7();
}

/** Every error leaves here. */
function fail(o: ListenerOptions, thrown: unknown, request: FastifyRequest, reply: FastifyReply) {
  const wrapped = thrown instanceof RequestError ? thrown : undefined;
  const error = wrapped?.error ?? ofFastify(thrown, request) ?? asGatewayError(thrown);
  const language = languageOf(request.headers['accept-language']);
  const problem = problemOf(error, language, wrapped?.findings, o.audience);
  if (catalogue[error.code].kind === 'bug')
    o.log.error('request failed', {
      requestId: request.id,
      code: error.code,
      stack: stackOf(error.cause ?? error),
    });
  reply
    .code(problem.status)
    .headers({
      'x-request-id': request.id,
      'x-environment': o.environment,
      'cache-control': 'no-store',
      vary: 'Accept-Language',
      ...((problem.status === 503 || problem.status === 429) && { 'retry-after': '5' }),
      ...wrapped?.headers,
    })
    .type('application/problem+json; charset=utf-8');
  return reply.send(JSON.stringify({ ...problem, ...wrapped?.members }));
}

/** fastify's own refusals in our codes. */
function ofFastify(thrown: unknown, request: FastifyRequest): GatewayError | undefined {
  // The client went away in the middle of its body: nobody is left to answer, and it is no fault of ours.
  if (!request.raw.complete && request.raw.destroyed) return new GatewayError('BODY_INVALID', 'the body ended early');
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError(
        'DOCUMENT_TOO_LARGE',
        `this call takes a body of ${request.routeOptions.bodyLimit} bytes`,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new GatewayError('MEDIA_TYPE_UNSUPPORTED', 'this call does not take a body of this media type');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GatewayError('BODY_INVALID', 'the body does not have the length it announces');
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new GatewayError('NOT_FOUND', 'there is nothing here');
    default:
      return undefined;
  }
}
