// Every way to a Konnektor (issue 7, "Reaching it"; KON-03, KON-04, CRT-10, SEC-02): a whole gateway reaches the simulated one by
// client certificate as PEM and PKCS#12, by password, through a proxy, and writes an export; and what is wrong on the way is named,
// with a security event where it is one of trust.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../certs/mint.ts';
import { startConnectProxy } from '../connector-sim/connect-proxy.ts';
import { demoDocument } from '../demo/document.ts';
import { mintIdentity } from './support/https-server.ts';
import {
  ENCRYPTIONS,
  type Encryption,
  opensslKnowsRc2,
  type Pkcs12Folder,
  pkcs12Folder,
} from './support/pkcs12-files.ts';
import { opensslInstalled } from './support/tls-pki.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Entry = Record<string, unknown> & { url: string; clientCertificate: string; clientKey: string };
type Change = (entry: Entry) => Record<string, unknown>;

let world: TestWorld;
let change: Change = (entry) => entry;
let insured = 70_000;
const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  world = await TestWorld.start({
    settings: (settings) => ({
      ...settings,
      konnektors: (settings.konnektors as Entry[]).map((entry) =>
        // What is changed to undefined is taken out.
        JSON.parse(JSON.stringify({ ...entry, ...change(entry) })),
      ),
    }),
  });
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(() => world.stop());

let files = 0;
const file = (content: string | Uint8Array): string => {
  const path = join(world.dataDirectory, '..', `access-${files++}`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const DEFAULT = { tls: true, authentication: 'mtls', certificates: ['brainpool', 'rsa'], refusedAs: 'fault' };
const MUTUAL = { ...DEFAULT, serverName: 'konnektor.konlan', issuer: 'konnektor', tlsVersions: ['TLSv1.2', 'TLSv1.3'] };

/** The Konnektor lets in as `transport` says, the gateway goes there as `to` says, and an export is tried once. */
async function tried(transport: object, to: Change) {
  await world.stopGateway();
  type Changed = { credentials?: { user: string; password: string } };
  const { credentials } = await world.control<Changed>('PATCH', '/sim/konnektors/k1', {
    transport: { ...MUTUAL, ...transport },
  });
  change = (entry) => {
    const basicAuthentication = credentials && { user: credentials.user, passwordFile: file(credentials.password) };
    return { ...(basicAuthentication && { basicAuthentication }), ...to(entry) };
  };
  const from = world.logs.length;
  await world.startGateway();
  const kvnr = await world.newInsured(insured++, 'epa-as-1');
  const { id } = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  const { status, reason } = await world.tried(id);
  const lines = world.logs.slice(from);
  const said = (event: string) => lines.filter((line) => line.event === event).map(({ fields }) => fields);
  const events = [...new Set(said('security event').map((fields) => `${fields.code} ${fields.check}`))];
  return { status, code: reason?.code, check: reason?.check, events, warnings: said('konnektor access weak') };
}
const written = { status: 'written', code: undefined, check: undefined, events: [], warnings: [] };
const none = { clientCertificate: undefined, clientKey: undefined };

async function proxied(o: Parameters<typeof startConnectProxy>[0] = {}) {
  const proxy = await startConnectProxy(o);
  open.push(proxy.stop);
  return proxy;
}

describe('an export is written', () => {
  test('by a client certificate as PEM (KON-03)', async () => {
    expect(await tried({}, () => ({}))).toEqual(written);
  });
  test.each([['TLSv1.2'], ['TLSv1.3']])(
    'by it over %s alone, both sides on brainpoolP256r1 (SEC-02, SEC-04)',
    async (version) => {
      expect(await tried({ tlsVersions: [version], certificates: ['brainpool'] }, () => ({}))).toEqual(written);
    },
  );
  test.each([['rsa'], ['p256'], ['brainpool']])('with a server certificate on %s alone', async (kind) => {
    expect(await tried({ certificates: [kind] }, () => ({}))).toEqual(written);
  });
  test('by password over TLS, with no certificate of ours', async () => {
    expect(await tried({ authentication: 'basic' }, () => none)).toEqual(written);
  });
  test('by password and certificate at once', async () => {
    expect(await tried({ authentication: 'basic' }, () => ({}))).toEqual(written);
  });
  test('in SIM on loopback by password over plain HTTP', async () => {
    const to: Change = ({ url }) => ({ ...none, url: url.replace('https:', 'http:'), caFile: undefined });
    expect(await tried({ tls: false, authentication: 'basic' }, to)).toEqual(written);
  });
  test('with nobody asked who we are, with a warning and an alarm', async () => {
    const { warnings, ...rest } = await tried({ authentication: 'none' }, () => none);
    expect({ ...rest, warnings: [] }).toEqual(written);
    expect(warnings).toEqual([expect.objectContaining({ konnektor: 'k1', code: 'KONNEKTOR_ACCESS_WEAK' })]);
    const alarms = world.logs.filter(({ event }) => event === 'alarm').map(({ fields }) => fields.name);
    expect(alarms).toContain('konnektor.k1.unauthenticated');
  });
  test('with a name and a CA of its own that the settings say (KON-04)', async () => {
    const named = { serverName: 'konnektor.praxis.example', issuer: 'imported' };
    // Both stand in the settings that the simulator offers.
    expect(await tried(named, () => ({}))).toEqual(written);
  });
  test.each([
    ['a plain proxy', false, undefined],
    ['a proxy with credentials', false, 'epa:geheim'],
    ['a proxy behind TLS, with credentials', true, 'epa:geheim'],
  ] as const)('through %s (OPS-07)', async (_name, tls, credentials) => {
    const identity = mintIdentity({ ip: ['127.0.0.1'] });
    const { certPem: cert, keyPem: key } = identity.leaf;
    const [user, password = ''] = credentials?.split(':') ?? [];
    const known = user === undefined ? {} : { credentials: { user, password } };
    const proxy = await proxied({ ...(tls && { tls: { cert, key } }), ...known });
    const outcome = await tried({}, () => ({
      proxy: {
        url: proxy.url,
        ...(tls && { caFile: file(identity.root.certPem) }),
        ...(user !== undefined && { user, passwordFile: file(password) }),
      },
    }));
    expect(outcome).toEqual(written);
    const { konnektor } = world.sim.ready;
    expect(proxy.asked.length).toBeGreaterThan(0);
    expect(new Set(proxy.asked.map(({ authority }) => authority))).toEqual(new Set([new URL(konnektor).host]));
    await world.stopGateway();
  });
});

describe.skipIf(!opensslInstalled)(`by PKCS#12${opensslInstalled ? '' : ' [skipped: no openssl command]'}`, () => {
  let folder: Pkcs12Folder;
  beforeAll(() => {
    folder = pkcs12Folder();
  });
  afterAll(() => folder.remove());
  const kinds = (Object.keys(ENCRYPTIONS) as Encryption[]).filter((one) => !one.startsWith('RC2') || opensslKnowsRc2);

  test.each(kinds)('of %s an export is written', async (encryption) => {
    const { warnings, ...rest } = await tried({}, ({ clientCertificate, clientKey }) => ({
      ...none,
      clientPkcs12: file(
        folder.export(['-inkey', clientKey, '-in', clientCertificate, ...ENCRYPTIONS[encryption]], 'gehäim'),
      ),
      clientPkcs12PasswordFile: file('gehäim\n'),
    }));
    expect({ ...rest, warnings: [] }).toEqual(written);
    expect(warnings.length).toBe(encryption.startsWith('RC2') ? 1 : 0);
  });
});

describe('an export waits, and what is wrong is named', () => {
  const untrusted = (check: string) => ({
    code: 'KONNEKTOR_TLS_UNTRUSTED',
    check,
    events: [`KONNEKTOR_TLS_UNTRUSTED ${check}`],
  });
  const stranger = mintRoot('Another root');
  const other = mintLeaf(stranger, { commonName: 'gateway', extendedKeyUsage: ['clientAuth'] });

  test.each<[string, object, Change, object]>([
    ['another name', {}, () => ({ serverName: 'konnektor.example' }), untrusted('egress.tls_untrusted')],
    ['another CA', {}, () => ({ caFile: file(stranger.certPem) }), untrusted('egress.tls_untrusted')],
    [
      'no pinned key (CRT-10)',
      {},
      () => ({ pins: ['A'.repeat(43), 'B'.repeat(43)].map((pin) => `${pin}=`) }),
      untrusted('egress.pin_mismatch'),
    ],
  ])('%s: a security event (SEC-11)', async (_name, transport, to, expected) => {
    expect(await tried(transport, to)).toMatchObject({ status: 'waiting', ...expected });
  });
  test('a client certificate of another CA, refused in the handshake: a security event (SEC-11)', async () => {
    const { events, ...outcome } = await tried({ tlsVersions: ['TLSv1.2'] }, () => ({
      clientCertificate: file(other.certPem),
      clientKey: file(other.keyPem),
    }));
    expect(outcome.status).toMatch(/waiting|queued/);
    // With an alert, or cut before it arrived.
    expect(events).toEqual([
      expect.stringMatching(/^KONNEKTOR_(TLS_UNTRUSTED egress.tls_untrusted|UNREACHABLE egress.handshake)$/),
    ]);
  });
  test.each(['fault', 'status'])('a wrong password, refused by %s', async (refusedAs) => {
    const basicAuthentication = () => ({ user: 'gateway', passwordFile: file('wrong') });
    const outcome = await tried({ authentication: 'basic', refusedAs, sdsOpen: true }, () => ({
      ...none,
      basicAuthentication: basicAuthentication(),
    }));
    expect(outcome).toMatchObject({ status: 'waiting', code: 'KONNEKTOR_CONTEXT_REFUSED' });
    if (refusedAs === 'status')
      expect([outcome.check, outcome.events]).toEqual([
        'konnektor.authentication',
        ['KONNEKTOR_CONTEXT_REFUSED konnektor.authentication'],
      ]);
  });
  test('a proxy that lets nobody through', async () => {
    const proxy = await proxied({ credentials: { user: 'epa', password: 'geheim' } });
    expect(await tried({}, () => ({ proxy: { url: proxy.url } }))).toMatchObject({
      status: 'waiting',
      code: 'KONNEKTOR_PROXY_REFUSED',
      check: 'egress.proxy_refused',
      events: [],
    });
    await world.stopGateway();
  });
  test('a proxy that is not there', async () => {
    const proxy = await proxied();
    await open.pop()?.();
    expect(await tried({}, () => ({ proxy: { url: proxy.url } }))).toMatchObject({
      status: 'queued',
      code: 'KONNEKTOR_UNREACHABLE',
      check: 'egress.proxy_unreachable',
      events: [],
    });
  });
});
