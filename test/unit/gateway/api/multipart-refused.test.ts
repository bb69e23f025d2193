// `POST /v1/exports` as multipart/form-data, refused: whatever is wrong with the form is told with its name, and nothing half stays
// stored (D8, SEC-16, SEC-23).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BOUNDARY, documentPart, exportPartOf, FORM, formOf, partHead, pdfPart } from '../../../support/export-form.ts';
import { formGateway, formPosts, large } from '../../../support/form-gateway.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, type TestGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await formGateway();
});
afterEach(() => g.close());

const { post, nothingStored } = formPosts(() => g);

const codes = (answer: { json: Record<string, unknown> }) =>
  (answer.json.findings as { path: string; code: string }[] | undefined)?.map((f) => `${f.path} ${f.code}`);

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
