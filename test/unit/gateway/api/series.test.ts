// `GET /v1/series?reference=`: what was last written, what is open, and why a user's record is not up to date.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KVNR, mioBundle, noAnswer, OTHER_KVNR, registryError } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const post = async (text: string, change = {}, key?: string) => {
  const content = { ...exportBody().content, base64: mioBundle(text).toString('base64') };
  const answer = await g.call('/v1/exports', {
    body: exportBody({ content, ...change }),
    ...(key !== undefined && { key }),
  });
  await g.gateway.idle();
  return String(answer.json.id);
};
const ask = (query = 'reference=user-1', key = READER_KEY) => g.call(`/v1/series?${query}`, { key });
const notEntitled = () =>
  g.outside.answers.push(
    () => registryError('not-entitled'),
    () => registryError('not-entitled'),
  );

test('a written series is up to date, and names its newest document', async () => {
  await post('one');
  const id = await post('two');
  const { document } = (await g.call(`/v1/exports/${id}`)).json;
  const { entryUuid, sha256, writtenAt } = Object(document);
  const answer = await ask();
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    reference: 'user-1',
    series: [
      {
        diga: 'demo',
        series: 'main',
        upToDate: true,
        frozen: false,
        doubtful: false,
        written: {
          part: null,
          export: id,
          version: 2,
          entryUuid,
          recordSystem: 'epa-as-1',
          sha256,
          writtenAt,
        },
        open: null,
        reason: null,
      },
    ],
  });
  expect(answer.text).not.toContain(KVNR);
});

test('an open export behind the written version, with who must act', async () => {
  const first = await post('one');
  notEntitled();
  const second = await post('two');
  expect((await ask()).json.series).toEqual([
    expect.objectContaining({
      upToDate: false,
      written: expect.objectContaining({ export: first, version: 1 }),
      open: expect.objectContaining({ id: second, status: 'waiting' }),
      reason: expect.objectContaining({ code: 'RECORD_NOT_ENTITLED', who: 'insured', userMessage: expect.anything() }),
    }),
  ]);
});

test('nothing written yet, and the newest open one tells what it is behind', async () => {
  g.outside.answers.push(noAnswer);
  const first = await post('one', { queue: 'all' });
  const second = await post('two', { queue: 'all' });
  expect((await ask()).json.series).toEqual([
    expect.objectContaining({
      upToDate: false,
      written: null,
      open: expect.objectContaining({ id: second, status: 'queued' }),
      reason: expect.objectContaining({ code: 'BEHIND_EXPORT', export: first }),
    }),
  ]);
});

test('a refused newest export: not up to date, nothing open, the reason says why', async () => {
  await post('one');
  g.outside.answers.push(() => registryError('rejected'));
  await post('two');
  expect((await ask()).json.series).toEqual([
    expect.objectContaining({
      upToDate: false,
      written: expect.objectContaining({ version: 1 }),
      open: null,
      reason: expect.objectContaining({ code: 'DOCUMENT_REJECTED' }),
    }),
  ]);
});

test('the same content again is up to date', async () => {
  const id = await post('one');
  await post('one');
  expect((await ask()).json.series).toEqual([
    expect.objectContaining({ upToDate: true, written: expect.objectContaining({ export: id }), reason: null }),
  ]);
});

test('a superseded export says nothing about the record', async () => {
  notEntitled();
  await post('one');
  await post('two');
  expect((await ask()).json.series).toEqual([expect.objectContaining({ upToDate: true, reason: null })]);
});

test('every series of the user, the latest used first, and what another user wrote in none of them', async () => {
  await post('one');
  await post('two', { series: 'other' });
  await post('three', { reference: 'user-2', kvnr: OTHER_KVNR, series: 'third' });
  const seriesOf = async (query: string, key?: string) => {
    const { series } = (await ask(query, key)).json;
    return Array.isArray(series) ? series.map((s: { series: string }) => s.series) : undefined;
  };
  expect(await seriesOf('reference=user-1')).toEqual(['other', 'main']);
  expect(await seriesOf('reference=user-1&series=main&diga=demo')).toEqual(['main']);
  expect(await seriesOf('reference=user-2')).toEqual(['third']);
  expect(await seriesOf('reference=user-3')).toEqual([]);
  expect(await seriesOf('reference=user-1', SECOND_KEY)).toEqual([]);
});

test('the same reference, person and series at another DiGA is another series', async () => {
  await post('one');
  // The fake's channel belongs to the first DiGA's card: this one waits for its own.
  const waiting = await post('two', {}, SECOND_KEY);
  expect((await ask('reference=user-1', SECOND_KEY)).json.series).toEqual([
    expect.objectContaining({ diga: 'second', written: null, open: expect.objectContaining({ id: waiting }) }),
  ]);
  expect((await ask()).json.series).toEqual([expect.objectContaining({ diga: 'demo', upToDate: true })]);
});

test.each([
  ['', 422, 'EXPORT_INVALID'],
  ['reference=', 422, 'EXPORT_INVALID'],
  [`reference=${KVNR}`, 422, 'EXPORT_INVALID'],
  ['reference=a&reference=b', 422, 'EXPORT_INVALID'],
  ['reference=user-1&kvnr=1', 422, 'EXPORT_INVALID'],
  ['reference=user-1&diga=second', 403, 'FORBIDDEN'],
])('%j is refused', async (query, status, code) => {
  const answer = await ask(query);
  expect([answer.status, answer.json.code]).toEqual([status, code]);
  expect(answer.text).not.toContain(KVNR);
});

test('needs a key of this listener', async () => {
  expect((await ask('reference=user-1', MONITOR_KEY)).status).toBe(401);
});
