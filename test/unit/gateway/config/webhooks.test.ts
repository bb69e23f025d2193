// Settings of webhooks: every fault at once, by the key's name and never by its value (OPS-10, D16, D18).
import { chmodSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintRoot } from '../../../../certs/mint.ts';
import { parseSettings } from '../../../../gateway/config.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { rawSettings } from '../../../support/gateway-server.ts';
import { OTHER_SECRET, SECRET } from '../../../support/webhook-bench.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let secret: string;
beforeEach(() => {
  directory = temporaryDirectory();
  secret = secretFile(directory.path, 'secret', `${SECRET}\n`);
});
afterEach(() => directory.remove());

const parse = (webhooks: unknown, environment = 'SIM') => {
  const raw = rawSettings(directory.path);
  const [demo, ...others] = raw.digas;
  return parseSettings({ ...raw, environment, digas: [{ ...demo, webhooks }, ...others] });
};
/** Faults of the webhooks alone: the rest of these settings is for SIM. */
const faultsOf = (webhooks: unknown, environment?: string) => {
  const result = parse(webhooks, environment);
  return result.ok ? [] : result.faults.filter((fault) => fault.key.includes('webhooks'));
};
const entry = (change: object = {}) => ({
  id: 'a',
  url: 'https://backend.example/hook',
  secretFile: secret,
  ...change,
});

test('right ones are taken, with their defaults', () => {
  const ca = secretFile(directory.path, 'ca.pem', mintRoot('A root').certPem);
  const previous = secretFile(directory.path, 'previous', OTHER_SECRET);
  const all = [
    entry(),
    entry({ id: 'b', caFile: ca, previousSecretFile: previous, events: ['export.written'], language: 'en' }),
    entry({ id: 'c', url: 'http://127.0.0.1:9999/hook' }),
    entry({ id: 'd', url: 'https://10.0.0.4/hook' }),
  ];
  const result = parse(all);
  expect(result).toMatchObject({ ok: true });
  expect(result.ok && result.settings.digas[0]?.webhooks[0]).toEqual({ ...entry(), language: 'de' });
  expect(result.ok && result.settings.digas[1]?.webhooks).toEqual([]);
});

describe('refused by its key:', () => {
  test.each<[string, object, string]>([
    ['no secret', { secretFile: undefined }, 'secretFile'],
    ['a secret that cannot be read', { secretFile: '/nowhere' }, 'secretFile'],
    ['a previous secret that cannot be read', { previousSecretFile: '/nowhere' }, 'previousSecretFile'],
    ['a CA that cannot be read', { caFile: '/nowhere' }, 'caFile'],
    ['an id with a slash', { id: 'a/b' }, 'id'],
    ['an unknown type of event', { events: ['export.gone'] }, 'events[0]'],
    ['no type of event', { events: [] }, 'events'],
    ['a language we do not write', { language: 'fr' }, 'language'],
    ['an unknown member', { secret: SECRET }, 'secret'],
    ['no URL', { url: 'backend.example' }, 'url'],
    ['another scheme', { url: 'ftp://backend.example/' }, 'url'],
    ['credentials in the URL', { url: 'https://user:p@backend.example/' }, 'url'],
    ['plain http to another host', { url: 'http://backend.example/' }, 'url'],
    ['the metadata service of a cloud', { url: 'https://169.254.169.254/latest' }, 'url'],
    ['the same as one number', { url: 'https://2852039166/latest' }, 'url'],
    ['the same in IPv6', { url: 'https://[::ffff:169.254.169.254]/latest' }, 'url'],
    ['a link-local address', { url: 'https://[fe80::1]/' }, 'url'],
  ])('%s', (_name, change, member) => {
    const faults = faultsOf([entry(change)]);
    expect(faults.map((fault) => fault.key)).toEqual([`digas[0].webhooks[0].${member}`]);
    expect(JSON.stringify(faults)).not.toContain(SECRET);
  });
  test.each([
    ['not of this form', 'whsec_short'],
    ['empty', ''],
    ['of another kind', OTHER_SECRET.replace('whsec_', 'sk_')],
  ])('a secret %s', (_name, text) => {
    const path = secretFile(directory.path, 'bad', text);
    const faults = faultsOf([entry({ secretFile: path, previousSecretFile: path })]);
    expect(faults.map((fault) => fault.key.split('.').at(-1))).toEqual(['secretFile', 'previousSecretFile']);
    expect(text === '' || !JSON.stringify(faults).includes(text)).toBe(true);
  });
  test('a secret that others can read', () => {
    chmodSync(secret, 0o644);
    expect(faultsOf([entry()])).toEqual([
      { key: 'digas[0].webhooks[0].secretFile', message: 'is readable by others than its owner: set mode 0600' },
    ]);
  });
  test('a CA file that holds none', () => {
    expect(faultsOf([entry({ caFile: secret })]).map((fault) => fault.key)).toEqual(['digas[0].webhooks[0].caFile']);
  });
  test('an id that stands twice in one DiGA', () => {
    expect(faultsOf([entry(), entry()])).toEqual([
      { key: 'digas[0].webhooks[1].id', message: 'stands twice, first in digas[0].webhooks[0]' },
    ]);
  });
  test.each(['RU', 'TU', 'PU'])('plain http on loopback in %s', (environment) => {
    expect(faultsOf([entry({ url: 'http://127.0.0.1:9999/hook' })], environment)).toEqual([
      {
        key: 'digas[0].webhooks[0].url',
        message: 'must be https: plain HTTP is for SIM on loopback only (D16)',
      },
    ]);
    expect(faultsOf([entry()], environment)).toEqual([]);
  });
});

describe('of alarms', () => {
  const alarmFaults = (webhooks: unknown) => {
    const result = parseSettings({ ...rawSettings(directory.path), alarms: { webhooks } });
    return result.ok ? [] : result.faults.map(({ key }) => key);
  };
  test('right ones are taken', () => expect(alarmFaults([entry(), entry({ id: 'b' })])).toEqual([]));
  test.each<[string, object, string]>([
    ['a secret that cannot be read', { secretFile: '/nowhere' }, 'secretFile'],
    ['an id that stands twice', { id: 'first' }, 'id'],
    ['plain http beyond loopback', { url: 'http://backend.example/hook' }, 'url'],
    ['a link-local address', { url: 'https://169.254.169.254/' }, 'url'],
    ['a CA that cannot be read', { caFile: '/nowhere' }, 'caFile'],
    ['types of events, which alarms have none of', { events: ['export.written'] }, 'events'],
  ])('refused: %s', (_what, change, member) =>
    expect(alarmFaults([entry({ id: 'first' }), entry({ id: 'second', ...change })])).toContain(
      `alarms.webhooks[1].${member}`,
    ),
  );
});
