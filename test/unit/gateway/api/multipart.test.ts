// `POST /v1/exports` as multipart/form-data: the document comes in as a stream and is what is written, byte by byte (D5, D8, SEC-16);
// an Idempotency-Key goes for it as for JSON. What is refused: multipart-refused.test.ts; how bytes come: multipart-wire.test.ts.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { BOUNDARY, documentPart, exportPartOf, FORM, formOf, pdfPart } from '../../../support/export-form.ts';
import { formGateway, formPosts, large } from '../../../support/form-gateway.ts';
import { mioBundle } from '../../../support/gateway-fakes.ts';
import { exportBody, type TestGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await formGateway();
});
afterEach(() => g.close());

const { post, rows, nothingStored } = formPosts(() => g);

test('the document is written as it was sent, to the byte, and answered with its hash', async () => {
  const content = large(2_500_000);
  const answer = await post(formOf([exportPartOf(), documentPart(content)]));
  await g.gateway.idle();
  const sha256 = createHash('sha256').update(content).digest('hex');
  expect([answer.status, answer.json.document]).toMatchObject([202, { bytes: content.length, sha256, part: null }]);
  expect(g.outside.writes.map((w) => w.content.equals(content))).toEqual([true]);
  expect([rows('stagings'), rows('exports')]).toEqual([0, 1]);
});

test('a document with a line that begins like the boundary stays whole', async () => {
  const content = mioBundle(`b\r\n--${BOUNDARY}x\r\n--${BOUNDARY}-\r\nc`);
  expect((await post(formOf([exportPartOf(), documentPart(content)]))).status).toBe(202);
  await g.gateway.idle();
  expect(g.outside.writes[0]?.content.equals(content)).toBe(true);
});

test('export may come without a type, as forms send fields', async () => {
  const { type: _, ...untyped } = exportPartOf();
  expect((await post(formOf([untyped, documentPart()]))).status).toBe(202);
});

test('a PDF beside the MIO is a part of its own: written, listed, read (D4)', async () => {
  const answer = await post(formOf([exportPartOf(), documentPart(), pdfPart()]), { 'idempotency-key': 'both' });
  const id = String(answer.json.id);
  await g.gateway.idle();
  const read = await g.call(`/v1/exports/${id}`);
  const documents = read.json.documents as { part: string | null; status: string }[];
  expect([read.json.status, documents.map((d) => [d.part, d.status])]).toEqual([
    'written',
    [
      [null, 'written'],
      ['pdf', 'written'],
    ],
  ]);
  expect(g.outside.writes.map((w) => w.order.mimeType)).toEqual(['application/fhir+xml', 'application/pdf']);
  const without = await post(formOf([exportPartOf(), documentPart()]), { 'idempotency-key': 'both' });
  expect(without.json.code).toBe('IDEMPOTENCY_KEY_REUSED');
});

test('each part is read by its name while it is kept', async () => {
  g.outside.sessionFaults.push(new GatewayError('KONNEKTOR_UNREACHABLE', 'not now'));
  const { json } = await post(formOf([exportPartOf(), documentPart(), pdfPart()]));
  await g.gateway.idle();
  const content = (query: string) => g.call(`/v1/exports/${json.id}/content${query}`);
  const [mio, pdf, none] = [await content(''), await content('?part=pdf'), await content('?part=x')];
  expect([mio.text, pdf.text, pdf.headers.get('content-type'), none.status]).toEqual([
    mioBundle('one').toString(),
    '%PDF-1.7\n%%EOF\n',
    'application/pdf',
    422,
  ]);
});

test('a dry run tells what would be written and stores nothing', async () => {
  const answer = await post(formOf([exportPartOf(), documentPart()]), {}, '?dryRun=true');
  const sha256 = createHash('sha256').update(mioBundle('one')).digest('hex');
  expect([answer.status, answer.json.document]).toMatchObject([200, { sha256, bytes: mioBundle('one').length }]);
  const both = await post(formOf([exportPartOf(), documentPart(), pdfPart()]), {}, '?dryRun=true');
  expect(both.json.documents).toMatchObject([{ part: null }, { part: 'pdf', bytes: 15, version: 1 }]);
  nothingStored();
});

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'k-1' };
  test('names the export that stands, also when the same order came as JSON', async () => {
    const first = await post(formOf([exportPartOf(), documentPart()]), key);
    const again = await post(formOf([exportPartOf(), documentPart()]), key);
    const json = await g.call('/v1/exports', { body: exportBody(), headers: key });
    expect([again, json].map((a) => [a.status, a.json.id, a.headers.get('idempotent-replayed')])).toEqual([
      [202, first.json.id, 'true'],
      [202, first.json.id, 'true'],
    ]);
    expect([rows('exports'), rows('stagings')]).toEqual([1, 0]);
  });
  test('is refused for another document, which leaves nothing behind', async () => {
    await post(formOf([exportPartOf(), documentPart()]), key);
    const other = await post(formOf([exportPartOf(), documentPart(mioBundle('two'))]), key);
    expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect([rows('exports'), rows('stagings')]).toEqual([1, 0]);
  });
  test('answers the export after the end of the prescription, too, when nothing new could be ordered', async () => {
    const first = await post(formOf([exportPartOf(), documentPart()]), key);
    await g.gateway.idle();
    g.clock.advance(60 * 86_400_000);
    const again = await post(formOf([exportPartOf(), documentPart()]), key);
    const fresh = await post(formOf([exportPartOf(), documentPart()]));
    expect([again.status, again.json.id, fresh.status, fresh.json.code]).toEqual([
      202,
      first.json.id,
      409,
      'PRESCRIPTION_ENDED',
    ]);
  });
});

test('multipart is a body of exports only', async () => {
  const headers = { 'content-type': FORM };
  const answer = await g.call('/v1/persons/revoke', { body: formOf([]), headers });
  expect([answer.status, answer.json.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
});

test('a document inside JSON may have 1 MiB, and the refusal names the other way', async () => {
  const of = (content: Uint8Array) =>
    exportBody({
      content: { mode: 'document', mimeType: 'application/fhir+xml', base64: Buffer.from(content).toString('base64') },
    });
  const fits = large(1024 * 1024 - large(0).length);
  expect(fits.length).toBe(1024 * 1024);
  const [right, wrong] = [
    await g.call('/v1/exports', { body: of(fits) }),
    await g.call('/v1/exports', { body: of(large(1024 * 1024)) }),
  ];
  expect([right.status, wrong.status, wrong.json.code]).toEqual([202, 413, 'DOCUMENT_TOO_LARGE']);
  expect(wrong.json.detail).toContain('multipart/form-data');
});
