// Known document IDs for an export of several parts (OPS-04, D1, D4): the part in doubt is the first in the order of writing,
// which is not that of the names. Taking another for it would forget the doubt, and a repeat could write twice.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importSeries } from '../../../../gateway/exports/series-import.ts';
import { KVNR, mioBundle, noAnswer, registryError, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const idle = async () => {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(1000);
};
const document = (text: string) => ({ mimeType: 'application/fhir+xml', content: mioBundle(text) });
const bring = (part: string, entryUuid: string) => {
  const named = { entryUuid, version: 1, recordSystem: 'epa-as-1', sha256: null, writtenAt: null };
  const entry = { diga: 'demo', lookupKey: h.vault.lookupKey('demo', KVNR), series: 'main', part, document: named };
  return importSeries(h.db, { entries: [entry], now: h.clock.now() });
};

test('D1: an import of another part leaves the doubt of the one that was written first', async () => {
  h.outside.answers.push(noAnswer);
  const further = [{ part: '2026-10-01', first: true, document: document('october') }];
  const id = await h.accept({ document: document('september'), further });
  await idle();
  const before = await h.read(id);
  expect([before.row.status, before.row.unanswered]).toEqual(['unclear', 1]);
  const own = before.documents.find((one) => one.part === '')?.entry_uuid ?? '';
  await bring('', own);
  const after = await h.read(id);
  expect([after.row.status, after.row.unanswered]).toEqual(['unclear', 1]);
  // The repeat meets its own first try: it is written, not refused as somebody else's.
  h.outside.answers.push(() => registryError('duplicate'));
  h.clock.advance(600_000);
  await idle();
  const done = await h.read(id);
  expect([done.row.status, ...done.documents.map((one) => one.status)]).toEqual(['written', 'written', 'written']);
  expect(h.outside.writes.map((one) => one.content.includes('october'))).toEqual([true, true]);
});

test('D1: an import of the part in doubt ends the doubt, and the others go on', async () => {
  h.outside.answers.push(noAnswer);
  const further = [{ part: '2026-10-01', first: true, document: document('october') }];
  const id = await h.accept({ document: document('september'), further });
  await idle();
  const doubted = (await h.read(id)).documents.find((one) => one.part === '2026-10-01')?.entry_uuid ?? '';
  const [place] = await bring('2026-10-01', doubted);
  expect(place?.resumed).toEqual([id]);
  expect((await h.read(id)).row).toMatchObject({ status: 'queued', unanswered: 0 });
  await idle();
  expect((await h.read(id)).row.status).toBe('written');
  expect(h.outside.writes.map((one) => one.content.includes('october'))).toEqual([true, false]);
});
