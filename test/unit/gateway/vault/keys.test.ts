// The key hierarchy (D6, D7): keys stay over restarts, open under their own name only, and rotate without losing anything.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { asGatewayError } from '../../../../gateway/errors.ts';
import { openVault, type Vault, type WrappedKeys } from '../../../../gateway/vault/keys.ts';
import { wrapKey } from '../../../../gateway/vault/wrap.ts';

const KVNR = 'X110411675';
const digas = ['demo', 'second'];
const masterKey = randomBytes(32);
let rows: Map<string, Uint8Array>;
let keys: WrappedKeys;

beforeEach(() => {
  rows = new Map();
  keys = {
    all: async () => [...rows].map(([name, wrapped]) => ({ name, wrapped })),
    insertIfAbsent: async (name, wrapped) => rows.getOrInsert(name, wrapped),
    replace: async (some) => {
      for (const { name, wrapped } of some) rows.set(name, wrapped);
    },
  };
});
const open = (o: { masterKey?: Uint8Array; previousMasterKey?: Uint8Array } = {}) =>
  openVault({ masterKey, keys, digas, ...o });
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'opened',
    (thrown) => asGatewayError(thrown).code,
  );
/** What exports/key-rotation.ts does first. */
function rotate(vault: Vault, diga: string): void {
  const { data, log } = vault.nextGeneration(diga);
  rows.set(data.name, data.wrapped);
  rows.set(log.name, log.wrapped);
}

test('keys stay the same over a restart and are stored wrapped only (SEC-06)', async () => {
  const first = await open();
  const again = await open();
  expect(again.lookupKey('demo', KVNR)).toBe(first.lookupKey('demo', KVNR));
  expect(again.pseudonym('demo', KVNR)).toBe(first.pseudonym('demo', KVNR));
  const { key, wrapped } = first.newDataKey('demo', 'export/1');
  expect(await again.openDataKey('demo', 'export/1', wrapped)).toEqual(key);
  expect(Buffer.from(wrapped).includes(key)).toBe(false);
  expect([...rows.keys()].sort()).toEqual([
    'audit',
    'body',
    'diga/demo',
    'diga/second',
    'documents',
    'log/demo',
    'log/second',
    'lookup',
    'rows',
  ]);
});

test('D6: the secrets of documents are those of the installation: the same after a restart, after rotations and for every DiGA, another elsewhere', async () => {
  const first = await open();
  expect(first.documents.namespace).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(first.documents.digestKey).toHaveLength(32);
  const before = first.documents;
  rotate(first, 'demo');
  await first.reload();
  expect(first.documents).toEqual(before);
  const newKey = randomBytes(32);
  const moved = await open({ masterKey: newKey, previousMasterKey: masterKey });
  expect(moved.documents).toEqual(before);
  rows = new Map();
  const elsewhere = await open();
  expect(elsewhere.documents.namespace).not.toBe(before.namespace);
  expect(elsewhere.documents.digestKey).not.toEqual(before.digestKey);
});

test('a wrapped key opens under its own name and DiGA only, and only unchanged', async () => {
  const vault = await open();
  const { wrapped } = vault.newDataKey('demo', 'export/1');
  expect(await code(vault.openDataKey('demo', 'export/2', wrapped))).toBe('STORE_BROKEN');
  expect(await code(vault.openDataKey('second', 'export/1', wrapped))).toBe('STORE_BROKEN');
  expect(await code(vault.openDataKey('nobody', 'export/1', wrapped))).toBe('INTERNAL');
  for (let at = 0; at < wrapped.length; at++) {
    const changed = Buffer.from(wrapped);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect([at, await code(vault.openDataKey('demo', 'export/1', changed))]).toEqual([at, 'STORE_BROKEN']);
  }
  for (const cut of [wrapped.subarray(1), wrapped.subarray(0, -1), new Uint8Array(), Buffer.concat([wrapped, wrapped])])
    expect(await code(vault.openDataKey('demo', 'export/1', cut))).toBe('STORE_BROKEN');
});

test('look-up key, pseudonym and body MAC differ from each other and between DiGA (D6, EXP-27)', async () => {
  const vault = await open();
  const of = (diga: string) => [vault.lookupKey(diga, KVNR), vault.pseudonym(diga, KVNR)];
  const all = [...of('demo'), ...of('second'), Buffer.from(vault.bodyMac(KVNR)).toString('hex')];
  expect(new Set(all).size).toBe(5);
  expect(vault.lookupKey('a', 'bc')).not.toBe(vault.lookupKey('ab', 'c'));
});

describe('a new master key', () => {
  const newKey = randomBytes(32);

  test('with the previous one beside it opens everything, wraps it anew, and is enough from then on', async () => {
    const before = await open();
    const { key, wrapped } = before.newDataKey('demo', 'export/1');
    const after = await open({ masterKey: newKey, previousMasterKey: masterKey });
    expect(after.lookupKey('demo', KVNR)).toBe(before.lookupKey('demo', KVNR));
    expect(await after.openDataKey('demo', 'export/1', wrapped)).toEqual(key);
    const alone = await open({ masterKey: newKey });
    expect(alone.bodyMac('x')).toEqual(before.bodyMac('x'));
    expect(await code(open())).toBe('STORE_BROKEN');
  });

  test('alone ends the start and changes nothing', async () => {
    await open();
    const stored = new Map(rows);
    expect(await code(open({ masterKey: newKey }))).toBe('STORE_BROKEN');
    expect(await code(open({ masterKey: newKey, previousMasterKey: randomBytes(32) }))).toBe('STORE_BROKEN');
    expect(rows).toEqual(stored);
  });

  test('wraps nothing anew where one key opens under neither', async () => {
    await open();
    rows.set(
      'diga/gone',
      wrapKey({
        parent: { key: randomBytes(32), generation: null },
        name: 'diga/gone',
        key: randomBytes(32),
        random: randomBytes,
      }),
    );
    const stored = new Map(rows);
    expect(await code(open({ masterKey: newKey, previousMasterKey: masterKey }))).toBe('STORE_BROKEN');
    expect(rows).toEqual(stored);
  });

  test('takes the keys of DiGAs along that the settings no longer name', async () => {
    await open();
    await openVault({ masterKey: newKey, previousMasterKey: masterKey, keys, digas: ['demo'] });
    expect(await code(open({ masterKey: newKey }))).toBe('opened');
  });

  test('a key that only the next master key opens makes an export wait for the operator, not fail', async () => {
    const behind = await open();
    const ahead = await open({ masterKey: newKey, previousMasterKey: masterKey });
    rotate(ahead, 'demo');
    await ahead.reload();
    const { wrapped } = ahead.newDataKey('demo', 'export/1');
    expect(await code(behind.openDataKey('demo', 'export/1', wrapped))).toBe('KEYS_OUTDATED');
    const { key, wrapped: old } = behind.newDataKey('demo', 'export/2');
    expect(await behind.openDataKey('demo', 'export/2', old)).toEqual(key);
    expect(await ahead.openDataKey('demo', 'export/2', old)).toEqual(key);
    rows.delete('diga/demo');
    expect(await code(behind.reload())).toBe('KEYS_OUTDATED');
  });
});

describe('a new generation', () => {
  test('wraps what is new, and both open while the old one is there', async () => {
    const vault = await open();
    const old = vault.newDataKey('demo', 'export/1');
    rotate(vault, 'demo');
    expect(await vault.reload()).toBe(true);
    expect(await vault.reload()).toBe(false);
    const anew = vault.newDataKey('demo', 'export/2');
    expect([old.under, anew.under]).toEqual(['diga/demo', 'diga/demo/2']);
    expect(vault.generations('demo')).toEqual({ newest: 'diga/demo/2', older: ['diga/demo'] });
    expect(vault.generations('second')).toEqual({ newest: 'diga/second', older: [] });
    expect(await vault.openDataKey('demo', 'export/1', old.wrapped)).toEqual(old.key);
    expect(await vault.openDataKey('demo', 'export/2', anew.wrapped)).toEqual(anew.key);
    const moved = await vault.rewrapDataKey('demo', 'export/1', old.wrapped);
    expect(moved.under).toBe('diga/demo/2');
    rows.delete('diga/demo');
    await vault.reload();
    expect(await vault.openDataKey('demo', 'export/1', moved.wrapped)).toEqual(old.key);
    expect(await code(vault.openDataKey('demo', 'export/1', old.wrapped))).toBe('STORE_BROKEN');
  });

  test('is read by whoever meets it, also in another process', async () => {
    const one = await open();
    const other = await open();
    rotate(one, 'demo');
    await one.reload();
    const { key, wrapped } = one.newDataKey('demo', 'export/1');
    expect(await other.openDataKey('demo', 'export/1', wrapped)).toEqual(key);
    expect(other.pseudonym('demo', KVNR)).toBe(one.pseudonym('demo', KVNR));
  });

  test('changes the pseudonym of that DiGA alone, and never the look-up key nor the body MAC (D6)', async () => {
    const vault = await open();
    const stays = () => [vault.lookupKey('demo', KVNR), vault.bodyMac('x'), vault.pseudonym('second', KVNR)];
    const before = { pseudonym: vault.pseudonym('demo', KVNR), stays: stays() };
    rotate(vault, 'demo');
    await vault.reload();
    expect(vault.pseudonym('demo', KVNR)).not.toBe(before.pseudonym);
    expect(stays()).toEqual(before.stays);
  });

  test('keys of a store of before, wrapped without a generation, are the first one', async () => {
    const parent = randomBytes(32);
    const wrap = (name: string, key: Uint8Array, under: Uint8Array) =>
      wrapKey({ parent: { key: under, generation: null }, name, key, random: randomBytes });
    rows.set('diga/demo', wrap('diga/demo', parent, masterKey));
    rows.set('log/demo', wrap('log/demo', randomBytes(32), parent));
    const dataKey = randomBytes(32);
    const wrapped = wrap('export/1', dataKey, parent);
    const vault = await open();
    expect(await vault.openDataKey('demo', 'export/1', wrapped)).toEqual(dataKey);
    rotate(vault, 'demo');
    await vault.reload();
    expect((await vault.rewrapDataKey('demo', 'export/1', wrapped)).under).toBe('diga/demo/2');
  });
});
