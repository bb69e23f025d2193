// The Konnektor's TLS (konnektor.md 7) seen by clients that do it right and wrong, in TLS 1.2 and 1.3, and the faults that
// strike before a handshake is over.
import { once } from 'node:events';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { chainPem } from '../../../../connector-sim/settings.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { type KonnektorBench, konnektorClient, startKonnektorBench } from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

/** Status line of GET /connector.sds over one connection made with these options; an error's code when there is none. */
async function fetchSds(options: tls.ConnectionOptions): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port: Number(new URL(bench.url).port), ...options });
  try {
    await once(socket, 'secureConnect');
    socket.write('GET /connector.sds HTTP/1.1\r\nHost: konnektor.konlan\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text.slice(0, text.indexOf('\r\n'));
  } catch (error) {
    return String((error as { code?: string }).code);
  } finally {
    socket.destroy();
  }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  const only = { minVersion: version, maxVersion: version };
  test('a client with a certificate of the Konnektor’s CA is served', async () => {
    expect(await fetchSds({ ...konnektorClient(bench.pki), ...only })).toBe('HTTP/1.1 200 OK');
  });

  test('a client without certificate is not', async () => {
    const { cert: _cert, key: _key, ...without } = konnektorClient(bench.pki);
    expect(await fetchSds({ ...without, ...only })).not.toContain('HTTP');
  });

  test('a client with a certificate of another CA is not', async () => {
    const root = mintRoot('Other Root CA');
    const leaf = mintLeaf(mintCa(root, 'Other CA'), { commonName: 'c1', extendedKeyUsage: ['clientAuth'] });
    const other = { cert: leaf.certPem, key: leaf.keyPem };
    expect(await fetchSds({ ...konnektorClient(bench.pki), ...other, ...only })).not.toContain('HTTP');
  });
});

test('the only name in its certificate is konnektor.konlan, so a check against the address fails', async () => {
  const named = konnektorClient(bench.pki);
  const { servername: _name, ...byAddress } = named;
  expect(await fetchSds({ ...byAddress, host: '127.0.0.1' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('no TI root vouches for the Konnektor', async () => {
  const { clientCertificate, konnektorCa, tiRoot } = bench.pki;
  const options = clientTlsOptions({
    ca: tiRoot.certPem,
    cert: chainPem(clientCertificate, konnektorCa),
    key: clientCertificate.keyPem,
    servername: 'konnektor.konlan',
  });
  expect(await fetchSds(options)).toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
});

describe('faults at konnektor.tls', () => {
  test.each([
    ['wrong-certificate', undefined, 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['wrong-certificate', { name: 'other.konlan' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', undefined, 'CERT_HAS_EXPIRED'],
    ['reset', undefined, 'ECONNRESET'],
    ['drop-request', undefined, 'ECONNRESET'],
  ])('%s %o fails with %s, and the next connection is served', async (kind, params, code) => {
    bench.faults.add({ at: 'konnektor.tls', kind, times: 1, params });
    expect(await fetchSds(konnektorClient(bench.pki))).toBe(code);
    expect(await fetchSds(konnektorClient(bench.pki))).toBe('HTTP/1.1 200 OK');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('tls-version %s: the other version is refused', async (version) => {
    const other = version === 'TLSv1.2' ? 'TLSv1.3' : 'TLSv1.2';
    bench.faults.add({ at: 'konnektor.tls', kind: 'tls-version', params: { version } });
    const only = (one: tls.SecureVersion) => ({ ...konnektorClient(bench.pki), minVersion: one, maxVersion: one });
    expect(await fetchSds(only(version))).toBe('HTTP/1.1 200 OK');
    expect(await fetchSds(only(other))).toMatch(/^ERR_SSL_.*PROTOCOL_VERSION$/);
    bench.faults.clear();
    expect(await fetchSds(only(other))).toBe('HTTP/1.1 200 OK');
  });

  test('hang never answers the client’s hello', async () => {
    bench.faults.add({ at: 'konnektor.tls', kind: 'hang', times: 1 });
    const port = Number(new URL(bench.url).port);
    const socket = tls.connect({ ...konnektorClient(bench.pki), host: '127.0.0.1', port });
    let secured = false;
    socket.on('secureConnect', () => {
      secured = true;
    });
    await once(socket, 'connect');
    // A later connection is answered while this one still hangs.
    expect(await fetchSds(konnektorClient(bench.pki))).toBe('HTTP/1.1 200 OK');
    expect(secured).toBe(false);
    socket.destroy();
  });
});
