// Whoever can write into the database without the vault is noticed: a table of rows × ways to tamper, each through a second
// connection, with row and seal together where that is possible (exports: row-seals-export.test.ts). A whole store passes.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { revokePerson } from '../../../../gateway/exports/revocation.ts';
import { sealRowsOfBefore, verifyRows } from '../../../../gateway/exports/row-audit.ts';
import {
  exportOrder,
  KVNR,
  OTHER_KVNR,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { lowerStore } from '../../../support/old-store.ts';
import { code, rowTampering } from '../../../support/row-tampering.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { go, tamper, snapshot, findings } = rowTampering(() => h);

describe('the newest document of a series', () => {
  beforeEach(async () => {
    await h.accept();
    await h.accept({ kvnr: OTHER_KVNR });
    await go();
    expect(h.outside.writes).toHaveLength(2);
  });
  const own = () => `lookup_key = '${h.vault.lookupKey('demo', KVNR)}'`;

  test.each<[string, () => void]>([
    ['another entryUUID', () => tamper((db) => db.exec(`UPDATE series SET entry_uuid = 'urn:uuid:0' WHERE ${own()}`))],
    ['another version', () => tamper((db) => db.exec(`UPDATE series SET version = 7 WHERE ${own()}`))],
    ['thawed or frozen', () => tamper((db) => db.exec(`UPDATE series SET frozen = 1 WHERE ${own()}`))],
    ['deleted', () => tamper((db) => db.exec(`DELETE FROM series WHERE ${own()}`))],
    [
      'deleted with its seal',
      () => tamper((db) => db.exec(`DELETE FROM series WHERE ${own()}; DELETE FROM row_seals WHERE kind = 'series'`)),
    ],
    [
      'swapped with that of another insured',
      () =>
        tamper((db) => {
          const [one, two] = db
            .prepare('SELECT lookup_key FROM series')
            .all()
            .map((row) => row.lookup_key as string);
          const move = db.prepare('UPDATE series SET lookup_key = ? WHERE lookup_key = ?');
          move.run('x', one ?? '');
          move.run(one ?? '', two ?? '');
          move.run(two ?? '', 'x');
        }),
    ],
  ])('%s: the next version is not sent', async (_what, change) => {
    change();
    expect(await findings()).toContain('series');
    const id = await h.accept(content('next'));
    await go();
    expect(h.outside.writes).toHaveLength(2);
    expect((await h.read(id)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN', attempts: 0 });
    expect(h.broken).toContain('series');
  });

  test('rolled back together with its seal contradicts what was written since', async () => {
    const back = snapshot('series', "row_seals WHERE kind = 'series'");
    await h.accept(content('second'));
    await go();
    back();
    expect(await findings()).toContain('series');
    const id = await h.accept(content('third'));
    await go();
    expect((await h.read(id)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN', attempts: 0 });
  });
});

describe('a revocation', () => {
  const lookupKey = () => h.vault.lookupKey('demo', KVNR);
  const revoke = () =>
    h.db.transaction().execute((tx) => revokePerson(tx, { diga: 'demo', lookupKey: lookupKey(), now: h.clock.now() }));

  test.each<[string, () => Promise<void>]>([
    [
      'lifted',
      async () => {
        await revoke();
        tamper((db) => db.exec('UPDATE insured SET revoked_at = NULL, revoked_seq = NULL'));
      },
    ],
    [
      'deleted',
      async () => {
        await revoke();
        tamper((db) => db.exec('DELETE FROM insured'));
      },
    ],
    [
      'rolled back with its seal',
      async () => {
        await h.accept({ prescriptionEnds: '2027-06-30' });
        const back = snapshot('insured', "row_seals WHERE kind = 'insured'");
        await revoke();
        back();
      },
    ],
  ])('%s is noticed and nothing is accepted', async (_what, change) => {
    await change();
    expect(await code(h.accept(content('later')))).toBe('STORE_BROKEN');
    expect(await findings()).toContain('insured');
    expect(h.broken).toContain('insured');
  });
});

describe('an idempotency key', () => {
  const key = { keyMac: Buffer.from('k'), bodyMac: Buffer.from('b') };
  const accept = () => acceptExport({ db: h.db, vault: h.vault, order: exportOrder(), key, now: h.clock.now() });

  test.each([
    ['another export', "UPDATE idempotency SET export_id = (SELECT id FROM exports WHERE series = 'x')"],
    ['another body', "UPDATE idempotency SET body_mac = x'00'"],
    ['deleted, so that the same export would come twice', 'DELETE FROM idempotency'],
    ['under another client', "UPDATE idempotency SET client = 'someone'"],
  ])('%s: no answer, and nothing accepted twice', async (_what, statement) => {
    await accept();
    await h.accept({ series: 'x' });
    tamper((db) => db.exec(statement));
    expect(await code(accept())).toBe('STORE_BROKEN');
    expect(await findings()).toContain('idempotency');
    expect(await h.db.selectFrom('exports').select('id').execute()).toHaveLength(2);
  });
});

describe('an event', () => {
  test.each([
    ['changed', "UPDATE events SET data = replace(data, 'written', 'refused')"],
    ['of another type', "UPDATE events SET type = 'export.failed' WHERE seq = 2"],
    ['of another DiGA', "UPDATE events SET diga = 'second' WHERE seq = 2"],
    ['moved in the order', 'UPDATE events SET seq = 77 WHERE seq = 1'],
    [
      'put in',
      "INSERT INTO events (id, type, at, diga, export_id, data) VALUES ('i', 'export.written', 1, 'demo', 'e', '{}')",
    ],
    ['unsealed', 'UPDATE events SET mac = NULL WHERE seq = 1'],
  ])('%s is not told', async (_what, statement) => {
    await h.accept();
    await go();
    tamper((db) => db.exec(statement));
    expect(await code(readEvents(h.db, { after: 0, limit: 100 }))).toBe('STORE_BROKEN');
    expect(await findings()).toContain('event');
  });
});

test('a whole store passes, also after everything that may happen to its rows, and forgetting leaves no seal behind', async () => {
  await h.accept();
  await h.accept({ kvnr: OTHER_KVNR, diga: 'second' });
  await go();
  await acceptExport({
    db: h.db,
    vault: h.vault,
    order: exportOrder(content('k')),
    key: { keyMac: Buffer.from('k'), bodyMac: Buffer.from('b') },
    now: h.clock.now(),
  });
  expect((await verifyRows(h.db)).findings).toEqual([]);
  await h.db
    .transaction()
    .execute((tx) =>
      forgetPerson(tx, { diga: 'demo', lookupKey: h.vault.lookupKey('demo', KVNR), now: h.clock.now() }),
    );
  h.clock.advance(31 * 86_400_000);
  await go();
  const report = await verifyRows(h.db);
  expect(report.findings).toEqual([]);
  expect(report.rows).toBeGreaterThan(2);
  expect(h.broken).toEqual([]);
});

describe('a store of before seals', () => {
  test('is sealed once when it is raised, and goes on', async () => {
    const directory = temporaryDirectory();
    const old = h;
    h = await testHouse({ directory: directory.path });
    await h.accept();
    await go();
    const id = await h.accept(content('two'));
    await h.close();
    await lowerStore(directory.path, 8);
    h = await testHouse({ directory: directory.path, masterKey: h.masterKey, clock: h.clock });
    expect((await verifyRows(h.db)).findings).toEqual([]);
    expect(await sealRowsOfBefore(h.db, 0)).toBe(0);
    await go();
    expect((await h.read(id)).documents[0]).toMatchObject({ status: 'written', version: 2 });
    const told = await h.db.selectFrom('audit').select('action').where('action', '=', 'rows.sealed').execute();
    expect(told).toHaveLength(1);
    // Taking every seal away does not make it one of before again.
    tamper((db) => db.exec('DELETE FROM row_seals'));
    expect(await code(sealRowsOfBefore(h.db, 0))).toBe('STORE_BROKEN');
    await h.close();
    directory.remove();
    h = old;
  });
});
