// A gateway whose operations are held against their description, and a right call of each: for the tests of both.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { KVNR, OTHER_KVNR, secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { type Answer, exportBody, type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';
import { SECRET } from '../../../support/webhook-bench.ts';
import { type Described, judge, unusedApi } from './described.ts';

export type Init = NonNullable<Parameters<TestGateway['call']>[1]>;
export type World = { g: TestGateway; id: string };
export type Call = { path: string } & Init;
export type Scenario = (w: World) => Promise<Answer> | Answer;

export const BODY_BYTES = 4_000_000;
export const FEEDER_KEY = 'feeder-key-0123456789';
export const NDJSON = { 'content-type': 'application/x-ndjson' };
export const post = (path: string, body?: unknown, more: Partial<Init> = {}): Call => ({
  path,
  method: 'POST',
  body,
  ...more,
});
const person = { kvnr: OTHER_KVNR };
const SIMPLE = { mode: 'simple', entries: [{ kind: 'diary', id: 'd', at: '2026-11-20', text: 'a' }] };
const UUID = 'urn:uuid:0b5c0a5e-3d3f-4a60-9d5f-7a6f2f6f1a01';
export const entries = [{ kvnr: KVNR, series: 'other', entryUuid: UUID, version: 3, recordSystem: 'epa-as-1' }];

/** A call of each operation that is right; `id` is an export that waits for its insured. */
export const RIGHT: Record<string, (w: { id: string }) => Call> = {
  createExport: () => post('/v1/exports', exportBody({ series: 'x' })),
  createExports: () => post('/v1/exports/batch', JSON.stringify(exportBody({ series: 'y' })), { headers: NDJSON }),
  listExports: () => ({ path: '/v1/exports' }),
  readExport: ({ id }) => ({ path: `/v1/exports/${id}` }),
  retryExport: ({ id }) => post(`/v1/exports/${id}/retry`),
  cancelExport: ({ id }) => post(`/v1/exports/${id}/cancel`),
  readExportContent: ({ id }) => ({ path: `/v1/exports/${id}/content` }),
  previewMio: () => post('/v1/mio/preview', { kvnr: KVNR, content: SIMPLE }),
  validateMio: () => post('/v1/mio/validate', exportBody().content),
  readSeries: () => ({ path: '/v1/series?reference=user-1' }),
  readEvents: () => ({ path: '/v1/events' }),
  readHealth: () => ({ path: '/v1/health' }),
  isAlive: () => ({ path: '/livez' }),
  isReady: () => ({ path: '/readyz' }),
  readDescription: () => ({ path: '/openapi.json' }),
  readDocs: () => ({ path: '/docs' }),
  revokePerson: () => post('/v1/persons/revoke', person),
  forgetPerson: () => post('/v1/persons/forget', person),
  readHoldings: () => post('/v1/persons/holdings', { kvnr: KVNR }),
  checkPerson: () => post('/v1/persons/check', person),
  importSeries: () => post('/v1/series/import', { entries }),
  testWebhooks: () => post('/v1/webhooks/test'),
};

export const ask = ({ g }: World, { path, ...init }: Call, more: Init = {}) =>
  g.call(path, { ...init, ...more, headers: { ...init.headers, ...more.headers } });

export async function injected({ path, method = 'GET', headers, body }: Call, _w: World): Promise<Answer> {
  const answer = await unusedApi().inject({
    url: path,
    method: method as 'GET' | 'POST',
    headers: {
      authorization: 'Bearer x',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const given = new Headers(Object.entries(answer.headers).map(([k, v]): [string, string] => [k, String(v)]));
  return { status: answer.statusCode, headers: given, text: answer.body, json: answer.json() };
}

export async function withoutHost({ g }: World, { path, method = 'GET' }: Call): Promise<Answer> {
  const { hostname, port } = new URL(g.gateway.address);
  const request = httpRequest({
    hostname,
    port,
    path,
    method,
    setHost: false,
    headers: { authorization: `Bearer ${WRITER_KEY}` },
  });
  request.end();
  const [answer] = await once(request, 'response');
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  return { status: answer.statusCode, headers: new Headers(answer.headers), text, json: JSON.parse(text) };
}

/** A gateway that every operation can be called at, and what its description says. */
export async function openWorld(): Promise<{ w: World; described: Described; close: () => Promise<void> }> {
  const files = temporaryDirectory();
  const secret = secretFile(files.path, 'secret', SECRET);
  const feeder = secretFile(files.path, 'feeder', FEEDER_KEY);
  const g = await testGateway((raw) => ({
    ...raw,
    digas: raw.digas.map((d) => ({ ...d, webhooks: [{ id: 'main', url: 'http://127.0.0.1:9/', secretFile: secret }] })),
    limits: { bodyBytes: BODY_BYTES, documentBytes: 2_000_000 },
    clients: [...raw.clients, { id: 'feeder', diga: 'demo', roles: ['writer'], keyFile: feeder }],
  }));
  const described = judge((await g.call('/openapi.json')).json);
  const w: World = { g, id: '' };
  const close = async () => {
    await g.close();
    files.remove();
  };
  return { w, described, close };
}
