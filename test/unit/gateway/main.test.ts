// Starting and stopping the whole: what the settings promise is looked at before anything is accepted, and nobody outside can
// keep the gateway from ending (D14, D16, OPS-10).
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { parseSettings } from '../../../gateway/config.ts';
import { silentLogger } from '../../../gateway/log.ts';
import { startGateway } from '../../../gateway/main.ts';
import { FakeOutside } from '../../support/fake-outside.ts';
import { secretFile, temporaryDirectory } from '../../support/gateway-fakes.ts';
import { rawSettings, WRITER_KEY } from '../../support/gateway-server.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

function settings(change: (raw: ReturnType<typeof rawSettings>) => object = (raw) => raw) {
  const read = parseSettings(change(rawSettings(directory.path)));
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return read.settings;
}

const AUTH = `Authorization: Bearer ${WRITER_KEY}`;
test.each([
  ['in the middle of its head', 'GET /livez HT'],
  [
    'in the middle of its body',
    `POST /v1/exports HTTP/1.1\r\nHost: x\r\n${AUTH}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  ],
])('a client that falls silent %s holds up a stop no longer than stopSeconds', async (_name, text) => {
  const fires = new Set<() => void>();
  const outside = new FakeOutside(Date.now);
  const gateway = await startGateway(settings(), {
    log: silentLogger,
    timer: (_ms, fire) => {
      fires.add(fire);
      return () => fires.delete(fire);
    },
    outside: () => ({ ...outside, close: async () => {} }),
  });
  for (const address of [gateway.address, gateway.adminAddress]) {
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    // Answered on another connection: by now the listener has read the silent one, too.
    expect((await fetch(`${address}/livez`)).status).toBe(200);
  }
  const stopped = gateway.stop();
  for (const fire of fires) fire();
  await stopped;
});

const root = mintRoot('TEST-ONLY root');
const leaf = mintLeaf(root, { commonName: 'client', extendedKeyUsage: ['clientAuth'] });
const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
test.each([
  ['konnektors[0]', 'no anchor for the Konnektor', { konnektorCa: 'no certificate' }],
  ['konnektors[0]', 'an anchor that cannot be read beside a right one', { konnektorCa: root.certPem + broken }],
  ['konnektors[0]', 'a client key that is none', { clientKey: 'no key' }],
  ['konnektors[0]', 'the key of another certificate', { clientKey: root.keyPem }],
  ['recordSystems[0]', 'no anchor for a record system', { recordSystemCa: '' }],
  ['idp', 'an anchor for the IDP that cannot be read', { idpCa: broken }],
  ['trust.rootsFile', 'TI roots that cannot be read', { roots: 'no certificate' }],
])('%s: %s ends the start, nothing is left open', async (key, _name, change: Record<string, string>) => {
  const file = (name: string, right: string) => secretFile(directory.path, `${name}.pem`, right);
  const read = settings((raw) => ({
    ...raw,
    trust: {
      rootsFile: file('roots', root.certPem),
      intermediatesFile: file('intermediates', root.certPem),
      ocspSignersFile: file('ocsp', root.certPem),
    },
    konnektors: raw.konnektors.map((konnektor) => ({
      ...konnektor,
      caFile: file('konnektorCa', root.certPem),
      clientCertificate: file('clientCertificate', leaf.certPem),
      clientKey: file('clientKey', leaf.keyPem),
    })),
    recordSystems: raw.recordSystems.map((one) => ({ ...one, caFile: file('recordSystemCa', root.certPem) })),
    idp: { ...raw.idp, caFile: file('idpCa', root.certPem) },
  }));
  // Between the reading of the settings and the start the file has become another.
  for (const [name, wrong] of Object.entries(change)) writeFileSync(join(directory.path, `${name}.pem`), wrong);
  await expect(startGateway(read, { log: silentLogger })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(key),
  });
  // The lock is free again: the right files start the gateway in the same directory.
  for (const [name, right] of Object.entries({
    roots: root.certPem,
    konnektorCa: root.certPem,
    clientKey: leaf.keyPem,
    recordSystemCa: root.certPem,
    idpCa: root.certPem,
  }))
    writeFileSync(join(directory.path, `${name}.pem`), right);
  const gateway = await startGateway(read, { log: silentLogger });
  await gateway.stop();
  expect(existsSync(join(read.dataDirectory, 'gateway.db'))).toBe(true);
});
