// `content.mode: simple` (api.md section 2, mio-diga.md section 13): small JSON becomes a valid document before 202, versions and
// parts follow what the record holds, and whatever is wrong is told at once, with nothing stored.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FORM, formOf } from '../../../support/export-form.ts';
import { KVNR, OTHER_KVNR, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, type TestGateway, testGateway } from '../../../support/gateway-server.ts';
import { body, type Entry, errorsIn, simpleExports, weight } from '../../../support/simple-exports.ts';

const LIMIT = 40_000;
let g: TestGateway;
beforeEach(async () => {
  g = await testGateway((raw) => ({ ...raw, limits: { documentBytes: LIMIT } }));
});
afterEach(() => g.close());
const { post, written, export_, stored } = simpleExports(() => g);

const idOf = (text: string) => /<Bundle [^>]*><id value="([^"]*)"/.exec(text)?.[1];
const versionOf = (text: string) => /<Bundle [^>]*><id [^>]*><meta><versionId value="(\d+)"/.exec(text)?.[1];

test('D5: entries become a valid document about the insured of the export, which is what is written', async () => {
  const done = await export_([weight('2026-11-20')]);
  expect(done).toMatchObject({ status: 'written', document: { part: null, version: 1 } });
  const [text = ''] = written();
  expect(errorsIn(text)).toEqual([]);
  expect(text).toContain(`<value value="${KVNR}"/>`);
  expect(text).toContain('<value value="DEMO-0001"/>');
  expect(text).toContain('<name value="Demo GmbH"/>');
  expect(g.outside.writes[0]?.order).toMatchObject({ serviceStart: new Date('2026-11-20T06:30:00Z') });
});

test('numbers stay as they are spelled', async () => {
  const raw = JSON.stringify(body([weight('2026-11-20', 'NUMBER')])).replace('"NUMBER"', '72.50');
  expect((await post(raw)).status).toBe(202);
  await g.gateway.idle();
  expect(written()[0]).toContain('<value value="72.50"/>');
});

test('a second version goes on with ids and counters, and replaces the first', async () => {
  await export_([weight('2026-11-20')]);
  g.clock.advance(60_000);
  const second = await export_([weight('2026-11-20'), weight('2026-11-21', 72.1)]);
  expect(second).toMatchObject({ status: 'written', document: { version: 2 } });
  const [one = '', two = ''] = written();
  expect([versionOf(one), versionOf(two)]).toEqual(['1', '2']);
  expect(idOf(one)).not.toBe(idOf(two));
  const observation = (text: string) => /<Observation><id value="([^"]*)"\/><meta><versionId value="(\d)"/.exec(text);
  expect(observation(two)?.slice(1)).toEqual(observation(one)?.slice(1));
  expect(g.outside.writes[1]?.order.replaces).toBe(g.outside.writes[0]?.order.entryUuid);
});

test('EXP-18: the same content again is unchanged and not sent, although a day has passed', async () => {
  const first = await export_([weight('2026-11-20')]);
  g.clock.advance(86_400_000);
  const again = await export_([weight('2026-11-20')]);
  expect(again).toMatchObject({ status: 'unchanged', reason: { code: 'CONTENT_UNCHANGED', export: first.id } });
  expect(g.outside.writes).toHaveLength(1);
});

test('content of an export that never reached the record does not make the next one unchanged', async () => {
  await export_([weight('2026-11-20')]);
  g.outside.answers.push(() => registryError('rejected'));
  const refused = await export_([weight('2026-11-20', 70)]);
  expect(refused.status).toBe('refused');
  const again = await export_([weight('2026-11-20', 70)]);
  expect(again).toMatchObject({ status: 'written', document: { version: 2 } });
  expect(written().map(versionOf)).toEqual(['1', '2', '2']);
  const back = await export_([weight('2026-11-20')]);
  expect(back).toMatchObject({ status: 'written', document: { version: 3 } });
});

test('exports of one series that come at once never share a version', async () => {
  const values = [70, 71, 72, 73];
  const answers = await Promise.all(values.map((value) => post(body([weight('2026-11-20', value)], { queue: 'all' }))));
  expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202]);
  await g.gateway.idle();
  expect(written().map(versionOf)).toEqual(['1', '2', '3', '4']);
});

describe('D4: more than a document may hold', () => {
  const days = (month: string, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => weight(`${month}-${String(from + n).padStart(2, '0')}`));
  const autumn = [...days('2026-09', 1, 5), ...days('2026-10', 1, 4)];

  test('becomes parts with chains of their own, the newest written first', async () => {
    const done = await export_(autumn);
    expect(done.documents.map((one) => [one.part, one.status, one.version])).toEqual([
      [null, 'written', 1],
      ['2026-10-01', 'written', 1],
    ]);
    expect(done.document.part).toBe('2026-10-01');
    for (const text of written()) expect(errorsIn(text)).toEqual([]);
    for (const { content } of g.outside.writes) expect(content.length).toBeLessThanOrEqual(LIMIT);
    expect(written()[0]).toContain('2026-10-04T');
    expect(written()[1]).toContain('2026-09-05T');
    const times = g.outside.writes.map(({ order }) => order.serviceStart?.toISOString());
    expect(times).toEqual(['2026-09-30T22:00:00.000Z', '2026-08-31T22:00:00.000Z']);
  });

  test('later only the part that changed is sent; the others keep what they are', async () => {
    const first = await export_(autumn);
    g.clock.advance(86_400_000);
    const second = await export_([...autumn, weight('2026-10-05')]);
    expect(second.status).toBe('written');
    expect(second.documents.map((one) => [one.part, one.status, one.version])).toEqual([
      [null, 'unchanged', 1],
      ['2026-10-01', 'written', 2],
    ]);
    // It is shown as the record holds it.
    expect(second.documents[0]?.entryUuid).toBe(first.documents[0]?.entryUuid);
    expect(g.outside.writes).toHaveLength(3);
    expect(g.outside.writes[2]?.order.replaces).toBe(g.outside.writes[0]?.order.entryUuid);
    const third = await export_([...autumn, weight('2026-10-05')]);
    expect(third.status).toBe('unchanged');
    expect(g.outside.writes).toHaveLength(3);
    const { series } = (await g.call('/v1/series?reference=user-1')).json as { series: Record<string, unknown>[] };
    expect(series[0]).toMatchObject({ upToDate: true, written: { version: 2, part: '2026-10-01' } });
  });

  test('a single entry that is too large is refused by its place', async () => {
    const long = { kind: 'diary', id: 'd', at: '2026-11-20T08:00:00+01:00', text: 'x'.repeat(9_999) };
    const many = Array.from({ length: 5 }, (_, n) => ({ ...long, id: `d${n}` }));
    const answer = await post(body(many));
    expect([answer.status, answer.json.code]).toEqual([413, 'DOCUMENT_TOO_LARGE']);
    expect((answer.json.findings as { pointer: string }[])[0]?.pointer).toMatch(/^\/content\/entries/);
    expect(await stored()).toEqual([]);
  });
});

test('EXP-14: a PDF beside entries is a series of its own, and not sent again while it is the same', async () => {
  const pdf = Buffer.from('%PDF-1.7\n%%EOF\n');
  const send = (entries: Entry[]) => {
    const form = formOf([
      { name: 'export', type: 'application/json', content: JSON.stringify(body(entries)) },
      { name: 'pdf', type: 'application/pdf', content: pdf },
    ]);
    return g.call('/v1/exports', { body: form, headers: { 'content-type': FORM } });
  };
  const first = await send([weight('2026-11-20')]);
  expect([first.status, first.text]).toEqual([202, expect.stringContaining('"pdf"')]);
  await g.gateway.idle();
  await send([weight('2026-11-21')]);
  await g.gateway.idle();
  expect(g.outside.writes.map((one) => one.order.mimeType)).toEqual([
    'application/fhir+xml',
    'application/pdf',
    'application/fhir+xml',
  ]);
  expect(g.outside.writes[1]?.order).not.toHaveProperty('serviceStart');
});

test('a form may not bring a document beside entries', async () => {
  const form = formOf([
    { name: 'export', type: 'application/json', content: JSON.stringify(body([weight('2026-11-20')])) },
    { name: 'document', type: 'application/fhir+xml', content: '<a/>' },
  ]);
  const answer = await g.call('/v1/exports', {
    body: form,
    headers: { 'content-type': FORM },
  });
  expect(answer.status).toBe(422);
  expect(answer.json.findings).toMatchObject([{ code: 'PART_UNEXPECTED' }]);
  expect(await stored()).toEqual([]);
});

test('dryRun foresees parts and versions and stores nothing', async () => {
  await export_([weight('2026-11-20')]);
  const foreseen = await g.call('/v1/exports?dryRun=true', { body: body([weight('2026-11-21')]) });
  expect(foreseen.json).toMatchObject({ status: 'queued', document: { part: null, version: 2 } });
  const same = await g.call('/v1/exports?dryRun=true', { body: body([weight('2026-11-20')]) });
  expect(same.json).toMatchObject({ status: 'unchanged', document: { version: null } });
  expect(await stored()).toHaveLength(1);
});

test('an Idempotency-Key names the content as it was ordered, whatever the order of its members', async () => {
  const first = await post(body([weight('2026-11-20')]), { 'idempotency-key': 'k' });
  g.clock.advance(1000);
  const entry = Object.fromEntries(Object.entries(weight('2026-11-20')).reverse());
  const again = await post(body([entry]), { 'idempotency-key': 'k' });
  expect([again.status, again.json.id, again.headers.get('idempotent-replayed')]).toEqual([202, first.json.id, 'true']);
  const other = await post(body([weight('2026-11-20', 71)]), { 'idempotency-key': 'k' });
  expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
});

test('warnings come with the acceptance: a device that nobody declared', async () => {
  const answer = await post(body([weight('2026-11-20', 72.5, { device: 'scale' })]));
  expect(answer.status).toBe(202);
  expect(answer.json.warnings).toMatchObject([{ pointer: '/content/entries/0/device', code: 'ENTRY_UNDECLARED' }]);
  expect((await post(body([weight('2026-11-21')]))).json).not.toHaveProperty('warnings');
});

test('a batch takes entries, line by line', async () => {
  const lines = [body([weight('2026-11-20')]), body([weight('2026-11-20', 72.5, { unit: 'stone' })])];
  const answer = await g.call('/v1/exports/batch', {
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const results = answer.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(results).toMatchObject([
    { line: 1, status: 202 },
    { line: 2, status: 422, problem: { findings: [{ pointer: '/content/entries/0/unit' }] } },
  ]);
});

test.each(['/v1/exports', '/v1/exports?dryRun=true', '/v1/mio/preview'])(
  'without the app in the settings it is the operator who must act: %s',
  async (path) => {
    const key = 'second-key-0123456789';
    const answer = await g.call(path, { key, body: body([weight('2026-11-20')]) });
    expect([answer.status, answer.json.code, answer.json.who]).toEqual([503, 'APP_NOT_CONFIGURED', 'operator']);
    expect([answer.json.findings, answer.headers.get('retry-after')]).toEqual([undefined, '600']);
    expect(answer.json.remedy).toContain('digas[].app');
    const faulty = await g.call(path, { key, body: body([weight('2026-11-20', 72.5, { unit: 'stone' })]) });
    expect([faulty.status, faulty.json.who]).toEqual([422, 'backend']);
  },
);

describe('refused, and nothing is stored:', () => {
  const pointers = (answer: { json: Record<string, unknown> }) =>
    ((answer.json.findings ?? []) as { pointer: string; code: string }[]).map((f) => `${f.pointer} ${f.code}`);
  test.each<[string, Record<string, unknown>, string, string[]]>([
    ['no entries', { entries: undefined }, 'EXPORT_INVALID', ['/content/entries MEMBER_MISSING']],
    ['an unknown member', { entries: [weight('2026-11-20')], x: 1 }, 'EXPORT_INVALID', ['/content/x MEMBER_UNKNOWN']],
    [
      'a version that the DiGA may not use, and what else is wrong',
      { mioVersion: '1.0.0', entries: [weight('2026-11-20', 72.5, { unit: 'stone' })] },
      'EXPORT_INVALID',
      ['/content/mioVersion MIO_VERSION_UNKNOWN', '/content/entries/0/unit VALUE_INVALID'],
    ],
    [
      'a version that is no text',
      { mioVersion: 1, entries: [weight('2026-11-20')] },
      'EXPORT_INVALID',
      ['/content/mioVersion TYPE_INVALID', '/content/mioVersion VALUE_INVALID'],
    ],
    [
      'another KVNR',
      { entries: [weight('2026-11-20')], patient: { kvnr: OTHER_KVNR } },
      'MIO_INVALID',
      ['/content/patient/kvnr KVNR_MISMATCH'],
    ],
    [
      'an id twice',
      { entries: [weight('2026-11-20'), weight('2026-11-20')] },
      'EXPORT_INVALID',
      ['/content/entries/1/id ID_REPEATED'],
    ],
    [
      'a character that XML forbids',
      { entries: [{ kind: 'diary', id: 'd', at: '2026-11-20', text: 'a\u0000b' }] },
      'EXPORT_INVALID',
      ['/content/entries/0/text XML_CHARACTER'],
    ],
  ])('%s', async (_what, content, code, expected) => {
    const answer = await post(exportBody({ content: { mode: 'simple', ...content } }));
    expect([answer.status, answer.json.code, pointers(answer)]).toEqual([422, code, expected]);
    expect(answer.text).not.toContain(OTHER_KVNR);
    expect(await stored()).toEqual([]);
  });
});

test('what is stored is sealed: neither entries nor ids of documents lie in the store', async () => {
  g.outside.answers.push(() => registryError('rejected'));
  await export_([weight('2026-11-20')]);
  const hash = createHash('sha256')
    .update(g.outside.writes[0]?.content ?? '')
    .digest('hex');
  const [one] = (await stored()) as { document: { sha256: string } }[];
  expect(one?.document.sha256).toBe(hash);
});
