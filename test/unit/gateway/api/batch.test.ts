// `POST /v1/exports/batch`: a line in, a line out, in order and while the rest is still to come. A bad line is its own affair;
// what was answered is durable, what was not can be sent again with its key (EXP-03, D19).
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KVNR, mioBundle, OTHER_KVNR } from '../../../support/gateway-fakes.ts';
import { exportBody, READER_KEY, type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';

type Result = {
  line: number;
  status: number;
  id?: string;
  replayed?: true;
  problem?: { code: string; findings?: { path: string }[] };
};

const NDJSON = 'application/x-ndjson';
let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const lineOf = (n: number, change: Record<string, unknown> = {}) =>
  JSON.stringify({ ...exportBody({ series: `s-${n}` }), ...change });
const post = (body: string | Uint8Array, o: { key?: string; headers?: Record<string, string>; query?: string } = {}) =>
  g.call(`/v1/exports/batch${o.query ?? ''}`, {
    body,
    headers: { 'content-type': NDJSON, ...o.headers },
    ...(o.key !== undefined && { key: o.key }),
  });
const results = (text: string): Result[] =>
  text
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => JSON.parse(l));
const count = async () => ((await g.call('/v1/exports?limit=200')).json.exports as unknown[]).length;

test('each line is an export, answered in order with its id', async () => {
  const answer = await post([lineOf(1), lineOf(2), lineOf(3)].join('\n'));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, `${NDJSON}; charset=utf-8`]);
  const all = results(answer.text);
  expect(all.map((r) => [r.line, r.status])).toEqual([
    [1, 202],
    [2, 202],
    [3, 202],
  ]);
  for (const { id } of all) expect((await g.call(`/v1/exports/${id}`)).status).toBe(200);
});

test('the last line may end in a line end, lines may end in CRLF, and empty ones count as lines only', async () => {
  const answer = await post(`${lineOf(1)}\r\n\r\n\n${lineOf(2)}\n\n`);
  expect(results(answer.text).map((r) => [r.line, r.status])).toEqual([
    [1, 202],
    [4, 202],
  ]);
});

test.each(['', '\n\n'])('a batch of nothing is answered with nothing: %j', async (body) => {
  const answer = await post(Buffer.from(body));
  expect([answer.status, answer.text]).toEqual([200, '']);
});

test('a bad line is refused as it would be alone, and the others are not touched by it', async () => {
  const bad: [string, number, string][] = [
    ['{', 400, 'BODY_INVALID'],
    ['[]', 422, 'EXPORT_INVALID'],
    ['{"a":1,"a":2}', 400, 'BODY_INVALID'],
    [lineOf(1, { kvnr: 'X' }), 422, 'EXPORT_INVALID'],
    [lineOf(1, { [`name-${KVNR}`]: 1 }), 422, 'EXPORT_INVALID'],
    [lineOf(1, { diga: 'second' }), 403, 'FORBIDDEN'],
    [lineOf(1, { prescriptionEnds: '2026-01-01' }), 409, 'PRESCRIPTION_ENDED'],
    [lineOf(1, { idempotencyKey: '' }), 422, 'EXPORT_INVALID'],
    [lineOf(1, { idempotencyKey: 'ä' }), 422, 'EXPORT_INVALID'],
    [
      lineOf(1, {
        content: {
          mode: 'document',
          mimeType: 'application/fhir+xml',
          base64: mioBundle('a', OTHER_KVNR).toString('base64'),
        },
      }),
      422,
      'MIO_INVALID',
    ],
    [`"${'x'.repeat(1_600_000)}"`, 413, 'DOCUMENT_TOO_LARGE'],
    ['\u0000', 400, 'BODY_INVALID'],
  ];
  const answer = await post([lineOf(1), ...bad.map(([l]) => l), lineOf(2)].join('\n'));
  const all = results(answer.text);
  expect(all.map((r) => [r.status, r.problem?.code])).toEqual([
    [202, undefined],
    ...bad.map(([, status, code]) => [status, code]),
    [202, undefined],
  ]);
  expect(answer.text).not.toContain(KVNR);
  expect(await count()).toBe(2);
});

describe('a key in a line', () => {
  test('names the export that stands, as the header of a single post does', async () => {
    const alone = await g.call('/v1/exports', {
      body: exportBody({ series: 's-1' }),
      headers: { 'idempotency-key': 'k' },
    });
    const keyed = lineOf(1, { idempotencyKey: 'k' });
    const other = lineOf(2, { idempotencyKey: 'k' });
    const all = results((await post([keyed, keyed, other].join('\n'))).text);
    expect(all.map((r) => [r.id, r.replayed, r.problem?.code])).toEqual([
      [alone.json.id, true, undefined],
      [alone.json.id, true, undefined],
      [undefined, undefined, 'IDEMPOTENCY_KEY_REUSED'],
    ]);
  });
  test('the same batch again brings the same exports and no more', async () => {
    const body = [1, 2, 3].map((n) => lineOf(n, { idempotencyKey: `k-${n}` })).join('\n');
    const [first, again] = [results((await post(body)).text), results((await post(body)).text)];
    expect(again.map((r) => r.id)).toEqual(first.map((r) => r.id));
    expect(await count()).toBe(3);
  });
});

describe('refused as a whole, and nothing is stored:', () => {
  test.each<[string, Parameters<typeof post>[1], number, string]>([
    ['JSON', { headers: { 'content-type': 'application/json' } }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['a compressed body', { headers: { 'content-encoding': 'gzip' } }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['a key for all of it', { headers: { 'idempotency-key': 'k' } }, 422, 'EXPORT_INVALID'],
    ['dryRun, which is no parameter of it', { query: '?dryRun=true' }, 422, 'EXPORT_INVALID'],
    ['a key without the role', { key: READER_KEY }, 403, 'FORBIDDEN'],
    ['no key that we know', { key: 'none' }, 401, 'UNAUTHENTICATED'],
  ])('%s', async (_name, o, status, code) => {
    const answer = await post(lineOf(1), o);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(await count()).toBe(0);
  });
  test('ndjson is a body of batches only', async () => {
    const answer = await g.call('/v1/exports', { body: lineOf(1), headers: { 'content-type': NDJSON } });
    expect(answer.json.code).toBe('MEDIA_TYPE_UNSUPPORTED');
  });
});

test('after a thousand lines the batch ends with a refusal of the next', async () => {
  await g.close();
  g = await testGateway((raw) => ({ ...raw, limits: { requestsPerSecond: 10_000 } }));
  const answer = await post(`${'x\n'.repeat(1003)}`);
  const all = results(answer.text);
  expect([all.length, all.at(-1)?.line, all.at(-1)?.status, all.at(-2)?.status]).toEqual([1001, 1001, 413, 400]);
});

test('lines count in the share of the client: the batch waits where a single request is refused', async () => {
  await g.close();
  // The request itself, then two lines.
  g = await testGateway((raw) => ({ ...raw, limits: { requestsPerSecond: 3 } }));
  const answering = post([1, 2, 3].map((n) => lineOf(n)).join('\n'));
  const timer = await g.timerOf(334);
  expect((await g.call('/v1/exports')).json.code).toBe('TOO_MANY_REQUESTS');
  g.clock.advance(400);
  timer.fire();
  expect(results((await answering).text).map((r) => r.status)).toEqual([202, 202, 202]);
});

describe('on the wire', () => {
  const open = () => {
    const { hostname, port } = new URL(g.gateway.address);
    const headers = { authorization: `Bearer ${WRITER_KEY}`, 'content-type': NDJSON };
    const request = httpRequest({ hostname, port, path: '/v1/exports/batch', method: 'POST', headers });
    request.on('error', () => {});
    return request;
  };
  const answerOf = async (request: ReturnType<typeof open>) => {
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.on('error', () => {});
    return createInterface({ input: answer })[Symbol.asyncIterator]();
  };

  test('a result comes before the next line is sent, and its export is there', async () => {
    const request = open();
    request.write(`${lineOf(1)}\n`);
    const lines = await answerOf(request);
    for (const n of [1, 2, 3]) {
      const { id, line } = JSON.parse(String((await lines.next()).value)) as Result;
      expect([line, (await g.call(`/v1/exports/${id}`)).status]).toEqual([n, 200]);
      if (n < 3) request.write(`${lineOf(n + 1)}\n`);
    }
    request.end();
    expect((await lines.next()).done).toBe(true);
  });

  test('a client that breaks off keeps what was answered; half a line is nothing', async () => {
    const request = open();
    request.write(`${lineOf(1)}\n${lineOf(2)}\n${lineOf(3).slice(0, -20)}`);
    const lines = await answerOf(request);
    await lines.next();
    await lines.next();
    request.destroy();
    await g.gateway.idle();
    expect(await count()).toBe(2);
  });
});
