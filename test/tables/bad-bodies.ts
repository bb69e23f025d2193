// Bad bodies of POST /v1/exports and what each must be answered with: status, code, and every finding as `pointer CODE`
// (api.md section 2, RFC 6901). Played by test/bad-bodies.test.ts.
import { gzipSync } from 'node:zlib';
import { demoDocument } from '../../demo/document.ts';
import { exportBody, inventedKvnr } from '../support/world.ts';

/** Of a client that may only read. */
export const READER_KEY = 'reader-of-bad-bodies-0123456789';
export const KVNR = inventedKvnr(77);
export const OTHER = inventedKvnr(78);
const document = demoDocument(KVNR, 1, new Date('2026-11-25T11:00:00Z'));
export const right = exportBody(KVNR, document);
const content = right.content as Record<string, unknown>;

export type Sent = { body: string | Uint8Array; headers?: Record<string, string>; key?: string | null; path?: string };
const json = (change: Record<string, unknown>): Sent => ({ body: JSON.stringify({ ...right, ...change }) });
const without = (...names: string[]): Sent => ({
  body: JSON.stringify(Object.fromEntries(Object.entries(right).filter(([name]) => !names.includes(name)))),
});
const holding = (change: Record<string, unknown>): Sent => json({ content: { ...content, ...change } });
const bytes = (text: string | Uint8Array, mimeType = 'application/fhir+xml'): Sent =>
  holding({ mimeType, base64: Buffer.from(text).toString('base64') });
const pdf = (text: string): Sent => bytes(text, 'application/pdf');
const text = Buffer.from(document).toString();
export const wrongDigit = `${KVNR.slice(0, 9)}${(Number(KVNR[9]) + 1) % 10}`;
const at = '2026-10-01T08:00:00Z';

export const CASES: [name: string, sent: Sent, status: number, code: string, findings: string[]][] = [
  // The KVNR has its own field, and only there.
  ['a wrong check digit', json({ kvnr: wrongDigit }), 422, 'EXPORT_INVALID', ['/kvnr KVNR_INVALID']],
  ['a KVNR in lower case', json({ kvnr: KVNR.toLowerCase() }), 422, 'EXPORT_INVALID', ['/kvnr KVNR_INVALID']],
  ['a KVNR with a blank', json({ kvnr: `${KVNR} ` }), 422, 'EXPORT_INVALID', ['/kvnr KVNR_INVALID']],
  ['a KVNR in a list', json({ kvnr: [KVNR] }), 422, 'EXPORT_INVALID', ['/kvnr TYPE_INVALID']],
  ['no KVNR', without('kvnr'), 422, 'EXPORT_INVALID', ['/kvnr MEMBER_MISSING']],
  ['a KVNR as reference', json({ reference: KVNR }), 422, 'EXPORT_INVALID', ['/reference TEXT_PERSONAL']],
  ['a KVNR as member', json({ [KVNR]: 1 }), 422, 'EXPORT_INVALID', ['/[masked] MEMBER_UNKNOWN']],
  [
    'where the KVNR comes from is not https',
    json({ kvnrSource: { issuer: 'ftp://x', authenticatedAt: at } }),
    422,
    'EXPORT_INVALID',
    ['/kvnrSource/issuer URL_INVALID'],
  ],
  [
    'when it was authenticated is no time',
    json({ kvnrSource: { issuer: 'https://idp.example', authenticatedAt: 'yesterday' } }),
    422,
    'EXPORT_INVALID',
    ['/kvnrSource/authenticatedAt TIME_INVALID'],
  ],
  // Law: consent and end of the prescription.
  ['no consent', without('consent'), 422, 'EXPORT_INVALID', ['/consent MEMBER_MISSING']],
  [
    'an empty consent',
    json({ consent: {} }),
    422,
    'EXPORT_INVALID',
    ['/consent/id MEMBER_MISSING', '/consent/version MEMBER_MISSING', '/consent/grantedAt MEMBER_MISSING'],
  ],
  [
    'consent on the 30th of February',
    json({ consent: { id: 'c', version: '1', grantedAt: '2026-02-30T00:00:00Z' } }),
    422,
    'EXPORT_INVALID',
    ['/consent/grantedAt TIME_INVALID'],
  ],
  [
    'no end of the prescription',
    without('prescriptionEnds'),
    422,
    'EXPORT_INVALID',
    ['/prescriptionEnds MEMBER_MISSING'],
  ],
  ['an ended prescription', json({ prescriptionEnds: '2020-12-31' }), 409, 'PRESCRIPTION_ENDED', []],
  [
    'an end that is no day',
    json({ prescriptionEnds: '2026-13-01' }),
    422,
    'EXPORT_INVALID',
    ['/prescriptionEnds DAY_INVALID'],
  ],
  ['a notAfter in the past', json({ notAfter: '2020-01-01' }), 422, 'EXPORT_INVALID', ['/notAfter TIME_PAST']],
  [
    'a notBefore behind notAfter',
    json({ notBefore: '2190-02-02', notAfter: '2190-01-01' }),
    422,
    'EXPORT_INVALID',
    ['/notBefore TIME_ORDER'],
  ],
  // Shape.
  ['an unknown member', json({ patient: 'x' }), 422, 'EXPORT_INVALID', ['/patient MEMBER_UNKNOWN']],
  [
    'an unknown member below, with / and ~ in its name',
    json({ consent: { id: 'c', version: '1', grantedAt: at, 'a/b~c': 1 } }),
    422,
    'EXPORT_INVALID',
    ['/consent/a~1b~0c MEMBER_UNKNOWN'],
  ],
  [
    '__proto__ as member',
    { body: JSON.stringify(right).replace('{', '{"__proto__":{"kvnr":"x"},') },
    422,
    'EXPORT_INVALID',
    ['/__proto__ MEMBER_UNKNOWN'],
  ],
  ['an unknown queue', json({ queue: 'newest' }), 422, 'EXPORT_INVALID', ['/queue VALUE_INVALID']],
  ['an unknown priority', json({ priority: 1 }), 422, 'EXPORT_INVALID', ['/priority VALUE_INVALID']],
  ['half a character', json({ series: '\ud800' }), 422, 'EXPORT_INVALID', ['/series TEXT_INVALID']],
  ['a control character', json({ reference: 'a\u0007' }), 422, 'EXPORT_INVALID', ['/reference TEXT_CONTROL']],
  [
    'a reference of 65 characters',
    json({ reference: 'r'.repeat(65) }),
    422,
    'EXPORT_INVALID',
    ['/reference TEXT_TOO_LONG'],
  ],
  [
    'many faults, all named at once',
    json({ kvnr: 'X1', queue: 'x', consent: null, extra: true, notBefore: 'soon' }),
    422,
    'EXPORT_INVALID',
    [
      '/kvnr KVNR_INVALID',
      '/queue VALUE_INVALID',
      '/consent TYPE_INVALID',
      '/notBefore TIME_INVALID',
      '/extra MEMBER_UNKNOWN',
    ],
  ],
  ['a list', { body: JSON.stringify([right]) }, 422, 'EXPORT_INVALID', [' TYPE_INVALID']],
  ['null', { body: 'null' }, 422, 'EXPORT_INVALID', [' TYPE_INVALID']],
  // Not readable as JSON.
  ['broken JSON', { body: JSON.stringify(right).slice(0, -1) }, 400, 'BODY_INVALID', []],
  ['no body', { body: '' }, 400, 'BODY_INVALID', []],
  ['two values', { body: `${JSON.stringify(right)}{}` }, 400, 'BODY_INVALID', []],
  ['a member twice', { body: JSON.stringify(right).replace('{', `{"kvnr":"${OTHER}",`) }, 400, 'BODY_INVALID', []],
  [
    'a member twice, once escaped',
    { body: JSON.stringify(right).replace('{', `{"\\u006bvnr":"${OTHER}",`) },
    400,
    'BODY_INVALID',
    [],
  ],
  ['UTF-16', { body: Buffer.from(JSON.stringify(right), 'utf16le') }, 400, 'BODY_INVALID', []],
  ['brackets without end', { body: '['.repeat(300_000) }, 400, 'BODY_INVALID', []],
  [
    'another media type',
    { body: JSON.stringify(right), headers: { 'content-type': 'text/json' } },
    415,
    'MEDIA_TYPE_UNSUPPORTED',
    [],
  ],
  [
    'a compressed body',
    { body: gzipSync(JSON.stringify(right)), headers: { 'content-encoding': 'gzip' } },
    415,
    'MEDIA_TYPE_UNSUPPORTED',
    [],
  ],
  ['a body beyond the limit', json({ reference: 'r'.repeat(500_000) }), 413, 'DOCUMENT_TOO_LARGE', []],
  // Content.
  ['no content', without('content'), 422, 'EXPORT_INVALID', ['/content MEMBER_MISSING']],
  ['another mimeType', holding({ mimeType: 'text/xml' }), 422, 'EXPORT_INVALID', ['/content/mimeType VALUE_INVALID']],
  ['an empty document', holding({ base64: '' }), 422, 'EXPORT_INVALID', ['/content/base64 TEXT_TOO_SHORT']],
  ['base64 of URLs', holding({ base64: 'PD94-_8=' }), 422, 'EXPORT_INVALID', ['/content/base64 BASE64_INVALID']],
  ['base64 in lines', holding({ base64: 'PD94\r\nbWw=' }), 422, 'EXPORT_INVALID', ['/content/base64 BASE64_INVALID']],
  [
    'a content without entries',
    json({ content: { mode: 'simple', entries: [] } }),
    422,
    'EXPORT_INVALID',
    ['/content/entries TOO_SMALL'],
  ],
  ['a document beyond the limit', bytes('x'.repeat(200_001)), 413, 'DOCUMENT_TOO_LARGE', []],
  ['no XML', bytes('hello'), 422, 'MIO_INVALID', ['/content/base64 XML_MALFORMED']],
  ['cut XML', bytes(text.slice(0, -20)), 422, 'MIO_INVALID', ['/content/base64 XML_MALFORMED']],
  [
    'XML with a DTD',
    bytes(`<!DOCTYPE x [<!ENTITY a "${KVNR}">]>${text.replace(/^<\?xml[^>]*>/, '')}`),
    422,
    'MIO_INVALID',
    ['/content/base64 XML_DOCTYPE'],
  ],
  [
    'another FHIR resource',
    bytes('<Patient xmlns="http://hl7.org/fhir"/>'),
    422,
    'MIO_INVALID',
    ['MIO_BUNDLE_EXPECTED', 'MIO_PROFILE_MISSING', 'MIO_EMPTY', 'MIO_MIN', 'MIO_MIN'].map(
      (code) => `/content/base64 ${code}`,
    ),
  ],
  [
    'another MIO version',
    bytes(text.replace('DIGA_Bundle|1.1.0', 'DIGA_Bundle|9.9.9')),
    422,
    'MIO_INVALID',
    ['/content/base64 MIO_PROFILE_VERSION'],
  ],
  [
    "another person's document",
    bytes(text.replaceAll(KVNR, OTHER)),
    422,
    'MIO_INVALID',
    ['/content/base64 KVNR_MISMATCH'],
  ],
  ['no PDF', pdf('hello'), 422, 'EXPORT_INVALID', ['/content/base64 PDF_HEADER', '/content/base64 PDF_EOF']],
  [
    'a PDF with JavaScript',
    pdf('%PDF-1.7\n/J#53 /JavaScript\n%%EOF'),
    422,
    'EXPORT_INVALID',
    ['/content/base64 PDF_JAVASCRIPT'],
  ],
  [
    'an encrypted PDF',
    pdf('%PDF-1.7\n/Encrypt 1 0 R\n%%EOF'),
    422,
    'EXPORT_INVALID',
    ['/content/base64 PDF_ENCRYPTED'],
  ],
  [
    'a bad document that also comes too late, both named',
    { body: JSON.stringify({ ...right, notAfter: '2020-01-01', content: { ...content, base64: 'eA==' } }) },
    422,
    'EXPORT_INVALID',
    ['/notAfter TIME_PAST', '/content/base64 XML_MALFORMED'],
  ],
  [
    'an unknown mode',
    json({ content: { mode: 'pdf', entries: [] } }),
    422,
    'EXPORT_INVALID',
    ['/content/mode VALUE_INVALID'],
  ],
  ['no mode', json({ content: { entries: [] } }), 422, 'EXPORT_INVALID', ['/content/mode MEMBER_MISSING']],
  [
    'a version of the toolkit that the DiGA does not use',
    holding({ mioVersion: '9.9.9' }),
    422,
    'EXPORT_INVALID',
    ['/content/mioVersion MIO_VERSION_UNKNOWN'],
  ],
  [
    'faults of the export and of its entries, all at once',
    json({
      notAfter: 'soon',
      content: {
        mode: 'simple',
        patient: { kvnr: OTHER },
        entries: [
          { kind: 'bodyWeight', id: 'w', at: '2026-01-01', value: 72.5, unit: 'stone' },
          { kind: 'diary', id: 'd', at: '2026-01-01T10:00:00', text: '' },
          { kind: 'nonsense', id: 'x' },
        ],
      },
    }),
    422,
    'EXPORT_INVALID',
    [
      '/notAfter TIME_INVALID',
      '/content/entries/0/unit VALUE_INVALID',
      '/content/entries/1/at TIME_INVALID',
      '/content/entries/1/text TOO_SMALL',
      '/content/entries/1/text TEXT_BLANK',
      '/content/entries/2/kind VALUE_INVALID',
    ],
  ],
  [
    'a content about another insured',
    json({
      content: {
        mode: 'simple',
        patient: { kvnr: OTHER },
        entries: [{ kind: 'diary', id: 'd', at: '2026-01-01T10:00:00Z', text: 'a' }],
      },
    }),
    422,
    'MIO_INVALID',
    ['/content/patient/kvnr KVNR_MISMATCH'],
  ],
  // Who and how.
  ['no key', { ...json({}), key: null }, 401, 'UNAUTHENTICATED', []],
  ['an unknown key', { ...json({}), key: 'nobody-0123456789' }, 401, 'UNAUTHENTICATED', []],
  ['the role reader', { ...json({}), key: READER_KEY }, 403, 'FORBIDDEN', []],
  ['another DiGA', json({ diga: 'other' }), 403, 'FORBIDDEN', []],
  [
    'a dryRun that is neither true nor false',
    { ...json({}), path: '/v1/exports?dryRun=yes' },
    422,
    'EXPORT_INVALID',
    [' QUERY_INVALID'],
  ],
  [
    'an empty Idempotency-Key',
    { ...json({}), headers: { 'idempotency-key': '' } },
    422,
    'EXPORT_INVALID',
    [' HEADER_INVALID'],
  ],
  [
    'an Idempotency-Key of 256 characters',
    { ...json({}), headers: { 'idempotency-key': 'k'.repeat(256) } },
    422,
    'EXPORT_INVALID',
    [' HEADER_INVALID'],
  ],
];
