// What was accepted is there after the store is opened again, exactly once per idempotency key, and nothing personal lies
// in its files (EXP-03, SEC-07, D6).
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { claimDue, markSent } from '../../../../gateway/exports/claims.ts';
import { readKvnr } from '../../../../gateway/exports/key-store.ts';
import { eraseKvnr } from '../../../../gateway/exports/kvnr-retention.ts';
import { recoverAfterCrash } from '../../../../gateway/exports/recovery.ts';
import { settle } from '../../../../gateway/exports/settle.ts';
import { openStore } from '../../../../gateway/exports/store.ts';
import { eraseDue } from '../../../../gateway/exports/sweep.ts';
import {
  exportOrder,
  KVNR,
  mioBundle,
  registryError,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { onPostgres, storeOf } from '../../../support/stores.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let h: TestHouse;
const masterKey = randomBytes(32);
const reopen = async () => {
  await h.close();
  h = await testHouse({ directory: directory.path, masterKey, clock: h.clock });
};
beforeEach(async () => {
  directory = temporaryDirectory();
  h = await testHouse({ directory: directory.path, masterKey });
});
afterEach(async () => {
  await h.close();
  directory.remove();
});
const claimOne = async () => {
  const [claim] = await claimDue(h.db, h.clock.now(), 1);
  if (claim === undefined) throw new Error('nothing to claim');
  return claim;
};
const sent = { version: 1, replaces: null, recordSystem: 'epa-as-1', at: 0, steps: [] };
const settling = () => ({ now: h.clock.now(), random: () => 0, failedContentDays: 14, steps: [], bytesLeft: true });

test('an accepted export is whole after the store is opened again (EXP-03)', async () => {
  const id = await h.accept();
  const before = await h.read(id);
  await reopen();
  expect(await h.read(id)).toEqual(before);
  expect(await readKvnr(h.db, h.vault, before.row)).toBe(KVNR);
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect(h.outside.writes[0]?.content.equals(mioBundle('one'))).toBe(true);
});

test('KVNR and content are in no file of the data directory', async () => {
  await h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle('a-marked-text', KVNR) } });
  for (const name of readdirSync(directory.path)) {
    const bytes = readFileSync(join(directory.path, name));
    for (const mark of [KVNR, 'a-marked-text', Buffer.from(KVNR).toString('base64'), Buffer.from(KVNR).toString('hex')])
      expect(bytes.includes(mark), `${mark} in ${name}`).toBe(false);
  }
});

test.runIf(!onPostgres)('a store of a newer gateway is refused (OPS-08)', async () => {
  await h.close();
  const raw = new DatabaseSync(join(directory.path, 'gateway.db'));
  const version = Number(raw.prepare('PRAGMA user_version').get()?.user_version);
  raw.exec('PRAGMA user_version = 99');
  raw.close();
  await expect(openStore(directory.path)).rejects.toMatchObject({ code: 'STORE_BROKEN' });
  const back = new DatabaseSync(join(directory.path, 'gateway.db'));
  back.exec(`PRAGMA user_version = ${version}`);
  back.close();
  await reopen();
});

test.runIf(onPostgres)('a store of a newer gateway in PostgreSQL is refused', async () => {
  await sql`UPDATE schema_version SET version = version + 1`.execute(h.db);
  await expect(openStore(directory.path, storeOf(directory.path))).rejects.toMatchObject({ code: 'STORE_BROKEN' });
});

test.runIf(onPostgres)('commits are durable in PostgreSQL, whatever the default of the server is', async () => {
  const shown = await sql<{ synchronous_commit: string }>`SHOW synchronous_commit`.execute(h.db);
  expect(shown.rows).toEqual([{ synchronous_commit: 'on' }]);
});

describe('an idempotency key', () => {
  const key = (name: string, body: string) => ({ keyMac: Buffer.from(name), bodyMac: Buffer.from(body) });
  const accept = (k: ReturnType<typeof key>, change = {}) =>
    acceptExport({ db: h.db, vault: h.vault, order: exportOrder(change), key: k, now: h.clock.now() });

  test('names the same export for ever, also after opening again', async () => {
    const first = await accept(key('k', 'b'));
    await reopen();
    expect(await accept(key('k', 'b'))).toEqual({ id: first.id, replayed: true, superseded: [] });
  });

  test('with another body is refused and stores nothing', async () => {
    await accept(key('k', 'b'));
    await expect(accept(key('k', 'c'))).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await h.db.selectFrom('exports').select('id').execute()).toHaveLength(1);
  });

  test('counts per client and DiGA', async () => {
    const ids = [
      await accept(key('k', 'b')),
      await accept(key('k', 'b'), { client: 'another' }),
      await accept(key('k', 'b'), { diga: 'second' }),
    ].map((a) => a.id);
    expect(new Set(ids).size).toBe(3);
  });

  test('of ten accepted at once only one makes an export', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => accept(key('k', 'b'))));
    expect(new Set(all.map((a) => a.id)).size).toBe(1);
    expect(all.filter((a) => !a.replayed)).toHaveLength(1);
  });
});

describe('after a crash', () => {
  test('a claimed export is queued again, nothing having left', async () => {
    const id = await h.accept();
    await claimOne();
    await reopen();
    await recoverAfterCrash(h.db, h.clock.now());
    expect((await h.read(id)).row).toMatchObject({
      status: 'queued',
      phase: null,
      claim: null,
      unanswered: 0,
      attempts: 0,
    });
  });

  test('a sent export is unclear and due at once, with its ids (EXP-04, EXP-05)', async () => {
    const id = await h.accept();
    const claim = await claimOne();
    await markSent(h.db, claim, sent);
    await reopen();
    await recoverAfterCrash(h.db, h.clock.now());
    const { row, documents } = await h.read(id);
    expect(row).toMatchObject({
      status: 'unclear',
      reason_code: 'WRITE_INTERRUPTED',
      unanswered: 1,
      next_attempt_at: h.clock.now(),
    });
    expect(documents[0]).toMatchObject({ entry_uuid: claim.document.entry_uuid, unique_id: claim.document.unique_id });
    h.outside.answers.push(() => registryError('duplicate', 'XDSDuplicateUniqueIdInRegistry'));
    const worker = h.worker();
    await worker.start();
    await worker.idle();
    expect((await h.read(id)).row).toMatchObject({ status: 'written', attempts: 2 });
    expect(h.outside.writes[0]?.order.repeat).toBe(true);
  });

  test('a claim that was lost can neither send nor settle (D9)', async () => {
    await h.accept();
    const claim = await claimOne();
    await recoverAfterCrash(h.db, h.clock.now());
    await expect(markSent(h.db, claim, sent)).rejects.toMatchObject({ code: 'INTERNAL' });
    await claimOne();
    await expect(settle(h.db, claim, { kind: 'written', recordSystem: 'epa-as-1' }, settling())).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

test('content of a refused export is erased after its time, key and chunks (RET-01)', async () => {
  const id = await h.accept();
  await settle(h.db, await claimOne(), { kind: 'ends', code: 'DOCUMENT_REJECTED', definite: true }, settling());
  expect(await eraseDue(h.db, h.clock.now())).toBe(0);
  h.clock.advance(14 * 86_400_000);
  expect(await eraseDue(h.db, h.clock.now())).toBe(1);
  expect((await h.read(id)).row).toMatchObject({ status: 'refused', wrapped_key: null });
  expect(await h.db.selectFrom('sealed_chunks').select('n').execute()).toEqual([]);
});

test('an insured whose KVNR was erased goes on as version n+1 (D6)', async () => {
  const worker = h.worker();
  await h.accept();
  await worker.start();
  await worker.idle();
  await eraseKvnr(h.db, (await h.db.selectFrom('insured').select('lookup_key').executeTakeFirstOrThrow()).lookup_key);
  const id = await h.accept({ document: { mimeType: 'application/fhir+xml', content: mioBundle('two') } });
  worker.wake();
  await worker.idle();
  expect((await h.read(id)).documents[0]).toMatchObject({ status: 'written', version: 2 });
});
