// The setting of PostgreSQL as the store: no secret in the address, nothing in it that would switch TLS off, and no way
// without TLS but on loopback in SIM (SEC-01, SEC-06, D16, OPS-10).
import { chmodSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintRoot } from '../../../../certs/mint.ts';
import { maskedSettings, parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const read = (postgres: object, change: object = {}) =>
  parseSettings({ ...rawSettings(directory.path), ...change, store: { postgres } });
const faultsOf = (postgres: object, change: object = {}) => {
  const result = read(postgres, change);
  return result.ok ? [] : result.faults.filter((f) => f.key.startsWith('store')).map((f) => `${f.key} ${f.message}`);
};
const local = 'postgres://epa@127.0.0.1:5432/epa';

test('on loopback in SIM the address is enough', () => {
  expect(read({ url: local })).toMatchObject({
    ok: true,
    settings: { store: { postgres: { url: local, schema: 'epa_gateway', querySeconds: 30 } } },
  });
  expect(faultsOf({ url: 'postgresql://epa@[::1]/epa' })).toEqual([]);
  expect(faultsOf({ url: 'postgres://epa@localhost/epa' })).toEqual([]);
});

test.each([
  ['a password', 'postgres://epa:a-marked-secret@127.0.0.1/epa'],
  ['an option that switches TLS off', `${local}?sslmode=disable`],
  ['an option that reads another password', `${local}?password=a-marked-secret`],
  ['a fragment', `${local}#x`],
  ['no user', 'postgres://127.0.0.1/epa'],
  ['no database', 'postgres://epa@127.0.0.1/'],
  ['no host', 'postgres://epa@/epa'],
  ['another scheme', 'https://epa@127.0.0.1/epa'],
  ['a socket in the file system', 'socket:/var/run/postgresql'],
  ['two hosts', 'postgres://epa@127.0.0.1,10.0.0.1/epa'],
])('%s in the address is refused, and the address is not said', (_what, url) => {
  const faults = faultsOf({ url });
  expect(faults).toEqual([
    'store.postgres.url must be postgres://user@host:port/database, without password and options',
  ]);
  expect(faults.join()).not.toContain('a-marked-secret');
});

test.each(['DROP', 'a"b', 'a;b', 'a b', '1a', '', 'a'.repeat(64), 'a -c fsync=off'])(
  '%j is no name of a schema',
  (schema) => expect(faultsOf({ url: local, schema })).toHaveLength(1),
);

test('without trust anchors there is no way off loopback, and none at all outside SIM', () => {
  const missing = 'store.postgres.caFile is missing: without TLS only on loopback';
  expect(faultsOf({ url: 'postgres://epa@db.example/epa' })).toEqual([missing]);
  expect(faultsOf({ url: 'postgres://epa@127.0.0.1.example/epa' })).toEqual([missing]);
  for (const environment of ['RU', 'TU', 'PU'])
    expect(faultsOf({ url: local }, { environment })).toEqual([
      `store.postgres.caFile is mandatory in ${environment}: no way without TLS`,
    ]);
  const caFile = secretFile(directory.path, 'ca.pem', mintRoot('root').certPem);
  expect(faultsOf({ url: 'postgres://epa@db.example/epa', caFile }, { environment: 'PU' })).toEqual([]);
});

test('the file of the password is its owner’s only, and where it lies is not shown', () => {
  const passwordFile = secretFile(directory.path, 'db.password', 'a-marked-secret\n');
  const result = read({ url: local, passwordFile });
  if (!result.ok) throw new Error('refused');
  expect(JSON.stringify(maskedSettings(result.settings))).not.toContain('db.password');
  chmodSync(passwordFile, 0o640);
  expect(faultsOf({ url: local, passwordFile })).toEqual([
    'store.postgres.passwordFile is readable by others than its owner: set mode 0600',
  ]);
  expect(faultsOf({ url: local, passwordFile: `${passwordFile}.gone` })).toEqual([
    'store.postgres.passwordFile cannot be read',
  ]);
});

test('a second kind of store beside it is no setting', () => {
  expect(faultsOf({ url: local, password: 'a-marked-secret' })).toEqual(['store.postgres.password is no setting']);
});
