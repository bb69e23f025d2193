// `GET /v1/exports/{id}/content`: the exact bytes while they are kept, 410 afterwards, and only for a writer of that DiGA
// (D15, RET-01).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readContent } from '../../../../gateway/exports/content.ts';
import { mioBundle, OTHER_KVNR, registryError, testHouse } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
let logged: { event: string; fields: object }[];
beforeEach(async () => {
  logged = [];
  const note = (event: string, fields: object = {}) => void logged.push({ event, fields });
  g = await testGateway((raw) => raw, { debug: note, info: note, warn: note, error: note });
});
afterEach(() => g.close());

const post = async (change = {}) => {
  const id = String((await g.call('/v1/exports', { body: exportBody(change) })).json.id);
  await g.gateway.idle();
  return id;
};
const content = (id: string, key?: string) => g.call(`/v1/exports/${id}/content`, key === undefined ? {} : { key });
const later = { notBefore: '2026-12-01' };

test('the exact bytes of an export that is not written yet, as what they are, kept by no cache', async () => {
  const id = await post(later);
  const answer = await content(id);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/fhir+xml');
  expect(answer.headers.get('content-length')).toBe(String(mioBundle('one').length));
  expect(answer.headers.get('cache-control')).toBe('no-store, private');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.text).toBe(mioBundle('one').toString());
});

test('reading leaves a trace with who and what, and nothing of the content', async () => {
  const id = await post(later);
  await content(id);
  expect(logged).toContainEqual({ event: 'content read', fields: { export: id, client: 'backend' } });
  expect(JSON.stringify(logged)).not.toContain('Bundle');
});

test('a refused export keeps its content for some days, then it is erased', async () => {
  g.outside.answers.push(() => registryError('rejected'));
  const id = await post();
  expect((await content(id)).status).toBe(200);
  g.clock.advance(g.settings.retention.failedContentDays * 86_400_000);
  // Wakes the worker, whose turn erases.
  await g.gateway.idle();
  const erased = await content(id);
  expect([erased.status, erased.json.code, erased.json.title]).toEqual([410, 'CONTENT_ERASED', 'Gone']);
});

test.each(['written', 'cancelled', 'superseded'])('%s: 410', async (status) => {
  const id = await post(status === 'written' ? {} : later);
  if (status === 'cancelled') await g.call(`/v1/exports/${id}/cancel`, { method: 'POST' });
  if (status === 'superseded') {
    await post({ content: { ...exportBody().content, base64: mioBundle('two').toString('base64') } });
    g.clock.advance(6 * 86_400_000);
    await g.gateway.idle();
    await post({ content: { ...exportBody().content, base64: mioBundle('three').toString('base64') } });
  }
  const answer = await content(id);
  expect([answer.status, answer.json.code]).toEqual([410, 'CONTENT_ERASED']);
});

test('only a writer of that DiGA, and no parameters', async () => {
  const id = await post(later);
  expect((await content(id, READER_KEY)).status).toBe(403);
  expect((await content(id, SECOND_KEY)).status).toBe(404);
  expect((await content('none')).status).toBe(404);
  expect((await g.call(`/v1/exports/${id}/content`, { key: null })).status).toBe(401);
  expect((await g.call(`/v1/exports/${id}/content?part=x`)).status).toBe(422);
  expect(logged.map((l) => l.event)).not.toContain('content read');
});

test('large content comes whole; a changed, swapped or missing chunk gives nothing at all', async () => {
  const h = await testHouse();
  try {
    const bytes = Buffer.alloc(600 * 1024, 'abc');
    const document = { mimeType: 'application/pdf', content: bytes };
    const id = await h.accept({ document, ...later });
    expect(await readContent(h, { id: id, diga: 'demo' })).toEqual({
      mimeType: 'application/pdf',
      content: bytes,
      diga: 'demo',
    });
    const other = await h.accept({ document, ...later, kvnr: OTHER_KVNR });
    const of = (chunk: number) => h.db.updateTable('sealed_chunks').where('export_id', '=', id).where('n', '=', chunk);
    const foreign = await h.db
      .selectFrom('sealed_chunks')
      .select('sealed')
      .where('export_id', '=', other)
      .where('n', '=', 1)
      .executeTakeFirstOrThrow();
    await of(1).set(foreign).execute();
    await expect(readContent(h, { id: id, diga: 'demo' })).rejects.toMatchObject({ code: 'STORE_BROKEN' });
    await h.db.deleteFrom('sealed_chunks').where('export_id', '=', other).where('n', '=', 2).execute();
    await expect(readContent(h, { id: other, diga: 'demo' })).rejects.toMatchObject({ code: 'STORE_BROKEN' });
    await expect(readContent(h, { id: other, diga: 'second' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  } finally {
    await h.close();
  }
});
