// What brings about each status of each operation, beside its right call: for the tests that hold what comes against the
// description.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { operations } from '../../../../gateway/api/openapi.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, testGateway } from '../../../support/gateway-server.ts';
import {
  ask,
  BODY_BYTES,
  type Call,
  entries,
  FEEDER_KEY,
  injected,
  NDJSON,
  post,
  RIGHT,
  type Scenario,
  type World,
  withoutHost,
} from './described-calls.ts';

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
  readHealth: { 422: badQuery('/v1/health') },
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
export const NO_STORE = ['testWebhooks', 'validateMio', 'readHealth'];
/** Each line is answered for itself: a store that is gone is the lines' 500. */
export const LINES = ['createExports'];

/** How to bring about each status of an operation. */
export const scenariosOf = (id: string): Map<number, Scenario> => {
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
