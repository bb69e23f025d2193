// Known document IDs brought in (OPS-03, OPS-04) while an export is in doubt or ended so (D1): what an import means for it, and for
// each of two parts of one (D4).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDue } from '../../../../gateway/exports/claims.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { document, seriesImports } from '../../../support/series-imports.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { entry, bring, refusal, go, run, head, row, doc } = seriesImports(() => h);

/** A series with version 1 written, whose second export went unanswered and whose repeat met what proves nothing. */
const doubtful = async () => {
  const first = await run();
  h.outside.answers.push(noAnswer, () => registryError('target-unknown'));
  const second = await run(content('two'));
  h.clock.advance(2000);
  await go();
  expect(await row(second)).toMatchObject({ status: 'unclear', reason_code: 'WRITE_DOUBTFUL', next_attempt_at: null });
  return { first, second };
};

describe('an export in doubt (D1)', () => {
  test('is written where the list names its document, with receipt, event and erased content', async () => {
    const { second } = await doubtful();
    const { entry_uuid: entryUuid = '' } = (await doc(second)) ?? {};
    expect(await bring(entry(document(2, { entryUuid, writtenAt: 5000 })))).toMatchObject([{ written: [second] }]);
    expect(await row(second)).toMatchObject({ status: 'written', unanswered: 0, wrapped_key: null, reason_code: null });
    expect(await doc(second)).toMatchObject({ status: 'written', version: 2, written_at: 5000 });
    expect(await head()).toMatchObject({ entry_uuid: entryUuid, version: 2, export_id: second });
    expect((await readEvents(h.db, { after: 0, limit: 1000 })).at(-1)).toMatchObject({ type: 'export.written' });
    const sent = h.outside.writes.length;
    await go();
    expect(h.outside.writes).toHaveLength(sent);
  });

  test('is written where the list names its document below a newer one', async () => {
    const { second } = await doubtful();
    const { entry_uuid: entryUuid = '' } = (await doc(second)) ?? {};
    const newer = document(3);
    expect(await bring(entry(newer), entry(document(2, { entryUuid })))).toMatchObject([{ written: [second] }]);
    expect(await head()).toMatchObject({ entry_uuid: newer.entryUuid, version: 3 });
  });

  test('is asked for once more with the same IDs against the imported document, and written where it never arrived', async () => {
    const { second } = await doubtful();
    const newest = document(4);
    expect(await bring(entry(newest))).toMatchObject([{ written: [], resumed: [second] }]);
    expect(await row(second)).toMatchObject({ status: 'unclear', next_attempt_at: h.clock.now() });
    await go();
    const written = await doc(second);
    expect(written).toMatchObject({ status: 'written', version: 5, replaces: newest.entryUuid });
    expect(new Set(h.outside.writes.slice(1).map((w) => w.order.uniqueId)).size).toBe(1);
    expect(await head()).toMatchObject({ version: 5, entry_uuid: written?.entry_uuid });
  });

  test('that arrived after all and was replaced is written, and the imported document stays the newest', async () => {
    const { second } = await doubtful();
    const newest = document(4);
    await bring(entry(newest));
    h.outside.answers.push(() => registryError('duplicate', 'XDSDuplicateDocument'));
    await go();
    expect(await row(second)).toMatchObject({ status: 'written' });
    expect(await doc(second)).toMatchObject({ version: null, replaces: null });
    expect(await head()).toMatchObject({ entry_uuid: newest.entryUuid, version: 4, doubtful: 1 });
    const third = await run(content('three'));
    expect(await doc(third)).toMatchObject({ version: 5, replaces: newest.entryUuid });
  });

  test('stays in doubt where the answer proves nothing again, and never makes a new document (D1)', async () => {
    const { second } = await doubtful();
    await bring(entry(document(4)));
    h.outside.answers.push(() => registryError('target-unknown'));
    await go();
    expect(await row(second)).toMatchObject({ status: 'unclear', reason_code: 'WRITE_DOUBTFUL' });
    h.clock.advance(86_400_000);
    const sent = h.outside.writes.length;
    const claimed = await claimDue(h.db, h.clock.now(), 10);
    expect([claimed.length, sent]).toEqual([0, 4]);
  });

  test('keeps the target of its first try where the list says that that is still the newest', async () => {
    const { first, second } = await doubtful();
    const { entry_uuid: entryUuid = '' } = (await doc(first)) ?? {};
    await bring(entry(document(1, { entryUuid })));
    await go();
    expect(await doc(second)).toMatchObject({ status: 'written', version: 2, replaces: entryUuid });
  });

  test('goes as a first document where the record holds nothing', async () => {
    const { second } = await doubtful();
    await bring(entry(null));
    expect(await head()).toBeUndefined();
    await go();
    expect(await doc(second)).toMatchObject({ status: 'written', version: 1, replaces: null });
    expect(await head()).toMatchObject({ version: 1, export_id: second });
  });

  test('that is on the wire at this moment: the list is refused', async () => {
    await run();
    const sent = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    h.outside.answers.push(async () => {
      sent.resolve();
      await open.promise;
      return { kind: 'stored' };
    });
    await h.accept(content('two'));
    const worker = h.worker();
    await worker.start();
    await sent.promise;
    expect(await refusal(entry(document(9)))).toEqual(['/entries/0 WRITE_ON_ITS_WAY']);
    open.resolve();
    await worker.idle();
    await worker.stop(0);
    expect(await head()).toMatchObject({ version: 2, doubtful: 0 });
  });
});

test('an export that ended unresolved stays failed, its document is where the list says', async () => {
  const { second } = await doubtful();
  h.clock.advance(91 * 86_400_000);
  await go();
  expect(await row(second)).toMatchObject({ status: 'failed', reason_code: 'WRITE_UNRESOLVED' });
  const { entry_uuid: entryUuid = '' } = (await doc(second)) ?? {};
  await bring(entry(document(2, { entryUuid })));
  expect([(await row(second)).status, (await doc(second))?.status]).toEqual(['failed', 'written']);
  expect(await head()).toMatchObject({ entry_uuid: entryUuid, version: 2, frozen: 0 });
});

describe('an export of two parts (D4)', () => {
  const both = (name: string) => ({
    ...content(name),
    pdf: { mimeType: 'application/pdf', content: Buffer.from(`%PDF-1.7 ${name}`) },
  });
  const partsOf = async (id: string) => (await h.read(id)).documents.map((d) => [d.part, d.status, d.version]);

  test('the part that is in the record is written, the other goes on', async () => {
    await run(both('one'));
    h.outside.answers.push(noAnswer, () => registryError('target-unknown'));
    const id = await run(both('two'));
    h.clock.advance(2000);
    await go();
    expect(await row(id)).toMatchObject({ status: 'unclear', reason_code: 'WRITE_DOUBTFUL' });
    const { entry_uuid: entryUuid = '' } = (await doc(id)) ?? {};
    expect(await bring(entry(document(2, { entryUuid })))).toMatchObject([{ written: [], resumed: [id] }]);
    expect(await row(id)).toMatchObject({ status: 'queued', unanswered: 0 });
    await go();
    expect(await row(id)).toMatchObject({ status: 'written' });
    expect(await partsOf(id)).toEqual([
      ['', 'written', 2],
      ['pdf', 'written', 2],
    ]);
  });

  test('a doubt about one part is not one about the other', async () => {
    await run(both('one'));
    h.outside.answers.push(noAnswer, () => registryError('target-unknown'));
    const id = await run(both('two'));
    h.clock.advance(2000);
    await go();
    expect(await refusal(entry(null, { part: 'pdf' }))).toEqual(['/entries/0/entryUuid SERIES_KNOWN']);
    expect(await bring(entry(document(9), { part: 'pdf' }))).toMatchObject([{ written: [], resumed: [] }]);
    expect(await row(id)).toMatchObject({ status: 'unclear', reason_code: 'WRITE_DOUBTFUL' });
  });
});
