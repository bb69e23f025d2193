// Whoever can write into the database without the vault is noticed: a table of rows × ways to tamper, each through a second
// connection, with row and seal together where that is possible. Nothing of a broken row is sent, and everything else goes on.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asGatewayError } from '../../../../gateway/errors.ts';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { claimDue, markSent, retryExport } from '../../../../gateway/exports/claims.ts';
import { readContent } from '../../../../gateway/exports/content.ts';
import { forgetPerson } from '../../../../gateway/exports/forget.ts';
import { readEvents } from '../../../../gateway/exports/outbox.ts';
import { revokePerson } from '../../../../gateway/exports/revocation.ts';
import { sealRowsOfBefore, verifyRows } from '../../../../gateway/exports/row-audit.ts';
import { listExports, readExport } from '../../../../gateway/exports/store.ts';
import {
  exportOrder,
  KVNR,
  mioBundle,
  OTHER_KVNR,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { lowerStore } from '../../../support/old-store.ts';

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
/** A second connection that knows nothing of the vault. */
function tamper(run: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(h.directory, 'gateway.db'), { enableForeignKeyConstraints: false });
  try {
    run(db);
  } finally {
    db.close();
  }
}
/** What brings rows back as they are now, seals of their kinds included. */
function snapshot(...tables: string[]): () => void {
  const kept = new Map<string, Record<string, unknown>[]>();
  tamper((db) => {
    for (const table of tables) kept.set(table, db.prepare(`SELECT * FROM ${table}`).all());
  });
  return () =>
    tamper((db) => {
      for (const [table, rows] of kept) {
        db.exec(`DELETE FROM ${table}`);
        for (const row of rows) {
          const names = Object.keys(row);
          db.prepare(`INSERT INTO ${table.split(' ')[0]} (${names}) VALUES (${names.map(() => '?')})`).run(
            ...(Object.values(row) as string[]),
          );
        }
      }
    });
}
const findings = async () => (await verifyRows(h.db)).findings.map(({ kind }) => kind);

describe('an export', () => {
  let a: string;
  let b: string;
  let other: string;
  beforeEach(async () => {
    await h.accept({ series: 'first', ...content('zero') });
    a = await h.accept({ queue: 'all' });
    b = await h.accept({ kvnr: OTHER_KVNR, ...content('two') });
    other = await h.accept({ series: 'untouched', ...content('three') });
  });
  const set = (table: string, column: string, value: string | number | null) => () =>
    tamper(
      (db) =>
        void db
          .prepare(`UPDATE ${table} SET ${column} = ? WHERE ${table === 'exports' ? 'id' : 'export_id'} = ?`)
          .run(value, a),
    );
  const swap = (table: string, column: string) => () =>
    tamper((db) => {
      const key = table === 'exports' ? 'id' : 'export_id';
      const read = (id: string) =>
        db.prepare(`SELECT ${column} AS v FROM ${table} WHERE ${key} = ?`).get(id)?.v as string;
      const [one, two] = [read(a), read(b)];
      const write = db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`);
      // Unique columns need a step in between.
      write.run(`${two}-`, a);
      write.run(one, b);
      write.run(two, a);
    });

  test.each<[string, () => void]>([
    ['another insured', set('exports', 'lookup_key', 'x')],
    ['another DiGA', set('exports', 'diga', 'second')],
    ['another series', set('exports', 'series', 'else')],
    ['another consent', set('exports', 'consent_id', 'c-x')],
    ['a later end', set('exports', 'deadline_at', 9e15)],
    ['a later prescription', set('exports', 'prescription_ends', '2199-12-31')],
    ['create-new instead of fail', set('exports', 'on_target_gone', 'create-new')],
    ['tries forgotten', set('exports', 'attempts', 7)],
    ['doubt invented', set('exports', 'unanswered', 1)],
    ['another entryUUID', set('documents', 'entry_uuid', 'urn:uuid:0')],
    ['another hash', set('documents', 'sha256', '00')],
    ['another MIME type', set('documents', 'mime_type', 'application/pdf')],
    ['without its target', set('documents', 'without_target', 1)],
    ['a document taken away', () => tamper((db) => db.exec(`DELETE FROM documents WHERE export_id = '${a}'`))],
    ['two insured swapped', swap('exports', 'lookup_key')],
    ['two documents swapped', swap('documents', 'sha256')],
    [
      'its seal taken away',
      () => tamper((db) => db.exec(`DELETE FROM row_seals WHERE kind = 'export' AND key = '${a}'`)),
    ],
    [
      'the seal of another',
      () =>
        tamper((db) =>
          db.exec(`UPDATE row_seals SET mac = (SELECT mac FROM row_seals WHERE key = '${b}') WHERE key = '${a}'`),
        ),
    ],
    ['its timeline cut', () => tamper((db) => db.exec(`DELETE FROM timeline WHERE export_id = '${a}'`))],
    ['its newest event taken away', () => tamper((db) => db.exec(`DELETE FROM events WHERE export_id = '${a}'`))],
  ])('with %s is never sent, ends as failed with STORE_BROKEN, and the others are written', async (_what, change) => {
    change();
    expect(await code(readExport(h.db, a))).toBe('STORE_BROKEN');
    expect(await code(listExports(h.db, { limit: 10 }))).toBe('STORE_BROKEN');
    expect(await code(readContent(h, { id: a, diga: undefined }))).not.toBe('sound');
    expect(await findings()).toContain('export');
    await go();
    const { row } = await h.read(a);
    expect(row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN', attempts: expect.any(Number) });
    const mine = (await h.db.selectFrom('documents').select('unique_id').where('export_id', '=', a).execute()).map(
      (d) => d.unique_id,
    );
    expect(h.outside.writes.filter((write) => mine.includes(write.order.uniqueId))).toEqual([]);
    expect((await h.read(other)).row.status).toBe('written');
    expect(h.broken).toContain(`export ${a}`);
  });

  test('one copied under another id is never sent', async () => {
    tamper((db) => {
      const copy = db.prepare('SELECT * FROM exports WHERE id = ?').get(a) as Record<string, string>;
      const row = { ...copy, id: 'copied', seq: 99, series: 'free' };
      db.prepare(`INSERT INTO exports (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => '?')})`).run(
        ...Object.values(row),
      );
      const document = db.prepare('SELECT * FROM documents WHERE export_id = ?').get(a) as Record<string, string>;
      const moved = { ...document, export_id: 'copied', entry_uuid: 'e', unique_id: 'u' };
      db.prepare(`INSERT INTO documents (${Object.keys(moved)}) VALUES (${Object.keys(moved).map(() => '?')})`).run(
        ...Object.values(moved),
      );
    });
    expect(await code(readExport(h.db, 'copied'))).toBe('STORE_BROKEN');
    await go();
    expect(h.outside.writes.map((write) => write.order.uniqueId)).not.toContain('u');
    expect((await h.read('copied')).row.reason_code).toBe('STORE_BROKEN');
    expect((await h.read(a)).row.status).toBe('written');
  });

  test('one deleted is missed', async () => {
    tamper((db) => db.exec(`DELETE FROM exports WHERE id = '${a}'`));
    expect(await code(readExport(h.db, a))).toBe('STORE_BROKEN');
    expect(await findings()).toContain('export');
  });

  test('one rolled back together with its seal contradicts its newest event', async () => {
    const back = snapshot('exports', 'documents', 'row_seals', 'timeline');
    await go();
    back();
    expect(await code(readExport(h.db, a))).toBe('STORE_BROKEN');
    const before = h.outside.writes.length;
    await go();
    expect(h.outside.writes).toHaveLength(before);
    expect((await h.read(a)).row).toMatchObject({ status: 'failed', reason_code: 'STORE_BROKEN' });
  });

  test('one rolled back from sent to claimed contradicts its timeline', async () => {
    const [claim] = await claimDue(h.db, h.clock.now(), 1);
    if (claim === undefined) throw new Error('nothing to claim');
    const back = snapshot('exports', 'documents', 'row_seals');
    await markSent(h.db, claim, { version: 1, replaces: null, recordSystem: 'epa-as-1', at: 1, steps: [] });
    back();
    expect(await code(readExport(h.db, claim.row.id))).toBe('STORE_BROKEN');
  });

  test('one changed between claim and sending is not sent', async () => {
    h.house.outer.locator.locate = async () => {
      await h.db.updateTable('documents').set({ sha256: '00' }).where('export_id', '=', a).execute();
      return 'epa-as-1';
    };
    await go();
    expect(h.outside.writes).toHaveLength(3);
    expect((await h.read(a)).row).toMatchObject({ reason_code: 'STORE_BROKEN' });
  });

  test('a retry does not heal a changed one', async () => {
    set('exports', 'status', 'waiting')();
    expect(await code(retryExport(h.db, { id: a, diga: undefined, now: h.clock.now() }))).toBe('STORE_BROKEN');
    expect(await code(readExport(h.db, a))).toBe('STORE_BROKEN');
  });

  test('when it is tried, and which key opens it, may change without a seal', async () => {
    tamper((db) => db.exec(`UPDATE exports SET next_attempt_at = 0, retry_step = 5 WHERE id = '${a}'`));
    expect(await code(readExport(h.db, a))).toBe('sound');
    expect(await findings()).toEqual([]);
  });
});

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
