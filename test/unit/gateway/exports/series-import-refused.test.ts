// Known document IDs brought in (OPS-03, OPS-04) that are refused: all of a list, with every finding in its place, and nothing of it
// is stored.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KVNR, OTHER_KVNR, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { document, seriesImports } from '../../../support/series-imports.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { key, entry, bring, refusal, run, head, doc } = seriesImports(() => h);

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
