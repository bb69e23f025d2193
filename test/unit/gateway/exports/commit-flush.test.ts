// Durable at every commit though SQLite itself does not wait for the disk (EXP-03): nobody is answered before the flush, one flush
// serves all, what is on disk at an answer holds what was answered, and a flush that fails is the end of the store.
import { copyFileSync, fdatasync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase, SCHEMA } from '../../../../gateway/exports/database.ts';

let folder: string;
let db: Database | undefined;
/** Called by every flush once the store is open. */
let flush: () => Promise<void> = async () => {};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'epa-flush-'));
  const real = promisify(fdatasync);
  flush = async () => {};
  db = await openDatabase(join(folder, 'gateway.db'), SCHEMA, undefined, async (fd) => {
    await flush();
    await real(fd);
  });
});
afterEach(async () => {
  flush = async () => {};
  await db?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const store = () => db as Database;
const insert = (name: string) =>
  store()
    .insertInto('keys')
    .values({ name, wrapped: Buffer.from(name) })
    .execute();
const names = async (of = store()) => (await of.selectFrom('keys').select('name').execute()).map((row) => row.name);

/** Holds every flush; `begun` resolves when one waits. */
function held() {
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let count = 0;
  flush = () => {
    count += 1;
    begun.resolve();
    return release.promise;
  };
  return { begun: begun.promise, release: release.resolve, fail: release.reject, count: () => count };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  // Everything that needs no disk has had its turn by then.
  const turn = new Promise((done) => setImmediate(() => setImmediate(() => done(pending))));
  return (await Promise.race([promise, turn])) === pending;
}

test('the log is kept (WAL), and SQLite leaves its flush to us', async () => {
  expect((await sql<{ journal_mode: string }>`PRAGMA journal_mode`.execute(store())).rows[0]?.journal_mode).toBe('wal');
  expect((await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(store())).rows[0]?.synchronous).toBe(1);
});

test.each([
  ['a statement', () => insert('a')],
  [
    'a transaction',
    () =>
      store()
        .transaction()
        .execute((tx) =>
          tx
            .insertInto('keys')
            .values({ name: 'a', wrapped: Buffer.of(1) })
            .execute(),
        ),
  ],
  [
    'a change that answers rows',
    () =>
      store()
        .insertInto('keys')
        .values({ name: 'a', wrapped: Buffer.of(1) })
        .returningAll()
        .execute(),
  ],
])('%s is answered after the flush', async (_what, write) => {
  const disk = held();
  const written = write();
  await disk.begun;
  expect(await isPending(written)).toBe(true);
  disk.release();
  await written;
  expect(await names()).toEqual(['a']);
});

test('who reads what is not on disk yet is answered when it is', async () => {
  const disk = held();
  const written = insert('a');
  await disk.begun;
  const read = names();
  expect(await isPending(read)).toBe(true);
  disk.release();
  expect(await read).toEqual(['a']);
  await written;
});

test('others commit while one waits for the disk, and one more flush serves all of them', async () => {
  const disk = held();
  const first = insert('a');
  await disk.begun;
  const others = ['b', 'c', 'd', 'e'].map(insert);
  expect(await isPending(Promise.race(others))).toBe(true);
  disk.release();
  await Promise.all([first, ...others]);
  expect(disk.count()).toBe(2);
});

test('what changes nothing flushes nothing', async () => {
  const disk = held();
  await names();
  await store()
    .transaction()
    .execute((tx) => tx.selectFrom('keys').selectAll().execute());
  expect(disk.count()).toBe(0);
});

test('after a power cut at any answer all that was answered is there', async () => {
  const cut = join(folder, 'cut.db');
  const real = flush;
  for (const name of ['a', 'b', 'c']) {
    // What is on disk now and nothing that comes later.
    flush = async () => {
      for (const end of ['', '-wal']) copyFileSync(join(folder, `gateway.db${end}`), `${cut}${end}`);
    };
    await insert(name);
    flush = real;
    const after = new DatabaseSync(cut);
    expect(
      after
        .prepare('SELECT name FROM keys')
        .all()
        .map((row) => row.name),
    ).toContain(name);
    after.close();
  }
});

test('a flush that fails is told to all who wait, and nothing is taken any more', async () => {
  const disk = held();
  const both = [insert('a'), insert('b')];
  await disk.begun;
  disk.fail(new Error('EIO'));
  for (const written of both) await expect(written).rejects.toMatchObject({ code: 'STORE_BROKEN' });
  flush = async () => {};
  await expect(insert('c')).rejects.toMatchObject({ code: 'STORE_BROKEN' });
  await expect(names()).rejects.toMatchObject({ code: 'STORE_BROKEN' });
});

test('a transaction that is taken back leaves nothing, and the next one goes', async () => {
  const failing = store()
    .transaction()
    .execute(async (tx) => {
      await tx
        .insertInto('keys')
        .values({ name: 'a', wrapped: Buffer.of(1) })
        .execute();
      throw new Error('no');
    });
  await expect(failing).rejects.toThrow('no');
  await insert('b');
  expect(await names()).toEqual(['b']);
});

test('transactions take turns, in the order in which they came', async () => {
  const order: string[] = [];
  const run = (name: string) =>
    store()
      .transaction()
      .execute(async (tx) => {
        order.push(`${name} begins`);
        await tx
          .insertInto('keys')
          .values({ name, wrapped: Buffer.of(1) })
          .execute();
        await new Promise(setImmediate);
        order.push(`${name} ends`);
      });
  await Promise.all(['a', 'b', 'c'].map(run));
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('a store that is closed waits for the flush that is on its way', async () => {
  const disk = held();
  const written = insert('a');
  await disk.begun;
  const closed = store().destroy();
  db = undefined;
  expect(await isPending(closed)).toBe(true);
  disk.release();
  await Promise.all([written, closed]);
});
