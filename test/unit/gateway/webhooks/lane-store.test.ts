// The lane of a webhook target and its store: what a store that fails costs the receiver, and a reading that is overtaken by the
// outcome of a try (PostgreSQL: several connections; SQLite has one, where nothing overtakes).
import type { KyselyPlugin, RootOperationNode } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../../gateway/exports/store.ts';
import { mioBundle, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { breakStore } from '../../../support/store-triggers.ts';
import { onPostgres } from '../../../support/stores.ts';
import { type Receiver, type WebhookBench, webhookBench } from '../../../support/webhook-bench.ts';

let h: TestHouse;
let opened: WebhookBench[];
beforeEach(async () => {
  h = await testHouse();
  opened = [];
});
afterEach(async () => {
  for (const bench of opened) await bench.hooks.stop(0);
  await h.close();
});

const bench = async (receiver: Receiver, db: Database = h.db) => {
  const made = webhookBench({ ...h, db, targets: { a: {} }, receivers: { a: receiver } });
  opened.push(made);
  await made.start();
  return made;
};
const post = (series: string) =>
  h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle(series) }, series });
const faults = (b: WebhookBench) => b.logs.filter((line) => line.level === 'error').map((line) => line.event);

describe('while the store takes no outcome', () => {
  test('a message that is taken is told again after a second, not without end, and once more when the store works', async () => {
    const b = await bench(() => 204);
    const mend = await breakStore(h.db, { table: 'webhook_deliveries', on: 'DELETE' });
    await post('x');
    await b.rest();
    expect(b.told).toHaveLength(1);
    await b.pass(999);
    await b.rest();
    expect(b.told).toHaveLength(1);
    await b.pass(1);
    expect(b.told).toHaveLength(2);
    await b.pass(5000);
    expect(b.told).toHaveLength(7);
    expect(faults(b)).toEqual(Array.from({ length: 7 }, () => 'webhook not settled'));
    await mend();
    await b.pass(1000);
    await b.pass(60_000);
    expect(b.told).toHaveLength(8);
    expect(new Set(b.told.map((one) => one.webhookId)).size).toBe(1);
    expect(await b.hooks.states()).toMatchObject([{ state: 'ok', backlog: 0 }]);
  });
  test('nor is one without end that is not taken', async () => {
    const b = await bench(() => 'UNREACHABLE');
    await breakStore(h.db, { table: 'webhook_deliveries', on: 'UPDATE' });
    await post('x');
    await b.rest();
    await b.rest();
    expect(b.told).toHaveLength(1);
    await b.pass(3000);
    expect(b.told).toHaveLength(4);
  });
  test('new events do not make it sooner', async () => {
    const b = await bench(() => 204);
    await breakStore(h.db, { table: 'webhook_deliveries', on: 'DELETE' });
    await post('x');
    await b.rest();
    for (const series of ['y', 'z']) {
      await post(series);
      await b.rest();
    }
    expect(b.told).toHaveLength(1);
    await b.pass(1000);
    expect(b.told).toHaveLength(4);
  });
  test('nobody is told where not even the lease can be taken, and the store is asked once a second', async () => {
    const b = await bench(() => 204);
    await post('x');
    const mend = await breakStore(h.db, { table: 'webhook_targets', on: 'UPDATE' });
    b.bell.ring();
    await b.logged('store fault in webhooks');
    await b.pass(3000);
    expect(b.told).toHaveLength(0);
    expect(faults(b).length).toBeLessThanOrEqual(8);
    await mend();
    await b.pass(1000);
    expect(b.told).toHaveLength(1);
  });
});

/** Holds back the next answer to "how is the target" that a look gets for its choice, as a slow connection does. */
function slowReading() {
  const held = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  const wanted = new WeakSet<object>();
  let spread = false;
  let armed = false;
  const reads = (node: RootOperationNode, table: string) => JSON.stringify(node).includes(`"name":"${table}"`);
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      if (node.kind === 'SelectQueryNode' && armed) {
        // Each look asks for new events before it chooses.
        if (reads(node, 'events')) spread = true;
        else if (spread && reads(node, 'webhook_targets')) {
          armed = false;
          wanted.add(queryId);
        }
      }
      return node;
    },
    transformResult: async ({ result, queryId }) => {
      if (wanted.has(queryId)) {
        held.resolve();
        await free.promise;
      }
      return result;
    },
  };
  return {
    plugin,
    arm: () => {
      armed = true;
    },
    held: held.promise,
    free: free.resolve,
  };
}

test.runIf(onPostgres)('a try that fails while a look reads the target leaves no place to that look', async () => {
  const slow = slowReading();
  const trying = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<'UNREACHABLE'>();
  let tries = 0;
  const b = await bench(() => {
    tries += 1;
    if (tries !== 3) return 'UNREACHABLE';
    trying.resolve();
    return answer.promise;
  }, h.db.withPlugin(slow.plugin));
  for (const series of ['x', 'y', 'z']) {
    await post(series);
    await b.rest();
  }
  // It fails: one at a time.
  const before = tries;
  expect(before).toBe(1);
  await b.pass(5_000);
  expect(tries).toBe(2);
  const passing = b.pass(60_000);
  await trying.promise;
  slow.arm();
  b.bell.ring();
  await slow.held;
  b.logs.length = 0;
  answer.resolve('UNREACHABLE');
  await b.logged('webhook not delivered');
  await new Promise(setImmediate);
  slow.free();
  await passing;
  expect(tries).toBe(3);
});
