// Who may call what (SEC-13, SEC-14, SEC-15, D19), and how what does not exist is answered: always a problem document.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KVNR } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';
import { describedRoutes } from './described.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

test.each([
  ['no key', null, 401, 'UNAUTHENTICATED'],
  ['a wrong key', 'wrong-key-0123456789', 401, 'UNAUTHENTICATED'],
  ['the beginning of a right key', WRITER_KEY.slice(0, -1), 401, 'UNAUTHENTICATED'],
  ["an operator's key", OPERATOR_KEY, 401, 'UNAUTHENTICATED'],
  ["a reader's key", READER_KEY, 403, 'FORBIDDEN'],
] as const)('a post with %s is refused and nothing is stored', async (_name, key, status, code) => {
  const answer = await g.call('/v1/exports', { key, body: exportBody() });
  expect([answer.status, answer.json.code]).toEqual([status, code]);
  expect(answer.headers.get('x-request-id')).toBeTruthy();
  expect(answer.headers.get('x-environment')).toBe('SIM');
  if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  expect((await g.call('/v1/exports')).json.exports).toEqual([]);
});

test('a key is known before the body is read', async () => {
  const answer = await g.call('/v1/exports', { key: 'wrong-key-0123456789', body: '{' });
  expect(answer.status).toBe(401);
});

test('ten failures a minute with one key, then 429 with Retry-After; other keys and good ones go on (D19)', async () => {
  const wrong = (key: string) => g.call('/v1/exports', { key });
  for (let n = 0; n < 10; n++) expect((await wrong('wrong-key-a-0123456789')).status).toBe(401);
  const limited = await wrong('wrong-key-a-0123456789');
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
  expect((await wrong('wrong-key-b-0123456789')).status).toBe(401);
  expect((await g.call('/v1/exports')).status).toBe(200);
  g.clock.advance(60_000);
  expect((await wrong('wrong-key-a-0123456789')).status).toBe(401);
});

test('300 failures a minute from one address, then 429; good keys go on (D19)', async () => {
  for (let n = 0; n < 300; n++) await g.call('/v1/exports', { key: `guess-${n}-0123456789` });
  expect((await g.call('/v1/exports', { key: 'guess-300-0123456789' })).status).toBe(429);
  expect((await g.call('/v1/exports')).status).toBe(200);
});

test('a client that sends more than its share gets 429 with Retry-After', async () => {
  await g.close();
  g = await testGateway((raw) => ({ ...raw, limits: { requestsPerSecond: 2 } }));
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await g.call('/v1/exports')).status);
  expect(statuses).toEqual([200, 200, 429]);
  expect((await g.call('/v1/exports', { key: READER_KEY })).status).toBe(200);
});

test.each([
  ['GET', '/', 404, 'NOT_FOUND'],
  ['GET', '/v1/nothing', 404, 'NOT_FOUND'],
  ['GET', '/metrics', 404, 'NOT_FOUND'],
  ['GET', '/admin/v1/exports', 404, 'NOT_FOUND'],
  ['GET', '/v1/%zz', 404, 'NOT_FOUND'],
  ['DELETE', '/v1/exports', 405, 'METHOD_NOT_ALLOWED'],
  ['PUT', '/v1/exports/x', 405, 'METHOD_NOT_ALLOWED'],
] as const)('%s %s is a problem document with %i', async (method, path, status, code) => {
  const answer = await g.call(path, { method });
  expect([answer.status, answer.json.code]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  if (status === 405) expect(answer.headers.get('allow')).toMatch(/GET/);
});

test.each(['text/plain', 'application/xml', 'application/jsonx', 'multipart/mixed; boundary=x'])(
  'a body of type %s is 415',
  async (type) => {
    const answer = await g.call('/v1/exports', { body: '{}', headers: { 'content-type': type } });
    expect([answer.status, answer.json.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
  },
);

test('the request id of the caller comes back, unless it looks like a KVNR', async () => {
  const own = await g.call('/livez', { headers: { 'x-request-id': 'abc-1' } });
  const kvnr = await g.call('/livez', { headers: { 'x-request-id': KVNR } });
  expect(own.headers.get('x-request-id')).toBe('abc-1');
  expect(kvnr.headers.get('x-request-id')).not.toContain(KVNR);
});

test('livez and readyz are open and say nothing but that', async () => {
  expect((await g.call('/livez', { key: null })).json).toEqual({ ok: true });
  expect((await g.call('/readyz', { key: null })).json).toEqual({ ok: true, canExport: true, code: null });
});

test.each([
  ['/metrics', OPERATOR_KEY, 200],
  ['/metrics', MONITOR_KEY, 200],
  ['/metrics', WRITER_KEY, 401],
  ['/admin/v1/exports', OPERATOR_KEY, 200],
  ['/admin/v1/exports', MONITOR_KEY, 403],
  ['/admin/v1/cards', OPERATOR_KEY, 200],
  ['/admin/v1/cards', MONITOR_KEY, 403],
  ['/admin/v1/config', OPERATOR_KEY, 200],
  ['/admin/v1/config', MONITOR_KEY, 403],
  ['/admin/v1/health', MONITOR_KEY, 200],
  ['/admin/v1/record-systems', OPERATOR_KEY, 200],
  ['/admin/v1/record-systems', MONITOR_KEY, 200],
  ['/admin/v1/record-systems', WRITER_KEY, 401],
  ['/admin/v1/nothing', OPERATOR_KEY, 404],
  ['/v1/exports', OPERATOR_KEY, 404],
] as const)('the admin listener answers %s with the key %s by %i (SEC-14, SEC-15)', async (path, key, status) => {
  expect((await g.admin(path, key)).status).toBe(status);
});

/** Each call with a right body, and what each key gets: none, writer, reader, the other DiGA's, an operator's. */
const PERSON = { kvnr: KVNR };
const IMPORT = {
  entries: [
    { kvnr: KVNR, entryUuid: 'urn:uuid:0b5c0a5e-3d3f-4a60-9d5f-7a6f2f6f1a01', version: 1, recordSystem: 'epa-as-1' },
  ],
};
const EVERY_CALL = [
  ['POST', '/v1/exports', exportBody(), 401, 202, 403, 202],
  ['GET', '/v1/exports', undefined, 401, 200, 200, 200],
  ['GET', '/v1/exports/none', undefined, 401, 404, 404, 404],
  ['GET', '/v1/exports/none/content', undefined, 401, 404, 403, 404],
  ['POST', '/v1/exports/none/retry', {}, 401, 404, 403, 404],
  ['POST', '/v1/exports/none/cancel', {}, 401, 404, 403, 404],
  ['GET', '/v1/series?reference=user-1', undefined, 401, 200, 200, 200],
  ['POST', '/v1/series/import', IMPORT, 401, 200, 403, 200],
  ['POST', '/v1/persons/check', PERSON, 401, 200, 403, 200],
  ['POST', '/v1/persons/revoke', PERSON, 401, 200, 403, 200],
  ['POST', '/v1/persons/forget', PERSON, 401, 200, 403, 200],
  ['POST', '/v1/persons/holdings', PERSON, 401, 200, 200, 200],
  ['GET', '/v1/events', undefined, 401, 200, 200, 200],
] as const;
test.each(EVERY_CALL)('%s %s by every role (SEC-14)', async (method, path, body, none, writer, reader, second) => {
  const by = async (key: string | null) =>
    (await g.call(path, { method, key, ...(body !== undefined && { body }) })).status;
  expect([await by(null), await by(READER_KEY), await by(OPERATOR_KEY), await by(MONITOR_KEY)]).toEqual([
    none,
    reader,
    401,
    401,
  ]);
  expect([await by(WRITER_KEY), await by(SECOND_KEY)]).toEqual([writer, second]);
});
test('the table of calls and roles leaves out only what others judge: webhooks and batch', () => {
  const listed = EVERY_CALL.map(
    ([method, path]) => `${method.toLowerCase()} ${path.replace('/none', '/{id}').split('?')[0]}`,
  );
  const missing = describedRoutes().filter((route) => route.includes(' /v1/') && !listed.includes(route));
  expect(missing.filter((route) => !/webhooks|batch|mio|health/.test(route))).toEqual([]);
});

test('metrics and admin answers hold no KVNR, no key and no secret path', async () => {
  await g.call('/v1/exports', { body: exportBody() });
  await g.gateway.idle();
  const answers = await Promise.all(
    ['/metrics', '/admin/v1/exports', '/admin/v1/config', '/admin/v1/cards'].map((path) => g.admin(path)),
  );
  const all = answers.map((a) => a.text).join('\n');
  expect(all).toContain('epa_exports_total{status="written",code=""} 1');
  for (const secret of [KVNR, WRITER_KEY, OPERATOR_KEY, 'writer.key', 'master.key']) expect(all).not.toContain(secret);
});
