// A PostgreSQL that hangs: the connection stands, and nothing comes back. A query is given up after `store.postgres.querySeconds`
// and its connection with it, so neither a caller nor the worker waits for ever, and all goes on when it answers again (EXP-03).
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket, connect as socketTo } from 'node:net';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asGatewayError } from '../../../../gateway/errors.ts';
import { withRowSeals } from '../../../../gateway/exports/row-seals.ts';
import { type Database, openStore } from '../../../../gateway/exports/store.ts';
import { type TestHouse, temporaryDirectory, testHouse } from '../../../support/gateway-fakes.ts';
import { dropStore, withPostgres } from '../../../support/schemas-of-tests.ts';
import { newSchema, onPostgres, storeOf } from '../../../support/stores.ts';

/** Between a gateway and its database; `hang` lets no byte through any more on what is connected then, and on what follows. */
class Between {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #hangs = false;
  url = '';

  constructor(to: URL) {
    this.#server = createServer((near) => {
      const far = socketTo(Number(to.port), to.hostname);
      const pair: [Socket, Socket] = [near, far];
      this.#pairs.add(pair);
      for (const [one, other] of [pair, [far, near] as const]) {
        one.on('data', (bytes) => !this.#hangs && other.write(bytes));
        one.on('error', () => {});
        one.on('close', () => {
          this.#pairs.delete(pair);
          other.destroy();
        });
      }
    });
  }
  async open(url: string): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String((this.#server.address() as AddressInfo).port);
    this.url = String(through);
  }
  get connections(): number {
    return this.#pairs.size;
  }
  hang(): void {
    this.#hangs = true;
  }
  /** For new connections: what was lost on the old ones stays lost. */
  goOn(): void {
    this.#hangs = false;
  }
  async close(): Promise<void> {
    for (const [near] of this.#pairs) near.destroy();
    this.#server.close();
  }
}

describe.runIf(onPostgres)('a PostgreSQL that hangs', () => {
  let between: Between;
  let h: TestHouse;
  let db: Database;
  const directories: ReturnType<typeof temporaryDirectory>[] = [];
  beforeEach(async () => {
    const directory = temporaryDirectory();
    directories.push(directory);
    h = await testHouse({ directory: directory.path });
    const settings = storeOf(directory.path);
    if (settings === undefined) throw new Error('no PostgreSQL');
    between = new Between(new URL(settings.url));
    await between.open(settings.url);
    const store = await openStore(directory.path, { ...settings, url: between.url, querySeconds: 1 });
    db = withRowSeals(store, { mac: h.vault.rowMac, broken: () => {} });
  });
  afterEach(async () => {
    await between.close();
    await db.destroy();
    await h.close();
    for (const directory of directories.splice(0)) directory.remove();
  });
  const one = async (on: Database = db) => (await sql<{ one: number }>`SELECT 1 AS one`.execute(on)).rows;
  const code = (work: Promise<unknown>) =>
    work.then(
      () => 'answered',
      (thrown) => asGatewayError(thrown).code,
    );

  test('gives a query up, and what comes after goes on another connection', async () => {
    expect(await one()).toEqual([{ one: 1 }]);
    between.hang();
    expect(await code(one())).toBe('STORE_UNREACHABLE');
    between.goOn();
    expect(await one()).toEqual([{ one: 1 }]);
    expect(between.connections).toBe(1);
  });

  test('gives a transaction up: nothing of it stays, and the next one need not wait for it', async () => {
    // One connection each, before it hangs.
    await Promise.all([one(), one()]);
    const work = db.transaction().execute(async (tx) => {
      await tx
        .insertInto('keys')
        .values({ name: 'probe', wrapped: Buffer.from('x') })
        .execute();
      between.hang();
      await tx.selectFrom('keys').selectAll().execute();
    });
    const waiting = db.transaction().execute(async (tx) => one(tx as unknown as Database));
    expect(await code(work)).toBe('STORE_UNREACHABLE');
    between.goOn();
    await code(waiting);
    await db.transaction().execute(async (tx) => {
      expect(await tx.selectFrom('keys').select('name').where('name', '=', 'probe').execute()).toEqual([]);
    });
  });

  test('the worker says so and goes on when it answers again', async () => {
    const id = await h.accept();
    const told: string[] = [];
    const asked = Promise.withResolvers<void>();
    h.house.db = db;
    h.house.log = {
      ...h.house.log,
      error: (event) => {
        told.push(event);
        asked.resolve();
      },
    };
    const worker = h.worker();
    await worker.start();
    await worker.idle();
    expect((await h.read(id)).row.status).toBe('written');
    const next = await h.accept({ series: 'next' });
    between.hang();
    worker.wake();
    await asked.promise;
    expect(told).toEqual(['store fault in the worker']);
    between.goOn();
    await worker.idle();
    await worker.stop(0);
    expect((await h.read(next)).row.status).toBe('written');
  });

  test('a start waits longer for another gateway that raises the store', async () => {
    const settings = { ...newSchema(), querySeconds: 1 };
    const locked = Promise.withResolvers<void>();
    const other = withPostgres(settings.url, async (client) => {
      await client.query('BEGIN');
      await client.query(`SELECT pg_advisory_xact_lock(${0x65_70_61})`);
      locked.resolve();
      await client.query('SELECT pg_sleep(1.5)');
      await client.query('COMMIT');
    });
    await locked.promise;
    const opened = await openStore('', settings);
    expect(await one(opened)).toEqual([{ one: 1 }]);
    expect(await code(sql`SELECT pg_sleep(5)`.execute(opened))).toBe('STORE_UNREACHABLE');
    await opened.destroy();
    await other;
    await dropStore(settings);
  });
});
