// `GET /v1/events` over real HTTP: pages, and who sees what. The stream: events-stream.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Told } from '../../../support/event-stream.ts';
import { KVNR, mioBundle, registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const body = (name: string, more = {}) =>
  exportBody({
    series: name,
    content: { mode: 'document', mimeType: 'application/fhir+xml', base64: mioBundle(name).toString('base64') },
    ...more,
  });
const write = async (name: string, key?: string) => {
  const answer = await g.call('/v1/exports', { body: body(name), ...(key !== undefined && { key }) });
  expect(answer.status).toBe(202);
  await g.gateway.idle();
  return String(answer.json.id);
};
const page = async (query = '', key?: string) => {
  const answer = await g.call(`/v1/events${query}`, key === undefined ? {} : { key });
  expect(answer.status).toBe(200);
  return answer.json as { events: Told[]; next: number | null };
};

describe('pages', () => {
  test('an event is the export without timeline as it stood then', async () => {
    const id = await write('a');
    const { events, next } = await page();
    expect(next).toBeNull();
    expect(events.map((e) => [e.seq, e.type])).toEqual([
      [1, 'export.queued'],
      [2, 'export.running'],
      [3, 'export.written'],
    ]);
    const { timeline, ...now } = (await g.call(`/v1/exports/${id}`)).json;
    expect(timeline).toBeInstanceOf(Array);
    expect(events[2]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      seq: 3,
      type: 'export.written',
      at: '2026-11-25T11:00:00.000Z',
      diga: 'demo',
      data: now,
    });
    expect(events[0]?.data).toMatchObject({ id, status: 'queued', reason: null, document: { version: null } });
  });

  test('go on behind `after`; `next` is null when there are no more', async () => {
    for (const name of ['a', 'b', 'c']) await write(name);
    const seen: number[] = [];
    let after: number | null = 0;
    let pages = 0;
    while (after !== null) {
      const answer: Awaited<ReturnType<typeof page>> = await page(`?after=${after}&limit=4`);
      seen.push(...answer.events.map((e) => e.seq));
      after = answer.next;
      pages++;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(pages).toBe(3);
    expect(await page('?after=9')).toEqual({ events: [], next: null });
    expect((await page('?after=3&limit=6')).next).toBeNull();
  });

  test('a reason speaks the language of the reader', async () => {
    g.outside.answers.push(...[1, 2].map(() => () => registryError('not-entitled', 'NotEntitled')));
    await write('a');
    const last = async (language: string) =>
      ((await g.call('/v1/events', { headers: { 'accept-language': language } })).json.events as Told[]).at(-1)?.data;
    const [de, en] = [await last('de'), await last('en')];
    expect(de).toMatchObject({ status: 'waiting', reason: { code: 'RECORD_NOT_ENTITLED', who: 'insured' } });
    expect(de?.reason).not.toEqual(en?.reason);
  });

  test('each DiGA sees its own events only', async () => {
    await write('a');
    await write('b', SECOND_KEY);
    expect((await page()).events.map((e) => e.seq)).toEqual([1, 2, 3]);
    expect((await page('', SECOND_KEY)).events.map((e) => [e.seq, e.diga])).toEqual([
      [4, 'second'],
      [5, 'second'],
      [6, 'second'],
    ]);
    expect((await page('?after=1', READER_KEY)).events).toHaveLength(2);
  });

  test('nothing in them names the insured or shows content (D15)', async () => {
    await write('a-marked-text');
    const text = JSON.stringify(await page()).replaceAll('"series":"a-marked-text"', '');
    for (const mark of [KVNR, 'a-marked-text', mioBundle('a-marked-text').toString('base64')])
      expect(text).not.toContain(mark);
  });

  test.each([
    ['?after=-1', 'QUERY_INVALID'],
    ['?after=x', 'QUERY_INVALID'],
    ['?after=1&after=2', 'QUERY_INVALID'],
    ['?limit=0', 'QUERY_INVALID'],
    ['?limit=201', 'QUERY_INVALID'],
    ['?diga=second', 'QUERY_UNKNOWN'],
  ])('%s is refused', async (query, code) => {
    const answer = await g.call(`/v1/events${query}`);
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ code: 'EXPORT_INVALID', findings: [{ code }] });
  });

  test('without a key, with a wrong one, with another method there are none', async () => {
    expect((await g.call('/v1/events', { key: null })).status).toBe(401);
    expect((await g.call('/v1/events', { key: 'wrong-key-0123456789' })).status).toBe(401);
    expect((await g.call('/v1/events', { method: 'DELETE' })).status).toBe(405);
  });

  test.each(['*/*', 'application/json', 'text/event-stream;q=0', 'text/event-streams'])(
    'Accept: %s gets pages',
    async (accept) => {
      const answer = await g.call('/v1/events', { headers: { accept } });
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    },
  );

  test('a HEAD ends, whatever it accepts', async () => {
    const answer = await g.call('/v1/events', { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});
