// `POST /v1/webhooks/test`, what operators see of webhooks, and a receiver over a real connection: who may ask, how often, and
// that no secret is ever shown.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../../gateway/log.ts';
import { startExampleReceiver } from '../../../docs/webhook-example.ts';
import {
  KVNR,
  NOON,
  secretFile,
  standingClock,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  READER_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
} from '../../../support/gateway-server.ts';
import { OTHER_SECRET, SECRET, webhookBench } from '../../../support/webhook-bench.ts';
import { type WebhookReceiver, webhookReceiver } from '../../../support/webhook-receiver.ts';

let g: TestGateway;
let receiver: WebhookReceiver;
let house: TestHouse;
let files: ReturnType<typeof temporaryDirectory>;
let lines: string[];
beforeEach(async () => {
  lines = [];
  house = await testHouse();
  files = temporaryDirectory();
  receiver = await webhookReceiver(SECRET, () => g?.clock.now() ?? NOON);
  const secret = secretFile(files.path, 'secret', SECRET);
  const foreign = secretFile(files.path, 'foreign', OTHER_SECRET);
  const log = createLogger({ environment: 'SIM', level: 'debug', to: { write: (line) => void lines.push(line) } });
  g = await testGateway((raw) => {
    const [demo, second] = raw.digas;
    return {
      ...raw,
      digas: [
        {
          ...demo,
          webhooks: [
            { id: 'main', url: `${receiver.origin}/hook?token=t-secret`, secretFile: secret },
            { id: 'badly', url: `${receiver.origin}/badly`, secretFile: foreign },
          ],
        },
        { ...second, webhooks: [{ id: 'theirs', url: `${receiver.origin}/theirs`, secretFile: secret }] },
      ],
    };
  }, log);
});
afterEach(async () => {
  await g.close();
  await receiver.close();
  await house.close();
  files.remove();
});

const ask = (query = '', key?: string, requestId?: string) =>
  g.call(`/v1/webhooks/test${query}`, {
    method: 'POST',
    headers: { 'accept-language': 'en', ...(requestId !== undefined && { 'x-request-id': requestId }) },
    ...(key && { key }),
  });
/** The entries of the audit trail about tests. */
const tests = async () => {
  const { json } = await g.admin('/admin/v1/audit');
  return (json.entries as { action: string }[]).filter((entry) => entry.action === 'webhook.tested');
};

test('an export is told on its way, signed, with the path and query of the settings', async () => {
  const posted = await g.call('/v1/exports', { body: exportBody() });
  const last = await receiver.once((one) => one.body.type === 'export.written');
  expect(last).toMatchObject({ path: '/hook?token=t-secret', body: { diga: 'demo', data: { id: posted.json.id } } });
  expect(receiver.received.map((one) => one.body.type)).toEqual(['export.queued', 'export.running', 'export.written']);
  // Byte for byte what the events say.
  const page = await g.call('/v1/events', { headers: { 'accept-language': 'de' } });
  expect(receiver.received.map((one) => JSON.parse(one.text))).toEqual(page.json.events);
  expect(JSON.stringify(receiver.received)).not.toContain(KVNR);
});

describe('the test', () => {
  test('goes to every target of the caller’s DiGA and says how each took it', async () => {
    const { status, json, headers } = await ask();
    expect(status).toBe(200);
    expect(json).toEqual({
      webhooks: [
        { id: 'main', delivered: true, status: 204, code: null, remedy: null, ms: expect.any(Number) },
        {
          id: 'badly',
          delivered: false,
          status: 401,
          code: 'WEBHOOK_REFUSED',
          remedy: expect.stringContaining('another status than 2xx'),
          ms: expect.any(Number),
        },
      ],
    });
    expect(headers.get('cache-control')).toBe('no-store, private');
    expect(receiver.received).toHaveLength(1);
    expect(receiver.received[0]?.body).toEqual({
      id: receiver.received[0]?.id,
      seq: null,
      type: 'webhook.test',
      at: new Date(g.clock.now()).toISOString(),
      diga: 'demo',
      data: null,
    });
    // It is no event.
    expect((await g.call('/v1/events')).json.events).toEqual([]);
  });
  test('goes to one target where it is named', async () => {
    expect((await ask('?webhook=badly')).json.webhooks).toMatchObject([{ id: 'badly' }]);
    expect(receiver.received).toEqual([]);
  });
  test('of a DiGA reaches nothing of another', async () => {
    expect((await ask('', SECOND_KEY)).json.webhooks).toMatchObject([{ id: 'theirs', delivered: true }]);
    expect((await ask('?webhook=main', SECOND_KEY)).json.code).toBe('NOT_FOUND');
    expect((await ask('?diga=demo', SECOND_KEY)).json.code).toBe('FORBIDDEN');
    expect(receiver.received.map((one) => one.path)).toEqual(['/theirs']);
  });
  test('stands in the audit trail, each target with how it took it (SEC-09)', async () => {
    await ask('', undefined, 'r-1');
    await ask('', SECOND_KEY, 'r-2');
    const by = { action: 'webhook.tested', actor: { kind: 'client', id: 'backend' }, diga: 'demo', requestId: 'r-1' };
    expect(await tests()).toMatchObject([
      { ...by, object: { kind: 'webhook', id: 'main' }, result: 'ok' },
      { ...by, object: { kind: 'webhook', id: 'badly' }, result: 'WEBHOOK_REFUSED' },
      { object: { kind: 'webhook', id: 'theirs' }, diga: 'second', result: 'ok', requestId: 'r-2' },
    ]);
  });
  test('that was refused is none', async () => {
    await ask('', READER_KEY);
    await ask('?webhook=nothing');
    await ask('?webhook=badly');
    await ask();
    expect(await tests()).toMatchObject([{ object: { id: 'badly' } }]);
  });
  test.each([
    ['a key that may only read', '', READER_KEY, 403, 'FORBIDDEN'],
    ['a key that nobody has', '', 'nobody-has-this-key-0', 401, 'UNAUTHENTICATED'],
    ['a target that is not there', '?webhook=nothing', undefined, 404, 'NOT_FOUND'],
    ['an unknown parameter', '?url=https://evil.example', undefined, 422, 'EXPORT_INVALID'],
    ['an empty name', '?webhook=', undefined, 422, 'EXPORT_INVALID'],
  ])('is refused: %s', async (_name, query, key, status, code) => {
    const answer = await ask(query, key);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(receiver.received).toEqual([]);
  });
  test('is refused for five seconds after the last one, whichever target it names', async () => {
    await ask('?webhook=main');
    g.clock.advance(4001);
    const refused = await ask('?webhook=badly');
    expect([refused.status, refused.json.code]).toEqual([429, 'TOO_MANY_REQUESTS']);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await ask('', SECOND_KEY)).status).toBe(200);
    g.clock.advance(999);
    expect((await ask('?webhook=main')).status).toBe(200);
  });
});

test('the receiver of docs/webhooks.md takes what the gateway signs, each message once, and nothing else', async () => {
  const example = await startExampleReceiver(SECRET);
  // By its own clock.
  const clock = standingClock(Date.now());
  const bench = webhookBench({ ...house, clock, targets: { a: {} } });
  try {
    bench.receivers.a = async (told) => {
      const post = (body: string) => fetch(example.origin, { method: 'POST', headers: told.headers, body });
      const forged = await post(told.text.replace('export', 'Export'));
      const first = await post(told.text);
      const again = await post(told.text);
      expect([forged.status, first.status, again.status]).toEqual([401, 204, 204]);
      return first.status;
    };
    await bench.start();
    await house.accept({ reference: 'user-1' });
    await bench.rest();
    expect(await example.line(0)).toBe('1 export.queued user-1 ');
    expect(example.lines).toHaveLength(1);
    expect(await bench.hooks.states()).toMatchObject([{ state: 'ok', backlog: 0 }]);
  } finally {
    await bench.hooks.stop(0);
    await example.stop();
  }
});

describe('operators', () => {
  test('see each target with what it has taken and what not', async () => {
    await g.call('/v1/exports', { body: exportBody() });
    await receiver.once((one) => one.body.type === 'export.written');
    const { status, json } = await g.admin('/admin/v1/webhooks', MONITOR_KEY);
    expect(status).toBe(200);
    const [main, badly, theirs] = json.webhooks as Record<string, unknown>[];
    expect(main).toMatchObject({ diga: 'demo', id: 'main', url: `${receiver.origin}/hook`, state: 'ok' });
    expect(badly).toMatchObject({ id: 'badly', url: `${receiver.origin}/badly` });
    expect(theirs).toMatchObject({ diga: 'second', state: 'ok', backlog: 0, lastSuccessAt: null });
  });
  test('and logs and metrics never show a secret, a query or a person', async () => {
    await g.call('/v1/exports', { body: exportBody() });
    await receiver.once((one) => one.body.type === 'export.written');
    await ask();
    const shown = await Promise.all(
      ['/admin/v1/webhooks', '/admin/v1/config', '/metrics', '/'].map(async (path) => (await g.admin(path)).text),
    );
    expect(shown[1]).toContain('(secret file)');
    expect(lines.join('')).toContain('webhook not delivered');
    for (const mark of ['t-secret', SECRET, OTHER_SECRET, SECRET.slice(6), files.path, KVNR])
      expect(`${shown.join('')}${lines.join('')}`).not.toContain(mark);
  });
});
