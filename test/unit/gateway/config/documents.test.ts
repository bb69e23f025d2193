// What documents built here say about the app, and which versions of the toolkit a DiGA may use (EXP-13, D25): every fault at
// once, by the setting's name.
import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSettings } from '../../../../gateway/config.ts';
import { TABLES_FOLDER } from '../../../../mio/tables.ts';
import { temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let raw: ReturnType<typeof rawSettings>;
beforeEach(() => {
  directory = temporaryDirectory();
  raw = rawSettings(directory.path);
});
afterEach(() => directory.remove());

const app = { veId: 'DEMO-0001', pzn: '00000017', manufacturer: { url: 'https://demo-diga.example' } };
const withDiga = (change: object, more: object = {}) => {
  const [diga, ...others] = raw.digas;
  return parseSettings({ ...raw, ...more, digas: [{ ...diga, ...change }, ...others] });
};
const faultsOf = (change: object, more: object = {}) => {
  const result = withDiga(change, more);
  return result.ok ? [] : result.faults.map((fault) => fault.key).sort();
};

test('a DiGA without an app is one that brings finished documents; the version is 1.1.0 unless told', () => {
  const result = withDiga({ app: undefined });
  expect(result.ok && result.settings.digas[0]).toMatchObject({ mioVersions: ['1.1.0'] });
  expect(result.ok && result.settings.digas[0]?.app).toBeUndefined();
});

test('an app needs its DiGA-VE-ID, its PZN and the website of its maker', () => {
  expect(withDiga({ app }).ok).toBe(true);
  expect(faultsOf({ app: { manufacturer: {} } })).toEqual([
    'digas[0].app.manufacturer.url',
    'digas[0].app.pzn',
    'digas[0].app.veId',
  ]);
});

test.each<[string, object, string]>([
  ['a PZN of seven digits', { pzn: '1234567' }, 'digas[0].app.pzn'],
  ['a blank DiGA-VE-ID', { veId: ' ' }, 'digas[0].app.veId'],
  ['a control character in the name', { name: 'a\u0007b' }, 'digas[0].app.name'],
  ['an unknown member', { vendor: 'x' }, 'digas[0].app.vendor'],
  ['a version without a name', { versions: [{ value: '1' }] }, 'digas[0].app.versions[0].name'],
])('%s is a fault', (_what, change, key) => {
  expect(faultsOf({ app: { ...app, ...change } })).toEqual([key]);
});

test.each<[string, object]>([
  ['neither street nor post office box', { city: 'Berlin' }],
  ['both', { street: 'Musterweg', postBox: '1' }],
  ['a post office box with a house number', { postBox: '1', houseNumber: '2' }],
])('an address with %s is a fault', (_what, address) => {
  const manufacturer = { ...app.manufacturer, address };
  expect(faultsOf({ app: { ...app, manufacturer } })).toEqual(['digas[0].app.manufacturer.address']);
});

test('EXP-13: versions are those there are tables of, each once', () => {
  expect(faultsOf({ mioVersions: [] })).toEqual(['digas[0].mioVersions']);
  expect(faultsOf({ mioVersions: ['1.1.0', '9.9.9', '1.1.0'] })).toEqual([
    'digas[0].mioVersions[1]',
    'digas[0].mioVersions[2]',
  ]);
});

test('D25: another directory of tables may hold other versions; one without any is a fault', () => {
  const tables = join(directory.path, 'tables');
  mkdirSync(tables);
  expect(faultsOf({}, { mioTables: tables })).toEqual(['mioTables']);
  expect(faultsOf({}, { mioTables: join(directory.path, 'nowhere') })).toEqual(['mioTables']);
  cpSync(TABLES_FOLDER, tables, { recursive: true });
  renameSync(join(tables, '1.1.0'), join(tables, '1.2.0'));
  const [first, second] = raw.digas;
  const both = { mioVersions: ['1.2.0'] };
  const digas = [
    { ...first, ...both },
    { ...second, ...both },
  ];
  expect(parseSettings({ ...raw, mioTables: tables, digas }).ok).toBe(true);
});
