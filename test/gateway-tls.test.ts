// The gateway's own TLS listeners (`--tls`): an ordinary backend, whose TLS library knows no brainpool, connects with the
// caFile of the ready line; without it, or under another name, it is refused.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestWorld } from './support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.start({ tls: true });
});
afterAll(() => world.stop());

async function handshake(address: string, change: ConnectionOptions = {}): Promise<string | null> {
  const { hostname, port } = new URL(address);
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: readFileSync(world.sim.ready.caFile),
    ecdhCurve: 'X25519:prime256v1',
    sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256',
    ...change,
  });
  try {
    await once(socket, 'secureConnect');
    return socket.getProtocol();
  } finally {
    socket.destroy();
  }
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a backend without brainpool connects over %s', async (version) => {
  for (const address of [world.gateway.address, world.gateway.adminAddress]) {
    expect(address).toMatch(/^https:/);
    expect(await handshake(address, { minVersion: version, maxVersion: version })).toBe(version);
  }
});

test.each([
  [
    'without the caFile',
    { ca: [] },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ],
  ['under another name', { servername: 'other.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['with TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }, 'ERR_SSL|ECONNRESET'],
] as const)('%s it is refused', async (_what, change, code) => {
  await expect(handshake(world.gateway.address, change as ConnectionOptions)).rejects.toMatchObject({
    code: expect.stringMatching(code),
  });
});
