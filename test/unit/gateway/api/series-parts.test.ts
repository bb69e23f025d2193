// A series over time: parts that lose their data, documents that the insured deleted, documents that an import named, finished
// documents beside parts (D2, D4, EXP-18, OPS-04). Nobody is ever refused for what the record holds, and nothing is called
// unchanged that is not there.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judgeXml } from '../../../../gateway/documents/judge.ts';
import { openToolkits } from '../../../../gateway/documents/toolkits.ts';
import { KVNR, mioBundle, noAnswer, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway((raw) => ({ ...raw, limits: { documentBytes: 40_000 } }));
});
afterEach(() => g.close());

const weight = (day: string) => ({
  kind: 'bodyWeight',
  id: `w-${day}`,
  at: `${day}T07:30:00+01:00`,
  value: 72.5,
  unit: 'kg',
});
const days = (month: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => weight(`${month}-${String(from + n).padStart(2, '0')}`));
const [september, october] = [days('2026-09', 1, 5), days('2026-10', 1, 4)];
const autumn = [...september, ...october];
const body = (entries: unknown[], more: Record<string, unknown> = {}) =>
  exportBody({ content: { mode: 'simple', entries }, ...more });
const post = (value: unknown) => g.call('/v1/exports', { body: value });

type Export = {
  id: string;
  status: string;
  reason: { code: string } | null;
  documents: { part: string | null; status: string; version: number | null; replaces: string | null }[];
};
/** Posts, and waits until nothing is due. */
async function run(value: unknown): Promise<Export> {
  const answer = await post(value);
  expect(answer.text.slice(0, 800)).toContain('"id"');
  await g.gateway.idle();
  return (await g.call(`/v1/exports/${answer.json.id}`)).json as Export;
}
const parts = ({ documents }: Export) => documents.map((one) => [one.part, one.status, one.version]);
const written = () => g.outside.writes.map((one) => one.content.toString());
const toolkits = openToolkits();
const errorsIn = (text: string) =>
  judgeXml(Buffer.from(text), toolkits, { versions: ['1.1.0'], maxBytes: 25_000_000, kvnr: KVNR }).findings.filter(
    (finding) => finding.severity === 'error',
  );

test.each([
  [
    'oldest',
    october,
    [
      [null, 'written', 2],
      ['2026-10-01', 'unchanged', 1],
    ],
  ],
  [
    'newest',
    september,
    [
      [null, 'unchanged', 1],
      ['2026-10-01', 'written', 2],
    ],
  ],
])(
  'D4: the %s part that has lost all its data is replaced by a valid document without any',
  async (_, left, states) => {
    await run(body(autumn));
    const later = await run(body(left));
    expect([later.status, parts(later)]).toEqual(['written', states]);
    const text = written().at(-1) ?? '';
    expect(errorsIn(text)).toEqual([]);
    expect(text).not.toContain('<Observation>');
    expect((await run(body(left))).status).toBe('unchanged');
    expect((await run(body(autumn))).status).toBe('written');
  },
);

test('EXP-18: what the insured deleted is not unchanged when it comes again', async () => {
  await run(body([weight('2026-11-20')]));
  g.outside.answers.push(() => registryError('target-unknown'));
  expect((await run(body([weight('2026-11-21')]))).reason?.code).toBe('TARGET_GONE');
  const foreseen = await g.call('/v1/exports?dryRun=true', { body: body([weight('2026-11-20')]) });
  expect(foreseen.json.status).toBe('queued');
  g.outside.answers.push(() => registryError('target-unknown'));
  const again = await run(body([weight('2026-11-20')], { onTargetGone: 'create-new' }));
  expect(again.status).toBe('written');
  expect((await run(body([weight('2026-11-20')]))).status).toBe('unchanged');
});

test('D4: a finished document is refused where the series stands in parts, which it would repeat', async () => {
  await run(body(autumn));
  const xml = Buffer.from(mioBundle('one'));
  const finished = { mode: 'document', mimeType: 'application/fhir+xml', base64: xml.toString('base64') };
  for (const path of ['/v1/exports', '/v1/exports?dryRun=true']) {
    const answer = await g.call(path, { body: exportBody({ content: finished }) });
    expect([answer.status, answer.json.code, answer.json.who]).toEqual([409, 'SERIES_SPLIT', 'backend']);
  }
  expect((await g.call('/v1/exports')).json.exports).toHaveLength(1);
  expect((await run(exportBody({ content: finished, series: 'other' }))).status).toBe('written');
  expect((await run(body([...autumn, weight('2026-10-05')]))).status).toBe('written');
});

test('D4: so it is while the parts are still on their way', async () => {
  g.outside.answers.push(noAnswer, noAnswer);
  expect((await run(body(autumn))).status).toBe('unclear');
  expect((await post(exportBody())).json.code).toBe('SERIES_SPLIT');
});

test('D3: a finished document takes the place of parts that were never sent', async () => {
  g.outside.answers.push(() => registryError('busy'));
  const first = await run(body(autumn));
  expect(first.status).toBe('queued');
  expect((await post(exportBody())).status).toBe(202);
  expect((await g.call(`/v1/exports/${first.id}`)).json.status).toBe('superseded');
});

describe('OPS-04: parts that an import named', () => {
  const brought = async (...names: (string | null)[]) => {
    const entries = names.map((part, n) => ({
      kvnr: KVNR,
      series: 'main',
      part,
      entryUuid: `urn:uuid:0b5c0a5e-3d3f-4a60-9d5f-7a6f2f6f1a0${n}`,
      version: 3,
      recordSystem: 'epa-as-1',
    }));
    expect((await g.call('/v1/series/import', { body: { entries } })).status).toBe(200);
  };

  test('go on with the data of their days, and are emptied where there are none', async () => {
    await brought(null, '2026-10-01', '2026-11-01');
    const done = await run(body(autumn));
    expect(done.status).toBe('written');
    expect(parts(done)).toEqual([
      [null, 'written', 4],
      ['2026-10-01', 'written', 4],
      ['2026-11-01', 'written', 4],
    ]);
    for (const text of written()) expect(errorsIn(text)).toEqual([]);
    expect(written().map((text) => text.split('<Observation>').length - 1)).toEqual([4, 5, 0]);
    expect((await run(body(autumn))).status).toBe('unchanged');
  });

  test('need no document of the whole beside them', async () => {
    await brought('2026-10-01');
    const done = await run(body([weight('2026-11-20')]));
    expect(done.status).toBe('written');
    expect(parts(done)).toEqual([
      ['2026-10-01', 'written', 4],
      ['2026-11-01', 'written', 1],
    ]);
    const preview = await g.call('/v1/mio/preview', { body: body([weight('2026-11-20')]) });
    expect(preview.headers.get('mio-parts')).toBe('2026-11-01, 2026-10-01');
    expect((await run(body([weight('2026-11-20')]))).status).toBe('unchanged');
    const next = await run(body([weight('2026-09-20'), weight('2026-11-20')]));
    expect(next.status).toBe('written');
    for (const text of written()) expect(errorsIn(text)).toEqual([]);
  });
});

test('the content of a split export is that of its newest document, or of the part that is asked for', async () => {
  const { id } = (await post(body(autumn, { notBefore: '2026-12-01' }))).json as unknown as Export;
  const content = (query = '') => g.call(`/v1/exports/${id}/content${query}`);
  const newest = await content();
  expect(newest.text).toContain('2026-10-0');
  expect((await content('?part=2026-10-01')).text).toBe(newest.text);
  expect((await content('?part=document')).text).toContain('2026-09-0');
  for (const missing of ['?part=pdf', '?part=2026-11-01']) expect((await content(missing)).status).toBe(404);
  expect((await content('?part=october')).status).toBe(422);
});
