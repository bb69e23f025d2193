// Exports that somebody without the vault wrote into the database are noticed, whatever column it is, with row and seal together
// where that is possible. Nothing of a broken row is sent, and everything else goes on.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDue, markSent, retryExport } from '../../../../gateway/exports/claims.ts';
import { readContent } from '../../../../gateway/exports/content.ts';
import { listExports, readExport } from '../../../../gateway/exports/store.ts';
import { OTHER_KVNR, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { content } from '../../../support/house-steps.ts';
import { code, rowTampering } from '../../../support/row-tampering.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { go, tamper, snapshot, findings } = rowTampering(() => h);

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
