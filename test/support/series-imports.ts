// Known document IDs brought into a house (OPS-03, OPS-04), for the tests of what an import means.
import { randomUUID } from 'node:crypto';
import {
  type ImportEntry,
  type ImportedDocument,
  ImportRefused,
  importSeries,
} from '../../gateway/exports/series-import.ts';
import { readSeries } from '../../gateway/exports/store.ts';
import { KVNR, type TestHouse } from './gateway-fakes.ts';
import { workOff } from './house-steps.ts';

const uuid = () => `urn:uuid:${randomUUID()}`;
export const document = (version: number, change: Partial<ImportedDocument> = {}): ImportedDocument => ({
  entryUuid: uuid(),
  version,
  recordSystem: 'epa-as-1',
  sha256: null,
  writtenAt: null,
  ...change,
});

/** Imports into the house, what they are made of, and what is known there afterwards. */
export function seriesImports(house: () => TestHouse) {
  const key = (kvnr = KVNR) => house().vault.lookupKey('demo', kvnr);
  const entry = (of: ImportedDocument | null, change: Partial<ImportEntry> = {}): ImportEntry => ({
    diga: 'demo',
    lookupKey: key(),
    series: 'main',
    part: '',
    document: of,
    ...change,
  });
  const bring = (...entries: ImportEntry[]) => importSeries(house().db, { entries, now: house().clock.now() });
  const refusal = async (...entries: ImportEntry[]) => {
    try {
      await bring(...entries);
    } catch (thrown) {
      if (thrown instanceof ImportRefused) return thrown.findings.map((f) => `${f.pointer} ${f.code}`);
      throw thrown;
    }
    throw new Error('nothing refused');
  };
  const go = () => workOff(house());
  const run = async (change: Parameters<TestHouse['accept']>[0] = {}) => {
    const id = await house().accept(change);
    await go();
    return id;
  };
  const head = (series = 'main') => readSeries(house().db, { lookup_key: key(), series }, '');
  const row = async (id: string) => (await house().read(id)).row;
  const doc = async (id: string) => (await house().read(id)).documents[0];
  return { key, entry, bring, refusal, go, run, head, row, doc };
}
