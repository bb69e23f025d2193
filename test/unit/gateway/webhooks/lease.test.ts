// One gateway at a time tells a target (MON-06): who holds the lease, when it is over, and two gateways on one store.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTarget, registerTarget } from '../../../../gateway/webhooks/deliveries.ts';
import { Lease } from '../../../../gateway/webhooks/lease.ts';
import { mioBundle, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { type Receiver, type WebhookBench, webhookBench } from '../../../support/webhook-bench.ts';

let h: TestHouse;
let opened: WebhookBench[];
beforeEach(async () => {
  opened = [];
  h = await testHouse();
});
afterEach(async () => {
  for (const bench of opened) await bench.hooks.stop(0);
  await h.close();
});
const post = (series: string, name: string) =>
  h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) }, series, queue: 'all' });

describe('a lease', () => {
  const leaseOf = (holder: string) => new Lease({ db: h.db, target: 'demo/a', holder, now: h.clock.now });
  beforeEach(() => registerTarget(h.db, 'demo/a'));

  test('is held by one; the other learns when to ask again, and has it once it is over', async () => {
    const [one, two] = [leaseOf('one'), leaseOf('two')];
    expect(await one.take()).toBe(null);
    expect(await two.take()).toBe(h.clock.now() + 60_000);
    expect([one.lasts, two.lasts]).toEqual([true, false]);
    h.clock.advance(59_999);
    expect(await two.take()).toBe(h.clock.now() + 1);
    h.clock.advance(1);
    expect(await two.take()).toBe(null);
    expect([one.lasts, two.lasts]).toEqual([false, true]);
    expect(await one.take()).toBe(h.clock.now() + 60_000);
  });
  test('is renewed by who works on, before it is over', async () => {
    const [one, two] = [leaseOf('one'), leaseOf('two')];
    for (let n = 0; n < 10; n++) {
      expect(await one.take()).toBe(null);
      expect(one.lasts).toBe(true);
      h.clock.advance(29_000);
    }
    expect(await two.take()).toBeGreaterThan(h.clock.now());
  });
  test('does not last for a try that would end after it', async () => {
    const one = leaseOf('one');
    await one.take();
    h.clock.advance(49_999);
    expect(one.lasts).toBe(true);
    h.clock.advance(1);
    expect(one.lasts).toBe(false);
  });
});

describe('two gateways on one store', () => {
  const two = async (receiver: Receiver = () => 204) => {
    const pair = [0, 1].map(() => webhookBench({ ...h, targets: { a: {} }, receivers: { a: receiver } }));
    opened.push(...pair);
    const [first, second] = pair as [WebhookBench, WebhookBench];
    await first.start();
    await second.start();
    return { first, second };
  };
  test('tell every event once between them, each series in order', async () => {
    const { first, second } = await two();
    for (let n = 0; n < 12; n++) {
      await post(`s${n % 3}`, `n${n}`);
      await Promise.all([first.rest(), second.rest()]);
      h.clock.advance(20_000);
    }
    await first.pass(120_000);
    await second.pass(120_000);
    const told = [...first.told, ...second.told].map((one) => one.body.seq);
    expect(told.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
  });
  test('while one is telling, the other tells nothing of that target, though it is due', async () => {
    const gate = Promise.withResolvers<number>();
    const arrived = Promise.withResolvers<void>();
    const { first, second } = await two(() => {
      arrived.resolve();
      return gate.promise;
    });
    second.receivers.a = () => 204;
    await post('s', 'one');
    await post('t', 'two');
    first.bell.ring();
    await arrived.promise;
    await second.rest();
    gate.resolve(204);
    await first.rest();
    expect(second.told).toEqual([]);
    expect(first.told.map((one) => one.body.seq).sort()).toEqual([1, 2]);
  });
  test('a try begins only within a lease that outlasts it, also after a sleep just before it', async () => {
    let sleeps: 'not yet' | 'next' | 'over' = 'not yet';
    // It falls asleep for a minute between taking the lease and reading the first message.
    const db = new Proxy(h.db, {
      get: (real, name) => {
        if (name === 'updateTable' && sleeps === 'not yet') sleeps = 'next';
        else if (name === 'selectFrom' && sleeps === 'next') {
          sleeps = 'over';
          h.clock.advance(60_000);
        }
        const value: unknown = Reflect.get(real, name, real);
        return typeof value === 'function' ? value.bind(real) : value;
      },
    });
    const left: number[] = [];
    const sleepy = webhookBench({
      ...h,
      db,
      targets: { a: {} },
      receivers: {
        a: async () => {
          const { held_until } = await readTarget(h.db, 'demo/a');
          left.push((held_until ?? 0) - h.clock.now());
          return 204;
        },
      },
    });
    opened.push(sleepy);
    await sleepy.start();
    sleeps = 'not yet';
    await post('s', 'one');
    await sleepy.rest();
    expect(sleeps).toBe('over');
    expect(left).toEqual([60_000]);
  });
  test('what one is about to tell when it is put to sleep past its lease, it does not tell any more', async () => {
    const gate = Promise.withResolvers<number>();
    const arrived = Promise.withResolvers<void>();
    const { first, second } = await two((told) => {
      if (told.body.seq !== 1) return 204;
      arrived.resolve();
      return gate.promise;
    });
    second.receivers.a = () => 204;
    await post('s', 'one');
    await post('s', 'two');
    first.bell.ring();
    await arrived.promise;
    // It sleeps; the other takes over and tells both.
    h.clock.advance(60_000);
    await second.rest();
    expect(second.told.map((one) => one.body.seq)).toEqual([1, 2]);
    // It wakes: its answer counts for nothing new, and what the other did stays.
    gate.resolve(500);
    await first.rest();
    await first.pass(60_000);
    expect(first.told.map((one) => one.body.seq)).toEqual([1]);
    expect(await second.hooks.states()).toMatchObject([{ state: 'ok', failures: 0, backlog: 0 }]);
  });
});
