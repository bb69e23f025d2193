// `POST /v1/exports?dryRun=true`: the same checks, the same shape, and afterwards the store is as it was before.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KVNR, mioBundle, OTHER_KVNR, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const dry = (change = {}, headers: Record<string, string> = {}) =>
  g.call('/v1/exports?dryRun=true', { body: exportBody(change), headers });
const content = (text: string, kvnr?: string) => ({
  mode: 'document',
  mimeType: 'application/fhir+xml',
  base64: mioBundle(text, kvnr).toString('base64'),
});
const written = async (change = {}) => {
  const { id } = (await g.call('/v1/exports', { body: exportBody(change) })).json;
  await g.gateway.idle();
  return (await g.call(`/v1/exports/${id}`)).json;
};
const listed = async () => (await g.call('/v1/exports')).json.exports;

test('answers 200 with the document that would be written, in the shape of an export, and stores and sends nothing', async () => {
  const answer = await dry();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('location')).toBeNull();
  expect(answer.json).toMatchObject({
    id: null,
    reference: 'user-1',
    status: 'queued',
    diga: 'demo',
    series: 'main',
    createdAt: null,
    attempts: 0,
    reason: null,
    timeline: [],
    document: {
      mimeType: 'application/fhir+xml',
      entryUuid: null,
      version: 1,
      replaces: null,
      bytes: mioBundle('one').length,
      sha256: createHash('sha256').update(mioBundle('one')).digest('hex'),
      status: 'queued',
    },
  });
  expect(answer.text).not.toContain(KVNR);
  await g.gateway.idle();
  expect([await listed(), g.outside.writes.length, g.outside.opened.length]).toEqual([[], 0, 0]);
  const real = await written();
  expect(Object.keys(answer.json)).toEqual(Object.keys(real));
  expect(Object.keys(Object(answer.json.document))).toEqual(Object.keys(Object(real.document)));
});

test('names version and target of a replacement', async () => {
  const first = await written();
  const { entryUuid } = Object(first.document);
  expect((await dry({ content: content('two') })).json.document).toMatchObject({ version: 2, replaces: entryUuid });
  expect((await dry({ content: content('two'), series: 'other' })).json.document).toMatchObject({ version: 1 });
  expect((await dry({ content: content('two'), kvnr: OTHER_KVNR })).json.document).toMatchObject({ version: 1 });
});

test('tells that the same content would not be sent', async () => {
  const first = await written();
  expect((await dry()).json).toMatchObject({
    status: 'unchanged',
    reason: { code: 'CONTENT_UNCHANGED', export: first.id },
    document: { version: null, replaces: null },
  });
});

test('tells what it would wait for', async () => {
  expect((await dry({ notBefore: '2026-12-01' })).json).toMatchObject({
    status: 'waiting',
    reason: { code: 'NOT_BEFORE', nextAttemptAt: '2026-11-30T23:00:00.000Z' },
    document: { version: 1 },
  });
  await written();
  g.outside.answers.push(() => registryError('target-not-approved'));
  await written({ content: content('two') });
  expect((await dry({ content: content('three') })).json).toMatchObject({
    status: 'waiting',
    reason: { code: 'TARGET_STALE', who: 'operator' },
  });
});

test('supersedes nothing, and takes no Idempotency-Key', async () => {
  const deferred = await written({ notBefore: '2026-12-01', content: content('later') });
  await dry({ content: content('two') }, { 'idempotency-key': 'k' });
  expect((await g.call(`/v1/exports/${deferred.id}`)).json.status).toBe('waiting');
  const real = await g.call('/v1/exports', { body: exportBody(), headers: { 'idempotency-key': 'k' } });
  expect([real.status, real.headers.get('idempotent-replayed')]).toEqual([202, null]);
});

test('dryRun=false stores', async () => {
  expect((await g.call('/v1/exports?dryRun=false', { body: exportBody() })).status).toBe(202);
  expect(await listed()).toHaveLength(1);
});

test.each([
  ['a wrong KVNR', { kvnr: 'X110411676' }, 422, 'EXPORT_INVALID'],
  ['another insured inside', { content: content('a', OTHER_KVNR) }, 422, 'MIO_INVALID'],
  ['an ended prescription', { prescriptionEnds: '2026-11-24' }, 409, 'PRESCRIPTION_ENDED'],
  ['a time that has passed', { notAfter: '2026-11-24' }, 422, 'EXPORT_INVALID'],
  ['another DiGA', { diga: 'second' }, 403, 'FORBIDDEN'],
])('refuses %s as a real post does', async (_name, change, status, code) => {
  const answer = await dry(change);
  expect([answer.status, answer.json.code]).toEqual([status, code]);
  expect(await listed()).toEqual([]);
});

test('needs the writer', async () => {
  const answer = await g.call('/v1/exports?dryRun=true', { body: exportBody(), key: READER_KEY });
  expect(answer.status).toBe(403);
});
