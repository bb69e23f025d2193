// Preview and validation of documents (api.md section 2): what an export would write, and what is wrong, with nothing stored
// (EXP-12, EXP-29, D15, D26).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeAll(async () => {
  g = await testGateway((raw) => ({ ...raw, limits: { documentBytes: 40_000 } }));
});
afterAll(() => g.close());

const weight = (day: string, more: Record<string, unknown> = {}) => ({
  kind: 'bodyWeight',
  id: `w-${day}`,
  at: `${day}T07:30:00+01:00`,
  value: 72.5,
  unit: 'kg',
  ...more,
});
const simple = (...entries: object[]) => ({ mode: 'simple', entries });
const preview = (content: object, query = '', more: object = {}) =>
  g.call(`/v1/mio/preview${query}`, { body: { kvnr: KVNR, content, ...more } });
const exports_ = async () => (await g.call('/v1/exports')).json.exports as unknown[];
const withoutTimes = (text: string) =>
  text
    .replace(/<Bundle ([^>]*)><id value="[^"]*"\/>/, '<Bundle $1>')
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'TIME')
    .replace(/urn:uuid:[^"]*("\/><\/identifier><type value="document")/, '$1');

describe('EXP-29: a preview', () => {
  test('is what an export of the same body writes, but for the id and the times of the document', async () => {
    const content = simple(weight('2026-11-20'));
    const seen = await preview(content);
    expect([seen.status, seen.headers.get('content-type'), seen.headers.get('mio-parts')]).toEqual([
      200,
      'application/fhir+xml',
      'document',
    ]);
    expect(await exports_()).toEqual([]);
    g.clock.advance(1000);
    await g.call('/v1/exports', { body: exportBody({ content, series: 'preview' }) });
    await g.gateway.idle();
    const sent = g.outside.writes[0]?.content.toString() ?? '';
    expect(sent).not.toBe(seen.text);
    expect(withoutTimes(sent)).toBe(withoutTimes(seen.text));
    // On the ground of what is written now: nothing has changed.
    const again = await preview(content, '', { series: 'preview' });
    expect(again.text).toBe(sent);
  });

  test('of several parts is the newest, or the one that is asked for', async () => {
    const days = ['09-01', '09-02', '09-03', '09-04', '09-05', '10-01', '10-02', '10-03', '10-04'];
    const content = simple(...days.map((day) => weight(`2026-${day}`)));
    const newest = await preview(content);
    expect(newest.headers.get('mio-parts')).toBe('2026-10-01, document');
    expect(newest.text).toContain('2026-10-04T');
    expect((await preview(content, '?part=document')).text).toContain('2026-09-01T');
    expect(withoutTimes((await preview(content, '?part=2026-10-01')).text)).toBe(withoutTimes(newest.text));
    expect((await preview(content, '?part=2026-12-01')).status).toBe(404);
    expect((await preview(content, '?part=pdf')).status).toBe(422);
  });

  test('is for writers, and the audit trail knows of it', async () => {
    const body = { kvnr: KVNR, content: simple(weight('2026-11-20')) };
    expect((await g.call('/v1/mio/preview', { body, key: READER_KEY })).status).toBe(403);
    const trail = await g.admin('/admin/v1/audit');
    expect(trail.text).toContain('mio.previewed');
    expect(trail.text).not.toContain(KVNR);
  });

  test.each<[string, object, number, string]>([
    ['without entries', { content: simple() }, 422, '/content/entries'],
    [
      'of another insured',
      { content: { ...simple(weight('2026-11-20')), patient: { kvnr: OTHER_KVNR } } },
      422,
      '/content/patient/kvnr',
    ],
    ['without KVNR', { kvnr: undefined, content: simple(weight('2026-11-20')) }, 422, '/kvnr'],
    ['with a member that no export has', { x: 1, content: simple(weight('2026-11-20')) }, 422, '/x'],
  ])('%s is refused as the export would be', async (_what, change, status, pointer) => {
    const answer = await g.call('/v1/mio/preview', { body: { kvnr: KVNR, ...change } });
    expect([answer.status, (answer.json.findings as { pointer: string }[])[0]?.pointer]).toEqual([status, pointer]);
    expect(answer.text).not.toContain(OTHER_KVNR);
  });
});

type Issue = {
  severity: string;
  diagnostics?: string;
  expression?: string[];
  details: { coding?: { code: string }[] };
};
const validate = async (body: unknown, type = 'application/json') => {
  const answer = await g.call('/v1/mio/validate', { body, headers: { 'content-type': type } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/fhir+json; charset=utf-8']);
  expect(answer.json.resourceType).toBe('OperationOutcome');
  const issues = answer.json.issue as Issue[];
  return issues.map((issue) => [
    issue.severity,
    issue.details.coding?.[0]?.code,
    issue.diagnostics ?? issue.expression?.[0],
  ]);
};
const FINE = [['information', undefined, undefined]];

describe('EXP-12: validation', () => {
  test('of a document in XML finds nothing, or every fault with its place', async () => {
    expect(await validate(mioBundle('a'), 'application/fhir+xml')).toEqual(FINE);
    const bad = mioBundle('a').toString().replace('"DiGA-Export"', '"Export"').replace('"document"', '"collection"');
    const found = await validate(Buffer.from(bad), 'application/fhir+xml');
    expect(found).toContainEqual(['error', 'MIO_FIXED', '/type']);
    expect(found).toContainEqual(['error', 'MIO_FIXED', '/entry/0/resource/title']);
  });

  test('of what is no XML at all is an answer, too', async () => {
    expect(await validate(Buffer.from('<a'), 'application/fhir+xml')).toEqual([['error', 'XML_MALFORMED', undefined]]);
  });

  test('D15: no KVNR comes back, also where one is the name of an element or a member', async () => {
    const entry = { ...weight('2026-11-20'), [OTHER_KVNR]: 1 };
    const bodies: [unknown, string?][] = [
      [Buffer.from(`<Patient xmlns="http://hl7.org/fhir"><${OTHER_KVNR}/></Patient>`), 'application/fhir+xml'],
      [{ resourceType: 'Patient', [OTHER_KVNR]: 1 }, 'application/fhir+json'],
      [simple(entry)],
    ];
    for (const [body, type = 'application/json'] of bodies) {
      const { text } = await g.call('/v1/mio/validate', { body, headers: { 'content-type': type } });
      expect(text).toContain('[masked]');
      expect(text).not.toContain(OTHER_KVNR);
    }
  });

  test('D26: of a single resource in JSON takes references that lead nowhere for warnings', async () => {
    const found = await validate({ resourceType: 'Patient', meta: { profile: ['x'] } }, 'application/fhir+json');
    expect(found.some(([severity, code]) => severity === 'error' && code === 'MIO_PROFILE_MISSING')).toBe(true);
  });

  test('of a content, alone or in an export, names the places of what was sent', async () => {
    expect(await validate(simple(weight('2026-11-20')))).toEqual(FINE);
    const bad = simple(weight('2026-11-20', { unit: 'stone' }), { kind: 'nonsense' });
    const pointers = (await validate(bad)).map(([, , pointer]) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/entries/0/unit', '/entries/1/kind']));
    expect((await validate({ content: bad })).map(([, , pointer]) => pointer)).toContain('/content/entries/0/unit');
  });

  test('of a content of another version of the toolkit says so', async () => {
    const found = await validate({ ...simple(weight('2026-11-20')), mioVersion: '1.0.0' });
    expect(found).toEqual([['error', 'MIO_VERSION_UNKNOWN', '/mioVersion']]);
  });

  test.each([
    ['small', 0],
    // Read in the thread.
    ['large', 2_000_000],
  ])('knows a %s body by all of its members, in whatever order they stand', async (_size, padding) => {
    const { kind, ...rest } = weight('2026-11-20', { unit: 'stone' });
    const filler = 'x'.repeat(padding);
    const content = { entries: [{ comment: filler, ...rest, kind }], mode: 'simple' };
    const places = async (body: object, type?: string) =>
      (await validate(body, type)).map(([, , pointer]) => pointer).filter((one) => one?.endsWith('/unit'));
    expect(await places(content)).toEqual(['/entries/0/unit']);
    expect(await places({ reference: filler, kvnr: KVNR, diga: 'demo', content })).toEqual(['/content/entries/0/unit']);
    // Bytes before the first member are no fault of it.
    expect(await places(Buffer.from(`\uFEFF ${JSON.stringify(content)}`))).toEqual(['/entries/0/unit']);
    const resource = { mode: filler, content: {}, meta: { profile: ['x'] }, resourceType: 'Patient' };
    const codes = (await validate(resource, 'application/fhir+json')).map(([, code]) => code);
    expect(codes).toContain('MIO_PROFILE_MISSING');
    const base64 = Buffer.from(mioBundle('a').toString().replace('"DiGA-Export"', '"x"')).toString('base64');
    const document = { base64, mimeType: 'application/fhir+xml', mode: 'document' };
    expect(await validate({ reference: filler, content: document })).toEqual([
      ['error', 'MIO_FIXED', '/content/base64'],
    ]);
  });

  test.each([
    ['cut short', '{"mode":"simple","entries":['],
    ['a member twice', '{"mode":"simple","mode":"simple"}'],
    ['no object', '['],
  ])('a large body that is no JSON is refused as a small one is: %s', async (_what, start) => {
    for (const length of [0, 2_000_000]) {
      const answer = await g.call('/v1/mio/validate', { body: `${start}${' '.repeat(length)}` });
      expect([answer.status, answer.json.code]).toEqual([400, 'BODY_INVALID']);
    }
  });

  test('of a content with a finished document judges the document', async () => {
    const base64 = Buffer.from(mioBundle('a').toString().replace('"DiGA-Export"', '"x"')).toString('base64');
    const found = await validate({ mode: 'document', mimeType: 'application/fhir+xml', base64 });
    expect(found).toEqual([['error', 'MIO_FIXED', '/base64']]);
  });

  test('holds no value of what was sent, and stores nothing', async () => {
    const before = (await exports_()).length;
    const secret = 'Geheimnis-4711';
    const answer = await g.call('/v1/mio/validate', {
      body: { resourceType: 'Observation', status: secret, meta: { profile: [secret] } },
    });
    expect(answer.text).not.toContain(secret);
    expect(await exports_()).toHaveLength(before);
  });

  test.each([
    ['no JSON', '{', 'application/json', 400],
    ['another type', 'x', 'text/plain', 415],
    ['an empty body', '', 'application/json', 400],
  ])('%s is refused', async (_what, body, type, status) => {
    const answer = await g.call('/v1/mio/validate', { body, headers: { 'content-type': type } });
    expect(answer.status).toBe(status);
  });
});
