// The control API of api.md section 4 on its own loopback port: routes, Host check (a web page must not reach it by DNS
// rebinding), problem documents with every finding (RFC 9457). What each call does is in the control-*.ts files.

import { type HttpAnswer, type HttpHandler, type HttpRequestIn, headerOf, jsonAnswer } from '../http-server.ts';
import { Refusal } from '../refusal.ts';
import { cardRoutes } from './cards.ts';
import { certificateRoutes } from './certificates.ts';
import { clockRoutes } from './clock.ts';
import { conditionRoutes } from './conditions.ts';
import { eventRoutes } from './events.ts';
import { inventoryRoutes } from './inventory.ts';
import { konnektorRoutes } from './konnektors.ts';
import { page } from './page.ts';
import { recordRoutes } from './records.ts';
import type { ControlCall, ControlDeps, ControlRoute } from './route.ts';
import { webhookRoutes } from './webhooks.ts';
import { worldRoutes } from './world-routes.ts';

export function createControl(deps: ControlDeps): HttpHandler {
  const calls: ControlRoute[] = [
    ...worldRoutes(deps),
    ...clockRoutes(deps),
    ...recordRoutes(deps),
    ...konnektorRoutes(deps),
    ...cardRoutes(deps),
    ...inventoryRoutes(deps),
    ...conditionRoutes(deps),
    ...eventRoutes(deps),
    ...certificateRoutes(deps),
    ...webhookRoutes(deps),
  ];
  const { addresses, strict, world } = deps.parts;
  const routes: ControlRoute[] = [
    ...calls,
    { method: 'GET', path: '/', run: () => page({ routes: calls, addresses, seed: world.seed, strict }) },
  ];
  return async (request) => {
    try {
      checkHost(request, deps.parts.addresses.control);
      const found = findRoute(routes, request);
      const call: ControlCall = { request, params: found.params, body: () => readJson(request) };
      return await found.route.run(call);
    } catch (error) {
      if (error instanceof Refusal) return problem(error);
      // A fault of the simulator's own: where it happened is for whoever runs it, not for whoever asked.
      process.stderr.write(`epa-sim: ${request.method} ${request.path}: ${stackOf(error)}\n`);
      return problem(new Refusal({ status: 500, code: 'INTERNAL', message: 'the simulator itself failed' }));
    }
  };
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Only the loopback names with our own port; a foreign Host is a page that found its way here. */
function checkHost(request: HttpRequestIn, control: string): void {
  const { port } = new URL(control);
  const allowed = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!allowed.includes(headerOf(request, 'Host')?.toLowerCase() ?? '')) {
    throw new Refusal({
      status: 421,
      code: 'HOST_REFUSED',
      message: 'the control API answers on its loopback address only',
    });
  }
}

function findRoute(routes: ControlRoute[], request: HttpRequestIn) {
  const methods: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path, request.path);
    if (params === null) continue;
    if (route.method === request.method) return { route, params };
    methods.push(route.method);
  }
  if (methods.length === 0) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such address' });
  throw new Refusal({ status: 405, code: 'METHOD_NOT_ALLOWED', message: `only ${methods.join(', ')} here` });
}

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const value = given[i] ?? '';
    if (segment.startsWith('{')) {
      const decoded = decodeSegment(value);
      if (decoded === null || decoded === '') return null;
      params[segment.slice(1, -1)] = decoded;
    } else if (segment !== value) return null;
  }
  return params;
}

function decodeSegment(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

/** The JSON body; an empty one is `{}`. */
function readJson(request: HttpRequestIn): unknown {
  if (request.body.length === 0) return {};
  const mediaType = headerOf(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw new Refusal({ status: 415, code: 'BODY_INVALID', message: 'application/json only' });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    throw new Refusal({ status: 400, code: 'BODY_INVALID', message: 'the body is not JSON in UTF-8' });
  }
}

function problem(refusal: Refusal): HttpAnswer {
  const { status, code, message, findings } = refusal;
  return {
    ...jsonAnswer(status, { type: 'about:blank', title: message, status, code, findings }),
    headers: [['Content-Type', 'application/problem+json']],
  };
}
