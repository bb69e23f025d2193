// Settings: complete ones are read, and every fault is found at once and named by its key, never by its value (OPS-10, D16).
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeSettings, maskedSettings, parseSettings, readSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let raw: ReturnType<typeof rawSettings>;
beforeEach(() => {
  directory = temporaryDirectory();
  raw = rawSettings(directory.path);
});
afterEach(() => directory.remove());

const faultsOf = (value: unknown, env: Record<string, string> = {}) => {
  const result = parseSettings(value, env);
  return result.ok ? [] : result.faults;
};
const keysOf = (value: unknown, env: Record<string, string> = {}) => faultsOf(value, env).map((f) => f.key);

test('the settings of the simulator are complete and get their defaults', () => {
  const result = parseSettings(raw);
  expect(result).toMatchObject({
    ok: true,
    settings: {
      limits: { documentBytes: 25_000_000, bodyBytes: 33_554_432 },
      konnektors: [{ serverName: 'konnektor.konlan' }],
      session: { reuse: true, vauTracing: false },
      worker: { concurrency: 16 },
    },
  });
});

describe('a fault is named by its key:', () => {
  const [konnektor] = rawKonnektors();
  test.each<[string, object, string]>([
    ['an unknown member', { nonsense: 1 }, 'nonsense'],
    ['an unknown member inside', { limits: { documentByte: 1 } }, 'limits.documentByte'],
    ['no environment', { environment: undefined }, 'environment'],
    ['an unknown environment', { environment: 'PROD' }, 'environment'],
    ['a port out of bounds', { listen: { port: 70_000 } }, 'listen.port'],
    ['a port as text', { listen: { port: '18080' } }, 'listen.port'],
    ['a user agent without version', { userAgent: 'EPAGATEWAY' }, 'userAgent'],
    ['a user agent too long', { userAgent: 'EPAGATEWAYSIM00000012/0.1.0' }, 'userAgent'],
    ['no Konnektor', { konnektors: [] }, 'konnektors'],
    ['a Konnektor over ftp', { konnektors: [{ ...konnektor, url: 'ftp://127.0.0.1' }] }, 'konnektors[0].url'],
    ['a Mandant with a blank', { konnektors: [{ ...konnektor, mandant: 'm 1' }] }, 'konnektors[0].mandant'],
    ['a Workplace too long', { konnektors: [{ ...konnektor, workplace: 'w'.repeat(65) }] }, 'konnektors[0].workplace'],
    ['no record system', { recordSystems: [] }, 'recordSystems'],
    ['too large a limit', { limits: { documentBytes: 1e12 } }, 'limits.documentBytes'],
    ['a fraction', { worker: { concurrency: 1.5 } }, 'worker.concurrency'],
  ])('%s', (_name, change, key) => {
    // Files of `konnektor` do not exist here: its own fault must still be among those named.
    expect(keysOf({ ...raw, ...change })).toContain(key);
  });

  test('ids that stand twice, references that lead nowhere, one Telematik-ID for two DiGA', () => {
    const [diga, second] = raw.digas;
    const [client] = raw.clients;
    expect(
      keysOf({
        ...raw,
        konnektors: [...raw.konnektors, ...raw.konnektors],
        digas: [diga, { ...second, telematikId: diga?.telematikId, konnektors: ['nowhere'] }],
        clients: [client, { ...client, diga: 'nobody' }],
      }).sort(),
    ).toEqual([
      'clients[1].diga',
      'clients[1].id',
      'clients[1].keyFile',
      'digas[1].konnektors[0]',
      'digas[1].telematikId',
      'konnektors[1].id',
    ]);
  });

  test('files: missing, readable by others, of wrong length or form', () => {
    const open = secretFile(directory.path, 'open.key', 'a-key-0123456789');
    chmodSync(open, 0o644);
    expect(
      keysOf({
        ...raw,
        masterKeyFile: secretFile(directory.path, 'short.key', Buffer.alloc(31)),
        trust: { ...raw.trust, rootsFile: join(directory.path, 'absent.pem') },
        clients: [{ ...raw.clients[0], keyFile: open }],
        operators: [
          { ...raw.operators[0], keyFile: secretFile(directory.path, 'two.key', 'two lines\nof text 0123456') },
        ],
      }).sort(),
    ).toEqual(['clients[0].keyFile', 'masterKeyFile', 'operators[0].keyFile', 'trust.rootsFile']);
  });

  test('faults of many kinds come together, and no value is in them (OPS-10)', () => {
    const secret = 'S3CRET-VALUE';
    const faults = faultsOf({ ...raw, environment: secret, userAgent: secret, masterKeyFile: 5, [`x${1}`]: secret });
    expect(faults.map((f) => f.key).sort()).toEqual(['environment', 'masterKeyFile', 'userAgent', 'x1']);
    expect(JSON.stringify(faults)).not.toContain(secret);
  });
});

describe.each(['PU', 'RU', 'TU'] as const)('%s refuses by name (D16)', (environment) => {
  const tls = () => ({ certFile: raw.trust.rootsFile, keyFile: raw.trust.rootsFile });
  const trust = () => rawSettings(directory.path, environment).trust;
  const safe = () => ({
    ...rawSettings(directory.path, environment),
    environment,
    listen: { ...raw.listen, tls: tls() },
    admin: { ...raw.admin, tls: tls() },
    operators: [],
    ...(environment === 'PU' && { trust: { ...trust(), ocsp: { url: 'http://ocsp.example' } } }),
  });
  test.each<[string, () => object, string]>([
    ['plain HTTP', () => ({ listen: raw.listen }), 'listen.tls'],
    ['a plain admin listener', () => ({ admin: raw.admin }), 'admin.tls'],
    ['operator bearer keys', () => ({ operators: raw.operators.slice(0, 1) }), 'operators[0].keyFile'],
    ['the followed clock', () => ({ clock: 'http://127.0.0.1:18086' }), 'clock'],
    ['a login for each export', () => ({ session: { reuse: false } }), 'session.reuse: false'],
  ])('%s', (_name, change, key) => {
    expect(keysOf({ ...safe(), ...change() })).toEqual([key]);
  });

  test('and takes the rest', () => {
    expect(keysOf(safe())).toEqual([]);
    expect(keysOf({ ...safe(), session: { vauTracing: true } })).toEqual(
      environment === 'PU' ? ['session.vauTracing'] : [],
    );
  });
});

test('plain HTTP in SIM stays on loopback', () => {
  expect(keysOf({ ...raw, listen: { host: '0.0.0.0', port: 0 } })).toEqual(['listen.host']);
});

describe('the environment', () => {
  const file = (name: string, text: string) => {
    const path = join(directory.path, name);
    writeFileSync(path, text);
    return path;
  };

  test('names the file, in JSON or YAML, and the data directory', () => {
    const { dataDirectory: _dropped, ...rest } = raw;
    const json = file('settings.json', JSON.stringify(rest));
    const yaml = file('settings.yaml', `# a comment\n${JSON.stringify(rest, null, 1)}`);
    for (const EPA_GATEWAY_CONFIG of [json, yaml])
      expect(readSettings({ EPA_GATEWAY_CONFIG, EPA_GATEWAY_DATA: '/data' })).toMatchObject({
        ok: true,
        settings: { dataDirectory: '/data' },
      });
    expect(readSettings({ EPA_GATEWAY_CONFIG: json })).toMatchObject({ faults: [{ key: 'dataDirectory' }] });
  });

  test.each([
    ['no file named', {}],
    ['a file that is not there', { EPA_GATEWAY_CONFIG: '/nowhere/at-all.yaml' }],
  ])('%s is a fault', (_name, env) => {
    expect(readSettings(env)).toMatchObject({ ok: false, faults: [{ key: 'EPA_GATEWAY_CONFIG' }] });
  });

  test.each(['{"a":1,"a":2}', 'a: [', 'a: *nowhere', '[]', 'text'])('the file %s is a fault', (text) => {
    expect(readSettings({ EPA_GATEWAY_CONFIG: file('bad.yaml', text) }).ok).toBe(false);
  });

  test('sets single settings, and a name or value that fits none is a fault', () => {
    const env = {
      EPA_GATEWAY_LISTEN_PORT: '18999',
      EPA_GATEWAY_SESSION_MAX_AGE_SECONDS: '60',
      EPA_GATEWAY_LOG_LEVEL: 'warn',
    };
    expect(parseSettings(raw, env)).toMatchObject({
      ok: true,
      settings: { listen: { port: 18_999, host: '127.0.0.1' }, session: { maxAgeSeconds: 60 }, log: { level: 'warn' } },
    });
    expect(keysOf(raw, { EPA_GATEWAY_LISTEN_PROT: '1' })).toEqual(['EPA_GATEWAY_LISTEN_PROT']);
    expect(keysOf(raw, { EPA_GATEWAY_LISTEN_PORT: 'many' })).toEqual(['listen.port']);
  });
});

test('every setting is described with type and default', () => {
  const rows = describeSettings();
  expect(rows.filter((r) => r.description === '').map((r) => r.key)).toEqual([]);
  expect(rows.find((r) => r.key === 'listen.port')).toMatchObject({ type: 'integer 0–65535', default: '18080' });
  expect(rows.find((r) => r.key === 'konnektors[].mandant')).toMatchObject({ default: 'mandatory' });
});

test('the masked settings do not say where secrets lie', () => {
  const result = parseSettings(raw);
  const shown = JSON.stringify(result.ok && maskedSettings(result.settings));
  expect(shown).toContain('demo');
  expect(shown).not.toMatch(/writer\.key|operator\.key|master\.key/);
});

function rawKonnektors() {
  return [
    {
      id: 'k1',
      url: 'https://127.0.0.1:1',
      caFile: '/absent',
      clientCertificate: '/absent',
      clientKey: '/absent',
      mandant: 'm1',
      clientSystem: 'c1',
      workplace: 'w1',
    },
  ];
}
