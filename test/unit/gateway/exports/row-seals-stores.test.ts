// The seals of rows on both stores: each kind of row changed, swapped, deleted or set back together with its seal is noticed and
// not acted on (row-seals-export.test.ts has every column and way, on SQLite). And what seals cannot notice, as docs/data-at-rest.md says.
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asGatewayError } from '../../../../gateway/errors.ts';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { readAudit } from '../../../../gateway/exports/audit.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { revokePerson } from '../../../../gateway/exports/revocation.ts';
import { verifyRows } from '../../../../gateway/exports/row-audit.ts';
import { readExport } from '../../../../gateway/exports/store.ts';
import { exportOrder, KVNR, mioBundle, OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const content = (text: string) => ({ document: { mimeType: 'application/fhir+xml', content: mioBundle(text) } });
async function go(): Promise<void> {
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  await worker.stop(0);
}
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'sound',
    (thrown) => asGatewayError(thrown).code,
  );
const kinds = async () => [...new Set((await verifyRows(h.db)).findings.map(({ kind }) => kind))];
const lookupKey = () => h.vault.lookupKey('demo', KVNR);
/** As one who does not have the vault: no seal is made. */
const tamper = (statement: string) => sql.raw(statement).execute(h.db);
const sealOf = (kind: string) => h.db.selectFrom('row_seals').selectAll().where('kind', '=', kind).execute();
async function putBack(seals: Awaited<ReturnType<typeof sealOf>>): Promise<void> {
  for (const { kind, key, rev, mac } of seals)
    await h.db.updateTable('row_seals').set({ rev, mac }).where('kind', '=', kind).where('key', '=', key).execute();
}

describe('an export', () => {
  let a: string;
  let b: string;
  beforeEach(async () => {
    a = await h.accept({ queue: 'all' });
    b = await h.accept({ kvnr: OTHER_KVNR, ...content('two') });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['with another consent', () => tamper(`UPDATE exports SET consent_id = 'c-x' WHERE id = '${a}'`)],
    ['with other content', () => tamper(`UPDATE documents SET sha256 = '00' WHERE export_id = '${a}'`)],
    ['that is said to be written', () => tamper(`UPDATE documents SET status = 'written' WHERE export_id = '${a}'`)],
    ['whose seal is gone', () => tamper(`DELETE FROM row_seals WHERE key = '${a}'`)],
    [
      'swapped with another',
      async () => {
        const ids = await h.db.selectFrom('documents').select(['export_id', 'unique_id']).execute();
        const of = (id: string) => ids.find((row) => row.export_id === id)?.unique_id;
        await tamper(`UPDATE documents SET unique_id = 'x' WHERE export_id = '${a}'`);
        await tamper(`UPDATE documents SET unique_id = '${of(a)}' WHERE export_id = '${b}'`);
        await tamper(`UPDATE documents SET unique_id = '${of(b)}' WHERE export_id = '${a}'`);
      },
    ],
  ])('%s is never sent (SEC-07)', async (_what, change) => {
    await change();
    expect(await kinds()).toContain('export');
    expect(await code(readExport(h.db, a))).toBe('STORE_BROKEN');
    await go();
    expect((await h.read(a)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN' });
  });

  test('set back together with its seal contradicts its newest event', async () => {
    const row = await h.db.selectFrom('exports').selectAll().where('id', '=', a).executeTakeFirstOrThrow();
    const seals = await sealOf('export');
    await go();
    const { id, seq, ...older } = row;
    await h.db.updateTable('exports').set(older).where('id', '=', id).execute();
    await h.db.updateTable('documents').set({ status: 'queued' }).where('export_id', '=', id).execute();
    await putBack(seals);
    const before = h.outside.writes.length;
    await go();
    expect(h.outside.writes).toHaveLength(before);
    expect((await h.read(a)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN' });
  });
});

describe('the newest document of a series', () => {
  beforeEach(async () => {
    await h.accept();
    await go();
  });
  const next = async () => {
    const id = await h.accept(content('next'));
    await go();
    return (await h.read(id)).row;
  };

  test.each([
    ['replaced', "UPDATE series SET entry_uuid = 'urn:uuid:0'"],
    ['deleted', 'DELETE FROM series'],
  ])('%s: the next version is not sent', async (_what, statement) => {
    await tamper(statement);
    expect(await kinds()).toEqual(['series']);
    expect(await next()).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN', attempts: 0 });
    expect(h.outside.writes).toHaveLength(1);
  });
  test('set back together with its seal contradicts what was written since', async () => {
    const { lookup_key, ...older } = await h.db.selectFrom('series').selectAll().executeTakeFirstOrThrow();
    const seals = await sealOf('series');
    await h.accept(content('second'));
    await go();
    await h.db.updateTable('series').set(older).where('lookup_key', '=', lookup_key).execute();
    await putBack(seals);
    expect(await kinds()).toEqual(['series']);
    expect(await next()).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN', attempts: 0 });
  });
});

describe('a revocation', () => {
  const revoke = () =>
    h.db.transaction().execute((tx) => revokePerson(tx, { diga: 'demo', lookupKey: lookupKey(), now: h.clock.now() }));

  test('that was lifted is noticed and nothing is accepted', async () => {
    await revoke();
    await tamper('UPDATE insured SET revoked_at = NULL, revoked_seq = NULL');
    expect(await code(h.accept())).toBe('STORE_BROKEN');
    expect(await kinds()).toEqual(['insured']);
  });
  test('that was lifted together with its seal contradicts what was told of it', async () => {
    await h.accept();
    const seals = await sealOf('insured');
    await revoke();
    await tamper('UPDATE insured SET revoked_at = NULL, revoked_seq = NULL');
    await putBack(seals);
    expect(await code(h.accept(content('later')))).toBe('STORE_BROKEN');
    expect(await kinds()).toContain('insured');
  });
});

test.each([
  ['with another body', 'UPDATE idempotency SET body_mac = (SELECT key_mac FROM idempotency)'],
  ['deleted', 'DELETE FROM idempotency'],
])('an idempotency key %s: no answer, and nothing accepted twice', async (_what, statement) => {
  const key = { keyMac: Buffer.from('k'), bodyMac: Buffer.from('b') };
  const accept = () => acceptExport({ db: h.db, vault: h.vault, order: exportOrder(), key, now: h.clock.now() });
  await accept();
  await tamper(statement);
  expect(await code(accept())).toBe('STORE_BROKEN');
  expect(await kinds()).toEqual(['idempotency']);
  expect(await h.db.selectFrom('exports').select('id').execute()).toHaveLength(1);
});

test.each([
  ['changed', "UPDATE events SET type = 'export.failed' WHERE seq = 2"],
  ['of another DiGA', "UPDATE events SET diga = 'second' WHERE seq = 2"],
  ['unsealed', 'UPDATE events SET mac = NULL WHERE seq = 2'],
])('an event %s is not told', async (_what, statement) => {
  await h.accept();
  await go();
  await tamper(statement);
  expect(await code(readEvents(h.db, { after: 0, limit: 100 }))).toBe('STORE_BROKEN');
  expect(await kinds()).toEqual(['event']);
});

describe('seals do not notice', () => {
  test('an export taken away with all that names it; the audit trail still does', async () => {
    const id = await h.accept();
    for (const table of ['timeline', 'sealed_chunks', 'documents', 'events'])
      await tamper(`DELETE FROM ${table} WHERE export_id = '${id}'`);
    await tamper(`DELETE FROM exports WHERE id = '${id}'`);
    await tamper(`DELETE FROM row_seals WHERE kind = 'export'`);
    expect(await kinds()).toEqual([]);
    const trail = await readAudit(h.db, { after: 0, limit: 100 });
    expect(trail.find((row) => row.object === id)?.action).toBe('export.accepted');
  });
  test('when an export is tried next', async () => {
    const id = await h.accept();
    await tamper('UPDATE exports SET next_attempt_at = 8000000000000');
    expect(await kinds()).toEqual([]);
    expect(await code(readExport(h.db, id))).toBe('sound');
  });
});
