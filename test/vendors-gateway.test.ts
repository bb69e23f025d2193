// The gateway at every pair of vendors, and at a vendor whose VAU runs in several instances.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordSystemId } from '../connector-sim/records.ts';
import { VENDOR_NAMES, type VendorName } from '../connector-sim/tables/vendors.ts';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

const PAIRS: Record<RecordSystemId, VendorName>[] = VENDOR_NAMES.flatMap((one) =>
  VENDOR_NAMES.map((two) => ({ 'epa-as-1': one, 'epa-as-2': two })),
);
const AT = new Date('2026-11-20T08:00:00Z');

describe.each(PAIRS)('the gateway at %o', (vendors) => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start({ recordSystems: vendors });
  });
  afterAll(() => world.stop());

  test('writes versions 1 and 2 in both record systems (SES-06)', async () => {
    for (const [index, recordSystem] of (['epa-as-1', 'epa-as-2'] as const).entries()) {
      const kvnr = world.insured(index);
      const first = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, AT)));
      const second = await world.write(exportBody(kvnr, demoDocument(kvnr, 2, AT)));
      expect([first.status, second.status]).toEqual(['written', 'written']);
      expect(second.document).toMatchObject({ recordSystem, version: 2, replaces: first.document.entryUuid });
    }
  });

  test('knows a vanished target and a missing approval in either wording', async () => {
    for (const index of [0, 1]) {
      const kvnr = world.insured(index);
      for (const { entryUuid, status } of await world.documents(kvnr))
        if (status === 'Approved') await world.control('DELETE', `/sim/records/${kvnr}/documents/${entryUuid}`);
      const gone = await world.write(exportBody(kvnr, demoDocument(kvnr, 3, AT)));
      expect([gone.status, gone.reason?.code]).toEqual(['refused', 'TARGET_GONE']);
    }
    for (const recordSystem of ['epa-as-1', 'epa-as-2'] as const) {
      const kvnr = await world.newInsured(recordSystem === 'epa-as-1' ? 1 : 2, recordSystem, false);
      const waiting = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, AT)));
      expect([waiting.status, waiting.reason?.code]).toEqual(['waiting', 'RECORD_NOT_ENTITLED']);
    }
  });
});
