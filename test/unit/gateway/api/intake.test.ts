// Taking in what is built on what is remembered: another export of the series may come in between at any moment (D5), and then
// it is built again, however far it has come.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createIntake } from '../../../../gateway/api/intake.ts';
import { documentsOf } from '../../../../gateway/api/submission.ts';
import { createFinalWaits } from '../../../../gateway/exports/final-waits.ts';
import { GroundsChanged } from '../../../../gateway/exports/part-memory.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { exportOrder, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

/** Prepares an order, `late` times on memories that are gone before they are read. */
function taking(late: number) {
  const documents = documentsOf({ digas: [], mioTables: undefined, limits: { waitingBytes: 1 } });
  const { db, vault, clock, house } = h;
  const intake = createIntake({
    ...{ db, vault, documents, now: clock.now, metrics: house.metrics, log: silentLogger },
    ...{ documentBytes: 1, bodyBytes: 1, digas: new Set(['demo']), finalWaits: createFinalWaits(() => () => {}) },
    ...{ wake: () => {}, erased: () => {} },
  });
  const { document, ...terms } = exportOrder();
  let tries = 0;
  const prepare = async () => {
    tries += 1;
    if (tries <= late) throw new GroundsChanged();
    return { document, warnings: [] };
  };
  const submission = { terms, named: 'one', prepare };
  return {
    take: () => intake.take(submission, { key: null, requestId: 'r' }),
    foresee: () => intake.foresee(submission),
  };
}

test('a memory that is gone while it is read is read again', async () => {
  const { id } = await taking(2).take();
  expect((await h.read(id)).row.status).toBe('queued');
});

test('a dry run looks again, too', async () => {
  expect((await taking(2).foresee()).foreseen.status).toBe('queued');
});

test('whoever is overtaken every time is refused in the end, and nothing is stored', async () => {
  await expect(taking(100).take()).rejects.toThrow(GroundsChanged);
  await expect(taking(100).foresee()).rejects.toThrow(GroundsChanged);
  expect(await h.db.selectFrom('exports').select('id').execute()).toEqual([]);
});
