// What the description says and what the listener has, in the same words, for the tests of both.
import type { FastifyInstance } from 'fastify';
import type { EventsApi } from '../../../../gateway/api/events.ts';
import type { ExportsApi } from '../../../../gateway/api/exports.ts';
import { operations } from '../../../../gateway/api/openapi.ts';
import type { PersonsApi } from '../../../../gateway/api/persons.ts';
import { createRestApi } from '../../../../gateway/api/rest.ts';
import type { WebhooksApi } from '../../../../gateway/api/webhooks.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { createMetrics } from '../../../../gateway/metrics.ts';

/** `get /v1/exports/{id}`, sorted. */
export const describedRoutes = () => operations.map((o) => `${o.method} ${o.path}`).sort();

/** The routes of a listener (the whole REST API by default) as fastify prints them; HEAD comes with every GET. */
export async function servedRoutes(app: FastifyInstance = unusedApi()): Promise<string[]> {
  await app.ready();
  const path: string[] = [];
  const found: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', name = '', methods] = /^((?:│ {3}| {4})*)[├└]── (\S+?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (name === '') continue;
    path.length = indent.length / 4;
    path.push(name);
    for (const method of (methods ?? '').split(', '))
      if (method !== 'HEAD' && method !== '')
        found.push(`${method.toLowerCase()} ${path.join('').replace(/:(\w+)/g, '{$1}')}`);
  }
  return found.sort();
}

/** The API with nothing behind it: only its routes count. */
function unusedApi(): FastifyInstance {
  const nothing = new Proxy({} as ExportsApi & PersonsApi & EventsApi & WebhooksApi['webhooks'], {
    get: () => undefined,
  });
  return createRestApi({
    environment: 'SIM',
    listen: { host: '127.0.0.1', port: 0 },
    bodyBytes: 1,
    log: silentLogger,
    metrics: createMetrics(),
    now: () => 0,
    authenticate: async () => ({ id: '', diga: null, roles: [] }),
    requestRate: { take: () => {}, waitFor: () => 0 },
    readiness: () => ({ ok: false, canExport: false, code: 'NOT_READY' }),
    exports: nothing,
    events: nothing,
    webhooks: { webhooks: nothing, now: () => 0 },
  });
}
