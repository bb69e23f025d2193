// Negative table, part 3: every check of an answer's frame broken alone. During the login nothing is written; on the answer
// to ITI-41 itself nothing is known: the export is unclear until its repeat, and one document is in the record
// (epa-record-system.md 1.5, 1.7; D1, D22).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { playTrustTable } from './support/trust-table.ts';
import { exportBody, TestWorld } from './support/world.ts';
import { FRAME_BREAKS, FRAME_GROUPS } from './tables/trust-rows.ts';

playTrustTable(FRAME_GROUPS, 22_000);

describe('on the answer to ITI-41', () => {
  const WRITTEN = new Set(['written', 'refused', 'failed', 'waiting', 'cancelled']);
  let world: TestWorld;
  let next = 23_000;
  beforeAll(async () => {
    world = await TestWorld.start();
  });
  afterAll(() => world.stop());

  const cases: { check: string; title: string; kind: string; params?: object }[] = [
    ...FRAME_BREAKS.map(({ check, title, what }) => ({ check, title, kind: 'wrong-frame', params: { what } })),
    { check: 'egress.reset', title: 'truncated', kind: 'truncate' },
  ];
  // One after another: the channel that dies is the same for all.
  test.each(cases)('$title: unclear with $check, then written, once', async ({ check, title, kind, params }) => {
    const kvnr = await world.newInsured(next++, 'epa-as-1');
    await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind, params, times: 1, match: { kvnr } });
    const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    const unclear = await world.tried(accepted.id);
    expect(unclear).toMatchObject({ status: 'unclear', attempts: 1, reason: { code: 'WRITE_UNANSWERED', check } });
    // It arrived all the same: only the answer was spoiled.
    expect((await world.documents(kvnr)).map((one) => one.entryUuid)).toEqual([unclear.document.entryUuid]);
    await world.stopGateway();
    await world.startGateway();
    expect(await world.settled(accepted.id, WRITTEN)).toMatchObject({ status: 'written', attempts: 2 });
    expect(await world.documents(kvnr)).toHaveLength(1);
    process.stdout.write(`answer to ITI-41 | ${title} | WRITE_UNANSWERED, then written | ${check}\n`);
  });
});
