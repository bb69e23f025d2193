// Keys rotate while exports go on (D6, D7, SEC-07): everything opens at every moment, the old generation is gone at the end, one
// rotation at a time. What a crash leaves behind: key-rotation-crash.test.ts.
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptExport } from '../../../../gateway/exports/accept.ts';
import { createKeyRotation } from '../../../../gateway/exports/key-rotation.ts';
import { readKvnr } from '../../../../gateway/exports/key-store.ts';
import { eraseContent } from '../../../../gateway/exports/sweep.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import type { Vault } from '../../../../gateway/vault/keys.ts';
import {
  exportOrder,
  KVNR,
  mioBundle,
  OTHER_KVNR,
  type TestHouse,
  temporaryDirectory,
  testHouse,
} from '../../../support/gateway-fakes.ts';
import { BOTH, keyRotationBench } from '../../../support/key-rotation-bench.ts';
import { lowerPostgres, lowerStore } from '../../../support/old-store.ts';
import { storeOf } from '../../../support/stores.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { rotationOf, anotherVault, keyNames, underOf, contentOf } = keyRotationBench(() => h);

test('everything opens afterwards and nothing is left of the old generations (SEC-07)', async () => {
  const ids = [await h.accept(), await h.accept({ diga: 'second', kvnr: OTHER_KVNR, series: 'x' })];
  const rotation = rotationOf(h.vault);
  const begun = await rotation.start(BOTH);
  expect(begun).toMatchObject({ digas: ['demo', 'second'], startedBy: 'op', finishedAt: null });
  await rotation.idle();
  expect(await rotation.latest()).toMatchObject({ finishedAt: h.clock.now(), rewrapped: 4, unreadable: 0 });
  const told = await h.db
    .selectFrom('audit')
    .select(['actor', 'object'])
    .where('action', '=', 'keys.rotated')
    .execute();
  expect(told).toEqual([
    { actor: 'op', object: 'diga/demo/2' },
    { actor: 'op', object: 'diga/second/2' },
  ]);
  expect(await keyNames()).toEqual([
    'audit',
    'body',
    'diga/demo/2',
    'diga/second/2',
    'documents',
    'log/demo',
    'log/second',
    'lookup',
    'rows',
  ]);
  for (const vault of [h.vault, await anotherVault()]) {
    for (const id of ids) expect((await contentOf(vault, id)).equals(mioBundle('one'))).toBe(true);
    expect(await readKvnr(h.db, vault, (await h.read(ids[0] ?? '')).row)).toBe(KVNR);
  }
});

test('one DiGA alone leaves the keys of the others', async () => {
  await h.accept();
  await h.accept({ diga: 'second' });
  const rotation = rotationOf(h.vault);
  await rotation.start({ digas: ['second'], by: 'op' });
  await rotation.idle();
  expect(await keyNames()).toEqual([
    'audit',
    'body',
    'diga/demo',
    'diga/second/2',
    'documents',
    'log/demo',
    'log/second',
    'lookup',
    'rows',
  ]);
  expect((await underOf()).sort()).toEqual(['diga/demo', 'diga/demo', 'diga/second/2', 'diga/second/2']);
});

test('more rows than one step takes are all wrapped anew, in several steps', async () => {
  for (let n = 0; n < 130; n++) await h.accept({ series: `s${n}` });
  const steps: string[] = [];
  const rotation = rotationOf(h.vault, (name) => void steps.push(name));
  await rotation.start(BOTH);
  await rotation.idle();
  // Begin, exports in two, insured, end.
  expect(steps.filter((name) => name === 'rotate.committed')).toHaveLength(5);
  expect(new Set(await underOf())).toEqual(new Set(['diga/demo/2']));
});

test('exports are accepted, claimed before and sent after, all through it', async () => {
  const first = await h.accept();
  const rotation = rotationOf(h.vault);
  // The document is on its way with the row as it was when the generation changes and the old one goes.
  h.house.outer.locator.locate = async () => {
    await rotation.start(BOTH);
    await rotation.idle();
    return 'epa-as-1';
  };
  const worker = h.worker();
  await worker.start();
  await worker.idle();
  expect((await h.read(first)).row.status).toBe('written');
  expect(h.outside.writes[0]?.content.equals(mioBundle('one'))).toBe(true);
});

test('what is erased meanwhile stays erased', async () => {
  const id = await h.accept();
  const vault: Vault = {
    ...h.vault,
    rewrapDataKey: async (diga, name, wrapped) => {
      const anew = await h.vault.rewrapDataKey(diga, name, wrapped);
      if (name === `export/${id}`)
        await h.db
          .updateTable('exports')
          .set({ wrapped_key: null, wrapped_under: null })
          .where('id', '=', id)
          .execute();
      return anew;
    },
  };
  const rotation = rotationOf(vault);
  await rotation.start(BOTH);
  await rotation.idle();
  expect((await h.read(id)).row).toMatchObject({ wrapped_key: null, wrapped_under: null });
  expect(await rotation.latest()).toMatchObject({ rewrapped: 1 });
});

test('a second rotation is refused while one runs, and not afterwards', async () => {
  const { promise: gate, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: halfway, resolve: isHalfway } = Promise.withResolvers<void>();
  let steps = 0;
  const rotation = rotationOf(h.vault, async (name) => {
    if (name !== 'rotate.before' || ++steps !== 2) return;
    isHalfway();
    await gate;
  });
  const first = await rotation.start(BOTH);
  await halfway;
  await expect(rotation.start(BOTH)).rejects.toMatchObject({ code: 'KEY_ROTATION_RUNNING' });
  // Another gateway on the same store: refused too, and lends a hand.
  const other = rotationOf(await anotherVault());
  await expect(other.start(BOTH)).rejects.toMatchObject({ code: 'KEY_ROTATION_RUNNING' });
  await other.idle();
  expect(await other.latest()).toMatchObject({ id: first.id, finishedAt: h.clock.now() });
  goOn();
  await rotation.idle();
  expect((await rotation.start(BOTH)).id).toBeGreaterThan(first.id);
  await rotation.idle();
  expect((await keyNames()).filter((name) => name.startsWith('diga/'))).toEqual(['diga/demo/3', 'diga/second/3']);
});

describe('two gateways on one store', () => {
  test('one that has not heard of the new generation wraps under the old one, and it is moved all the same', async () => {
    const behind = await anotherVault();
    const order = exportOrder({ series: 'late' });
    let late = '';
    let steps = 0;
    const rotation = createKeyRotation({
      db: h.db,
      vault: h.vault,
      now: h.clock.now,
      log: silentLogger,
      checkpoint: async (name) => {
        // Before the end, when everything known has been moved.
        if (name === 'rotate.before' && ++steps === 2)
          late = (await acceptExport({ db: h.db, vault: behind, order, key: null, now: h.clock.now() })).id;
      },
    });
    await rotation.start(BOTH);
    await rotation.idle();
    expect(await underOf()).toEqual(['diga/demo/2', 'diga/demo/2']);
    expect((await contentOf(h.vault, late)).equals(mioBundle('one'))).toBe(true);
  });

  test('one that still wraps under a generation that is gone is refused by the store, reads the keys anew and accepts', async () => {
    const behind = await anotherVault();
    const rotation = rotationOf(h.vault);
    await rotation.start(BOTH);
    await rotation.idle();
    expect(behind.generations('demo').newest).toBe('diga/demo');
    const { id } = await acceptExport({ db: h.db, vault: behind, order: exportOrder(), key: null, now: h.clock.now() });
    expect(new Set(await underOf())).toEqual(new Set(['diga/demo/2']));
    expect((await contentOf(h.vault, id)).equals(mioBundle('one'))).toBe(true);
  });

  test('the store itself refuses to drop a key that something needs', async () => {
    await h.accept();
    await expect(h.db.deleteFrom('keys').where('name', '=', 'diga/demo').execute()).rejects.toThrow();
    expect(await keyNames()).toContain('diga/demo');
  });
});

test('a data key that does not open is counted, its generation is kept, and the rest is moved', async () => {
  const broken = await h.accept();
  const sound = await h.accept({ series: 'other' });
  await sql`UPDATE exports SET wrapped_key = ${randomBytes(65)} WHERE id = ${broken}`.execute(h.db);
  const rotation = rotationOf(h.vault);
  await rotation.start(BOTH);
  await rotation.idle();
  expect(await rotation.latest()).toMatchObject({ rewrapped: 2, unreadable: 1, finishedAt: h.clock.now() });
  expect(await keyNames()).toContain('diga/demo');
  expect((await contentOf(h.vault, sound)).equals(mioBundle('one'))).toBe(true);
  await expect(contentOf(h.vault, broken)).rejects.toMatchObject({ code: 'STORE_BROKEN' });
});

test('a store of before generations is raised: its keys are the first one, and they rotate', async () => {
  const directory = temporaryDirectory();
  let old = await testHouse({ directory: directory.path });
  const id = await old.accept();
  const erased = await old.accept({ kvnr: OTHER_KVNR, prescriptionEnds: '2027-01-31' });
  await eraseContent(old.db, erased);
  await old.close();
  const postgres = storeOf(directory.path);
  await (postgres === undefined ? lowerStore(directory.path, 5) : lowerPostgres(postgres, 5));
  old = await testHouse({ directory: directory.path, masterKey: old.masterKey });
  expect((await old.read(id)).row.wrapped_under).toBe('diga/demo');
  expect((await old.read(erased)).row.wrapped_under).toBeNull();
  expect(await old.db.selectFrom('insured').select('prescription_ends').orderBy('prescription_ends').execute()).toEqual(
    [{ prescription_ends: '2026-12-31' }, { prescription_ends: '2027-01-31' }],
  );
  const rotation = createKeyRotation({ db: old.db, vault: old.vault, now: old.clock.now, log: silentLogger });
  await rotation.start(BOTH);
  await rotation.idle();
  expect(await rotation.latest()).toMatchObject({ rewrapped: 3, unreadable: 0 });
  expect(await readKvnr(old.db, old.vault, (await old.read(id)).row)).toBe(KVNR);
  await old.close();
  directory.remove();
});
