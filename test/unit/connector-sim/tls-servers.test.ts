// Which certificate the simulator's TLS servers show whom: brainpoolP256r1 to clients that know the curve, RSA to those that do
// not (Python, Node 20 and others with their defaults), as products have both (konnektor.md 7); the chain holds either way.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../connector-sim/main.ts';
import { clientTlsOptions } from '../../../wire/tls.ts';

let sim: Simulator;
beforeAll(async () => {
  sim = await startSimulator({ seed: 1 });
});
afterAll(() => sim.stop());

/** As OpenSSL 3.0 offers by default: no brainpool group, no brainpool signature of TLS 1.3. */
const withoutBrainpool: ConnectionOptions = {
  ecdhCurve: 'X25519:prime256v1:secp384r1:secp521r1',
  sigalgs: 'ECDSA+SHA256:ECDSA+SHA384:ed25519:rsa_pss_rsae_sha256:RSA+SHA256',
};

async function shown(url: string, options: ConnectionOptions) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  await once(socket, 'secureConnect');
  const { publicKey } = socket.getPeerX509Certificate() ?? {};
  const found = {
    authorized: socket.authorized,
    version: socket.getProtocol(),
    key: publicKey?.asymmetricKeyDetails?.namedCurve ?? publicKey?.asymmetricKeyType,
  };
  socket.destroy();
  return found;
}

describe.each(['epa-as-1', 'epa-as-2', 'idp', 'konnektor'] as const)('%s', (name) => {
  const target = () => {
    const settings = sim.settings();
    const [konnektor] = settings.konnektors;
    if (name === 'konnektor' && konnektor !== undefined) {
      const pem = (path: string) => readFileSync(path, 'utf8');
      const { url, serverName: servername, caFile, clientCertificate, clientKey } = konnektor;
      return { url, ca: pem(caFile), servername, cert: pem(clientCertificate), key: pem(clientKey) };
    }
    const url = name === 'idp' ? settings.idp.issuer : settings.recordSystems.find((one) => one.id === name)?.url;
    return { url: url ?? '', ca: readFileSync(sim.ready.caFile, 'utf8') };
  };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('shows brainpool to the gateway’s profile over %s', async (version) => {
    const { url, ...options } = target();
    const profile = { ...clientTlsOptions(options), minVersion: version, maxVersion: version };
    expect(await shown(url, profile)).toEqual({ authorized: true, version, key: 'brainpoolP256r1' });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('shows RSA to a client without brainpool over %s', async (version) => {
    const { url, ...options } = target();
    const profile = { ...options, ...withoutBrainpool, minVersion: version, maxVersion: version };
    expect(await shown(url, profile)).toEqual({ authorized: true, version, key: 'rsa' });
  });

  test('is taken by Node’s own defaults', async () => {
    const { url, ...options } = target();
    expect((await shown(url, options)).authorized).toBe(true);
  });
});
