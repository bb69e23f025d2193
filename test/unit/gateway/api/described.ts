// What the description says and what the listener has, in the same words, for the tests of both.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import type { EventsApi } from '../../../../gateway/api/events.ts';
import type { ExportsApi } from '../../../../gateway/api/exports.ts';
import { operations } from '../../../../gateway/api/openapi.ts';
import type { PersonsApi } from '../../../../gateway/api/persons.ts';
import { createRestApi } from '../../../../gateway/api/rest.ts';
import type { WebhooksApi } from '../../../../gateway/api/webhooks.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { createMetrics } from '../../../../gateway/metrics.ts';
import type { Answer } from '../../../support/gateway-server.ts';

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
export function unusedApi(): FastifyInstance {
  const nothing = new Proxy({} as ExportsApi & PersonsApi & EventsApi & Omit<WebhooksApi, 'now'>, {
    get: () => undefined,
  });
  return createRestApi({
    environment: 'SIM',
    listen: { host: '127.0.0.1', port: 0 },
    bodyBytes: 1_000_000,
    log: silentLogger,
    metrics: createMetrics(),
    now: () => 0,
    authenticate: async () => ({ id: '', diga: null, roles: [] }),
    requestRate: { take: () => {}, waitFor: () => 0 },
    refusals: { unauthenticated: () => {}, denied: () => {} },
    readiness: () => ({ ok: false, canExport: false, code: 'NOT_READY' }),
    health: (diga) => ({ diga, ok: false, canExport: false, code: null, remedy: null, links: [] }),
    exports: nothing,
    events: nothing,
    webhooks: nothing,
  });
}

type Node = Record<string, unknown>;
type DescribedAnswer = {
  headers: Record<string, { required?: boolean; $ref?: string }>;
  content?: Record<string, Node>;
};

export type Described = {
  statusesOf(id: string): number[];
  /** What is not as described; empty: nothing. */
  faultsOf(id: string, answer: Answer): string[];
  /** Whether the body is described as one that may be sent. */
  takes(id: string, body: unknown, type?: string): boolean;
};

/** Judges by the document itself, with objects closed: what is not described is not there. */
export function judge(description: unknown): Described {
  const doc = closed(structuredClone(description)) as { paths: Record<string, Record<string, Node>> };
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api:', ...doc });
  const escaped = (name: string) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
  const check = (place: string[], value: unknown): string[] => {
    const validate = ajv.compile({ $ref: `api:#/${place.map(escaped).join('/')}` });
    return validate(value) ? [] : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
  };
  const of = (id: string) => {
    const row = operations.find((o) => o.id === id);
    const call = row === undefined ? undefined : doc.paths[row.path]?.[row.method];
    if (row === undefined || call === undefined) throw new Error(`not described: ${id}`);
    return { place: ['paths', row.path, row.method], call };
  };
  return {
    statusesOf: (id) => Object.keys(of(id).call.responses as Node).map(Number),
    faultsOf: (id, answer) => {
      const { place, call } = of(id);
      const status = String(answer.status);
      const told = (call.responses as Record<string, DescribedAnswer>)[status];
      if (told === undefined) return [`status ${status} is not described`];
      const lacking = Object.entries(told.headers)
        .filter(([name, h]) => (h.required === true || h.$ref !== undefined) && answer.headers.get(name) === null)
        .map(([name]) => `header ${name} is missing`);
      if (told.content === undefined) return [...lacking, ...(answer.text === '' ? [] : ['a body is not described'])];
      const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
      if (told.content[type] === undefined) return [...lacking, `media type ${type} is not described`];
      const at = [...place, 'responses', status, 'content', type];
      if (type === 'application/x-ndjson')
        return [
          ...lacking,
          ...answer.text
            .split('\n')
            .filter((line) => line !== '')
            .flatMap((line) => check([...at, 'x-item-schema'], JSON.parse(line))),
        ];
      return [...lacking, ...(/[/+]json$/.test(type) ? check([...at, 'schema'], answer.json) : [])];
    },
    takes: (id, body, type = 'application/json') =>
      check([...of(id).place, 'requestBody', 'content', type, 'schema'], body).length === 0,
  };
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const node = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closed(inner)]));
  return node.type === 'object' && node.properties !== undefined && node.additionalProperties === undefined
    ? { ...node, additionalProperties: false }
    : node;
}
