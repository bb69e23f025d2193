// POST and GET of exports over the real listener: idempotency, entity tags, retry, and a table of bad bodies of which
// nothing is stored, nothing is sent, and no answer holds the KVNR (api.md section 2, D15).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { KVNR, mioBundle, OTHER_KVNR, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const post = (body: unknown, headers: Record<string, string> = {}) => g.call('/v1/exports', { body, headers });
const content = (text: string, kvnr?: string) => ({
  mode: 'document',
  mimeType: 'application/fhir+xml',
  base64: mioBundle(text, kvnr).toString('base64'),
});
const pdf = (text: string) => ({
  mode: 'document',
  mimeType: 'application/pdf',
  base64: Buffer.from(text).toString('base64'),
});

test('a document is accepted with 202 and Location, written, and never shows the KVNR (EXP-19, EXP-20)', async () => {
  const accepted = await post(exportBody());
  expect(accepted.status).toBe(202);
  expect(accepted.headers.get('x-environment')).toBe('SIM');
  expect(accepted.headers.get('x-request-id')).toBeTruthy();
  const location = accepted.headers.get('location') ?? '';
  expect(location).toBe(`/v1/exports/${accepted.json.id}`);
  await g.gateway.idle();
  const written = await g.call(location);
  expect(written.json).toMatchObject({
    status: 'written',
    reference: 'user-1',
    diga: 'demo',
    series: 'main',
    attempts: 1,
    reason: null,
    document: { version: 1, replaces: null, recordSystem: 'epa-as-1', status: 'written' },
  });
  expect(written.json.documents).toHaveLength(1);
  expect(accepted.text + written.text).not.toContain(KVNR);
});

test('GET has an entity tag, answers 304 to it, and another after the status has changed', async () => {
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const location = (await post(exportBody())).headers.get('location') ?? '';
  await g.gateway.idle();
  const first = await g.call(location);
  const etag = first.headers.get('etag') ?? '';
  expect(first.json).toMatchObject({ status: 'waiting', reason: { code: 'SMCB_PIN_NOT_VERIFIED', who: 'operator' } });
  const same = await g.call(location, { headers: { 'if-none-match': etag } });
  expect([same.status, same.text]).toEqual([304, '']);
  await g.call(`${location}/retry`, { method: 'POST' });
  await g.gateway.idle();
  const later = await g.call(location, { headers: { 'if-none-match': etag } });
  expect([later.status, later.json.status]).toEqual([200, 'written']);
});

describe('Idempotency-Key', () => {
  test('the same key and body answer the same export as it stands now', async () => {
    const first = await post(exportBody(), { 'idempotency-key': 'k-1' });
    await g.gateway.idle();
    const { reference, ...rest } = exportBody();
    const again = await post({ ...rest, reference }, { 'idempotency-key': 'k-1' });
    expect(again.status).toBe(202);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.json).toMatchObject({ id: first.json.id, status: 'written' });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(g.outside.writes).toHaveLength(1);
  });

  test('another body is refused with 422, another client has keys of its own', async () => {
    await post(exportBody(), { 'idempotency-key': 'k-1' });
    const other = await post(exportBody({ reference: 'user-2' }), { 'idempotency-key': 'k-1' });
    expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const second = await g.call('/v1/exports', {
      key: SECOND_KEY,
      body: exportBody({ reference: 'user-2' }),
      headers: { 'idempotency-key': 'k-1' },
    });
    expect(second.status).toBe(202);
  });

  test('of twenty posts at once with one key exactly one export comes out', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(exportBody(), { 'idempotency-key': 'k-2' })),
    );
    expect(new Set(answers.map((a) => a.status)).isSubsetOf(new Set([202, 409]))).toBe(true);
    expect(new Set(answers.filter((a) => a.status === 202).map((a) => a.json.id)).size).toBe(1);
    for (const a of answers.filter((x) => x.status === 409)) expect(a.json.code).toBe('IDEMPOTENCY_KEY_IN_USE');
  });

  test.each(['', 'x'.repeat(256)])('a key of a wrong form is refused', async (key) => {
    const answer = await post(exportBody(), { 'idempotency-key': key });
    expect([answer.status, answer.json.code]).toEqual([422, 'EXPORT_INVALID']);
  });
});

describe('nothing is stored and no KVNR comes back for', () => {
  const without = (member: string) =>
    Object.fromEntries(Object.entries(exportBody()).filter(([name]) => name !== member));
  const findings: [string, unknown, number, string, string][] = [
    ['a wrong check digit', exportBody({ kvnr: 'X110411676' }), 422, 'EXPORT_INVALID', 'KVNR_INVALID'],
    ['a KVNR in lower case', exportBody({ kvnr: KVNR.toLowerCase() }), 422, 'EXPORT_INVALID', 'KVNR_INVALID'],
    ['a KVNR as number', exportBody({ kvnr: 110411675 }), 422, 'EXPORT_INVALID', 'TYPE_INVALID'],
    ['no consent', without('consent'), 422, 'EXPORT_INVALID', 'MEMBER_MISSING'],
    ['no kvnrSource', without('kvnrSource'), 422, 'EXPORT_INVALID', 'MEMBER_MISSING'],
    ['no prescriptionEnds', without('prescriptionEnds'), 422, 'EXPORT_INVALID', 'MEMBER_MISSING'],
    ['no content', without('content'), 422, 'EXPORT_INVALID', 'MEMBER_MISSING'],
    ['an unknown member', exportBody({ patient: 'x' }), 422, 'EXPORT_INVALID', 'MEMBER_UNKNOWN'],
    ['a KVNR as member name', exportBody({ [KVNR]: 1 }), 422, 'EXPORT_INVALID', 'MEMBER_UNKNOWN'],
    ['a KVNR as reference', exportBody({ reference: KVNR }), 422, 'EXPORT_INVALID', 'TEXT_PERSONAL'],
    ['an empty reference', exportBody({ reference: '' }), 422, 'EXPORT_INVALID', 'TEXT_TOO_SHORT'],
    ['a long reference', exportBody({ reference: 'r'.repeat(65) }), 422, 'EXPORT_INVALID', 'TEXT_TOO_LONG'],
    ['a control character', exportBody({ series: 'a\u0000b' }), 422, 'EXPORT_INVALID', 'TEXT_CONTROL'],
    ['a day that is none', exportBody({ prescriptionEnds: '2026-02-30' }), 422, 'EXPORT_INVALID', 'DAY_INVALID'],
    ['a time without offset', exportBody({ notBefore: '2026-12-01T10:00:00' }), 422, 'EXPORT_INVALID', 'TIME_INVALID'],
    [
      'an issuer that is no https URL',
      exportBody({ kvnrSource: { issuer: 'http://x', authenticatedAt: '2026-11-20T08:00:00Z' } }),
      422,
      'EXPORT_INVALID',
      'URL_INVALID',
    ],
    [
      'mode simple without entries',
      exportBody({ content: { mode: 'simple', entries: [] } }),
      422,
      'EXPORT_INVALID',
      'TOO_SMALL',
    ],
    [
      'another mimeType',
      exportBody({ content: { ...content('a'), mimeType: 'text/plain' } }),
      422,
      'EXPORT_INVALID',
      'VALUE_INVALID',
    ],
    [
      'an empty document',
      exportBody({ content: { ...content('a'), base64: '' } }),
      422,
      'EXPORT_INVALID',
      'TEXT_TOO_SHORT',
    ],
    [
      'sloppy base64',
      exportBody({ content: { ...content('a'), base64: 'PEJ1 bmRs' } }),
      422,
      'EXPORT_INVALID',
      'BASE64_INVALID',
    ],
    ['another KVNR inside', exportBody({ content: content('a', OTHER_KVNR) }), 422, 'MIO_INVALID', 'KVNR_MISMATCH'],
    [
      'a PDF with JavaScript',
      exportBody({ content: pdf('%PDF-1.7\n/JavaScript\n%%EOF') }),
      422,
      'EXPORT_INVALID',
      'PDF_JAVASCRIPT',
    ],
    ['broken JSON', `{"kvnr":"${KVNR}"`, 400, 'BODY_INVALID', ''],
    ['an array', [exportBody()], 422, 'EXPORT_INVALID', 'TYPE_INVALID'],
    ['a doubled member', `{"kvnr":"${KVNR}","kvnr":"${OTHER_KVNR}"}`, 400, 'BODY_INVALID', ''],
    ['an escaped doubled member', `{"kvnr":"${KVNR}","\\u006bvnr":"${OTHER_KVNR}"}`, 400, 'BODY_INVALID', ''],
    ['__proto__', `{"__proto__":{"kvnr":"${KVNR}"}}`, 422, 'EXPORT_INVALID', 'MEMBER_UNKNOWN'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'BODY_INVALID', ''],
    ['an ended prescription', exportBody({ prescriptionEnds: '2026-11-24' }), 409, 'PRESCRIPTION_ENDED', ''],
    ['a notAfter that has passed', exportBody({ notAfter: '2026-11-24' }), 422, 'EXPORT_INVALID', 'TIME_PAST'],
    [
      'a notBefore behind the prescription',
      exportBody({ notBefore: '2027-01-01' }),
      422,
      'EXPORT_INVALID',
      'TIME_ORDER',
    ],
    ['another DiGA', exportBody({ diga: 'second' }), 403, 'FORBIDDEN', ''],
    ['an unknown DiGA', exportBody({ diga: 'nobody' }), 403, 'FORBIDDEN', ''],
  ];
  test.each(findings)('%s', async (_name, body, status, code, finding) => {
    const answer = await post(body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.json).toMatchObject({ status, type: `docs/errors#${code}`, who: 'backend' });
    const codes = Array.isArray(answer.json.findings) ? answer.json.findings.map((f: { code: string }) => f.code) : [];
    if (finding === '') expect(codes).toEqual([]);
    else expect(codes).toContain(finding);
    expect(answer.text).not.toContain(KVNR);
    expect(answer.text).not.toContain(OTHER_KVNR);
    expect((await g.call('/v1/exports')).json).toEqual({ exports: [], next: null });
    expect(g.outside.writes).toHaveLength(0);
  });
});

test('every fault of a body is named at once, by pointer (SEC-16)', async () => {
  const { consent: _consent, ...rest } = exportBody({ kvnr: 'X1', extra: true, queue: 'none' });
  const { findings } = (await post(rest)).json;
  expect(Array.isArray(findings) && findings.map((f: { pointer: string }) => f.pointer).sort()).toEqual([
    '/consent',
    '/extra',
    '/kvnr',
    '/queue',
  ]);
});

test('the end of the prescription is inclusive in Berlin', async () => {
  expect((await post(exportBody({ prescriptionEnds: '2026-11-25' }))).status).toBe(202);
});

test('EXP-11: a body or document above the limits is 413, with number and setting', async () => {
  await g.close();
  g = await testGateway((raw) => ({ ...raw, limits: { documentBytes: 1024, bodyBytes: 16_384 } }));
  const document = await post(exportBody({ content: content('x'.repeat(2000)) }));
  const body = await post(exportBody({ content: content('x'.repeat(20_000)) }));
  expect([document.status, document.json.code]).toEqual([413, 'DOCUMENT_TOO_LARGE']);
  expect([body.status, body.json.code]).toEqual([413, 'DOCUMENT_TOO_LARGE']);
  expect(document.json.detail).toContain('1024 (limits.documentBytes)');
  expect(body.json.detail).toContain('16384 bytes');
});

test.each([
  ['an unknown parameter', '/v1/exports?dryrun=true'],
  ['a dryRun of another value', '/v1/exports?dryRun=1'],
  ['a doubled dryRun', '/v1/exports?dryRun=true&dryRun=false'],
  ['any parameter', '/v1/exports?x'],
])('%s of a POST is refused, never ignored', async (_name, path) => {
  const answer = await g.call(path, { body: exportBody() });
  expect([answer.status, answer.json.code]).toEqual([422, 'EXPORT_INVALID']);
});

describe('retry', () => {
  test('runs a waiting export, once a minute', async () => {
    g.outside.answers.push(
      () => registryError('not-entitled'),
      () => registryError('not-entitled'),
    );
    g.outside.answers.push(
      () => registryError('not-entitled'),
      () => registryError('not-entitled'),
    );
    const location = (await post(exportBody())).headers.get('location') ?? '';
    await g.gateway.idle();
    expect((await g.call(location)).json).toMatchObject({
      status: 'waiting',
      reason: { code: 'RECORD_NOT_ENTITLED', who: 'insured', userMessage: { key: 'approve-diga' } },
    });
    expect((await g.call(`${location}/retry`, { method: 'POST' })).status).toBe(202);
    await g.gateway.idle();
    const soon = await g.call(`${location}/retry`, { method: 'POST' });
    expect([soon.status, soon.json.code, soon.headers.get('retry-after')]).toEqual([429, 'TOO_MANY_REQUESTS', '60']);
    g.clock.advance(41_500);
    const later = await g.call(`${location}/retry`, { method: 'POST' });
    expect([later.status, later.headers.get('retry-after')]).toEqual([429, '19']);
    g.clock.advance(18_500);
    expect((await g.call(`${location}/retry`, { method: 'POST' })).status).toBe(202);
    await g.gateway.idle();
    expect((await g.call(location)).json.status).toBe('written');
    const done = await g.call(`${location}/retry`, { method: 'POST' });
    expect([done.status, done.json.code]).toEqual([409, 'STATE_CONFLICT']);
  });

  test('needs the writer, and the DiGA of the export', async () => {
    const location = (await post(exportBody())).headers.get('location') ?? '';
    expect((await g.call(`${location}/retry`, { method: 'POST', key: READER_KEY })).status).toBe(403);
    expect((await g.call(`${location}/retry`, { method: 'POST', key: SECOND_KEY })).status).toBe(404);
    expect((await g.call(location, { key: SECOND_KEY })).status).toBe(404);
  });
});

test('the list is newest first, pages by cursor, and holds only the exports of the own DiGA', async () => {
  for (const series of ['a', 'b', 'c']) await post(exportBody({ series }));
  const first = await g.call('/v1/exports?limit=2');
  const second = await g.call(`/v1/exports?limit=2&after=${first.json.next}`);
  const seriesOf = (a: typeof first) =>
    Array.isArray(a.json.exports) ? a.json.exports.map((e: { series: string }) => e.series) : [];
  expect([seriesOf(first), seriesOf(second), second.json.next]).toEqual([['c', 'b'], ['a'], null]);
  expect(seriesOf(await g.call('/v1/exports', { key: SECOND_KEY }))).toEqual([]);
  const wrong = await g.call('/v1/exports?limit=0&kvnr=1');
  expect([wrong.status, wrong.json.code]).toEqual([422, 'EXPORT_INVALID']);
});

test('remedies come in the language asked for', async () => {
  const english = await g.call('/v1/exports/none', { headers: { 'accept-language': 'en-GB, de;q=0.5' } });
  const german = await g.call('/v1/exports/none', { headers: { 'accept-language': 'fr, de' } });
  expect([english.json.remedy, german.json.remedy]).toEqual([
    'Check the address and the id.',
    'Prüfen Sie Adresse und Kennung.',
  ]);
});
