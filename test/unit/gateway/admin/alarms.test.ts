// Alarms on the admin listener: who may read them and fire a test, and what stands in the audit trail then (MON-03, SEC-14).

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { secretFile } from '../../../support/gateway-fakes.ts';
import {
  MONITOR_KEY,
  OPERATOR_KEY,
  type TestGateway,
  testGateway,
  WRITER_KEY,
} from '../../../support/gateway-server.ts';
import { SECRET } from '../../../support/webhook-bench.ts';
import { type WebhookReceiver, webhookReceiver } from '../../../support/webhook-receiver.ts';

let g: TestGateway;
let receiver: WebhookReceiver;
beforeEach(async () => {
  let now = () => 0;
  receiver = await webhookReceiver(SECRET, () => now());
  g = await testGateway((raw) => ({
    ...raw,
    alarms: {
      webhooks: [
        {
          id: 'ops',
          url: `${receiver.origin}/alarms`,
          secretFile: secretFile(join(raw.dataDirectory, '..'), 'alarms.secret', SECRET),
          language: 'en',
        },
      ],
    },
  }));
  now = g.clock.now;
});
afterEach(async () => {
  await g.close();
  await receiver.close();
});

describe('a test alarm', () => {
  test('reaches the receiver, signed, and stands in the audit trail', async () => {
    const answer = await g.admin('/admin/v1/alarms/test', OPERATOR_KEY, 'POST');
    expect(answer.json).toEqual({
      code: 'ALARM_TEST',
      results: [
        { channel: 'webhook/ops', kind: 'webhook', delivered: true, status: 204, code: null, ms: 0, remedy: null },
      ],
    });
    const [got] = receiver.received;
    expect(got).toMatchObject({ path: '/alarms', body: { type: 'alarm.test', data: { code: 'ALARM_TEST' } } });
    const { entries } = (await g.admin('/admin/v1/audit')).json as { entries: { action: string; details: object }[] };
    expect(entries.find(({ action }) => action === 'alarm.tested')?.details).toEqual({
      code: 'ALARM_TEST',
      channels: 1,
      told: 1,
    });
    expect((await g.admin('/admin/v1/alarms')).json).toEqual({
      alarms: [],
      channels: [{ id: 'webhook/ops', kind: 'webhook', waiting: 0, since: null, code: null, remedy: null }],
    });
  });

  test('of any code of the catalogue, and of no other', async () => {
    const blocked = await g.admin('/admin/v1/alarms/test?code=SMCB_PIN_BLOCKED', OPERATOR_KEY, 'POST');
    expect(blocked.json).toMatchObject({ code: 'SMCB_PIN_BLOCKED', results: [{ delivered: true }] });
    for (const query of ['?code=NONE', '?code=', '?cod=ALARM_TEST'])
      expect((await g.admin(`/admin/v1/alarms/test${query}`, OPERATOR_KEY, 'POST')).status).toBe(422);
    expect(receiver.received).toHaveLength(1);
  });

  test('is told as not delivered where the receiver refuses', async () => {
    receiver.answer = () => 403;
    const answer = await g.admin('/admin/v1/alarms/test', OPERATOR_KEY, 'POST');
    expect(answer.json).toMatchObject({
      results: [{ delivered: false, status: 403, code: 'WEBHOOK_REFUSED', remedy: expect.stringMatching(/2xx/) }],
    });
  });
});

describe('the right to it', () => {
  test('a monitor reads, and fires nothing', async () => {
    expect((await g.admin('/admin/v1/alarms', MONITOR_KEY)).status).toBe(200);
    expect((await g.admin('/admin/v1/alarms/test', MONITOR_KEY, 'POST')).status).toBe(403);
    expect(receiver.received).toEqual([]);
  });
  test.each([
    ['/admin/v1/alarms', 'GET'],
    ['/admin/v1/alarms/test', 'POST'],
  ])("%s is closed to a backend's key and not on the public listener", async (path, method) => {
    expect((await g.admin(path, WRITER_KEY, method)).status).toBe(401);
    expect((await g.call(path, { method, key: OPERATOR_KEY })).status).toBe(404);
  });
  test.each(['?open=maybe', '?limit=1'])('refuses %s', async (query) => {
    const refused = await g.admin(`/admin/v1/alarms${query}`);
    expect([refused.status, refused.json]).toEqual([422, expect.objectContaining({ code: 'CALL_INVALID' })]);
  });
  test('who must act is the operator in every refusal here, and the backend on its own listener', async () => {
    const refusals = [
      await g.admin('/admin/v1/alarms', WRITER_KEY),
      await g.admin('/admin/v1/nothing'),
      await g.admin('/admin/v1/alarms', OPERATOR_KEY, 'DELETE'),
      await g.admin('/admin/v1/alarms', WRITER_KEY),
      await g.admin('/admin/v1/alarms?open=maybe'),
    ];
    expect(refusals.map(({ status, json }) => [status, json.who])).toEqual(
      [401, 404, 405, 401, 422].map((status) => [status, 'operator']),
    );
    const api = await g.call('/v1/exports?limit=nothing', { method: 'GET' });
    expect(api.json).toMatchObject({ code: 'EXPORT_INVALID', who: 'backend' });
  });
});
