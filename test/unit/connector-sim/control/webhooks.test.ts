// The simulator's receiver of webhooks: what it takes, what it refuses by which rule, and the faults that strike it.
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { createControlBench } from '../../../support/control-bench.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const bench = createControlBench();
const body = { type: 'export.written', data: { a: 1 } };
/** Signed by the library of Standard Webhooks. */
const headers = (secret = SECRET, at = new Date()) => ({
  'webhook-id': 'm1',
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': new Webhook(secret).sign('m1', at, JSON.stringify(body)),
});
const tell = (name: string, given: object) => bench.ask('POST', `/sim/webhooks/${name}`, body, { ...given });
const lastRule = () => bench.journal.entries({ service: 'webhook' }).at(-1)?.rule;

test('takes what is signed with its secret, and the journal has it', async () => {
  expect((await tell('demo', headers())).status).toBe(204);
  const entry = bench.journal.entries({ service: 'webhook' }).at(-1);
  expect(entry).toMatchObject({ operation: 'webhook', request: { path: '/sim/webhooks/demo' }, rule: null });
  expect(JSON.parse(Buffer.from(entry?.request.body ?? '', 'base64').toString())).toEqual(body);
});

test('during a rotation one of two signatures is enough', async () => {
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
  const both = `${headers(other)['webhook-signature']} ${headers()['webhook-signature']}`;
  expect((await tell('demo', { ...headers(), 'webhook-signature': both })).status).toBe(204);
});

test.each<[string, object, number, string]>([
  ['another secret', headers(`whsec_${Buffer.alloc(32, 9).toString('base64')}`), 401, 'webhook.signature'],
  ['an old message', headers(SECRET, new Date(Date.now() - 400_000)), 401, 'webhook.timestamp'],
  ['a message of the future', headers(SECRET, new Date(Date.now() + 400_000)), 401, 'webhook.timestamp'],
  ['another id', { ...headers(), 'webhook-id': 'm2' }, 401, 'webhook.signature'],
  ['no id', { ...headers(), 'webhook-id': '' }, 400, 'webhook.headers'],
  ['no time', { ...headers(), 'webhook-timestamp': 'now' }, 400, 'webhook.headers'],
  ['no signature', { ...headers(), 'webhook-signature': '' }, 400, 'webhook.headers'],
  ['another version alone', { ...headers(), 'webhook-signature': 'v1a,x' }, 400, 'webhook.headers'],
])('refuses %s', async (_name, given, status, rule) => {
  expect((await tell('demo', given)).status).toBe(status);
  expect(lastRule()).toBe(rule);
});

test('under another name the form alone counts: it does not know the secret', async () => {
  expect((await tell('mine', headers(`whsec_${Buffer.alloc(32, 9).toString('base64')}`))).status).toBe(204);
  expect((await tell('mine', { ...headers(), 'webhook-signature': '' })).status).toBe(400);
});

test('a fault strikes once: a status instead of taking it, and it stands in the journal', async () => {
  bench.faults.add({ at: 'webhook', kind: 'http-status', times: 1, params: { status: 410 } });
  expect((await tell('demo', headers())).status).toBe(410);
  expect(bench.journal.entries({ service: 'webhook' }).at(-1)).toMatchObject({ fault: 'http-status', rule: 'fault' });
  expect((await tell('demo', headers())).status).toBe(204);
});

test('the settings name the receiver only where they are asked to', async () => {
  const plain = (await bench.ask('GET', '/sim/settings')).json.digas[0];
  const told = (await bench.ask('GET', '/sim/settings?webhooks=true')).json.digas[0];
  expect(plain.webhooks).toBeUndefined();
  expect(told.webhooks).toMatchObject([{ id: 'sim', url: 'http://127.0.0.1:6006/sim/webhooks/demo' }]);
  expect((await bench.ask('GET', '/sim/settings?webhooks=yes')).status).toBe(400);
});
