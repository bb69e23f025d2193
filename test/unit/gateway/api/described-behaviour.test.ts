// Description and behaviour of every operation: each is called for each status that it names, and what really comes is held
// against what /openapi.json says of body and headers, with no member that it does not name. A status that nobody can bring
// about, or one that comes and is not described, is red.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '../../../../gateway/api/openapi.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { FORM } from '../../../support/export-form.ts';
import {
  KVNR,
  mioBundle,
  OTHER_KVNR,
  registryError,
  secretFile,
  temporaryDirectory,
} from '../../../support/gateway-fakes.ts';
import {
  type Answer,
  exportBody,
  READER_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';
import { SECRET } from '../../../support/webhook-bench.ts';
import { type Described, judge, unusedApi } from './described.ts';

type Init = NonNullable<Parameters<TestGateway['call']>[1]>;
type World = { g: TestGateway; id: string };
type Call = { path: string } & Init;
type Scenario = (w: World) => Promise<Answer> | Answer;

const BODY_BYTES = 4_000_000;
const FEEDER_KEY = 'feeder-key-0123456789';
const NDJSON = { 'content-type': 'application/x-ndjson' };
const post = (path: string, body?: unknown, more: Partial<Init> = {}): Call => ({
  path,
  method: 'POST',
  body,
  ...more,
});
const person = { kvnr: OTHER_KVNR };
const SIMPLE = { mode: 'simple', entries: [{ kind: 'diary', id: 'd', at: '2026-11-20', text: 'a' }] };
const UUID = 'urn:uuid:0b5c0a5e-3d3f-4a60-9d5f-7a6f2f6f1a01';
const entries = [{ kvnr: KVNR, series: 'other', entryUuid: UUID, version: 3, recordSystem: 'epa-as-1' }];

/** A call of each operation that is right; `id` is an export that waits for its insured. */
const RIGHT: Record<string, (w: { id: string }) => Call> = {
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

const ask = ({ g }: World, { path, ...init }: Call, more: Init = {}) =>
  g.call(path, { ...init, ...more, headers: { ...init.headers, ...more.headers } });
const missing =
  (path: (id: string) => string, method: string): Scenario =>
  (w) =>
    ask(w, { path: path('none'), method });
const again =
  (path: string): Scenario =>
  async (w) => {
    const etag = (await w.g.call(path)).headers.get('etag') ?? '';
    return w.g.call(path, { headers: { 'if-none-match': etag } });
  };
const badJson =
  (path: string): Scenario =>
  (w) =>
    ask(w, post(path, '{'));
const otherType =
  (path: string): Scenario =>
  (w) =>
    ask(w, post(path, 'x', { headers: { 'content-type': 'text/plain' } }));
const tooLarge =
  (path: string): Scenario =>
  (w) =>
    ask(w, post(path, ' '.repeat(BODY_BYTES + 1)));
const badBody =
  (path: string): Scenario =>
  (w) =>
    ask(w, post(path, { unknown: 1 }));
const badQuery =
  (path: string): Scenario =>
  (w) =>
    ask(w, { path: `${path}?unknown=1` });
const written = async (w: World): Promise<string> => {
  const { json } = await w.g.call('/v1/exports', { body: exportBody({ series: 'done' }) });
  await w.g.gateway.idle();
  return String(json.id);
};

/** What each operation does beside its right call, by status. */
const MORE: Record<string, Record<number, Scenario>> = {
  createExport: {
    200: (w) => ask(w, post('/v1/exports?dryRun=true', exportBody())),
    202: (w) => ask(w, RIGHT.createExport?.(w) as Call, { headers: { 'idempotency-key': 'k' } }),
    400: badJson('/v1/exports'),
    409: (w) => ask(w, post('/v1/exports', exportBody({ prescriptionEnds: '2026-01-01' }))),
    413: (w) =>
      ask(
        w,
        post(
          '/v1/exports',
          exportBody({
            content: {
              mode: 'document',
              mimeType: 'application/pdf',
              base64: Buffer.alloc(1_100_000).toString('base64'),
            },
          }),
        ),
      ),
    415: otherType('/v1/exports'),
    422: badBody('/v1/exports'),
  },
  createExports: {
    415: otherType('/v1/exports/batch'),
    422: (w) => ask(w, post('/v1/exports/batch?x=1', '', { headers: NDJSON })),
  },
  listExports: { 304: again('/v1/exports'), 422: badQuery('/v1/exports') },
  readExport: { 304: (w) => again(`/v1/exports/${w.id}`)(w), 404: missing((id) => `/v1/exports/${id}`, 'GET') },
  retryExport: {
    404: missing((id) => `/v1/exports/${id}/retry`, 'POST'),
    409: async (w) => ask(w, post(`/v1/exports/${await written(w)}/retry`)),
  },
  cancelExport: {
    404: missing((id) => `/v1/exports/${id}/cancel`, 'POST'),
    409: async (w) => ask(w, post(`/v1/exports/${await written(w)}/cancel`)),
  },
  readExportContent: {
    404: missing((id) => `/v1/exports/${id}/content`, 'GET'),
    410: async (w) => w.g.call(`/v1/exports/${await written(w)}/content`),
    422: (w) => ask(w, { path: `/v1/exports/${w.id}/content?part=x` }),
  },
  previewMio: {
    400: badJson('/v1/mio/preview'),
    404: (w) => ask(w, { ...(RIGHT.previewMio?.(w) as Call), path: '/v1/mio/preview?part=2026-01-01' }),
    413: tooLarge('/v1/mio/preview'),
    415: otherType('/v1/mio/preview'),
    422: badBody('/v1/mio/preview'),
  },
  validateMio: {
    400: badJson('/v1/mio/validate'),
    413: (w) => ask(w, post('/v1/mio/validate', ' '.repeat(25_000_001))),
    415: otherType('/v1/mio/validate'),
    422: (w) => ask(w, post('/v1/mio/validate?x=1', {})),
  },
  readSeries: { 304: again('/v1/series?reference=user-1'), 422: badQuery('/v1/series') },
  readEvents: { 422: badQuery('/v1/events') },
  readDescription: { 304: again('/openapi.json') },
  isReady: { 503: (w) => injected({ path: '/readyz' }, w) },
  ...Object.fromEntries(
    (
      [
        ['revokePerson', '/v1/persons/revoke'],
        ['forgetPerson', '/v1/persons/forget'],
        ['readHoldings', '/v1/persons/holdings'],
        ['checkPerson', '/v1/persons/check'],
        ['importSeries', '/v1/series/import'],
      ] as const
    ).map(([id, path]) => [id, { 400: badJson(path), 413: tooLarge(path), 415: otherType(path), 422: badBody(path) }]),
  ),
  testWebhooks: { 404: (w) => ask(w, post('/v1/webhooks/test?webhook=none')), 422: badQuery('/v1/webhooks/test') },
};
MORE.testWebhooks = { ...MORE.testWebhooks, 422: (w) => ask(w, post('/v1/webhooks/test?unknown=1')) };
Object.assign(MORE.forgetPerson ?? {}, {
  // Something of the person is on the wire.
  409: async (w: World) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: left, resolve: leaves } = Promise.withResolvers<void>();
    w.g.outside.answers.push(async () => {
      leaves();
      await promise;
      return { kind: 'stored' };
    });
    // After the revocation of before.
    const grantedAt = new Date(w.g.clock.now()).toISOString();
    await w.g.call('/v1/exports', {
      body: exportBody({ series: 'wire', kvnr: OTHER_KVNR, consent: { ...exportBody().consent, grantedAt } }),
    });
    await left;
    const answer = await ask(w, RIGHT.forgetPerson?.(w) as Call);
    resolve();
    await w.g.gateway.idle();
    return answer;
  },
});
Object.assign(MORE.checkPerson ?? {}, {
  500: (w: World) => {
    w.g.outside.locateFaults.push(new GatewayError('INTERNAL', 'a promise broke'));
    return ask(w, RIGHT.checkPerson?.(w) as Call);
  },
});
Object.assign(MORE.importSeries ?? {}, {
  409: async (w: World) => {
    await written(w);
    return ask(w, post('/v1/series/import', { entries: [{ ...entries[0], series: 'done', version: 1 }] }));
  },
});

/** The same of every operation behind a key. */
const EVERYWHERE: Record<number, (call: Call) => Scenario> = {
  401: (call) => (w) => ask(w, call, { key: null }),
  403: (call) => async (w) => {
    const [reader, feeder] = [await ask(w, call, { key: READER_KEY }), await ask(w, call, { key: FEEDER_KEY })];
    return reader.status === 403 ? reader : feeder;
  },
  429: (call) => async () => {
    const small = await testGateway((raw) => ({ ...raw, limits: { requestsPerSecond: 1 } }));
    await small.call('/v1/exports');
    const answer = await ask({ g: small, id: 'x' }, call);
    await small.close();
    return answer;
  },
  503: (call) => (w) => injected(call, w),
  500: (call) => async (w) => {
    const db = new DatabaseSync(join(w.g.settings.dataDirectory, 'gateway.db'));
    const named = (suffix: string, to: string) => {
      for (const table of ['exports', 'events', 'insured', 'series'])
        db.exec(`ALTER TABLE ${table}${suffix} RENAME TO ${table}${to}`);
    };
    named('', '_gone');
    try {
      return await ask(w, call);
    } finally {
      named('_gone', '');
      db.close();
    }
  },
  400: (call) => (w) => withoutHost(w, call),
};

/** Nothing of the store is asked. */
const NO_STORE = ['testWebhooks', 'validateMio'];
/** Each line is answered for itself: a store that is gone is the lines' 500. */
const LINES = ['createExports'];

async function injected({ path, method = 'GET', headers, body }: Call, _w: World): Promise<Answer> {
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

async function withoutHost({ g }: World, { path, method = 'GET' }: Call): Promise<Answer> {
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

const refused = () => registryError('not-entitled');

let w: World;
let files: ReturnType<typeof temporaryDirectory>;
let described: Described;
beforeAll(async () => {
  files = temporaryDirectory();
  const secret = secretFile(files.path, 'secret', SECRET);
  const feeder = secretFile(files.path, 'feeder', FEEDER_KEY);
  const g = await testGateway((raw) => ({
    ...raw,
    digas: raw.digas.map((d) => ({ ...d, webhooks: [{ id: 'main', url: 'http://127.0.0.1:9/', secretFile: secret }] })),
    limits: { bodyBytes: BODY_BYTES, documentBytes: 2_000_000 },
    clients: [...raw.clients, { id: 'feeder', diga: 'demo', roles: ['writer'], keyFile: feeder }],
  }));
  described = judge((await g.call('/openapi.json')).json);
  w = { g, id: '' };
});
afterAll(async () => {
  await w.g.close();
  files.remove();
});

const scenariosOf = (id: string): Map<number, Scenario> => {
  const operation = operations.find((o) => o.id === id);
  const right = RIGHT[id];
  if (operation === undefined || right === undefined) throw new Error(`no right call of ${id}`);
  const found = new Map<number, Scenario>();
  const first = Number(Object.keys(operation.answers).find((s) => Number(s) < 300));
  if (operation.role !== null)
    for (const [status, scenario] of Object.entries(EVERYWHERE))
      found.set(Number(status), (v) => scenario(right(v))(v));
  found.set(first, (v) => ask(v, right(v)));
  for (const [status, scenario] of Object.entries(MORE[id] ?? {})) found.set(Number(status), scenario);
  if (NO_STORE.includes(id) || LINES.includes(id)) found.delete(500);
  return found;
};

describe.each(operations.map((o) => o.id))('%s', (id) => {
  test('answers as described, for each status that it names and for no other', async () => {
    const named = described.statusesOf(id).filter((s) => !(s === 500 && (NO_STORE.includes(id) || LINES.includes(id))));
    const scenarios = scenariosOf(id);
    expect([...scenarios.keys()].sort()).toEqual(named.sort());
    // The right call may end what the others look at: last.
    for (const [status, scenario] of [...scenarios].sort(([a], [b]) => b - a)) {
      w.g.outside.answers.push(refused, refused);
      w.id = String(
        (await w.g.call('/v1/exports', { body: exportBody({ reference: 'user-1', series: `${id}-${status}` }) })).json
          .id,
      );
      await w.g.gateway.idle();
      // One channel in 15 minutes may be renewed for it: then the second is not asked for.
      w.g.outside.answers.length = 0;
      const answer = await scenario(w);
      expect({ status: answer.status, faults: described.faultsOf(id, answer) }).toEqual({ status, faults: [] });
      // Document bytes go to a writer, and name the insured (D15).
      expect(answer.text.includes(KVNR) && id !== 'readExportContent' && id !== 'previewMio').toBe(false);
      await w.g.gateway.idle();
      w.g.clock.advance(61_000);
    }
  });
});

describe('the judge is awake:', () => {
  const answer = (change: Partial<Answer>): Answer => ({
    status: 200,
    headers: new Headers({ 'content-type': 'application/json', 'x-request-id': 'r', 'x-environment': 'SIM' }),
    text: '{"ok":true}',
    json: { ok: true },
    ...change,
  });
  test.each<[string, Partial<Answer>, RegExp]>([
    ['a status that is not described', { status: 418 }, /418/],
    ['a member that is not described', { json: { ok: true, more: 1 } }, /additional/],
    ['a member that is missing', { json: {} }, /ok/],
    ['a member of another type', { json: { ok: 'yes' } }, /boolean/],
    [
      'a media type that is not described',
      { headers: new Headers({ 'content-type': 'text/plain', 'x-request-id': 'r', 'x-environment': 'SIM' }) },
      /text\/plain/,
    ],
    [
      'a header that is missing',
      { headers: new Headers({ 'content-type': 'application/json', 'x-environment': 'SIM' }) },
      /X-Request-Id/,
    ],
  ])('%s', (_name, change, fault) => {
    expect(described.faultsOf('isAlive', answer({})).join()).toBe('');
    expect(described.faultsOf('isAlive', answer(change)).join()).toMatch(fault);
  });
});

describe('bodies: what the description takes and what the gateway takes', () => {
  const right = exportBody();
  test.each<[string, Record<string, unknown>]>([
    ['as it should be', {}],
    ['without reference', { reference: undefined }],
    ['without kvnr', { kvnr: undefined }],
    ['without kvnrSource', { kvnrSource: undefined }],
    ['without consent', { consent: undefined }],
    ['without prescriptionEnds', { prescriptionEnds: undefined }],
    ['without content', { content: undefined }],
    ['an unknown member', { more: 1 }],
    ['an unknown member inside', { consent: { ...right.consent, more: 1 } }],
    ['a KVNR in lower case', { kvnr: 'x110411675' }],
    ['a KVNR that is a number', { kvnr: 1 }],
    ['reference of 64', { reference: 'r'.repeat(64) }],
    ['reference of 65', { reference: 'r'.repeat(65) }],
    ['reference of nothing', { reference: '' }],
    ['a control character', { reference: 'a\nb' }],
    ['reference null', { reference: null }],
    ['queue all', { queue: 'all' }],
    ['another queue', { queue: 'some' }],
    ['priority batch', { priority: 'batch' }],
    ['another priority', { priority: 1 }],
    ['notBefore null', { notBefore: null }],
    ['notBefore a day', { notBefore: '2026-12-01' }],
    ['notBefore a time', { notBefore: '2026-12-01T10:00:00+01:00' }],
    ['notBefore a time without offset', { notBefore: '2026-12-01T10:00:00' }],
    ['prescriptionEnds a time', { prescriptionEnds: '2026-12-31T00:00:00Z' }],
    ['prescriptionEnds null', { prescriptionEnds: null }],
    ['onTargetGone create-new', { onTargetGone: 'create-new' }],
    ['another onTargetGone', { onTargetGone: true }],
    ['an issuer over http', { kvnrSource: { ...right.kvnrSource, issuer: 'http://a.example' } }],
    ['an issuer that is none', { kvnrSource: { ...right.kvnrSource, issuer: 'a' } }],
    ['content of another mode', { content: { ...right.content, mode: 'pdf' } }],
    ['content of another type', { content: { ...right.content, mimeType: 'text/plain' } }],
    ['base64 with line breaks', { content: { ...right.content, base64: 'AAAA\nAAAA' } }],
    ['base64 of the web', { content: { ...right.content, base64: '-_-_' } }],
    ['content without base64', { content: { mode: 'document', mimeType: 'application/pdf' } }],
    ['a list', { content: [] }],
  ])('%s', async (_name, change) => {
    // Through JSON, as it comes.
    const body: unknown = JSON.parse(JSON.stringify(exportBody(change)));
    const answer = await w.g.call('/v1/exports?dryRun=true', { body });
    const byShape = answer.status !== 422 || answer.json.code === 'MIO_INVALID';
    expect({ described: described.takes('createExport', body), taken: byShape }).toEqual({
      described: byShape,
      taken: byShape,
    });
  });

  test('the form is described with its parts', () => {
    expect(FORM).toMatch(/^multipart\/form-data/);
    const part = {
      export: { ...right, content: { mode: 'document', mimeType: 'application/fhir+xml' } },
      document: mioBundle('a').toString(),
    };
    expect(described.takes('createExport', part, 'multipart/form-data')).toBe(true);
    expect(described.takes('createExport', { ...part, more: '' }, 'multipart/form-data')).toBe(false);
  });
});
