// An export as its DiGA sees it: the document stands where the export stands, and foreign words are masked and cut (D15, D20).
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayError } from '../../../../gateway/errors.ts';
import { claimDue } from '../../../../gateway/exports/claims.ts';
import { viewExport } from '../../../../gateway/exports/export-view.ts';
import { sealExport } from '../../../../gateway/exports/row-seals-export.ts';
import { KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

test('the document of an export that runs again is not shown as waiting any more', async () => {
  h.outside.sessionFaults.push(new GatewayError('SMCB_PIN_NOT_VERIFIED', 'no PIN'));
  const id = await h.accept();
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(viewExport(await h.read(id), 'de')).toMatchObject({ status: 'waiting', document: { status: 'waiting' } });
  h.clock.advance(60_000);
  await claimDue(h.db, h.clock.now(), 1);
  expect(viewExport(await h.read(id), 'de')).toMatchObject({ status: 'running', document: { status: 'running' } });
});

test('foreign words stored by an earlier version are masked and cut when shown', async () => {
  const id = await h.accept();
  const text = `${'x'.repeat(495)}${KVNR}`;
  const trace = Array.from({ length: 50 }, () => ({ code: '4101', text: KVNR }));
  await h.db
    .updateTable('exports')
    .set({ reason_code: 'DOCUMENT_REJECTED', reason_foreign: JSON.stringify({ code: KVNR, text, status: 500, trace }) })
    .execute();
  await sealExport(h.db, id);
  const view = viewExport({ ...(await h.read(id)), behind: null }, 'en');
  expect(view.reason?.foreign).toMatchObject({ code: '[masked]', status: 500, trace: expect.any(Array) });
  expect(view.reason?.foreign?.text).toHaveLength(500);
  expect(view.reason?.foreign?.trace).toHaveLength(5);
  expect(JSON.stringify(view)).not.toContain(KVNR.slice(0, 5));
});
