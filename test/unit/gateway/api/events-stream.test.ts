// `GET /v1/events` as a stream over real HTTP: resuming, heartbeats, its end, and what it costs when nobody reads.
import { once } from 'node:events';
import { connect } from 'node:net';
import { type KyselyPlugin, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { follow } from '../../../../gateway/api/events.ts';
import { createEventBell } from '../../../../gateway/exports/outbox.ts';
import { openStore } from '../../../../gateway/exports/store.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { openStream, type Told } from '../../../support/event-stream.ts';
import { mioBundle, testHouse } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';

let g: TestGateway;
let beats: { ms: number; fire: () => void }[];
let disarmed: () => void;
let leave: AbortController;
beforeEach(async () => {
  beats = [];
  disarmed = () => {};
  leave = new AbortController();
  g = await testGateway(undefined, silentLogger, (ms, fire) => {
    const mine = { ms, fire };
    beats.push(mine);
    return () => {
      beats = beats.filter((b) => b !== mine);
      if (ms === 15_000) disarmed();
    };
  });
});
afterEach(async () => {
  leave.abort();
  await g.close();
});

const stream = (o: Omit<Parameters<typeof openStream>[1], 'signal'> & { signal?: AbortSignal } = {}) =>
  openStream(g.gateway.address, { signal: leave.signal, ...o });
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

describe('a stream', () => {
  test('tells what was, then what comes, as the pages do', async () => {
    await write('a');
    const s = await stream();
    expect(s.answer.status).toBe(200);
    expect(s.answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(s.answer.headers.get('cache-control')).toContain('no-store');
    const first = await s.take(3);
    await write('b');
    const told = [...first, ...(await s.take(3))];
    expect(told.map((t) => t.data)).toEqual((await page()).events);
    expect(told.map((t) => [t.id, t.event])).toEqual(told.map((t) => [t.data.seq, t.data.type]));
  });

  test('is resumed behind Last-Event-ID, which goes before `after`', async () => {
    for (const name of ['a', 'b']) await write(name);
    const ids = async (o: Parameters<typeof stream>[0], count: number) =>
      (await (await stream(o)).take(count)).map((t) => t.id);
    expect(await ids({ headers: { 'last-event-id': '4' } }, 2)).toEqual([5, 6]);
    expect(await ids({ query: '?after=1', headers: { 'last-event-id': '5' } }, 1)).toEqual([6]);
    expect(await ids({ query: '?after=3' }, 3)).toEqual([4, 5, 6]);
  });

  test('broken off and resumed again and again it misses nothing and tells nothing twice (MON-06)', async () => {
    const seen: number[] = [];
    for (let round = 0; round < 6; round++) {
      const s = await stream({ headers: { 'last-event-id': String(seen.at(-1) ?? 0) } });
      const writing = write(`s${round}`);
      seen.push(...(await s.take(2)).map((t) => t.id));
      leave.abort();
      leave = new AbortController();
      await writing;
    }
    const rest = await page(`?after=${seen.at(-1)}`);
    expect([...seen, ...rest.events.map((e) => e.seq)]).toEqual(Array.from({ length: 18 }, (_, n) => n + 1));
  });

  test.each(['x', '-1', '1 2', '99999999999999999'])('Last-Event-ID %s is refused', async (id) => {
    const answer = await g.call('/v1/events', { headers: { accept: 'text/event-stream', 'last-event-id': id } });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ findings: [{ path: 'Last-Event-ID', code: 'HEADER_INVALID' }] });
  });

  test('is told nothing of another DiGA', async () => {
    const s = await stream({ key: SECOND_KEY });
    await write('a');
    await write('b', SECOND_KEY);
    expect((await s.take(3)).map((t) => [t.id, t.data.diga])).toEqual([
      [4, 'second'],
      [5, 'second'],
      [6, 'second'],
    ]);
  });

  test('has a comment every 15 s while nothing happens, and for each its own timer', async () => {
    // Others of the gateway may wait as long.
    beats = beats.filter((b) => b.ms !== 15_000);
    const s = await stream();
    expect(await s.piece()).toMatch(/^: /);
    for (let n = 0; n < 3; n++) {
      const mine = beats.filter((b) => b.ms === 15_000);
      expect(mine).toHaveLength(1);
      beats = beats.filter((b) => b !== mine[0]);
      mine[0]?.fire();
      expect(await s.piece()).toBe(': still here');
    }
  });

  test('ends when the gateway stops', async () => {
    const s = await stream();
    await s.piece();
    const stopping = g.gateway.stop();
    expect(await s.piece()).toBeUndefined();
    await stopping;
    expect(beats.filter((b) => b.ms === 15_000)).toEqual([]);
  });

  test('does not keep the gateway from stopping when nobody reads it', async () => {
    await write('a');
    // More than the buffers of any socket hold.
    const store = await openStore(g.settings.dataDirectory, g.settings.store.postgres);
    await sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO events (id, type, at, diga, export_id, data)
      SELECT 'e' || i, type, at, diga, export_id, data FROM n, events WHERE seq = 3`.execute(store);
    await store.destroy();
    const socket = connect(Number(new URL(g.gateway.address).port), '127.0.0.1');
    socket.write(
      `GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${WRITER_KEY}\r\naccept: text/event-stream\r\n\r\n`,
    );
    await once(socket, 'readable');
    for (let n = 0; n < 100; n++) await g.call('/livez');
    await g.gateway.stop();
    socket.destroy();
  });

  test('is one of ten at most for a client; one that left makes room', async () => {
    const first = new AbortController();
    for (let n = 0; n < 10; n++) await (await stream(n === 0 ? { signal: first.signal } : {})).piece();
    const refused = await g.call('/v1/events', { headers: { accept: 'text/event-stream' } });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '15']);
    expect((await stream({ key: READER_KEY })).answer.status).toBe(200);
    const gone = new Promise<void>((resolve) => {
      disarmed = resolve;
    });
    first.abort();
    await gone;
    expect((await stream()).answer.status).toBe(200);
  });
});

test('a stream reads the store only when its reader has taken what came before', async () => {
  const h = await testHouse();
  try {
    for (let n = 0; n < 12; n++) await h.accept({ series: `s${n}` });
    let queries = 0;
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => {
        queries++;
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    const bell = createEventBell();
    const stop = new AbortController();
    const api = { db: h.db.withPlugin(counting), bell, timer: () => () => {} };
    const text = follow(api, { diga: 'demo', after: 0, limit: 5, language: 'de', stop: stop.signal });
    const take = async () => (await text.next()).value;
    expect(await take()).toMatch(/^: /);
    expect(queries).toBe(0);
    expect(await take()).toMatch(/^id: 1\n/);
    for (let n = 0; n < 100; n++) bell.ring();
    expect(queries).toBe(1);
    for (let n = 2; n <= 12; n++) expect(await take()).toMatch(new RegExp(`^id: ${n}\n`));
    expect(queries).toBe(3);
    // Waits now; a ring that brings nothing of its own is no piece, and the end comes at once.
    const waiting = text.next();
    bell.ring();
    stop.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
  } finally {
    await h.close();
  }
});
