// How Konnektors are reached, as the settings have it (KON-03, KON-04, CRT-07; issue 7, "Reaching it"): what fits together is taken,
// every fault is named by its key at the start, all at once, and PU refuses by name what is unsafe.
import { chmodSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { maskedSettings } from '../../../../gateway/config.ts';
import { temporaryDirectory } from '../../../support/gateway-fakes.ts';
import { type Entry, konnektorEntries, none, other, root } from '../../../support/konnektor-entries.ts';
import { ENCRYPTIONS, opensslKnowsRc2, type Pkcs12Folder, pkcs12Folder } from '../../../support/pkcs12-files.ts';
import { opensslInstalled } from '../../../support/tls-pki.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());
const { file, read, faults, wayOf, basic } = konnektorEntries(() => directory.path);
const authorization = `Basic ${Buffer.from('gateway:pa:ß wort').toString('base64')}`;

describe('what fits together', () => {
  test('a client certificate as PEM, name and anchors apart from the address (KON-03, KON-04)', () => {
    const { target, warnings } = wayOf(() => ({ serverName: 'konnektor.praxis' }));
    expect(target).toMatchObject({ id: 'k1', origin: 'https://127.0.0.1:18082', servername: 'konnektor.praxis' });
    expect([target.cert, target.key, target.ca].every((pem) => String(pem).startsWith('-----BEGIN'))).toBe(true);
    expect([target.strongKey, target.authorization, target.proxy, warnings]).toEqual([true, undefined, undefined, []]);
  });
  test('basic authentication alone, and beside a client certificate', () => {
    const alone = wayOf(() => ({ ...none, ...basic() }));
    expect([alone.target.authorization, alone.target.cert, alone.warnings]).toEqual([authorization, undefined, []]);
    const both = wayOf(basic);
    expect([both.target.authorization, both.target.cert === undefined]).toEqual([authorization, false]);
  });
  test('plain HTTP in SIM on loopback, with basic authentication', () => {
    const { target } = wayOf(() => ({ ...none, ...basic(), url: 'http://127.0.0.1:1', caFile: undefined }));
    expect(target).toEqual({ id: 'k1', origin: 'http://127.0.0.1:1', authorization });
  });
  test('nothing that proves who we are is possible, with a warning', () => {
    expect(wayOf(() => none).warnings).toEqual([
      { kind: 'unauthenticated', reason: 'neither a client certificate nor basicAuthentication is configured' },
    ]);
  });
  test('a proxy, with and without credentials and TLS', () => {
    const proxy = (more: object) => wayOf(() => ({ proxy: { url: 'http://10.0.0.5:3128', ...more } })).target.proxy;
    expect(proxy({})).toEqual({ url: 'http://10.0.0.5:3128' });
    const passwordFile = file('proxy', 'secret');
    expect(proxy({ user: 'u', passwordFile })).toEqual({
      url: 'http://10.0.0.5:3128',
      authorization: `Basic ${Buffer.from('u:secret').toString('base64')}`,
    });
    const caFile = file('proxy-ca.pem', root.certPem);
    expect(proxy({ url: 'https://proxy.example', caFile })).toEqual({ url: 'https://proxy.example', ca: root.certPem });
  });
});

describe('every fault by the name of its key', () => {
  const cases: [name: string, change: () => Entry, faults: RegExp[]][] = [
    ['https without anchors', () => ({ caFile: undefined }), [/^caFile is missing/]],
    ['anchors that are none', () => ({ caFile: file('x.pem', 'no PEM') }), [/^caFile holds no readable certificate/]],
    ['a file that is not there', () => ({ caFile: '/nowhere' }), [/^caFile cannot be read/]],
    ['a certificate without its key', () => ({ clientKey: undefined }), [/^clientKey is missing/]],
    ['a key without its certificate', () => ({ clientCertificate: undefined }), [/^clientCertificate is missing/]],
    ['the key of another', () => ({ clientKey: file('o.key', other.keyPem) }), [/^clientKey is not the key/]],
    ['a key that is none', () => ({ clientKey: file('n.key', 'x') }), [/^clientKey holds no readable private key/]],
    [
      'a certificate that is none',
      () => ({ clientCertificate: file('n.pem', 'x') }),
      [/^clientCertificate holds no readable certificate/],
    ],
    [
      'a broken certificate',
      () => ({ clientCertificate: file('b.pem', other.certPem.replace(/[A-Za-z]{20}/, 'AAAAAAAAAAAAAAAAAAAA')) }),
      [/^client(Certificate holds no readable certificate|Key is not the key)/],
    ],
    [
      'PEM and PKCS#12 at once',
      () => ({ clientPkcs12: file('a.p12', 'x'), clientPkcs12PasswordFile: file('p', 'x') }),
      [/^clientPkcs12 stands beside clientCertificate/],
    ],
    [
      'PKCS#12 without a password',
      () => ({ ...none, clientPkcs12: file('a.p12', 'x') }),
      [/^clientPkcs12PasswordFile/],
    ],
    ['a password without PKCS#12', () => ({ clientPkcs12PasswordFile: file('p', 'x') }), [/^clientPkcs12 is missing/]],
    [
      'PKCS#12 that is none',
      () => ({ ...none, clientPkcs12: file('a.p12', 'x'), clientPkcs12PasswordFile: file('p', 'x') }),
      [/^clientPkcs12 is no PKCS#12 file.*openssl pkcs12/],
    ],
    [
      'a password of two lines',
      () => ({ basicAuthentication: { user: 'u', passwordFile: file('p', 'a\nb\n') } }),
      [/^basicAuthentication.passwordFile must hold one line/],
    ],
    [
      'an empty password',
      () => ({ basicAuthentication: { user: 'u', passwordFile: file('p', '') } }),
      [/^basicAuthentication.passwordFile must hold one line/],
    ],
    [
      'a user with a colon',
      () => ({ basicAuthentication: { user: 'a:b', passwordFile: file('p', 'x') } }),
      [/^basicAuthentication.user must be one to 64 characters without a colon/],
    ],
    [
      'plain HTTP beyond this machine',
      () => ({ ...none, url: 'http://10.0.0.7', caFile: undefined }),
      [/^url is not https: plain HTTP goes to loopback only/],
    ],
    [
      'what needs TLS without TLS',
      () => ({ url: 'http://127.0.0.1' }),
      [/^caFile is for an https/, /^clientCertificate is for an https/],
    ],
    [
      'a proxy for plain HTTP',
      () => ({ ...none, url: 'http://127.0.0.1', caFile: undefined, proxy: { url: 'http://127.0.0.1:1' } }),
      [/^proxy is for an https address only/],
    ],
    ...['http://u:p@proxy', 'http://proxy/path', 'http://proxy?x=1'].map((url): [string, () => Entry, RegExp[]] => [
      `a proxy at ${url}`,
      () => ({ proxy: { url } }),
      [/^proxy.url must be/],
    ]),
    ['a proxy by another scheme', () => ({ proxy: { url: 'socks5://proxy' } }), [/^proxy.url must be a valid url/]],
    ['an https proxy without anchors', () => ({ proxy: { url: 'https://proxy' } }), [/^proxy.caFile is missing/]],
    [
      'anchors of a plain proxy',
      () => ({ proxy: { url: 'http://proxy', caFile: file('c.pem', root.certPem) } }),
      [/^proxy.caFile is for an https address only/],
    ],
    ['a proxy user alone', () => ({ proxy: { url: 'http://proxy', user: 'u' } }), [/^proxy.passwordFile is missing/]],
    [
      'a proxy password alone',
      () => ({ proxy: { url: 'http://proxy', passwordFile: file('p', 'x') } }),
      [/^proxy.user is missing/],
    ],
    ['a weak exception that has passed', () => ({ weakRsaUntil: '2026-11-29' }), [/^weakRsaUntil has passed/]],
    ['one that lasts too long', () => ({ weakRsaUntil: '2028-01-31' }), [/^weakRsaUntil lies more than 400 days/]],
    ['one that is no day', () => ({ weakRsaUntil: 'soon' }), [/^weakRsaUntil/]],
    ['a user id that a Konnektor may refuse', () => ({ userId: 'a.b c' }), [/^userId must be one to 64/]],
  ];
  test.each(cases)('%s', (_name, change, expected) => {
    const found = faults(change);
    expect(found).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
  });
  test('all at once, and never a value', () => {
    const found = faults(() => ({
      clientKey: '/nowhere/geheim-1',
      caFile: file('geheim-2.pem', 'geheim-3'),
      basicAuthentication: { user: 'geheim-4', passwordFile: '/nowhere/geheim-5' },
      proxy: { url: 'http://geheim-6:geheim-7@proxy.example', user: 'geheim-8' },
      weakRsaUntil: '2020-01-01',
    }));
    expect(found.map((one) => one.split(' ')[0])).toEqual([
      'weakRsaUntil',
      'caFile',
      'clientKey',
      'basicAuthentication.passwordFile',
      'proxy.url',
      'proxy.passwordFile',
    ]);
    expect(found.join()).not.toContain('geheim');
  });
  test.each(['clientKey', 'passwordFile'])('a secret that others may read: %s (SEC-06)', (secret) => {
    const path = file('open.key', secret === 'clientKey' ? other.keyPem : 'x');
    chmodSync(path, 0o640);
    const change =
      secret === 'clientKey' ? { clientKey: path } : { basicAuthentication: { user: 'u', passwordFile: path } };
    expect(faults(() => change)).toEqual([
      expect.stringMatching(/is readable by others than its owner/),
      // In the same round.
      ...(secret === 'clientKey' ? ['clientKey is not the key of clientCertificate'] : []),
    ]);
  });
});

describe('PU refuses by name', () => {
  const named = (change: (entry: Entry) => Entry, environment: string) =>
    faults(change, environment).map((one) => one.split(' ')[0]);
  const unsafe: [name: string, change: () => Entry, key: string][] = [
    ['plain HTTP', () => ({ ...none, ...basic(), url: 'http://127.0.0.1', caFile: undefined }), 'url'],
    ['nobody proven', () => none, 'clientCertificate'],
    ['an exception for short keys', () => ({ weakRsaUntil: '2026-12-31' }), 'weakRsaUntil'],
    [
      'a password to a proxy in the clear',
      () => ({ proxy: { url: 'http://10.0.0.5:3128', user: 'u', passwordFile: file('p', 'x') } }),
      'proxy.url',
    ],
  ];
  test.each(unsafe)('%s', (_name, change, key) => expect(named(change, 'PU')).toEqual([key]));
  test('and takes what is safe: certificate, basic authentication over TLS, a proxy', () => {
    expect(named((same) => same, 'PU')).toEqual([]);
    expect(named(() => ({ ...none, ...basic() }), 'PU')).toEqual([]);
    const passwordFile = file('p', 'x');
    expect(named(() => ({ proxy: { url: 'http://127.0.0.1:3128', user: 'u', passwordFile } }), 'PU')).toEqual([]);
    expect(named(() => ({ proxy: { url: 'http://10.0.0.5:3128' } }), 'PU')).toEqual([]);
  });
  test.each(['RU', 'TU'])('%s refuses plain HTTP too', (environment) => {
    expect(named(() => ({ ...none, url: 'http://127.0.0.1', caFile: undefined }), environment)).toEqual(['url']);
  });
});

describe('who may send events', () => {
  const listening = (more: object) => () => ({
    events: {
      listen: {
        port: 0,
        tls: { certFile: file('e.pem', other.certPem), keyFile: file('e.key', other.keyPem), ...more },
      },
    },
  });
  const about = (more: object, environment: string) =>
    faults(listening(more), environment).filter((fault) => fault.startsWith('events.'));
  test.each(['RU', 'TU', 'PU'])('in %s the Konnektor alone, by its certificate', (environment) => {
    expect(about({}, environment)).toEqual([
      `events.listen.tls.clientCaFile is mandatory in ${environment}: only the Konnektor may send events`,
    ]);
    expect(about({ clientCaFile: file('ca.pem', root.certPem) }, environment)).toEqual([]);
  });
  test('in SIM anybody', () => {
    expect(about({}, 'SIM')).toEqual([]);
  });
});

describe.skipIf(!opensslInstalled)(`PKCS#12${opensslInstalled ? '' : ' [skipped: no openssl command]'}`, () => {
  let folder: Pkcs12Folder;
  beforeAll(() => {
    folder = pkcs12Folder();
    folder.mint('ec', 'P-256');
    folder.mint('rsa', 'RSA 2048');
  });
  afterAll(() => folder.remove());
  const pkcs12 = (name: string, words: readonly string[] = [], password = 'geheim') => ({
    ...none,
    clientPkcs12: file('client.p12', folder.export(['-inkey', `${name}.key`, '-in', `${name}.pem`, ...words])),
    clientPkcs12PasswordFile: file('client.password', `${password}\n`),
  });

  test('in the place of PEM', () => {
    const { target, warnings } = wayOf(() => pkcs12('ec'));
    expect(target.cert).toContain('BEGIN CERTIFICATE');
    expect([target.key?.startsWith('-----BEGIN PRIVATE KEY'), warnings]).toEqual([true, []]);
  });
  test('a wrong password is named by the key of the password', () => {
    expect(faults(() => pkcs12('ec', [], 'falsch'))).toEqual([
      expect.stringMatching(/^clientPkcs12PasswordFile is not the password of clientPkcs12.*openssl pkcs12/),
    ]);
  });
  test.skipIf(!opensslKnowsRc2)('an outdated file opens with a warning', () => {
    const { warnings } = wayOf(() => pkcs12('ec', ENCRYPTIONS['RC2-40 around the certificates']));
    expect(warnings).toEqual([{ kind: 'legacy-file', reason: expect.stringMatching(/export it again/) }]);
  });
  test.each(['clientPkcs12', 'clientCertificate'])(
    'a short RSA key in %s is refused, and borne with until a day (CRT-07)',
    (as) => {
      const entry = () =>
        as === 'clientPkcs12'
          ? pkcs12('rsa')
          : {
              clientCertificate: file('r.pem', folder.read('rsa.pem')),
              clientKey: file('r.key', folder.read('rsa.key')),
            };
      expect(faults(entry)).toEqual([
        expect.stringMatching(new RegExp(`^${as} has an RSA key of 2048 bits, and 3000 are needed.*weakRsaUntil`)),
      ]);
      // The day itself still counts.
      for (const weakRsaUntil of ['2026-11-30', '2027-06-30']) {
        const { target, warnings } = wayOf(() => ({ ...entry(), weakRsaUntil }));
        const end = Date.parse(weakRsaUntil) + 86_400_000;
        expect([target.weakKeysUntil, warnings.map(({ kind }) => kind)]).toEqual([end, ['weak-rsa']]);
      }
    },
  );
  test('where secrets lie is masked (OPS-10)', () => {
    const result = read(() => ({ ...pkcs12('ec'), ...basic() }));
    const shown = JSON.stringify(result.ok && maskedSettings(result.settings));
    expect(shown).not.toMatch(/client\.p12|client\.password|basic"/);
    expect(shown).toContain('(secret file)');
  });
});
