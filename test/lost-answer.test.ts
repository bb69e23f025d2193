// An answer lost after storing, a request lost before: every kind of D22 × version 1 and 2 × the answers a record system may
// give to a repeat (D1). Each cell ends as `written`, with one document per version in the record. The cells are printed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

const KINDS = ['drop-response', 'reset', 'truncate', 'garbage', 'drop-request', 'reset-request'] as const;
const ANSWERS = ['XDSDuplicateDocument', 'XDSDuplicateUniqueIdInRegistry', 'target-not-approved'] as const;
const WRITTEN = new Set(['written', 'refused', 'failed', 'waiting', 'cancelled']);

describe.each(ANSWERS)('the record system answers a repeat with %s', (answer) => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start();
    world.sim.world.choices.duplicateAnswer = answer;
  });
  afterAll(() => world.stop());

  // Concurrent: each cell has an insured of its own, and all wait out the same two seconds of D22.
  describe.concurrent.each(KINDS)('%s', (kind) => {
    test.each([1, 2])('version %i ends as written, one document per version', async (version) => {
      const kvnr = await world.newInsured(
        1000 + KINDS.indexOf(kind) * 10 + version,
        version === 1 ? 'epa-as-1' : 'epa-as-2',
      );
      const uuids: string[] = [];
      for (let earlier = 1; earlier < version; earlier++) {
        uuids.push(
          (await world.write(exportBody(kvnr, demoDocument(kvnr, earlier, new Date())), WRITTEN)).document.entryUuid,
        );
      }
      await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind, times: 1, match: { kvnr } });
      const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, version, new Date())));
      const done = await world.settled(accepted.id, WRITTEN);
      uuids.push(done.document.entryUuid);

      const record = await world.documents(kvnr, true);
      process.stdout.write(
        `${answer} | ${kind} | version ${version} | ${done.status} after ${done.attempts} tries | ${record.length} in the record\n`,
      );
      expect(done).toMatchObject({
        status: 'written',
        attempts: 2,
        document: { version, replaces: uuids.at(-2) ?? null },
      });
      expect(record.map((one) => one.entryUuid)).toEqual(uuids);
      expect(record.map((one) => one.status)).toEqual([...Array(version - 1).fill('Deprecated'), 'Approved']);
    });
  });

  test('while nothing is known the export is unclear, and says that nobody needs to act', async () => {
    const kvnr = await world.newInsured(1900, 'epa-as-1');
    await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 1, match: { kvnr } });
    const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    const unclear = await world.settled(accepted.id, new Set(['unclear', ...WRITTEN]));
    expect(unclear).toMatchObject({ status: 'unclear', reason: { code: 'WRITE_UNANSWERED', who: 'none' } });
    expect(await world.settled(accepted.id, WRITTEN)).toMatchObject({ status: 'written' });
  });
});

test('a document of someone else with the same bytes is no proof: a first try refused as duplicate is refused', async () => {
  const world = await TestWorld.start();
  try {
    const kvnr = await world.newInsured(1950, 'epa-as-1');
    const document = demoDocument(kvnr, 1, new Date());
    expect(await world.write(exportBody(kvnr, document, { series: 'one' }))).toMatchObject({ status: 'written' });
    const second = await world.write(exportBody(kvnr, document, { series: 'two' }));
    expect(second).toMatchObject({ status: 'refused', reason: { code: 'DOCUMENT_DUPLICATE', who: 'backend' } });
    expect(await world.documents(kvnr)).toHaveLength(1);
  } finally {
    await world.stop();
  }
});
