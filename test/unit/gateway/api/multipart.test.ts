// `POST /v1/exports` as multipart/form-data: the document comes in as a stream and is what is written, byte by byte; whatever
// is wrong with the form is refused with its name and nothing half stays stored (D5, D8, SEC-16, SEC-23).
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { CHUNK_BYTES } from '../../../../gateway/vault/seal.ts';
import { BOUNDARY, documentPart, exportPartOf, FORM, formOf, partHead, pdfPart } from '../../../support/export-form.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway((raw) => ({ ...raw, limits: { documentBytes: 3_000_000, bodyBytes: 8_000_000 } }));
});
afterEach(() => g.close());

const post = (body: Uint8Array, headers: Record<string, string> = {}, query = '') =>
  g.call(`/v1/exports${query}`, { body, headers: { 'content-type': FORM, ...headers } });
const rows = (table: string): number => {
  const db = new DatabaseSync(join(g.settings.dataDirectory, 'gateway.db'), { readOnly: true });
  try {
    return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  } finally {
    db.close();
  }
};
const nothingStored = () =>
  expect(['exports', 'documents', 'stagings', 'sealed_chunks', 'idempotency'].map((t) => rows(t))).toEqual([
    0, 0, 0, 0, 0,
  ]);
const codes = (answer: { json: Record<string, unknown> }) =>
  (answer.json.findings as { path: string; code: string }[] | undefined)?.map((f) => `${f.path} ${f.code}`);
/** A MIO of about `bytes` bytes. */
const large = (bytes: number) =>
  Buffer.from(
    mioBundle('big')
      .toString()
      .replace('</Bundle>', `<!--${'x'.repeat(bytes)}--></Bundle>`),
  );

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

describe('refused, and nothing is stored:', () => {
  const right = () => [exportPartOf(), documentPart()];
  test.each<[string, Uint8Array, number, string, string[] | undefined]>([
    ['no part at all', formOf([]), 422, 'EXPORT_INVALID', ['export PART_MISSING', 'document PART_MISSING']],
    ['no document', formOf([exportPartOf()]), 422, 'EXPORT_INVALID', ['document PART_MISSING']],
    ['an empty document', formOf([exportPartOf(), documentPart('')]), 422, 'EXPORT_INVALID', ['document PART_EMPTY']],
    ['document before export', formOf(right().reverse()), 422, 'EXPORT_INVALID', ['part 1 PART_ORDER']],
    ['two exports', formOf([exportPartOf(), ...right()]), 422, 'EXPORT_INVALID', ['part 2 PART_DOUBLED']],
    ['two documents', formOf([...right(), documentPart()]), 422, 'EXPORT_INVALID', ['part 3 PART_DOUBLED']],
    [
      'a part of another name',
      formOf([...right(), { name: KVNR, content: 'x' }]),
      422,
      'EXPORT_INVALID',
      ['part 3 PART_UNKNOWN'],
    ],
    ['pdf before document', formOf([exportPartOf(), pdfPart()]), 422, 'EXPORT_INVALID', ['part 2 PART_ORDER']],
    [
      'a document of another type',
      formOf([exportPartOf(), { ...documentPart(), type: 'text/xml' }]),
      422,
      'EXPORT_INVALID',
      ['part 2 PART_TYPE'],
    ],
    [
      'a document without a type',
      formOf([exportPartOf(), { name: 'document', content: mioBundle('a') }]),
      422,
      'EXPORT_INVALID',
      ['part 2 PART_TYPE'],
    ],
    [
      'export of another type',
      formOf([{ ...exportPartOf(), type: 'text/plain' }, documentPart()]),
      422,
      'EXPORT_INVALID',
      ['part 1 PART_TYPE'],
    ],
    [
      'a transfer encoding',
      formOf([exportPartOf(), { ...documentPart(), headers: ['Content-Transfer-Encoding: base64'] }]),
      422,
      'EXPORT_INVALID',
      ['part 2 PART_ENCODED'],
    ],
    [
      'a part without a name',
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--${BOUNDARY}--`),
      422,
      'EXPORT_INVALID',
      ['part 1 PART_NAMELESS'],
    ],
    [
      'export that is no JSON',
      formOf([{ ...exportPartOf(), content: '{' }, documentPart()]),
      400,
      'BODY_INVALID',
      undefined,
    ],
    [
      'export with base64',
      formOf([{ ...exportPartOf(), content: JSON.stringify(exportBody()) }, documentPart()]),
      422,
      'EXPORT_INVALID',
      ['content.base64 MEMBER_UNKNOWN'],
    ],
    [
      'export too long to be one',
      formOf([{ ...exportPartOf(), content: ' '.repeat(9_000_000) }, documentPart()]),
      413,
      'DOCUMENT_TOO_LARGE',
      undefined,
    ],
    [
      'a document too large',
      formOf([exportPartOf(), documentPart(large(3_000_000))]),
      413,
      'DOCUMENT_TOO_LARGE',
      undefined,
    ],
    [
      'a document of another insured',
      formOf([exportPartOf(), documentPart(mioBundle('a', OTHER_KVNR))]),
      422,
      'MIO_INVALID',
      ['Bundle.entry[1].resource.identifier[0].value KVNR_MISMATCH'],
    ],
    ['a document cut in the middle', formOf(right()).subarray(0, -60), 400, 'BODY_INVALID', undefined],
    ['no closing boundary', formOf(right(), { end: '' }), 400, 'BODY_INVALID', undefined],
    ['another boundary than announced', formOf(right(), { boundary: 'other' }), 400, 'BODY_INVALID', undefined],
    [
      'lines that end in LF',
      Buffer.from(formOf(right()).toString().replaceAll('\r\n', '\n')),
      400,
      'BODY_INVALID',
      undefined,
    ],
    [
      'a doubled part header',
      formOf([exportPartOf(), { ...documentPart(), headers: ['Content-Type: application/pdf'] }]),
      400,
      'BODY_INVALID',
      undefined,
    ],
    [
      'a header block without end',
      Buffer.from(`${partHead({ name: 'export' }).slice(0, -2)}X: ${'y'.repeat(20_000)}`),
      400,
      'BODY_INVALID',
      undefined,
    ],
    [
      'a PDF beside a PDF',
      formOf([
        exportPartOf({ content: { mode: 'document', mimeType: 'application/pdf' } }),
        { name: 'document', type: 'application/pdf', content: '%PDF-1.7\n%%EOF' },
        pdfPart(),
      ]),
      422,
      'EXPORT_INVALID',
      ['part 3 PART_UNEXPECTED'],
    ],
  ])('%s', async (_name, body, status, code, findings) => {
    const answer = await post(body, { 'idempotency-key': 'k' });
    expect([answer.status, answer.json.code, codes(answer)]).toEqual([status, code, findings]);
    // Whatever the caller wrote, and where: it is not said again (D15).
    expect(answer.text).not.toContain(KVNR);
    nothingStored();
    expect(await post(formOf(right()), { 'idempotency-key': 'k' })).toMatchObject({ status: 202 });
  });

  test.each([
    ['no boundary', 'multipart/form-data'],
    ['an empty boundary', 'multipart/form-data; boundary=""'],
    ['a boundary of 71 characters', `multipart/form-data; boundary=${'a'.repeat(71)}`],
    ['two boundaries', 'multipart/form-data; boundary=a; boundary=b'],
    ['a boundary with a line end in quotes', 'multipart/form-data; boundary="a\\\tb"'],
  ])('%s', async (_name, type) => {
    const answer = await post(formOf(right(), { boundary: 'a' }), { 'content-type': type });
    expect([answer.status, answer.json.code]).toEqual([400, 'BODY_INVALID']);
    nothingStored();
  });

  test('faults of the part export, all at once, before a byte of the document is waited for', async () => {
    const bad = exportPartOf({ kvnr: 'X', consent: undefined });
    const answer = await post(formOf([bad, documentPart()]));
    expect([answer.status, codes(answer)]).toEqual([422, ['kvnr KVNR_INVALID', 'consent MEMBER_MISSING']]);
    nothingStored();
  });
  test('a compressed body', async () => {
    const answer = await post(formOf(right()), { 'content-encoding': 'gzip' });
    expect([answer.status, answer.json.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
  });
  test('a key without the role', async () => {
    const headers = { 'content-type': FORM };
    const answer = await g.call('/v1/exports', { body: formOf(right()), headers, key: READER_KEY });
    expect(answer.status).toBe(403);
    nothingStored();
  });
  test('faults of both documents, in one answer', async () => {
    const answer = await post(formOf([exportPartOf(), documentPart('<a/>'), pdfPart('x')]));
    const findings = answer.json.findings as { pointer: string; code: string }[];
    expect([answer.status, findings.map((f) => `${f.pointer} ${f.code}`)]).toEqual([
      422,
      ['/document MIO_NOT_FHIR', '/pdf PDF_HEADER', '/pdf PDF_EOF'],
    ]);
    nothingStored();
  });
});

test('multipart is a body of exports only', async () => {
  const headers = { 'content-type': FORM };
  const answer = await g.call('/v1/persons/revoke', { body: formOf([]), headers });
  expect([answer.status, answer.json.code]).toEqual([415, 'MEDIA_TYPE_UNSUPPORTED']);
});

describe('on the wire', () => {
  const open = (headers: Record<string, string | number>) => {
    const { hostname, port } = new URL(g.gateway.address);
    const all = { authorization: `Bearer ${WRITER_KEY}`, 'content-type': FORM, ...headers };
    const request = httpRequest({ hostname, port, path: '/v1/exports', method: 'POST', headers: all });
    // A connection that we break.
    request.on('error', () => {});
    return request;
  };
  const head = () =>
    Buffer.concat([
      formOf([exportPartOf()], { end: '' }),
      Buffer.from(partHead({ name: 'document', type: 'application/fhir+xml' })),
    ]);

  test('chunks are sealed into the store while the rest is still to come', async () => {
    const staged = new Promise<number>((resolve) => {
      const look = () => (rows('sealed_chunks') >= 2 ? resolve(rows('exports')) : setImmediate(look));
      look();
    });
    const content = large(2 * CHUNK_BYTES + 1000);
    const request = open({});
    request.write(head());
    request.write(content.subarray(0, -10));
    expect(await staged).toBe(0);
    request.end(Buffer.concat([content.subarray(-10), Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]));
    const [answer] = await once(request, 'response');
    expect([answer.statusCode, rows('stagings')]).toEqual([202, 0]);
  });

  test('a client that goes away in the middle leaves nothing', async () => {
    const staged = new Promise<void>((resolve) => {
      const look = () => (rows('stagings') >= 1 ? resolve() : setImmediate(look));
      look();
    });
    const request = open({});
    request.write(head());
    request.write(large(2 * CHUNK_BYTES));
    await staged;
    request.destroy();
    await new Promise<void>((resolve) => {
      const look = () => (rows('stagings') === 0 ? resolve() : setImmediate(look));
      look();
    });
    nothingStored();
  });

  test('a length over the limit is refused before the body, and not asked for with 100-continue', async () => {
    const request = open({ 'content-length': 50_000_000, expect: '100-continue' });
    let asked = false;
    request.on('continue', () => {
      asked = true;
    });
    request.flushHeaders();
    const [answer] = await once(request, 'response');
    request.destroy();
    expect([answer.statusCode, asked]).toEqual([413, false]);
  });

  test('who asks with 100-continue is told to go on, and is answered', async () => {
    const body = formOf([exportPartOf(), documentPart()]);
    const request = open({ 'content-length': body.length, expect: '100-continue' });
    request.flushHeaders();
    await once(request, 'continue');
    request.end(body);
    const [answer] = await once(request, 'response');
    expect(answer.statusCode).toBe(202);
  });

  test('a stranger who asks with 100-continue is refused before the body', async () => {
    const request = open({ authorization: 'Bearer none', 'content-length': 1000, expect: '100-continue' });
    let asked = false;
    request.on('continue', () => {
      asked = true;
    });
    request.flushHeaders();
    const [answer] = await once(request, 'response');
    request.destroy();
    expect([answer.statusCode, asked]).toEqual([401, false]);
  });

  test('the connection serves the next request after a refusal in the middle of a body', async () => {
    const refused = await post(formOf([{ name: 'x', content: large(2_000_000) }]));
    expect([refused.status, (await g.call('/livez')).status]).toEqual([422, 200]);
  });
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
