// CRT-11: certificates of our own change while the gateway runs, at the listeners and at the Konnektor: what connects from then on meets
// the new one, nothing is cut off, and one that cannot be used leaves the one before in use, with an alarm until it fits.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../certs/mint.ts';
import { demoDocument } from '../demo/document.ts';
import { temporaryDirectory } from './support/gateway-fakes.ts';
import { exportBody, TestWorld } from './support/world.ts';

type Tls = { certFile: string; keyFile: string };
type Raw = {
  konnektors: { clientCertificate: string; clientKey: string }[];
};
type Listed = { certificates: { use: string; holder: string; fingerprint: string | null; why: string | null }[] };
type Alarms = { alarms: { key: string; code: string }[] };

const root = mintRoot('own root');
const DAY = 86_400_000;
const files = temporaryDirectory();
const tls: Tls = { certFile: join(files.path, 'own.pem'), keyFile: join(files.path, 'own.key') };
let world: TestWorld;
let raw: Raw;
/** With TLS for backends alone: what looks on as an operator needs none. */
const start = async (listen: object = {}) => {
  world = await TestWorld.start({
    settings: (s) => {
      raw = { ...s, listen: { ...(s.listen as object), ...listen } } as unknown as Raw;
      return raw;
    },
  });
};
afterEach(() => world.stop());
afterAll(() => files.remove());

async function connected(): Promise<TLSSocket> {
  const { hostname, port } = new URL(world.gateway.address);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}
async function shown(): Promise<string> {
  const socket = await connected();
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  socket.destroy();
  return fingerprint.replaceAll(':', '').toLowerCase();
}
const sha256 = ({ certificate }: { certificate: { sha256: Uint8Array } }) =>
  Buffer.from(certificate.sha256).toString('hex');
const put = ({ certFile, keyFile }: Tls, of: { certPem: string; keyPem: string }) => {
  writeFileSync(certFile, of.certPem);
  writeFileSync(keyFile, of.keyPem, { mode: 0o600 });
};
const leaf = (commonName: string) =>
  mintLeaf(root, { commonName, curve: 'P-256', notAfter: new Date(Date.now() + 900 * DAY), dns: ['localhost'] });
/** What the inventory shows after a look. */
async function inUse(use: string, holder: string) {
  const answer = await world.call('GET', '/admin/v1/certificates?fresh=true', { admin: true });
  return (answer.json() as Listed).certificates.find((one) => one.use === use && one.holder === holder);
}

test('a listener shows the new certificate to who connects from now on, and who is connected stays so', async () => {
  put(tls, leaf('first'));
  await start({ tls });
  const before = await shown();
  const standing = await connected();
  const next = leaf('listener');
  put(tls, next);
  expect(await shown()).toBe(before);
  world.gateway.reload();
  expect([await shown(), before === sha256(next)]).toEqual([sha256(next), false]);
  expect((await inUse('own-server', 'listen'))?.fingerprint).toBe(sha256(next));
  standing.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(String((await once(standing, 'data'))[0])).toMatch(/^HTTP\/1\.1 /);
  standing.destroy();
});

test.each<[string, (tls: Tls) => void]>([
  ['a certificate without its key', ({ certFile }) => writeFileSync(certFile, leaf('other').certPem)],
  ['half a certificate', ({ certFile }) => writeFileSync(certFile, leaf('other').certPem.slice(0, 300))],
  ['an empty key', ({ keyFile }) => writeFileSync(keyFile, '')],
])('%s leaves the one before in use and in the inventory, until it fits', async (_what, spoil) => {
  put(tls, leaf('good'));
  await start({ tls });
  const good = { certPem: readFileSync(tls.certFile, 'utf8'), keyPem: readFileSync(tls.keyFile, 'utf8') };
  const before = await shown();
  const from = world.logs.length;
  spoil(tls);
  world.gateway.reload();
  world.gateway.reload();
  expect(await shown()).toBe(before);
  expect(await inUse('own-server', 'listen')).toMatchObject({ fingerprint: before, why: null });
  const said = world.logs
    .slice(from)
    .filter(({ event }) => event === 'own certificates not usable, those of before stay');
  expect(said.map(({ fields }) => fields)).toEqual([{ name: 'listen', code: 'OWN_CERTIFICATE_UNUSABLE' }]);
  put(tls, good);
  world.gateway.reload();
  expect(await shown()).toBe(before);
});

test('at the Konnektor the new client certificate is shown at once, also one that it does not know', async () => {
  await start();
  let version = 0;
  const write = async () => {
    const kvnr = world.insured(0);
    version += 1;
    return (await world.write(exportBody(kvnr, demoDocument(kvnr, version, new Date())))).status;
  };
  const open = async () => {
    await world.call('GET', '/admin/v1/cards?fresh=true', { admin: true });
    const answer = await world.call('GET', '/admin/v1/alarms?open=true', { admin: true });
    return (answer.json() as Alarms).alarms.map(({ key }) => key);
  };
  expect([await write(), await open()]).toEqual(['written', []]);
  const [konnektor] = raw.konnektors;
  if (konnektor === undefined) throw new Error('no Konnektor');
  const at = { certFile: konnektor.clientCertificate, keyFile: konnektor.clientKey };
  const known = { certPem: readFileSync(at.certFile, 'utf8'), keyPem: readFileSync(at.keyFile, 'utf8') };
  const before = (await inUse('konnektor-client', 'k1'))?.fingerprint;
  const stranger = leaf('another client');
  put(at, stranger);
  expect((await inUse('konnektor-client', 'k1'))?.fingerprint).toBe(sha256(stranger));
  expect(await open()).toContain('konnektor.k1');
  put(at, known);
  expect((await inUse('konnektor-client', 'k1'))?.fingerprint).toBe(before);
  expect([await open(), await write()]).toEqual([[], 'written']);
});
