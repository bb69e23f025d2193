// The promise of D6 on the whole way: the KVNR is erased by time, every key that rotates is rotated, the gateway starts again, and
// the next export of that insured is version 2 and replaces version 1 in the record (EXP-06, RET-02, RET-03, SEC-07).
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { exportBody, TestWorld } from './support/world.ts';

const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'epa-master-'));
let world: TestWorld;
afterEach(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Keys = { digas: { newest: number; older: number[] }[]; rotation: { running: boolean } | null };

/** One value of the store, read beside the gateway. */
function stored<Row>(query: string): Row[] {
  const db = new DatabaseSync(join(world.dataDirectory, 'gateway.db'), { readOnly: true });
  try {
    return db.prepare(query).all() as Row[];
  } finally {
    db.close();
  }
}
const storedKeys = () =>
  new Map(
    stored<{ name: string; wrapped: Uint8Array }>('SELECT name, wrapped FROM keys').map(({ name, wrapped }) => [
      name,
      Buffer.from(wrapped).toString('hex'),
    ]),
  );
const files = () =>
  Buffer.concat(readdirSync(world.dataDirectory).map((name) => readFileSync(join(world.dataDirectory, name))));

test('erase a KVNR, rotate every key that rotates, export again: version 2 with RPLC (RET-03, SEC-07)', async () => {
  let ahead = 0;
  let masterKeys: Record<string, unknown> = {};
  world = await TestWorld.start({
    dependencies: () => ({ now: () => Date.now() + ahead }),
    settings: (raw) => ({ ...raw, ...masterKeys, retention: { kvnrGraceDays: 0 } }),
  });
  const kvnr = world.insured(0);
  const tomorrow = new Date(Date.now() + DAY).toISOString().slice(0, 10);
  const first = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date()), { prescriptionEnds: tomorrow }));
  expect(first).toMatchObject({ status: 'written', document: { version: 1, replaces: null } });
  const pseudonym = world.logs.find((line) => line.event === 'export settled')?.fields.person;
  const [person] = stored<{ lookup_key: string; wrapped_key: Uint8Array; kvnr_sealed: Uint8Array }>(
    'SELECT lookup_key, wrapped_key, kvnr_sealed FROM insured',
  );
  expect(person?.kvnr_sealed).toBeInstanceOf(Uint8Array);

  // The prescription ends while the gateway is down; the next start erases.
  await world.stopGateway();
  ahead = 3 * DAY;
  await world.startGateway();
  await world.logged('KVNR erased');
  await world.gateway.idle();
  expect(stored('SELECT lookup_key, wrapped_key, kvnr_sealed FROM insured')).toEqual([
    { lookup_key: person?.lookup_key, wrapped_key: null, kvnr_sealed: null },
  ]);
  // Neither the sealed bytes nor the key that opened them stand in any file of the data directory (RET-04).
  for (const gone of [person?.kvnr_sealed, person?.wrapped_key])
    expect(files().includes(Buffer.from(gone ?? 'nothing'))).toBe(false);

  const before = storedKeys();
  const rotate = await world.call('POST', '/admin/v1/keys/rotate', { admin: true });
  expect(rotate.status).toBe(202);
  await world.logged('keys rotated');
  const keys = (await world.call('GET', '/admin/v1/keys', { admin: true })).json() as Keys;
  expect(keys).toMatchObject({ digas: [{ newest: 2, older: [] }], rotation: { running: false } });

  await world.stopGateway();
  const { masterKeyFile } = world.sim.settings() as { masterKeyFile: string };
  const next = join(folder, 'next.key');
  writeFileSync(next, randomBytes(32), { mode: 0o600 });
  masterKeys = { masterKeyFile: next, previousMasterKeyFile: masterKeyFile };
  ahead = 0;
  await world.startGateway();
  await world.stopGateway();
  // From now on without the master key of before.
  masterKeys = { masterKeyFile: next };
  await world.startGateway();
  const after = storedKeys();
  expect([...before.keys()].filter((name) => !after.has(name))).toEqual(['diga/demo']);
  expect([...after].filter(([name, wrapped]) => before.get(name) === wrapped)).toEqual([]);

  const document = demoDocument(kvnr, 2, new Date());
  const second = await world.write(exportBody(kvnr, document));
  expect(second).toMatchObject({
    status: 'written',
    document: { version: 2, replaces: first.document.entryUuid },
  });
  expect(await world.documents(kvnr)).toMatchObject([
    { entryUuid: first.document.entryUuid, status: 'Deprecated' },
    {
      entryUuid: second.document.entryUuid,
      status: 'Approved',
      replaces: first.document.entryUuid,
      sha256: createHash('sha256').update(document).digest('hex'),
    },
  ]);
  // Same person, other name in the log (SEC-10).
  const settled = world.logs.filter((line) => line.event === 'export settled').map((line) => line.fields.person);
  expect(settled).toHaveLength(2);
  expect(settled[0]).toBe(pseudonym);
  expect(settled[1]).not.toBe(pseudonym);
  expect(stored('SELECT lookup_key FROM insured')).toEqual([{ lookup_key: person?.lookup_key }]);
});
