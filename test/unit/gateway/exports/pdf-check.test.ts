// What a PDF must be before 202: harmless (D5, D24), whatever pieces it comes in. Findings never hold a value.
import { expect, test } from 'vitest';
import { openPdfCheck } from '../../../../gateway/exports/pdf-check.ts';

const codes = (content: string | Uint8Array, ...cuts: number[]) => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const check = openPdfCheck('/pdf');
  for (const [n, cut] of [...cuts, bytes.length].entries()) check.write(bytes.subarray(cuts[n - 1] ?? 0, cut));
  return check.end().map((finding) => finding.code);
};

test.each([
  ['%PDF-1.7\nstuff\n%%EOF\n', []],
  ['PDF-1.7\n%%EOF', ['PDF_HEADER']],
  ['%PDF-1.7\nstuff', ['PDF_EOF']],
  ['%PDF-1.7\n/S /Rendition /JS (x)\n%%EOF', ['PDF_JAVASCRIPT']],
  // Three bytes that any compressed stream may hold.
  ['%PDF-1.7\nstream\n\u0001/JS\u0001\nendstream\n%%EOF', []],
  ['%PDF-1.7\n/J#61vaScript\n%%EOF', ['PDF_JAVASCRIPT']],
  ['%PDF-1.7\n/EmbeddedFile\n%%EOF', ['PDF_ATTACHMENT']],
  ['%PDF-1.7\n/Encrypt 5 0 R\n%%EOF', ['PDF_ENCRYPTED']],
])('a PDF %j gives %j (D24)', (content, expected) => {
  expect(codes(content)).toEqual(expected);
});

const pdf = (middle: string) => Buffer.from(`%PDF-1.7\n${middle}\n%%EOF\n`, 'latin1');

test.each([
  ['a PDF without faults', pdf('<< /Type /Catalog >>')],
  ['JavaScript, escaped', pdf('<< /S /J#61vaScript >>')],
  ['JS in a rendition', pdf('<< /S /Rendition /JS (x) >>')],
  ['attachments', pdf('<< /Type /EmbeddedFile >>')],
  ['names that begin like forbidden ones', pdf('/EncryptMetadata /EmbeddedFilesX /JavaScripts')],
  ['a forbidden name as the last thing', Buffer.from('%PDF-1.7 %%EOF /Encrypt')],
  ['no PDF', Buffer.from('%PDX %%EO')],
])('%s is judged the same, cut anywhere', (_name, content) => {
  const expected = codes(content);
  for (let at = 0; at <= content.length; at++) expect(codes(content, at)).toEqual(expected);
});

test('names that only begin like forbidden ones are none', () => {
  expect(codes(pdf('/EncryptMetadata /EmbeddedFilesX /JavaScripts'))).toEqual([]);
  expect(codes(pdf('/Encrypt'))).toEqual(['PDF_ENCRYPTED']);
});
