// Operators look at the exports of every DiGA, retry and cancel them; what they do stands in the audit trail (SEC-09, SEC-14).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { KVNR } from '../../../support/gateway-fakes.ts';
import {
  exportBody,
  MONITOR_KEY,
  OPERATOR_KEY,
  SECOND_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';

let g: TestGateway;
beforeEach(async () => {
  g = await testGateway();
});
afterEach(() => g.close());

const fault = () => new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN');
async function waiting(key = WRITER_KEY): Promise<string> {
  g.outside.sessionFaults.push(fault());
  const { json } = await g.call('/v1/exports', { key, body: exportBody() });
  await g.gateway.idle();
  return String(json.id);
}
const act = (id: string, what: string, key = OPERATOR_KEY) => g.admin(`/admin/v1/exports/${id}/${what}`, key, 'POST');

test.each([
  ['the first DiGA', WRITER_KEY],
  ['another DiGA', SECOND_KEY],
])('an operator retries a waiting export of %s, and it is written', async (_which, key) => {
  const id = await waiting(key);
  expect((await act(id, 'retry')).status).toBe(202);
  await g.gateway.idle();
  expect((await g.admin(`/admin/v1/exports/${id}`)).json.status).toBe('written');
});

test('an operator cancels a waiting export; who waits for its end is told', async () => {
  const id = await waiting();
  const end = g.call(`/v1/exports/${id}`, { headers: { prefer: 'wait=30' } });
  const timer = await g.timerOf(30_000);
  expect((await act(id, 'cancel')).json).toMatchObject({ status: 'cancelled', reason: { code: 'CANCELLED' } });
  await timer.takenBack;
  expect((await end).json.status).toBe('cancelled');
});

test.each([
  ['retry', 409, 'STATE_CONFLICT'],
  ['cancel', 409, 'STATE_CONFLICT'],
] as const)('%s of a written export is refused', async (what, status, code) => {
  const { json } = await g.call('/v1/exports', { body: exportBody() });
  await g.gateway.idle();
  const answer = await act(String(json.id), what);
  expect([answer.status, answer.json.code]).toEqual([status, code]);
});

test('a second retry within a minute is refused, whoever asked first', async () => {
  const id = await waiting();
  g.outside.sessionFaults.push(fault());
  expect((await g.call(`/v1/exports/${id}/retry`, { method: 'POST' })).status).toBe(202);
  await g.gateway.idle();
  expect((await act(id, 'retry')).status).toBe(429);
});

test.each(['retry', 'cancel'])('%s of what does not exist is a 404', async (what) => {
  expect((await act('none', what)).status).toBe(404);
});

test.each([
  ['a monitor', MONITOR_KEY, 403],
  ["a backend's key", WRITER_KEY, 401],
] as const)('%s can neither retry nor cancel here', async (_who, key, status) => {
  const id = await waiting();
  expect((await act(id, 'retry', key)).status).toBe(status);
  expect((await act(id, 'cancel', key)).status).toBe(status);
  expect((await g.admin(`/admin/v1/exports/${id}`)).json.status).toBe('waiting');
});

test('no answer of these holds a KVNR', async () => {
  const id = await waiting();
  const answers = [await g.admin('/admin/v1/exports'), await act(id, 'retry')];
  for (const { text } of answers) expect(text).not.toContain(KVNR);
});
