// Documents that come in as a stream: sealed into the store before there is an export, its own once it is accepted, and gone
// in every other case, also after a crash (D5, D8).
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { readContent } from '../../../../gateway/exports/content.ts';
import { eraseStaged, openStaging, STAGED_MS } from '../../../../gateway/exports/staging.ts';
import { nextSweep } from '../../../../gateway/exports/sweep.ts';
import { CHUNK_BYTES } from '../../../../gateway/vault/seal.ts';
import { exportOrder, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

/** Chunks that belong to no export yet; none lies about that nobody names. */
async function staged(): Promise<number> {
  const known = async (of: 'stagings' | 'exports') => {
    const ids =
      of === 'stagings' ? h.db.selectFrom('stagings').select('export_id') : h.db.selectFrom('exports').select('id');
    return (await h.db.selectFrom('sealed_chunks').select('n').where('export_id', 'in', ids).execute()).length;
  };
  const mine = await known('stagings');
  const all = (await h.db.selectFrom('sealed_chunks').select('n').execute()).length;
  expect(all).toBe(mine + (await known('exports')));
  return mine;
}
const open = () => openStaging({ db: h.db, vault: h.vault, diga: 'demo', now: h.clock.now });
/** A PDF of `bytes` bytes, staged in pieces. */
async function stage(bytes: number) {
  const staging = open();
  const content = randomBytes(bytes);
  const document = staging.open('');
  for (let at = 0; at < bytes; at += 60_000) await document.write(content.subarray(at, at + 60_000));
  return { staging, content, document: { mimeType: 'application/pdf', ...(await document.end()) } };
}
const accept = ({ staging, document }: Awaited<ReturnType<typeof stage>>) =>
  acceptExport({
    db: h.db,
    vault: h.vault,
    order: exportOrder({ document }),
    key: null,
    now: h.clock.now(),
    staging,
  });

test.each([1, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])('%i bytes are those of the export afterwards', async (bytes) => {
  const one = await stage(bytes);
  const { id } = await accept(one);
  expect(id).toBe(one.staging.id);
  expect(Buffer.from((await readContent(h, { id, diga: 'demo' })).content).equals(one.content)).toBe(true);
  expect(await staged()).toBe(0);
});

test('what is dropped is gone, and dropping after the acceptance takes nothing away', async () => {
  const one = await stage(CHUNK_BYTES + 1);
  expect(await staged()).toBe(2);
  await one.staging.drop();
  expect(await staged()).toBe(0);
  const two = await stage(10);
  const { id } = await accept(two);
  await two.staging.drop();
  expect(Buffer.from((await readContent(h, { id, diga: 'demo' })).content).equals(two.content)).toBe(true);
});

test('a chunk that is missing: nothing is accepted', async () => {
  const one = await stage(2 * CHUNK_BYTES);
  await h.db.deleteFrom('sealed_chunks').where('n', '=', 1).execute();
  await expect(accept(one)).rejects.toMatchObject({ code: 'INTERNAL' });
  expect((await h.db.selectFrom('exports').select('id').execute()).length).toBe(0);
  await one.staging.drop();
  expect((await h.db.selectFrom('sealed_chunks').select('n').execute()).length).toBe(0);
});

test('what was erased by its age meanwhile is not accepted, and nothing lies about afterwards', async () => {
  const one = await stage(CHUNK_BYTES + 1);
  h.clock.advance(STAGED_MS);
  expect(await eraseStaged(h.db, h.clock.now())).toBe(1);
  await expect(accept(one)).rejects.toMatchObject({ code: 'INTERNAL' });
  const late = await one.staging.open('pdf').end();
  expect([late.bytes, await staged()]).toEqual([0, 1]);
  await expect(accept(one)).rejects.toMatchObject({ code: 'INTERNAL' });
  await one.staging.drop();
  expect(await staged()).toBe(0);
});

test('two at once do not touch each other', async () => {
  const [one, two] = [await stage(10), await stage(20)];
  await one.staging.drop();
  const { id } = await accept(two);
  expect(Buffer.from((await readContent(h, { id, diga: 'demo' })).content).equals(two.content)).toBe(true);
});

test('the key of what is staged lies nowhere: a crash leaves noise', async () => {
  const one = await stage(10);
  const rows = [
    await h.db.selectFrom('stagings').selectAll().execute(),
    await h.db.selectFrom('sealed_chunks').selectAll().execute(),
  ];
  const columns = JSON.stringify(rows);
  expect(rows.flat()).toHaveLength(2);
  expect(columns).not.toContain(Buffer.from(one.staging.key).toString('base64'));
  expect((await h.db.selectFrom('exports').select('wrapped_key').execute()).length).toBe(0);
});

test('what a crash leaves is erased when no request can want it any more, by the worker, without being asked', async () => {
  await stage(CHUNK_BYTES + 1);
  expect(await nextSweep(h.db)).toBe(h.clock.now() + STAGED_MS);
  h.clock.advance(STAGED_MS - 1);
  expect([await eraseStaged(h.db, h.clock.now()), await staged()]).toEqual([0, 2]);
  h.clock.advance(1);
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(1000);
  expect(await staged()).toBe(0);
});

test('the DiGA’s key rotates while a document comes in: it is accepted under the new one', async () => {
  const one = await stage(10);
  const { data, log } = h.vault.nextGeneration('demo');
  await h.db
    .insertInto('keys')
    .values([{ name: data.name, wrapped: data.wrapped }])
    .execute();
  await h.db.updateTable('keys').set({ wrapped: log.wrapped }).where('name', '=', log.name).execute();
  expect(await h.vault.reload()).toBe(true);
  const { id } = await accept(one);
  expect(Buffer.from((await readContent(h, { id, diga: 'demo' })).content).equals(one.content)).toBe(true);
  const row = await h.db.selectFrom('exports').select('wrapped_under').executeTakeFirstOrThrow();
  expect(row.wrapped_under).toBe(data.name);
});
