// `Prefer: wait=N` over the real listener: answers when the export is final, or after N seconds with the state as it is;
// nothing waits on for a client that went away or for a gateway that stops (RFC 7240, api.md section 2).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { preferredWait } from '../../../../gateway/api/prefer.ts';
import { GatewayError } from '../../../../gateway/errors.ts';
import { registryError } from '../../../support/gateway-fakes.ts';
import { exportBody, SECOND_KEY, type TestGateway, testGateway } from '../../../support/gateway-server.ts';

describe('the header', () => {
  test.each([
    ['wait=1', 1],
    ['wait=30', 30],
    ['WAIT = 007', 7],
    ['respond-async, wait=10', 10],
    ['respond-async;a="x, wait=3";b, , wait=10; c=d', 10],
    ['wait=5, wait=9', 5],
    ['\twait=5 ', 5],
  ])('%j asks for %i seconds', (header, seconds) => expect(preferredWait(header)).toBe(seconds));
  test.each([
    undefined,
    '',
    'wait',
    'wait=',
    'wait=0',
    'wait=31',
    'wait=-1',
    'wait=1.5',
    'wait=1e1',
    'wait="5"',
    'wait=5 6',
    'wait==5',
    'waits=5',
    'foo; wait=5',
    'foo="wait=5',
    'wait=x, wait=5',
    'wait=9999999999',
    `wait=5, ${'\u00fc'}`,
    ' '.repeat(16_000),
  ])('%j is ignored', (header) => expect(preferredWait(header)).toBeNull());
});

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const post = (prefer: string, change = {}) =>
  g.call('/v1/exports', { body: exportBody(change), headers: { prefer, 'idempotency-key': 'k' } });
/** The next write is answered when the test says so. */
const held = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  g.outside.answers.push(async () => {
    await promise;
    return { kind: 'stored' };
  });
  return resolve;
};

test('POST answers 202 with the final state', async () => {
  const answer = await post('wait=20');
  expect([answer.status, answer.json.status]).toEqual([202, 'written']);
  expect(answer.headers.get('preference-applied')).toBe('wait=20');
  expect(answer.headers.get('location')).toBe(`/v1/exports/${answer.json.id}`);
});

test.each(['wait=0', 'wait=31', 'wait=soon', 'respond-async'])(
  '%s is no wish we know: answered at once',
  async (prefer) => {
    const answered = held();
    const answer = await post(prefer);
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, null]);
    expect(['queued', 'running']).toContain(answer.json.status);
    answered();
  },
);

test('GET answers when the export ends, and an ended one at once', async () => {
  const answered = held();
  const { id } = (await post('')).json;
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=7' } });
  await g.timerOf(7000);
  answered();
  const answer = await waiting;
  expect([answer.status, answer.json.status, answer.headers.get('preference-applied')]).toEqual([
    200,
    'written',
    'wait=7',
  ]);
  const again = await g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=8' } });
  expect(again.json.status).toBe('written');
});

test('after N seconds the state comes as it is', async () => {
  const answered = held();
  const onTheWire = g.outside.writing();
  const waiting = post('wait=3');
  await onTheWire;
  (await g.timerOf(3000)).fire();
  const answer = await waiting;
  expect([answer.status, answer.json.status, answer.headers.get('preference-applied')]).toEqual([
    202,
    'running',
    'wait=3',
  ]);
  answered();
});

test('waiting for somebody is not final: the wait goes on, and sees the end after a retry', async () => {
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const { id } = (await post('')).json;
  await g.gateway.idle();
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  await g.call(`/v1/exports/${id}/retry`, { method: 'POST' });
  expect((await waiting).json.status).toBe('written');
});

test.each([
  ['refused', 'rejected'],
  ['refused', 'duplicate'],
] as const)('%s after "%s" is final', async (status, meaning) => {
  g.outside.answers.push(() => registryError(meaning));
  expect((await post('wait=20')).json.status).toBe(status);
});

test('an export that a newer one supersedes is told to who waits for it', async () => {
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const { id } = (await post('')).json;
  await g.gateway.idle();
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  await g.call('/v1/exports', { body: exportBody() });
  expect((await waiting).json.status).toBe('superseded');
});

test('one whose time is over is told, too', async () => {
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const { id } = (await post('', { notAfter: '2026-11-26' })).json;
  await g.gateway.idle();
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=9' } });
  await g.timerOf(9000);
  g.clock.advance(2 * 86_400_000);
  await g.gateway.idle();
  expect((await waiting).json.status).toBe('cancelled');
});

test('the same Idempotency-Key is answered while the first request waits', async () => {
  const answered = held();
  const waiting = post('wait=6');
  await g.timerOf(6000);
  const again = await post('');
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
  answered();
  expect((await waiting).json.status).toBe('written');
});

test('an export of another DiGA or none is 404 at once', async () => {
  const answered = held();
  const { id } = (await post('')).json;
  for (const path of [`/v1/exports/${id}`, '/v1/exports/none'])
    expect((await g.call(path, { key: SECOND_KEY, headers: { prefer: 'wait=30' } })).status).toBe(404);
  answered();
});

test('a client that goes away is waited for no longer, and its export goes on', async () => {
  const answered = held();
  const { id } = (await post('')).json;
  const away = new AbortController();
  const waiting = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=9' }, signal: away.signal });
  const timer = await g.timerOf(9000);
  away.abort();
  await expect(waiting).rejects.toThrow();
  await timer.takenBack;
  answered();
  await g.gateway.idle();
  expect((await g.call(`/v1/exports/${id}`)).json.status).toBe('written');
});

test('a gateway that stops answers who waits with the state as it is', async () => {
  g.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const waiting = post('wait=30');
  await g.timerOf(30_000);
  await g.gateway.idle();
  await g.gateway.stop();
  expect((await waiting).json.status).toBe('waiting');
});
