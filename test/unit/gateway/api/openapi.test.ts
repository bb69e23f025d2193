// The description at /openapi.json and its page at /docs: valid OpenAPI 3.1 by an outside judge, every route of the listener
// in it and nothing else, made of the schemas that check the requests, and readable without anything from elsewhere.
import { Validator } from '@seriousme/openapi-schema-validator';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeApi, operations } from '../../../../gateway/api/openapi.ts';
import { catalogue } from '../../../../gateway/errors.ts';
import { KVNR } from '../../../support/gateway-fakes.ts';
import { type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';
import { describedRoutes, servedRoutes } from './described.ts';

let g: TestGateway;
beforeAll(async () => {
  g = await testGateway();
});
afterAll(() => g.close());

test('is valid OpenAPI 3.1 (SEC-23)', async () => {
  const { json } = await g.call('/openapi.json', { key: null });
  const judged = await new Validator().validate(structuredClone(json));
  expect(judged.errors).toBeUndefined();
  expect([judged.valid, json.openapi]).toEqual([true, '3.1.0']);
});

test('the judge is awake: a parameter without a place is not valid', async () => {
  const broken = structuredClone(describeApi({ version: '1' })) as { paths: Record<string, { get: object }> };
  Object.assign(broken.paths['/v1/series']?.get ?? {}, { parameters: [{ name: 'x', schema: {} }] });
  expect((await new Validator().validate(broken)).valid).toBe(false);
});

test('describes every route of the listener, and no other (SEC-23)', async () => {
  expect(describedRoutes()).toEqual(await servedRoutes());
  expect(describedRoutes().length).toBeGreaterThan(10);
});

test('a route that nobody described would be seen', async () => {
  const app = fastify();
  app.get('/v1/secret/:id', async () => '');
  expect(await servedRoutes(app)).toEqual(['get /v1/secret/{id}']);
});

test('every operation has an id of its own, every code an HTTP status', () => {
  const ids = operations.map((o) => o.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(operations.flatMap((o) => o.refusals).filter((code) => catalogue[code].http === 0)).toEqual([]);
});

test('every reference leads somewhere', () => {
  const description = describeApi({ version: '1' });
  const at = (pointer: string) =>
    pointer
      .slice(2)
      .split('/')
      .reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], description);
  const references = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
  expect(references.length).toBeGreaterThan(50);
  expect(references.filter((ref) => at(ref) === undefined)).toEqual([]);
});

describe('open to all', () => {
  test.each(['/openapi.json', '/docs'])('%s needs no key and names none, no DiGA and no person', async (path) => {
    const answer = await g.call(path, { key: null });
    expect(answer.status).toBe(200);
    for (const secret of [KVNR, WRITER_KEY, g.settings.dataDirectory, 'Demo DiGA', '9-DEMO-DIGA-0001'])
      expect(answer.text).not.toContain(secret);
  });

  test('the description has an entity tag that spares sending it again', async () => {
    const first = await g.call('/openapi.json', { key: null });
    const etag = first.headers.get('etag') ?? '';
    const again = await g.call('/openapi.json', { key: null, headers: { 'if-none-match': etag } });
    expect([again.status, again.text]).toEqual([304, '']);
  });
});

describe('the page', () => {
  test('loads nothing from anywhere: no script, no image, no foreign address, by markup and by policy', async () => {
    const { text, headers } = await g.call('/docs', { key: null });
    expect(text).not.toMatch(/<(script|img|link|iframe|object|embed)\b|@import|\burl\(|\bon\w+=|https?:/i);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  test('tells every operation with its answers, and every link in it leads somewhere', async () => {
    const { text } = await g.call('/docs', { key: null });
    const anchors = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    expect(operations.filter((o) => !anchors.has(o.id))).toEqual([]);
    const links = [...text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter((id) => !anchors.has(id))).toEqual([]);
  });

  test('a name that looks like markup stays text', async () => {
    const { docsPage } = await import('../../../../gateway/api/docs-page.ts');
    const [first] = operations;
    if (first === undefined) throw new Error('no operations');
    const odd = { ...first, summary: '<script>alert(1)</script>' };
    expect(docsPage(describeApi({ version: '1', operations: [odd] }))).not.toContain('<script');
  });
});
