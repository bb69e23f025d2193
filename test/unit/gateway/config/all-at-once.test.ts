// All faults in one round (OPS-10): broken settings do not hide what is wrong with the others, nor with their files; and only what
// depends on a broken one stays silent. A file that is no YAML says where.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { parseSettings, readSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let raw: ReturnType<typeof rawSettings>;
beforeEach(() => {
  directory = temporaryDirectory();
  raw = rawSettings(directory.path);
});
afterEach(() => directory.remove());
const file = (name: string, content: string) => secretFile(directory.path, name, content);
const faultsOf = (settings: object) => {
  const result = parseSettings(settings);
  return result.ok ? [] : result.faults;
};
const keysOf = (settings: object) => faultsOf(settings).map(({ key }) => key);

test('form, references, files and keys that do not fit are told together', () => {
  const root = mintRoot('TEST-ONLY root', {});
  const [one, other] = ['one', 'other'].map((commonName) => mintLeaf(root, { commonName, curve: 'P-256' }));
  const open = file('open-key.pem', other?.keyPem ?? '');
  chmodSync(open, 0o644);
  const [konnektor] = raw.konnektors;
  const [diga] = raw.digas;
  const settings = {
    ...raw,
    trust: { ...raw.trust, rootsFile: file('garbage.pem', 'garbage') },
    konnektors: [
      { ...konnektor, clientCertificate: file('one.pem', one?.certPem ?? ''), clientKey: open },
      { ...konnektor, caFile: join(directory.path, 'absent.pem') },
    ],
    digas: [
      {
        ...diga,
        konnektors: ['k7'],
        webhooks: [{ id: 'w', url: 'http://receiver.example/', secretFile: join(directory.path, 'absent.secret') }],
      },
      ...raw.digas.slice(1),
    ],
    alarms: { smcbDays: [0] },
  };
  expect(
    faultsOf(settings)
      .map(({ key, message }) => `${key} ${message}`.slice(0, 60))
      .sort(),
  ).toEqual(
    [
      'alarms.smcbDays[0] must be at least 1',
      'digas[0].konnektors[0] names no Konnektor of konnektors',
      'digas[0].webhooks[0].secretFile cannot be read',
      'digas[0].webhooks[0].url must be https: plain HTTP is for SIM on loopback only (D16)',
      'konnektors[0].clientKey is not the key of clientCertificate',
      'konnektors[0].clientKey is readable by others than its owner: set mode 0600',
      'konnektors[1].caFile cannot be read',
      'konnektors[1].id stands twice, first in konnektors[0]',
      'trust.rootsFile does not hold readable certificates (PEM)',
    ].map((text) => text.slice(0, 60)),
  );
});

describe('what depends on a broken setting stays silent', () => {
  test.each<[string, () => object, string[]]>([
    [
      'the id of the Konnektor that a DiGA names',
      () => ({ konnektors: [{ ...raw.konnektors[0], id: 'k 1' }] }),
      ['konnektors[0].id'],
    ],
    ['all Konnektors', () => ({ konnektors: 'k1' }), ['konnektors']],
    [
      'the id of a DiGA that clients name',
      () => ({ digas: [{ ...raw.digas[0], id: 5 }, ...raw.digas.slice(1)] }),
      ['digas[0].id'],
    ],
    ['the environment', () => ({ environment: 'LIVE' }), ['environment']],
    ['the path of a file', () => ({ masterKeyFile: 7 }), ['masterKeyFile']],
    ['a whole section', () => ({ trust: 'none' }), ['trust']],
    [
      'the list beside which files may be missing',
      () => ({ trust: { rootsFile: raw.trust.rootsFile, tsl: 5 } }),
      ['trust.tsl'],
    ],
    ['a port', () => ({ listen: { port: -1 }, admin: { port: 70_000 } }), ['listen.port', 'admin.port']],
    ['a setting that is none', () => ({ nothing: true }), ['nothing']],
  ])('%s', (_what, change, keys) => {
    expect(keysOf({ ...raw, ...change() })).toEqual(keys);
  });

  test('half a client certificate says no more than what is broken', () => {
    const [konnektor] = raw.konnektors;
    expect(keysOf({ ...raw, konnektors: [{ ...konnektor, clientKey: 5 }] })).toEqual(['konnektors[0].clientKey']);
  });

  test('each broken setting alone, and every other one once more', () => {
    // Whatever is broken, nothing is said of what is right: one wrong value in the place of each member.
    for (const key of Object.keys(raw)) {
      const found = keysOf({ ...raw, [key]: { wrong: 'value' } });
      expect(
        found.every((one) => one === key || one.startsWith(`${key}.`) || one.startsWith(`${key}[`)),
        `${key}: ${found}`,
      ).toBe(true);
    }
  });
});

test.each([
  ['digas', 'digas'],
  ['konnektors', 'konnektors'],
] as const)('%s that are no list', (list, key) => {
  expect(faultsOf({ ...raw, [list]: {} })).toEqual([{ key, message: 'is missing or not of type list' }]);
});

test('types are named as the documentation names them', () => {
  const wrong = {
    ...raw,
    listen: { port: 'many' },
    masterKeyFile: 5,
    locate: { graceSeconds: 'two' },
    cards: { pollSeconds: 1.5 },
  };
  expect(faultsOf(wrong).map(({ key, message }) => `${key} ${message}`)).toEqual([
    expect.stringMatching(/^masterKeyFile is missing or not of type text$/),
    expect.stringMatching(/^listen\.port is missing or not of type integer 0–65535$/),
    expect.stringMatching(/^cards\.pollSeconds is missing or not of type integer 1–3600$/),
    expect.stringMatching(/^locate\.graceSeconds is missing or not of type number 0–60$/),
  ]);
});

describe('a file that is no YAML', () => {
  const read = (text: string) => {
    const path = join(directory.path, 'settings.yaml');
    writeFileSync(path, text);
    const result = readSettings({ EPA_GATEWAY_CONFIG: path, EPA_GATEWAY_DATA: directory.path });
    return result.ok ? [] : result.faults.map(({ key, message }) => `${key} ${message}`);
  };
  test.each([
    [
      'a wrong indent',
      'environment: SIM\nkonnektors:\n  - id: k1\n    url: https://geheim.example\n   mandant: m1\n',
      /^EPA_GATEWAY_CONFIG not readable at line 5, column \d+, at konnektors(\[0\])?[.a-z]*: .*\(\w+\)$/,
    ],
    [
      'a key twice',
      'environment: SIM\nlisten:\n  port: 1\n  port: 2\n',
      /line 4, column 3, at listen\.port: this key stands twice/,
    ],
    ['a tab', 'listen:\n\tport: 1\n', /line 2, column 1, at listen: a tab in the place of spaces/],
    ['a quote that stays open', 'userAgent: "geheim\nlisten: {}\n', /line \d+, column \d+.*\(MISSING_CHAR\)/],
  ])('%s: once, with line, column and setting, and no word of the file', (_what, text, form) => {
    const found = read(text);
    expect(found[0]).toMatch(form);
    expect(new Set(found.map((one) => /line \d+/.exec(one)?.[0])).size).toBe(found.length);
    expect(found.join()).not.toContain('geheim');
  });
});
