// Known document IDs brought in (OPS-03, OPS-04): what an import means for the newest document and for exports that waited for it
// (D2). Exports in doubt: series-import-doubt.test.ts; what an import may not say: series-import-refused.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  KVNR,
  noAnswer,
  OTHER_KVNR,
  registryError,
  type TestHouse,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { document, seriesImports } from '../../../support/series-imports.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { key, entry, bring, refusal, go, run, head, row, doc } = seriesImports(() => h);

/** A series with version 1 written, whose second export met a target that is not the newest. */
const stale = async () => {
  const first = await run();
  h.outside.answers.push(() => registryError('target-not-approved'));
  const second = await run({ ...content('two'), queue: 'all' });
  expect(await row(second)).toMatchObject({ status: 'waiting', reason_code: 'TARGET_STALE' });
  return { first, second };
};

describe('a person who is not known', () => {
  test('the next export replaces the imported document as the version after it; no KVNR is held for the import', async () => {
    const known = document(7, { sha256: 'a'.repeat(64), writtenAt: 1000 });
    expect(await bring(entry(known))).toEqual([
      { place: expect.objectContaining({ index: 0 }), changed: true, written: [], resumed: [] },
    ]);
    expect(await h.db.selectFrom('insured').select('kvnr_sealed').executeTakeFirst()).toEqual({ kvnr_sealed: null });
    expect(await head()).toMatchObject({
      entry_uuid: known.entryUuid,
      version: 7,
      export_id: '',
      doubtful: 1,
      frozen: 0,
      written_at: 1000,
    });
    const id = await run();
    expect(await doc(id)).toMatchObject({ status: 'written', version: 8, replaces: known.entryUuid });
    expect(h.outside.writes[0]?.order.replaces).toBe(known.entryUuid);
  });

  test('a replacement that the record system takes ends the doubt, since its target was the newest (D1)', async () => {
    await bring(entry(document(7)));
    await run();
    expect(await head()).toMatchObject({ version: 8, doubtful: 0, frozen: 0 });
  });

  test('until then "not Approved" to a repeat proves nothing (D1)', async () => {
    await bring(entry(document(7)));
    h.outside.answers.push(noAnswer, () => registryError('target-not-approved'));
    const id = await run();
    h.clock.advance(2000);
    await go();
    expect(await row(id)).toMatchObject({ status: 'unclear', reason_code: 'WRITE_DOUBTFUL' });
    expect(await head()).toMatchObject({ version: 7, doubtful: 1 });
  });

  test('content with the imported hash is unchanged, of no export of ours', async () => {
    const first = await h.accept({ series: 'elsewhere' });
    const { sha256 = '' } = (await doc(first)) ?? {};
    await bring(entry(document(7, { sha256 })));
    const id = await run();
    expect(await row(id)).toMatchObject({ status: 'unchanged', reason_export: null });
  });

  test('the whole chain of a series may come, in any order: the highest version is the newest', async () => {
    const [one, two, three] = [document(1), document(2), document(3)];
    await bring(entry(two), entry(three), entry(one));
    expect(await head()).toMatchObject({ entry_uuid: three.entryUuid, version: 3 });
  });

  test('many persons and series in one list', async () => {
    const entries = Array.from({ length: 300 }, (_, n) =>
      entry(document(n + 1), { lookupKey: key(n % 2 === 0 ? KVNR : OTHER_KVNR), series: `s${n}` }),
    );
    expect(await bring(...entries)).toHaveLength(300);
    expect(await h.db.selectFrom('insured').select('lookup_key').execute()).toHaveLength(2);
  });
});

describe('a frozen series (D2)', () => {
  test('thaws, and the export that waited goes on at once as the version after the imported one', async () => {
    const { first, second } = await stale();
    const third = await h.accept({ ...content('three'), queue: 'all' });
    const newest = document(5);
    expect(await bring(entry(newest))).toMatchObject([{ changed: true, written: [], resumed: [second] }]);
    expect(await row(second)).toMatchObject({ status: 'queued', reason_code: null, next_attempt_at: h.clock.now() });
    await go();
    expect(await doc(second)).toMatchObject({ status: 'written', version: 6, replaces: newest.entryUuid });
    expect(await doc(third)).toMatchObject({
      status: 'written',
      version: 7,
      replaces: (await doc(second))?.entry_uuid,
    });
    expect(await head()).toMatchObject({ version: 7, doubtful: 0, frozen: 0 });
    expect((await row(first)).status).toBe('written');
  });

  test('an older document is believed, too: a restored record knows no newer one', async () => {
    const { second } = await stale();
    const older = document(1);
    await bring(entry(older));
    await go();
    expect(await doc(second)).toMatchObject({ status: 'written', version: 2, replaces: older.entryUuid });
  });

  test('the same document again thaws it; the next refusal freezes it anew', async () => {
    const { first, second } = await stale();
    const { entry_uuid: entryUuid = '' } = (await doc(first)) ?? {};
    expect(await bring(entry(document(1, { entryUuid })))).toMatchObject([{ changed: false, resumed: [second] }]);
    expect(await head()).toMatchObject({ frozen: 0, doubtful: 1, export_id: first });
    h.outside.answers.push(() => registryError('target-not-approved'));
    await go();
    expect(await row(second)).toMatchObject({ status: 'waiting', reason_code: 'TARGET_STALE' });
    expect(await head()).toMatchObject({ frozen: 1 });
  });

  test('after a restore the waiting export may be what the record holds as newest: then it is written (OPS-03)', async () => {
    const { second } = await stale();
    const { entry_uuid: entryUuid = '' } = (await doc(second)) ?? {};
    expect(await bring(entry(document(2, { entryUuid })))).toMatchObject([{ written: [second], resumed: [] }]);
    expect(await row(second)).toMatchObject({ status: 'written', reason_code: null, wrapped_key: null });
    const third = await run(content('three'));
    expect(await doc(third)).toMatchObject({ version: 3, replaces: entryUuid });
  });
});

test('a journey that read the old newest document sends nothing with it', async () => {
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  await run();
  const { locator } = h.outside.ports;
  const { locate } = locator;
  locator.locate = async (kvnr, lookupKey) => {
    reached.resolve();
    await open.promise;
    return locate(kvnr, lookupKey);
  };
  const id = await h.accept(content('two'));
  const worker = h.worker();
  await worker.start();
  await reached.promise;
  const newest = document(6);
  expect(await bring(entry(newest))).toMatchObject([{ resumed: [id] }]);
  open.resolve();
  await worker.idle();
  await worker.stop(0);
  expect(h.outside.writes.map((w) => w.order.replaces)).toEqual([null, newest.entryUuid]);
  expect(await doc(id)).toMatchObject({ status: 'written', version: 7 });
});

describe('the same list again', () => {
  test('changes nothing, whatever has been written since', async () => {
    const known = entry(document(7));
    await bring(known);
    const before = await head();
    h.clock.advance(1000);
    expect(await bring(known)).toMatchObject([{ changed: false, written: [], resumed: [] }]);
    expect(await head()).toMatchObject({ ...before, updated_at: expect.any(Number) });
    await run();
    expect(await refusal(known)).toEqual(['/entries/0/version VERSION_OLDER']);
  });

  test('of what this gateway wrote says nothing new: the series is not doubtful afterwards', async () => {
    const id = await run();
    const { entry_uuid: entryUuid = '', sha256 = '' } = (await doc(id)) ?? {};
    expect(await bring(entry(document(1, { entryUuid, sha256 })))).toMatchObject([{ changed: false }]);
    expect(await head()).toMatchObject({ doubtful: 0, export_id: id });
  });
});
