// What a document must be before 202: a MIO DiGA bundle of this version that names no other insured, or a harmless PDF
// (D5, D15, D24, SEC-16). Findings never hold a value.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDocument, checkDocumentInTurns, openDocumentCheck } from '../../../../gateway/exports/document-check.ts';
import { isKvnr } from '../../../../gateway/exports/kvnr.ts';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const check = (content: string | Uint8Array, mimeType = 'application/fhir+xml') =>
  checkDocument({
    mimeType,
    content: typeof content === 'string' ? Buffer.from(content) : content,
    kvnr: KVNR,
    pointer: '/content/base64',
  });
const codes = (...of: Parameters<typeof check>) => check(...of)?.findings.map((f) => f.code) ?? [];
const bundle = mioBundle('a').toString();

test.each([
  ['a bundle without KVNR', mioBundle('a')],
  ['a bundle with the own KVNR', mioBundle('a', KVNR)],
  ['a byte order mark', `\uFEFF${bundle}`],
  ['a declaration', `<?xml version="1.0" encoding="UTF-8"?>${bundle}`],
  ['a prefix', bundle.replaceAll(/<(\/?)(\w)/g, '<$1f:$2').replace('xmlns=', 'xmlns:f=')],
  ['a document type in a comment', bundle.replace('<id', '<!-- <!DOCTYPE x> --><id')],
])('accepted: %s', (_name, content) => {
  expect(check(content)).toBeUndefined();
});

test.each([
  ['no XML', 'text', 'XML_NOT_WELL_FORMED'],
  ['an open element', bundle.slice(0, -9), 'XML_NOT_WELL_FORMED'],
  ['two roots', bundle + bundle, 'XML_NOT_WELL_FORMED'],
  ['an undefined entity', bundle.replace('<id', '&x;<id'), 'XML_NOT_WELL_FORMED'],
  ['an unbound prefix', bundle.replace('<id', '<p:id'), 'XML_NOT_WELL_FORMED'],
  ['a DOCTYPE', `<!DOCTYPE Bundle>${bundle}`, 'XML_DOCTYPE'],
  ['a DTD with entities', `<!DOCTYPE Bundle [<!ENTITY a "b">]>${bundle}`, 'XML_DOCTYPE'],
  ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${bundle}`, 'XML_ENCODING'],
  ['bytes that are not UTF-8', Buffer.concat([Buffer.from(bundle), Buffer.from([0xc3])]), 'XML_ENCODING'],
  ['another root', bundle.replaceAll('Bundle', 'Patient'), 'MIO_ROOT'],
  ['another namespace', bundle.replace('hl7.org/fhir', 'hl7.org/v3'), 'MIO_ROOT'],
  ['another bundle type', bundle.replace('"document"', '"collection"'), 'MIO_TYPE'],
  ['another version', bundle.replace('|1.1.0', '|1.0.0'), 'MIO_PROFILE'],
  ['no version', bundle.replace('|1.1.0', ''), 'MIO_PROFILE'],
  [
    'a profile elsewhere',
    bundle
      .replace(/<meta>.*<\/meta>/, '')
      .replace(
        '</Bundle>',
        '<entry><meta><profile value="https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA_Bundle|1.1.0"/></meta></entry></Bundle>',
      ),
    'MIO_PROFILE',
  ],
  [
    'too deep nesting',
    bundle.replace('</Bundle>', `${'<a>'.repeat(300)}${'</a>'.repeat(300)}</Bundle>`),
    'XML_TOO_DEEP',
  ],
  ['another KVNR', mioBundle('a', OTHER_KVNR), 'KVNR_MISMATCH'],
  [
    'another KVNR of the private insurance',
    mioBundle('a', OTHER_KVNR).toString().replace('/gkv/', '/pkv/'),
    'KVNR_MISMATCH',
  ],
  [
    'another KVNR before its system',
    bundle.replace(
      '</Bundle>',
      `<identifier><value value="${OTHER_KVNR}"/><system value="http://fhir.de/sid/gkv/kvid-10"/></identifier></Bundle>`,
    ),
    'KVNR_MISMATCH',
  ],
  ['another KVNR in character references', mioBundle('a', '&#65;123456780'), 'KVNR_MISMATCH'],
])('refused: %s', (_name, content, code) => {
  const verdict = check(content);
  expect(verdict?.findings.map((f) => f.code)).toContain(code);
  expect(JSON.stringify(verdict)).not.toContain(OTHER_KVNR);
});

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
  expect(codes(content, 'application/pdf')).toEqual(expected);
});

test.each([
  [KVNR, true],
  ['A123456780', true],
  ['X110411676', false],
  ['x110411675', false],
  ['X11041167', false],
  ['X1104116755', false],
  ['Ä110411675', false],
  ['X１10411675', false],
  ['', false],
])('the check digit of %s is right: %s (EXP-20)', (text, right) => {
  expect(isKvnr(text)).toBe(right);
});

test('a large document leaves turns to others while it is checked, and gets the same verdict', async () => {
  const large = (kvnr: string) =>
    Buffer.from(
      mioBundle('a', kvnr)
        .toString()
        .replace('</Bundle>', `<!--${'x'.repeat(2_000_000)}--></Bundle>`),
    );
  let turns = 0;
  let over = false;
  const take = () => {
    turns += 1;
    if (!over) setImmediate(take);
  };
  setImmediate(take);
  const of = (content: Uint8Array) => ({ mimeType: 'application/fhir+xml', content, kvnr: KVNR, pointer: '' });
  expect(await checkDocumentInTurns(of(large(KVNR)))).toBeUndefined();
  expect(turns).toBeGreaterThan(20);
  expect(await checkDocumentInTurns(of(large(OTHER_KVNR)))).toEqual(checkDocument(of(large(OTHER_KVNR))));
  over = true;
});

const pdf = (middle: string) => Buffer.from(`%PDF-1.7\n${middle}\n%%EOF\n`, 'latin1');
describe('in whatever pieces it comes in, the verdict is the same:', () => {
  const whole = (mimeType: string, content: Uint8Array) =>
    checkDocument({ mimeType, content, kvnr: KVNR, pointer: '' });
  const inTwo = (o: { mimeType: string; content: Uint8Array; at: number }) => {
    const pieces = openDocumentCheck({ mimeType: o.mimeType, kvnr: KVNR, pointer: '' });
    pieces.write(o.content.subarray(0, o.at));
    pieces.write(o.content.subarray(o.at));
    return pieces.end();
  };
  test.each([
    ['a PDF without faults', 'application/pdf', pdf('<< /Type /Catalog >>')],
    ['JavaScript, escaped', 'application/pdf', pdf('<< /S /J#61vaScript >>')],
    ['JS in a rendition', 'application/pdf', pdf('<< /S /Rendition /JS (x) >>')],
    ['attachments', 'application/pdf', pdf('<< /Type /EmbeddedFile >>')],
    ['names that begin like forbidden ones', 'application/pdf', pdf('/EncryptMetadata /EmbeddedFilesX /JavaScripts')],
    ['a forbidden name as the last thing', 'application/pdf', Buffer.from('%PDF-1.7 %%EOF /Encrypt')],
    ['no PDF', 'application/pdf', Buffer.from('%PDX %%EO')],
    ['a MIO', 'application/fhir+xml', mioBundle('ä€😀', KVNR)],
    ['another insured', 'application/fhir+xml', mioBundle('a', OTHER_KVNR)],
    ['a DOCTYPE', 'application/fhir+xml', Buffer.from('<!DOCTYPE a><a/>')],
    [
      'bytes that are not UTF-8',
      'application/fhir+xml',
      Buffer.concat([Buffer.from('<Bundle xmlns="http://hl7.org/fhir">'), Buffer.from([0xc3, 0x28])]),
    ],
  ])('%s', (_name, mimeType, content) => {
    const expected = whole(mimeType, content);
    for (let at = 0; at <= content.length; at++) expect(inTwo({ mimeType, content, at })).toEqual(expected);
  });
  test('names that only begin like forbidden ones are none', () => {
    expect(whole('application/pdf', pdf('/EncryptMetadata /EmbeddedFilesX /JavaScripts'))).toBeUndefined();
    expect(whole('application/pdf', pdf('/Encrypt'))?.findings.map((f) => f.code)).toEqual(['PDF_ENCRYPTED']);
  });
});

describeWithSchemas('the published examples', (dir) => {
  test.each(['REAL_EXAMPLE_1', 'REAL_EXAMPLE_2'])('%s is accepted', (name) => {
    const file = join(dir, 'mio/examples/real', `${name}_KBV_PR_MIO_DIGA_Bundle.xml`);
    expect(check(readFileSync(file))).toBeUndefined();
  });
});

describe('a file inside the document', () => {
  const long = 'QUJD'.repeat(50_000);
  const withFile = (file: string) =>
    mioBundle('a', KVNR)
      .toString()
      .replace('</Bundle>', `<entry><resource><Binary><data value="${file}"/></Binary></resource></entry></Bundle>`);
  test('is taken, and what stands behind it is still looked at', () => {
    expect(check(Buffer.from(withFile(long)))).toBeUndefined();
    const other = `<entry><resource><Patient><identifier><system value="http://fhir.de/sid/gkv/kvid-10"/><value value="${OTHER_KVNR}"/></identifier></Patient></resource></entry></Bundle>`;
    const behind = withFile(long).replace('</Bundle>', other);
    expect(check(Buffer.from(behind))?.findings.map((f) => f.code)).toEqual(['KVNR_MISMATCH']);
  });
  test('is not held in memory: a parser that held it would need all of it', () => {
    const pieces = openDocumentCheck({ mimeType: 'application/fhir+xml', kvnr: KVNR, pointer: '' });
    const [head = '', tail = ''] = withFile('%').split('%');
    const piece = Buffer.from('QUJD'.repeat(16_384));
    pieces.write(Buffer.from(head));
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 1500; n++) pieces.write(piece);
    // 98 MB went through; garbage of a few pieces may lie around.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
    pieces.write(Buffer.from(tail));
    expect(pieces.end()).toBeUndefined();
  });
  test.each([
    ['that does not end', `${withFile(long).split(long)[0]}${long}`, 'XML_NOT_WELL_FORMED'],
    ['with a < in it', withFile(`${long}<${long}`), 'XML_NOT_WELL_FORMED'],
    ['and an unknown entity in it', withFile(`${long}&x;${long}`), 'XML_NOT_WELL_FORMED'],
    [
      'and names that differ only far behind',
      `${withFile('').split('</Bundle>')[0]}<${long}a></${long}b></Bundle>`,
      'XML_NAME_TOO_LONG',
    ],
    [
      'and an attribute name that long',
      `${withFile('').split('</Bundle>')[0]}<a b${'c'.repeat(2000)}="x"/></Bundle>`,
      'XML_NAME_TOO_LONG',
    ],
  ])('%s is refused', (_name, text, code) => {
    expect(check(Buffer.from(text))?.findings.map((f) => f.code)).toEqual([code]);
  });
});
