// Queries that are built once: each call with its own values in their places, in transactions and in every store.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepared, preparedOne } from '../../../../gateway/exports/prepared.ts';
import { temporaryDirectory, testHouse } from '../../../support/gateway-fakes.ts';

const masterKey = Buffer.alloc(32, 7);
let directories: ReturnType<typeof temporaryDirectory>[];
let houses: Awaited<ReturnType<typeof testHouse>>[];
beforeEach(async () => {
  directories = [temporaryDirectory(), temporaryDirectory()];
  houses = [];
  for (const { path } of directories) houses.push(await testHouse({ directory: path, masterKey }));
});
afterEach(async () => {
  for (const house of houses) await house.close();
  for (const directory of directories) directory.remove();
});

let built = 0;
const put = prepared((db, wrapped: Uint8Array, name: string) => {
  built += 1;
  // A constant between the two, and one value that stands twice.
  return db
    .insertInto('keys')
    .values({ name, wrapped })
    .onConflict((c) => c.column('name').doUpdateSet({ wrapped }).where('keys.name', '!=', 'fixed'));
});
const read = preparedOne((db, name: string) => db.selectFrom('keys').select('wrapped').where('name', '=', name));

test('values come to their places, in each store and in a transaction, and the query is built once for each store', async () => {
  built = 0;
  for (const { db } of houses) {
    await put(db, Buffer.from('1'), 'fixed');
    await put(db, Buffer.from('2'), 'other');
    await db.transaction().execute(async (tx) => {
      await put(tx, Buffer.from('3'), 'fixed');
      await put(tx, Buffer.from('4'), 'other');
      expect(Buffer.from((await read(tx, 'other'))?.wrapped ?? [])).toEqual(Buffer.from('4'));
    });
    expect(Buffer.from((await read(db, 'fixed'))?.wrapped ?? [])).toEqual(Buffer.from('1'));
    expect(Buffer.from((await read(db, 'other'))?.wrapped ?? [])).toEqual(Buffer.from('4'));
    expect(await read(db, 'none')).toBeUndefined();
  }
  expect(built).toBe(2);
});

test('what is taken back is gone, whoever asked', async () => {
  const { db } = houses[0] as (typeof houses)[number];
  const failing = db.transaction().execute(async (tx) => {
    await put(tx, Buffer.from('1'), 'a');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await read(db, 'a')).toBeUndefined();
});
