// TLS with certificates on brainpoolP256r1 (SEC-02, SEC-04, SEC-05), made by openssl. What may kill the process runs in
// a child; the rest runs here, under the guard that vitest loads first.
import { spawn } from 'node:child_process';
import { constants, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Socket } from 'node:net';
import tls from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientTlsOptions, installBrainpoolGuard, serverTlsOptions, tlsProfile } from '../../../wire/tls.ts';
import { mintTlsPki, opensslInstalled, type TlsPki } from '../../support/tls-pki.ts';
import { codeOf } from '../../support/wire-error.ts';

const versions: tls.SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const guard = new URL('../../../wire/tls.ts', import.meta.url).href;
const child = new URL('../../support/tls-child.ts', import.meta.url).pathname;

/** Exit code or signal of the child, and what its client read. */
async function runChild(o: { folder: string; version: string; side: 'client' | 'server'; guarded: boolean }) {
  const imports = o.guarded ? ['--import', guard] : [];
  const started = spawn(process.execPath, [...imports, child, o.folder, o.version, o.side]);
  let output = '';
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  started.stderr.resume();
  const [code, signal] = await once(started, 'close');
  return { output, ended: signal ?? code };
}

/** One connection; what the client read, or the code of the error either side met. */
async function connect(server: tls.TlsOptions, client: tls.ConnectionOptions): Promise<string> {
  const listening = tls.createServer(server, (socket) => socket.end('welcome'));
  listening.on('tlsClientError', () => undefined);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  try {
    const socket = tls.connect({ ...client, host: '127.0.0.1', port: portOf(listening) });
    socket.setEncoding('utf8');
    let protocol: string | null = null;
    socket.once('secureConnect', () => {
      protocol = socket.getProtocol();
    });
    let text = '';
    for await (const part of socket) text += part;
    return `${text} ${protocol}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    listening.close();
  }
}

function portOf(server: tls.Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.runIf(opensslInstalled)('with brainpool certificates [needs the openssl command]', () => {
  let pki: TlsPki;
  let server: tls.TlsOptions;
  let client: tls.ConnectionOptions;
  const name = { servername: 'konnektor.konlan' };

  beforeAll(() => {
    pki = mintTlsPki();
    const ca = pki.file('ca.pem');
    server = serverTlsOptions({ cert: pki.file('server.pem'), key: pki.file('server.key'), clientCa: ca });
    client = clientTlsOptions({ ca, cert: pki.file('client.pem'), key: pki.file('client.key'), ...name });
  });
  afterAll(() => pki.remove());

  describe.each(versions)('on %s', (version) => {
    const only = { minVersion: version, maxVersion: version };

    test.each(['client', 'server'] as const)(
      'the guard keeps a %s alive that would die of a segmentation fault',
      async (side) => {
        const run = { folder: pki.folder, version, side };
        const bare = await runChild({ ...run, guarded: false });
        const guarded = await runChild({ ...run, guarded: true });
        expect(guarded).toEqual({ ended: 0, output: side === 'client' ? 'welcome' : 'welcome client' });
        if (bare.ended === 0)
          process.stdout.write(
            `Node ${process.version} has repaired the brainpool crash (${side}, ${version}): the guard can go.\n`,
          );
        else expect(bare).toEqual({ ended: 'SIGSEGV', output: '' });
      },
    );

    test('a connection with certificates on both sides stands', async () => {
      expect(await connect(server, { ...client, ...only })).toBe(`welcome ${version}`);
    });

    test('a server of another name is refused', async () => {
      const options = { ...client, ...only, servername: 'other.konlan' };
      expect(await connect(server, options)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    test('a server reached by an address its certificate does not name is refused', async () => {
      expect(await connect(server, { ...client, ...only, servername: undefined })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    test('a server of another CA is refused', async () => {
      const options = { ...client, ca: pki.file('otherCa.pem') };
      expect(await connect(server, { ...options, ...only })).toMatch(
        /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN)$/,
      );
    });

    test('a client without certificate is refused', async () => {
      const options = clientTlsOptions({ ca: pki.file('ca.pem'), ...name });
      expect(await connect(server, { ...options, ...only })).toMatch(
        /^(ERR_SSL_\S*(HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED)|ECONNRESET)$/,
      );
    });

    test('a client certificate of another CA is refused', async () => {
      const own = serverTlsOptions({
        cert: pki.file('server.pem'),
        key: pki.file('server.key'),
        clientCa: pki.file('otherCa.pem'),
      });
      expect(await connect(own, { ...client, ...only })).not.toMatch(/welcome/);
    });

    test('undici reaches the server by IP, its name given apart, and both sides may look at the certificates', async () => {
      const seen: string[] = [];
      const listening = tls.createServer(server, (socket) => {
        const peer = socket.getPeerCertificate();
        seen.push(String(peer.subject.CN), String(Object.keys(socket.getCertificate() ?? {}).length > 0));
        socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
      });
      listening.listen(0, '127.0.0.1');
      await once(listening, 'listening');
      const agent = new Agent({ connect: { ...client, ...only } });
      const answer = await request(`https://127.0.0.1:${portOf(listening)}/`, { dispatcher: agent });
      await answer.body.dump();
      expect([answer.statusCode, ...seen]).toEqual([204, 'client', 'true']);
      await agent.close();
      listening.close();
    });
  });

  test('the guard gives what Node gives, and {} for no certificate', () => {
    const certificate = new X509Certificate(pki.file('server.pem'));
    const fields = certificate.toLegacyObject();
    expect(fields).toMatchObject({
      subject: { O: 'TEST-ONLY, a+b', OU: ['one', 'two'], CN: 'server' },
      issuer: { CN: 'TEST-ONLY ca' },
      subjectaltname: 'DNS:konnektor.konlan',
      valid_from: certificate.validFrom,
      valid_to: certificate.validTo,
      fingerprint256: certificate.fingerprint256,
      serialNumber: certificate.serialNumber,
    });
    expect(certificate.raw.equals(fields.raw)).toBe(true);
    expect(new tls.TLSSocket(new Socket()).getPeerCertificate()).toEqual({});
  });
});

describe('the profile', () => {
  const suites = tlsProfile.ciphers.split(':');

  test('names TLS 1.3 and 1.2, AES-GCM with forward secrecy, and the four curves, and nothing else', () => {
    expect([tlsProfile.minVersion, tlsProfile.maxVersion]).toEqual(['TLSv1.2', 'TLSv1.3']);
    expect(suites).toEqual([
      'TLS_AES_256_GCM_SHA384',
      'TLS_AES_128_GCM_SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES128-GCM-SHA256',
    ]);
    expect(tlsProfile.ecdhCurve.split(':')).toEqual(['prime256v1', 'secp384r1', 'brainpoolP256r1', 'brainpoolP384r1']);
  });

  test('has renegotiation and compression off', () => {
    for (const off of [constants.SSL_OP_NO_RENEGOTIATION, constants.SSL_OP_NO_COMPRESSION]) {
      expect(off).toBeGreaterThan(0);
      expect(tlsProfile.secureOptions & off).toBe(off);
    }
  });

  test('goes unchanged into the options of clients and servers', () => {
    const ca = '-----BEGIN CERTIFICATE-----';
    expect(clientTlsOptions({ ca })).toEqual({ ...tlsProfile, ca, rejectUnauthorized: true });
    expect(serverTlsOptions({ cert: 'c', key: 'k' })).toMatchObject(tlsProfile);
    expect(serverTlsOptions({ cert: 'c', key: 'k', clientCa: [ca] })).toMatchObject({
      requestCert: true,
      rejectUnauthorized: true,
    });
  });

  test.each([[''], [[]], [['', ' ']]])(
    'refuses to trust nothing named (%j), where Node would trust all public CAs',
    (ca) => {
      expect(codeOf(() => clientTlsOptions({ ca }))).toBe('TLS_NO_ANCHOR');
      expect(codeOf(() => serverTlsOptions({ cert: 'c', key: 'k', clientCa: ca }))).toBe('TLS_NO_ANCHOR');
    },
  );

  test('installing the guard again changes nothing', () => {
    const before = tls.TLSSocket.prototype.getPeerCertificate;
    installBrainpoolGuard();
    expect(tls.TLSSocket.prototype.getPeerCertificate).toBe(before);
  });

  describe.runIf(opensslInstalled)('against other profiles [needs the openssl command]', () => {
    let pki: TlsPki;
    beforeAll(() => {
      pki = mintTlsPki();
    });
    afterAll(() => pki.remove());

    const offers: [what: string, options: tls.ConnectionOptions, accepted: boolean][] = [
      ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, false],
      ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, false],
      ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384' }, false],
      ['CBC with SHA-1', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }, false],
      ['ChaCha20', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305' }, false],
      ['the curve X25519 alone', { minVersion: 'TLSv1.3', ecdhCurve: 'X25519' }, false],
      ['P-384 alone', { minVersion: 'TLSv1.3', ecdhCurve: 'secp384r1' }, true],
      ['AES-128-GCM on TLS 1.2', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, true],
      ['AES-128-GCM on TLS 1.3', { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' }, true],
      ['whatever Node offers by itself', { ecdhCurve: tls.DEFAULT_ECDH_CURVE, ciphers: tls.DEFAULT_CIPHERS }, true],
    ];

    test.each(offers)('a client that offers %s', async (_what, options, accepted) => {
      const own = serverTlsOptions({ cert: pki.file('p256.pem'), key: pki.file('p256.key') });
      const client = { ca: pki.file('ca.pem'), servername: 'konnektor.konlan', ...options };
      expect((await connect(own, client)).startsWith('welcome')).toBe(accepted);
    });

    test.each(offers)('a server that speaks %s', async (_what, options, accepted) => {
      const client = clientTlsOptions({ ca: pki.file('ca.pem'), servername: 'konnektor.konlan' });
      const other: tls.TlsOptions = { cert: pki.file('p256.pem'), key: pki.file('p256.key') };
      expect((await connect({ ...other, ...secureOnly(options) }, client)).startsWith('welcome')).toBe(accepted);
    });
  });
});

function secureOnly(o: tls.ConnectionOptions): tls.SecureContextOptions {
  return { minVersion: o.minVersion, maxVersion: o.maxVersion, ciphers: o.ciphers, ecdhCurve: o.ecdhCurve };
}
