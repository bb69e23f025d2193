// The listeners over TLS: certificates of the profile, also on brainpool, and no plain HTTP beside it (SEC-01, SEC-02).
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { testGateway } from '../../../support/gateway-server.ts';

test.each(['P-256', 'brainpoolP256r1'] as const)('API and admin serve TLS with a certificate on %s', async (curve) => {
  const root = mintRoot('TEST-ONLY root', { curve });
  const leaf = mintLeaf(root, {
    commonName: 'gateway',
    dns: ['localhost'],
    ip: ['127.0.0.1'],
    extendedKeyUsage: ['serverAuth'],
    curve,
  });
  const g = await testGateway((raw) => {
    const directory = join(raw.masterKeyFile, '..');
    const certFile = join(directory, 'server.pem');
    const keyFile = join(directory, 'server.key');
    writeFileSync(certFile, leaf.certPem);
    writeFileSync(keyFile, leaf.keyPem, { mode: 0o600 });
    const tls = { certFile, keyFile };
    return { ...raw, listen: { ...raw.listen, tls }, admin: { ...raw.admin, tls } };
  });
  const agent = new Agent({ connect: clientTlsOptions({ ca: root.certPem }) });
  try {
    for (const address of [g.gateway.address, g.gateway.adminAddress]) {
      expect(address).toMatch(/^https:/);
      const answer = await request(`${address}/livez`, { dispatcher: agent });
      expect(await answer.body.json()).toEqual({ ok: true });
      await expect(fetch(address.replace('https:', 'http:'))).rejects.toThrow();
      const old = connect({
        port: Number(new URL(address).port),
        host: '127.0.0.1',
        ca: root.certPem,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1.1',
      });
      const [refused] = await once(old, 'error').catch((error: unknown) => [error]);
      expect(refused).toBeInstanceOf(Error);
    }
  } finally {
    await agent.destroy();
    await g.close();
  }
});
