// Known document IDs brought in (OPS-03, OPS-04): what an import means for the newest document, for exports that waited for it
// and for exports in doubt (D1, D2), and what it may not say.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDue } from '../../../../gateway/exports/claims.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import {
  type ImportEntry,
  type ImportedDocument,
  ImportRefused,
  importSeries,
} from '../../../../gateway/exports/series-import.ts';
import { readSeries } from '../../../../gateway/exports/store.ts';
import {
  KVNR,
  mioBundle,
  noAnswer,
  OTHER_KVNR,
  registryError,
  type TestHouse,
  testHouse,
} from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const key = (kvnr = KVNR) => h.vault.lookupKey('demo', kvnr);
const uuid = () => `urn:uuid:${randomUUID()}`;
const document = (version: number, change: Partial<ImportedDocument> = {}): ImportedDocument => ({
  entryUuid: uuid(),
  version,
  recordSystem: 'epa-as-1',
  sha256: null,
  writtenAt: null,
  ...change,
});
const entry = (of: ImportedDocument | null, change: Partial<ImportEntry> = {}): ImportEntry => ({
  diga: 'demo',
  lookupKey: key(),
  series: 'main',
  part: '',
  document: of,
  ...change,
});
const bring = (...entries: ImportEntry[]) => importSeries(h.db, { entries, now: h.clock.now() });
const refusal = async (...entries: ImportEntry[]) => {
  try {
    await bring(...entries);
  } catch (thrown) {
    if (thrown instanceof ImportRefused) return thrown.findings.map((f) => `${f.pointer} ${f.code}`);
    throw thrown;
  }
  throw new Error('nothing refused');
};
const content = (name: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(name) } });
const go = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
};
const run = async (change: Parameters<TestHouse['accept']>[0] = {}) => {
  const id = await h.accept(change);
  await go();
  return id;
};
const head = (series = 'main') => readSeries(h.db, { lookup_key: key(), series }, '');
const row = async (id: string) => (await h.read(id)).row;
const doc = async (id: string) => (await h.read(id)).documents[0];
/** A series with version 1 written, whose second export met a target that is not the newest. */
const stale = async () => {
  const first = await run();
  h.outside.answers.push(() => registryError('target-not-approved'));
  const second = await run({ ...content('two'), queue: 'all' });
  expect(await row(second)).toMatchObject({ status: 'waiting', reason_code: 'TARGET_STALE' });
  return { first, second };
};
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

describe('refused, all at once and all of it', () => {
  test.each([
    ['an older version', () => entry(document(1)), '/entries/0/version VERSION_OLDER'],
    ['the same version with another document', () => entry(document(2)), '/entries/0/version VERSION_CONFLICT'],
    ['that there is nothing', () => entry(null), '/entries/0/entryUuid SERIES_KNOWN'],
  ] as const)('%s where the newest is known for certain', async (_name, of, finding) => {
    await run();
    await run(content('two'));
    const before = await head();
    expect(await refusal(of())).toEqual([finding]);
    expect(await head()).toEqual(before);
  });

  test('the newest document under another version or with another hash', async () => {
    const id = await run();
    const { entry_uuid: entryUuid = '' } = (await doc(id)) ?? {};
    expect(await refusal(entry(document(3, { entryUuid, sha256: 'b'.repeat(64) })))).toEqual([
      '/entries/0/version VERSION_CONFLICT',
      '/entries/0/sha256 SHA256_CONFLICT',
      '/entries/0/version VERSION_CONFLICT',
    ]);
  });

  test.each([
    ['another person', () => ({ lookupKey: key(OTHER_KVNR) })],
    ['another series', () => ({ series: 'other' })],
    ['another part', () => ({ part: 'pdf' })],
  ] as const)("a document of this person's series for %s", async (_name, change) => {
    const id = await run();
    const { entry_uuid: entryUuid = '' } = (await doc(id)) ?? {};
    expect(await refusal(entry(document(1, { entryUuid }), change()))).toEqual([
      '/entries/0/entryUuid ENTRY_UUID_TAKEN',
    ]);
  });

  test('what another DiGA has is not told, and not changed (EXP-27)', async () => {
    h.outside.answers.push(() => registryError('rejected'));
    const id = await run();
    const before = await h.read(id);
    const { entry_uuid: entryUuid = '' } = before.documents[0] ?? {};
    const second = entry(document(1, { entryUuid }), {
      diga: 'second',
      lookupKey: h.vault.lookupKey('second', KVNR),
    });
    expect(await bring(second)).toMatchObject([{ changed: true, written: [] }]);
    expect(await h.read(id)).toEqual(before);
  });

  test('an imported document for somebody else', async () => {
    const known = document(4);
    await bring(entry(known));
    expect(await refusal(entry(known, { lookupKey: key(OTHER_KVNR) }))).toEqual([
      '/entries/0/entryUuid ENTRY_UUID_TAKEN',
    ]);
  });

  test('one document for two persons of the list', async () => {
    const one = document(1);
    expect(await refusal(entry(one), entry(one, { lookupKey: key(OTHER_KVNR) }))).toEqual([
      '/entries/1/entryUuid ENTRY_UUID_TAKEN',
    ]);
  });

  test('one faulty entry of many: nothing of the list is stored', async () => {
    const [a, b] = [document(1), document(1)];
    const twice = document(3);
    expect(
      await refusal(
        entry(document(5), { series: 'good' }),
        entry(a, { series: 'x' }),
        entry(b, { series: 'x' }),
        entry(twice, { series: 'y' }),
        entry({ ...twice, version: 4 }, { series: 'y' }),
        entry(document(1), { series: 'z' }),
        entry(null, { series: 'z' }),
      ),
    ).toEqual([
      '/entries/2/version VERSION_TWICE',
      '/entries/3/entryUuid ENTRY_UUID_TWICE',
      '/entries/6/entryUuid SERIES_KNOWN',
    ]);
    expect(await h.db.selectFrom('series').select('series').execute()).toEqual([]);
    expect(await h.db.selectFrom('insured').select('lookup_key').execute()).toEqual([]);
  });
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
