// Webhooks on the whole way (MON-06): exports over REST, told to the simulator's receiver under every fault on the wire, and
// to a receiver that outlives a gateway killed again and again in the middle of telling it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Simulator } from '../connector-sim/main.ts';
import { demoDocument } from '../demo/document.ts';
import { parseSettings } from '../gateway/config.ts';
import type { Timer } from '../gateway/exports/worker.ts';
import { silentLogger } from '../gateway/log.ts';
import { startGateway } from '../gateway/main.ts';
import { MortalGateway } from './crash/mortal-gateway.ts';
import { startCountedSimulator } from './support/counted-simulator.ts';
import { FakeOutside } from './support/fake-outside.ts';
import { secretFile } from './support/gateway-fakes.ts';
import { SECRET } from './support/webhook-bench.ts';
import { type Received, webhookReceiver } from './support/webhook-receiver.ts';
import { type ExportView, exportBody } from './support/world.ts';

type Event = { seq: number; id: string; type: string; data: { id: string; series: string } };

let sim: Simulator;
let folder: string;
const opened: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  sim = await startCountedSimulator({ seed: 1, pinEntryMs: 0 });
  folder = mkdtempSync(join(tmpdir(), 'epa-webhooks-'));
});
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});
afterAll(async () => {
  await sim.stop();
  rmSync(folder, { recursive: true, force: true });
});

const insured = () => sim.ready.insured[0] ?? '';
const body = (series: string, version: number) =>
  exportBody(insured(), demoDocument(insured(), version, new Date()), { series, queue: 'all' });
/** What a receiver was told, each message once, in the order of its first arrival. */
const firsts = (told: readonly { id: string; body: Event }[]) => [...new Map(told.map((m) => [m.id, m.body])).values()];
/** In each series nothing overtakes, repeats included. */
const expectOrder = (told: readonly { body: Event }[]) => {
  for (const series of new Set(told.map((m) => m.body.data.series))) {
    const seqs = told.filter((m) => m.body.data.series === series).map((m) => m.body.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  }
};

test('under every fault on the wire the receiver of the simulator has been told every event, in order', async () => {
  const read = parseSettings({ ...sim.settings({ webhooks: true }), dataDirectory: join(folder, 'faults') });
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  // A message that failed is due again as soon as that is known; everything else takes the time it takes.
  let ahead = 0;
  const timers = new Set<{ at: number; fire: () => void }>();
  const now = () => Date.now() + ahead;
  const timer: Timer = (ms, fire) => {
    const mine = { at: now() + ms, fire };
    timers.add(mine);
    const handle = setTimeout(() => timers.delete(mine) && fire(), ms);
    return () => {
      timers.delete(mine);
      clearTimeout(handle);
    };
  };
  // A clock ahead of the others' would be no use at a login.
  const outside = new FakeOutside(now);
  const failed: unknown[] = [];
  const idle = Promise.withResolvers<void>();
  const { port } = new URL(sim.ready.control);
  const kinds = ['http-status', 'drop-request', 'drop-response', 'reset-request', 'reset', 'truncate', 'garbage'];
  for (const [n, kind] of kinds.entries()) sim.faults.add({ at: 'webhook', kind, times: 1, after: 1 + n });
  const gateway = await startGateway(read.settings, {
    now,
    timer,
    outside: () => ({ ...outside, close: async () => {} }),
    log: {
      ...silentLogger,
      warn: (event, fields) => {
        if (event !== 'webhook not delivered') return;
        failed.push(fields?.code);
        ahead += 6000;
        for (const one of [...timers].filter((t) => t.at <= now())) if (timers.delete(one)) one.fire();
      },
      debug: () => {
        if (sim.faults.list().length === 0) idle.resolve();
      },
    },
  });
  opened.push(() => gateway.stop());
  const ask = async <Result>(method: string, path: string, content?: object) => {
    const answer = await fetch(`${gateway.address}${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.ready.apiKey}`, 'content-type': 'application/json' },
      ...(content && { body: JSON.stringify(content) }),
    });
    return (await answer.json()) as Result;
  };
  // One series: each fault strikes a message of its own, and the next try takes it.
  for (const version of [1, 2, 3]) await ask('POST', '/v1/exports', body('a', version));
  await gateway.idle();
  await idle.promise;
  const { webhooks } = await ask<{ webhooks: object[] }>('POST', '/v1/webhooks/test');
  expect(webhooks).toMatchObject([{ id: 'sim', delivered: true }]);
  const events = (await ask<{ events: Event[] }>('GET', '/v1/events')).events;
  expect(failed).toHaveLength(kinds.length);
  await gateway.stop();

  const entries = sim.journal.entries({ service: 'webhook' }).map((entry) => ({
    id: entry.request.headers.find(([name]) => name.toLowerCase() === 'webhook-id')?.[1] ?? '',
    host: entry.request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1],
    body: JSON.parse(Buffer.from(entry.request.body, 'base64').toString()) as Event,
    rule: entry.rule,
  }));
  expect(new Set(entries.map((entry) => entry.rule))).toEqual(new Set([null, 'fault']));
  expect(new Set(entries.map((entry) => entry.host))).toEqual(new Set([`127.0.0.1:${port}`]));
  const told = entries.filter((entry) => entry.body.type !== 'webhook.test');
  expectOrder(told);
  expect(events).toHaveLength(9);
  expect(firsts(told).toSorted((x, y) => x.seq - y.seq)).toEqual(events);
  expect(JSON.stringify(told)).not.toContain(insured());
});

test('a gateway killed while it tells a receiver leaves nothing out: the same message with the same id, then the rest', async () => {
  const receiver = await webhookReceiver(SECRET);
  opened.push(() => receiver.close());
  const [demo] = sim.settings().digas;
  const target = { id: 'a', url: `${receiver.origin}/hook`, secretFile: secretFile(folder, 'secret', SECRET) };
  const settings = { ...sim.settings(), digas: [{ ...demo, webhooks: [target] }] };
  const gateway = new MortalGateway(settings);
  opened.push(() => gateway.end());

  // Dies at the third, the sixth and the ninth message, before it is answered.
  let next = Promise.withResolvers<void>();
  let asked = 0;
  receiver.answer = () => {
    asked += 1;
    if (asked % 3 !== 0 || asked > 9) return 204;
    next.resolve();
    return new Promise(() => {});
  };
  gateway.start();
  const kills = (async () => {
    for (let n = 0; n < 3; n++) {
      await next.promise;
      next = Promise.withResolvers();
      await gateway.kill();
      gateway.start();
    }
  })();
  const ids: string[] = [];
  for (const series of ['c', 'd', 'e'])
    for (const version of [1, 2]) {
      const key = { 'idempotency-key': `${series}${version}` };
      ids.push((await gateway.call<ExportView>('POST', '/v1/exports', body(series, version), key)).body.id);
    }
  const written = (id: string) => (one: Received) => one.body.type === 'export.written' && one.body.data?.id === id;
  await Promise.all([kills, ...ids.map((id) => receiver.once(written(id)))]);
  const { events } = (await gateway.call<{ events: Event[] }>('GET', '/v1/events?limit=200')).body;
  const told = receiver.received as unknown as { id: string; body: Event; text: string }[];
  expectOrder(told);
  expect(firsts(told).toSorted((x, y) => x.seq - y.seq)).toEqual(events);
  expect(told.length).toBeGreaterThan(events.length);
  // A repeat is the same text.
  expect(new Set(told.map((m) => m.text)).size).toBe(events.length);
});
