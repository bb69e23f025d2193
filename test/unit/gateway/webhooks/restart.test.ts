// Webhooks across the end of a process, and beside a second gateway on the same store: nothing is skipped, a repeat has the id
// of the first time, and one at a time tells a target.
import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  mioBundle,
  standingClock,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { moveStore, onPostgres } from '../../../support/stores.ts';
import { type Receiver, type Told, type WebhookBench, webhookBench } from '../../../support/webhook-bench.ts';

const DAY = 86_400_000;

let h: TestHouse;
let directory: ReturnType<typeof temporaryDirectory>;
const masterKey = randomBytes(32);
let opened: WebhookBench[];

const open = async (clock = standingClock()) => {
  h = await testHouse({ directory: directory.path, masterKey, clock });
};
beforeEach(async () => {
  opened = [];
  directory = temporaryDirectory();
  await open();
});
afterEach(async () => {
  for (const bench of opened) await bench.hooks.stop(0);
  await h.close();
  directory.remove();
});

const made = (targets: Parameters<typeof webhookBench>[0]['targets'], receivers: Record<string, Receiver> = {}) => {
  const one = webhookBench({ ...h, targets, receivers });
  opened.push(one);
  return one;
};
const bench = async (...o: Parameters<typeof made>) => {
  const one = made(...o);
  await one.start();
  return one;
};
const post = (series: string, name: string) =>
  h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) }, series, queue: 'all' });
const seqsOf = (told: readonly Told[]) => told.map((one) => one.body.seq);

/** Where there may be others, a dead gateway holds a target until its lease is over. */
const leaseOver = () => h.clock.advance(onPostgres ? 60_000 : 0);

/**
 * As after kill -9: goes on with what was stored, while the process of before was in the middle of it; `stop` is what becomes of
 * that one, which has no store any more.
 */
const crash = async (stop: () => Promise<void>) => {
  const left = directory;
  directory = temporaryDirectory();
  cpSync(left.path, directory.path, { recursive: true });
  moveStore(left.path, directory.path);
  await h.close();
  await stop();
  left.remove();
  await open(h.clock);
};

describe('after a crash', () => {
  test('between the answer of the receiver and the store, the message comes again with the same id, then the next', async () => {
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<number>();
    const first = await bench(
      { a: {} },
      {
        a: () => {
          arrived.resolve();
          return answer.promise;
        },
      },
    );
    await post('s', 'one');
    await post('s', 'two');
    first.bell.ring();
    await arrived.promise;
    await crash(async () => {
      const stopped = first.hooks.stop(0);
      answer.resolve(204);
      await stopped;
    });
    leaseOver();
    const second = await bench({ a: {} });
    await second.rest();
    expect(seqsOf(first.told)).toEqual([1]);
    expect(seqsOf(second.told)).toEqual([1, 2]);
    expect(second.told[0]?.webhookId).toBe(first.told[0]?.webhookId);
    expect(second.told[0]?.text).toBe(first.told[0]?.text);
  });

  test('what was taken and stored does not come again, what was put off keeps its time and its count', async () => {
    const first = await bench({ a: {} }, { a: (told) => (told.body.seq === 2 ? 500 : 204) });
    await post('x', 'one');
    await post('y', 'two');
    await first.rest();
    await crash(() => first.hooks.stop(0));
    const second = await bench({ a: {} }, { a: () => 500 });
    expect(second.told).toEqual([]);
    await second.pass(4999);
    expect(second.told).toEqual([]);
    await second.pass(1);
    expect(seqsOf(second.told)).toEqual([2]);
    expect(second.logs.at(-1)?.fields.attempt).toBe(2);
  });

  test('events of the time without a gateway are told at its start', async () => {
    const first = await bench({ a: {} });
    await first.hooks.stop(0);
    await post('s', 'one');
    await crash(async () => {});
    const second = await bench({ a: {} });
    expect(seqsOf(second.told)).toEqual([1]);
  });

  test('again and again, at every moment: each series whole and in order', async () => {
    const taken: Told[] = [];
    let budget = 0;
    for (let turn = 0; turn < (onPostgres ? 5 : 12); turn++) {
      budget = 2;
      const stuck = Promise.withResolvers<void>();
      const later = Promise.withResolvers<number>();
      const one = made(
        { a: {} },
        {
          a: (told) => {
            taken.push(told);
            if (budget-- > 0) return turn % 3 === 0 && told.body.seq % 2 === 0 ? 503 : 204;
            stuck.resolve();
            return later.promise;
          },
        },
      );
      await one.hooks.start();
      if (turn < 4) for (const series of 'ABC') await post(series, `${series}${turn}`);
      one.bell.ring();
      // Until one is on its way that is not answered, or one was refused: then the target rests.
      if (turn < 4) await Promise.race([stuck.promise, one.logged('webhook not delivered')]);
      await crash(async () => {
        const stopped = one.hooks.stop(0);
        later.resolve(204);
        await stopped;
      });
      h.clock.advance(60_000);
    }
    const last = await bench(
      { a: {} },
      {
        a: (told) => {
          taken.push(told);
          return 204;
        },
      },
    );
    await last.pass(DAY);
    expect(new Set(seqsOf(taken))).toEqual(new Set(Array.from({ length: 12 }, (_, n) => n + 1)));
    for (const series of 'ABC') {
      const mine = seqsOf(taken.filter((one) => one.body.data.series === series));
      expect(mine).toEqual([...mine].sort((a, b) => a - b));
    }
    expect(await last.hooks.states()).toMatchObject([{ backlog: 0 }]);
  }, 120_000);
});

describe('a target', () => {
  test('that answered 410 is told again after a restart', async () => {
    const first = await bench({ a: {} }, { a: () => 410 });
    await post('s', 'one');
    await first.rest();
    await first.hooks.stop(0);
    const second = await bench({ a: {} });
    await second.pass(DAY);
    expect(seqsOf(second.told)).toEqual([1]);
  });
  test('that was left out of the settings for a while goes on where it stopped; a new name begins now', async () => {
    const first = await bench({ a: {} });
    await post('s', 'one');
    await first.rest();
    await first.hooks.stop(0);
    const without = await bench({ b: {} });
    await post('s', 'two');
    await without.rest();
    await without.hooks.stop(0);
    const again = await bench({ a: {}, c: {} });
    await again.rest();
    expect(again.told.map((one) => [one.target, one.body.seq])).toEqual([['demo/a', 2]]);
  });
});

describe('a stop', () => {
  test('cuts off what does not end, without counting it as a failure of the target', async () => {
    const arrived = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<'RESET'>();
    const b = await bench(
      { a: {} },
      {
        a: () => {
          arrived.resolve();
          return cut.promise;
        },
      },
    );
    await post('s', 'one');
    b.bell.ring();
    await arrived.promise;
    const stopped = b.hooks.stop(0);
    cut.resolve('RESET');
    await stopped;
    expect(b.logs.filter((line) => line.event !== 'webhook delivered')).toEqual([]);
    expect(await h.db.selectFrom('webhook_targets').select('failures').execute()).toEqual([{ failures: 0 }]);
    expect(await h.db.selectFrom('webhook_deliveries').select(['seq', 'attempts']).execute()).toEqual([
      { seq: 1, attempts: 0 },
    ]);
  });
  test('in the middle of a load leaves the rest for the next start', async () => {
    const b = await bench({ a: {} });
    let n = 0;
    b.receivers.a = () => {
      if (++n === 3) void b.hooks.stop(0);
      return 204;
    };
    for (let i = 0; i < 10; i++) await post('s', `n${i}`);
    b.bell.ring();
    await b.hooks.idle();
    await b.hooks.stop(0);
    expect(seqsOf(b.told)).toEqual([1, 2, 3]);
    const next = await bench({ a: {} });
    await next.rest();
    expect(seqsOf(next.told)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });
});
