// The running simulator judged by the openssl command alone: its TLS servers, the certificates of card and VAU as they come over
// the wire, the OCSP responder, and a signature of ExternalAuthenticate (konnektor.md 2.5, 7; epa-record-system.md 1.4; RFC 6960).
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { decode } from 'cborg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../connector-sim/main.ts';
import type { Card } from './foreign/card-jose.ts';
import { send } from './foreign/https-client.ts';
import { javaCard } from './foreign/konnektor-clients.ts';
import { createPeerClient, type PeerSignedKeys } from './support/kyber-peer.ts';
import { openssl, opensslVerifies, testWithBrainpoolTls13, testWithOpenssl } from './support/openssl.ts';

const AGENT = 'OPENSSLJUDGE00000001/1.0.0';
const folder = mkdtempSync(join(tmpdir(), 'openssl-live-'));
const path = (name: string) => join(folder, name);
const say = (line: string) => process.stdout.write(`${line}\n`);

let sim: Simulator;
let card: Card;

beforeAll(async () => {
  sim = await startSimulator();
  const [k] = sim.settings().konnektors;
  if (k === undefined) throw new Error('no Konnektor');
  const pem = (file: string) => readFileSync(file, 'utf8');
  const trust = { ca: pem(k.caFile), cert: pem(k.clientCertificate), key: pem(k.clientKey), servername: k.serverName };
  card = await javaCard({ base: k.url, trust, context: k, telematikId: sim.ready.telematikId });
  writePem('card.pem', Buffer.from(card.certificateBase64, 'base64'));
  const { cert, ca, rca_chain } = await certData(sim.ready.recordSystems[0] ?? '');
  writePem('vau.pem', cert);
  writePem('vau-ca.pem', ca, ...rca_chain);
  // The issuers one by one, for the CertIDs of OCSP.
  const intermediates =
    pem(sim.settings().trust.intermediatesFile ?? '').match(/-----BEGIN[\s\S]*?-----END[^-]*-----/g) ?? [];
  for (const [index, one] of intermediates.entries()) writeFileSync(path(`issuer-${index}.pem`), one);
});
afterAll(async () => {
  await sim.stop();
  rmSync(folder, { recursive: true });
});

function writePem(name: string, ...ders: Uint8Array[]): void {
  writeFileSync(path(name), ders.map((der) => new X509Certificate(der).toString()).join(''));
}

/** CertData of a record system's VAU, by the hash and version its handshake names. */
async function certData(origin: string): Promise<{ cert: Uint8Array; ca: Uint8Array; rca_chain: Uint8Array[] }> {
  const trust = { ca: readFileSync(sim.ready.caFile, 'utf8') };
  let keys: PeerSignedKeys | undefined;
  await createPeerClient({
    judgeKeys: (found) => {
      keys = found;
    },
    post: (at, body, type) =>
      send(origin + at, {
        method: 'POST',
        headers: { 'Content-Type': type, 'x-useragent': AGENT, 'Content-Length': body.length },
        body,
        trust,
      }),
  });
  const name = `/CertData.${Buffer.from(keys?.certHash ?? []).toString('hex')}-${keys?.cdv}`;
  return decode((await send(origin + name, { headers: { 'x-useragent': AGENT }, trust })).body);
}

const file = (name: string) => join(dirname(sim.ready.caFile), name);
type Server = { name: string; url: () => string; host: string[]; wrong: string[]; client: () => string[] };
const servers: Server[] = [
  {
    name: 'Konnektor',
    url: () => sim.ready.konnektor,
    host: ['-servername', 'konnektor.konlan', '-verify_hostname', 'konnektor.konlan'],
    wrong: ['-servername', 'konnektor.konlan', '-verify_hostname', 'other.konlan'],
    client: () => ['-cert', file('client.pem'), '-key', file('client-key.pem')],
  },
  ...[0, 1].map((index) => ({
    name: `record system ${index + 1}`,
    url: () => sim.ready.recordSystems[index] ?? '',
    host: ['-verify_hostname', `epa-as-${index + 1}.sim.epa4all.de`],
    wrong: ['-verify_hostname', 'epa-as-9.sim.epa4all.de'],
    client: () => [],
  })),
  {
    name: 'IDP',
    url: () => sim.ready.idp,
    host: ['-verify_hostname', 'idp.sim.epa4all.de'],
    wrong: ['-verify_ip', '127.0.0.2'],
    client: () => [],
  },
];

/** -groups: without the brainpool curve among them OpenSSL takes no such certificate. */
const connect = (server: Server, version: string, words: string[], caFile = sim.ready.caFile) =>
  openssl(
    's_client',
    ...['-connect', new URL(server.url()).host, `-${version}`, '-groups', 'P-256:P-384:brainpoolP256r1', '-brief'],
    ...['-CAfile', caFile, '-verify_return_error', ...words],
  );

describe.each(['tls1_2', 'tls1_3'] as const)('openssl s_client -%s', (version) => {
  const testHere = version === 'tls1_2' ? testWithOpenssl : testWithBrainpoolTls13;

  for (const server of servers) {
    testHere(`${server.name}: verification OK`, async () => {
      const { ok, output } = await connect(server, version, [...server.host, ...server.client()]);
      expect(output).toContain('Verification: OK');
      expect(output).toContain(`Protocol version: TLSv1.${version.at(-1)}`);
      expect(ok).toBe(true);
      say(`s_client -${version} ${server.name}: Verification: OK`);
    });

    testHere(`${server.name}: another name is refused`, async () => {
      const { ok, output } = await connect(server, version, [...server.wrong, ...server.client()]);
      expect(output).toMatch(/hostname mismatch|IP address mismatch/);
      expect(ok).toBe(false);
    });

    testHere(`${server.name}: under the roots of the other PKI alone it is refused`, async () => {
      const other = server.name === 'Konnektor' ? 'ti-roots.pem' : 'konnektor-ca.pem';
      const { ok, output } = await connect(server, version, [...server.host, ...server.client()], file(other));
      expect(output).toMatch(/unable to get (local )?issuer certificate|self-signed certificate/);
      expect(ok).toBe(false);
    });
  }

  testHere('Konnektor: without client certificate it ends the connection', async () => {
    const [konnektor] = servers;
    if (konnektor === undefined) throw new Error('no Konnektor');
    const { output } = await connect(konnektor, version, konnektor.host);
    expect(output).toMatch(/alert (handshake failure|certificate required)/);
  });
});

// The openssl of Debian 12 cannot (3.0); the one inside Node (3.5) can.
describe('TLS 1.3 with the OpenSSL of Node', () => {
  const read = (name: string) => readFileSync(file(name));
  async function handshake(server: Server, o: { hostname: string; client?: boolean }): Promise<string> {
    const { port } = new URL(server.url());
    const withClient = o.client === true ? { cert: read('client.pem'), key: read('client-key.pem') } : {};
    const ecdhCurve = 'prime256v1:secp384r1:brainpoolP256r1';
    const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;
    const trust = { ca: readFileSync(sim.ready.caFile), servername: o.hostname, ecdhCurve, ...version, ...withClient };
    const socket = tls.connect({ host: '127.0.0.1', port: Number(port), ...trust });
    socket.write('GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    try {
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return `${socket.getProtocol()} authorized=${socket.authorized} ${answer.toString('latin1').slice(0, 8)}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    } finally {
      socket.destroy();
    }
  }
  test.each(servers)('$name: verified under its name, refused under another', async (server) => {
    const [hostname = ''] = server.host.slice(-1);
    const client = server.name === 'Konnektor';
    expect(await handshake(server, { hostname, client })).toBe('TLSv1.3 authorized=true HTTP/1.1');
    expect(await handshake(server, { hostname: 'other.konlan', client })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    if (client) expect(await handshake(server, { hostname })).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  });
});

describe('openssl verify', () => {
  const chain = ['-CAfile'];
  testWithOpenssl('the SMC-B AUT certificate that ReadCardCertificate gave', async () => {
    const words = ['verify', ...chain, file('ti-roots.pem'), '-untrusted', file('ti-intermediates.pem')];
    expect(await openssl(...words, path('card.pem'))).toEqual({ ok: true, output: `${path('card.pem')}: OK\n` });
    expect((await openssl('verify', ...chain, file('konnektor-ca.pem'), path('card.pem'))).ok).toBe(false);
    say('verify C.AUT of the SMC-B: OK');
  });

  testWithOpenssl('the VAU certificate of CertData under the chain that comes with it', async () => {
    const words = ['verify', ...chain, file('ti-roots.pem'), '-untrusted', path('vau-ca.pem')];
    expect(await openssl(...words, path('vau.pem'))).toEqual({ ok: true, output: `${path('vau.pem')}: OK\n` });
    // What the record system supplies is no anchor.
    expect((await openssl('verify', ...chain, file('konnektor-ca.pem'), path('vau.pem'))).ok).toBe(false);
    say('verify VAU certificate of CertData: OK');
  });
});

describe('openssl ocsp against the live responder', () => {
  // -VAfile: the responder is trusted because the TSL names it, not because the CA of the certificate issued it.
  const ask = (certificate: string, issuer: string, digest = '-sha1') =>
    openssl(
      ...[
        'ocsp',
        '-url',
        `${sim.ocsp}/ocsp`,
        digest,
        '-issuer',
        path(issuer),
        '-cert',
        path(certificate),
        '-timeout',
        '10',
      ],
      ...['-CAfile', file('ti-roots.pem'), '-VAfile', file('ocsp-signers.pem')],
    );
  for (const [certificate, issuer] of [
    ['card.pem', 'issuer-0.pem'],
    ['vau.pem', 'issuer-1.pem'],
  ] as const) {
    testWithOpenssl(`${certificate} is good, and the answer verifies`, async () => {
      const { output } = await ask(certificate, issuer);
      expect(output).toContain('Response verify OK');
      expect(output).toContain(`${path(certificate)}: good`);
      say(`ocsp ${certificate}: Response verify OK, good`);
    });

    testWithOpenssl(`${certificate} is good when it is asked for by SHA-256 as well`, async () => {
      const { output } = await ask(certificate, issuer, '-sha256');
      expect(output).toContain('Response verify OK');
      expect(output).toContain(`${path(certificate)}: good`);
    });

    testWithOpenssl(`${certificate} is nobody’s under another issuer`, async () => {
      const other = issuer === 'issuer-0.pem' ? 'issuer-1.pem' : 'issuer-0.pem';
      expect((await ask(certificate, other)).output).toContain('unauthorized');
    });

    testWithOpenssl(`${certificate} is revoked under that fault, and a false signature is seen`, async () => {
      sim.faults.add({ at: 'ocsp', kind: 'revoked', times: 1 });
      const revoked = await ask(certificate, issuer);
      expect(revoked.output).toContain('Response verify OK');
      expect(revoked.output).toContain(`${path(certificate)}: revoked`);
      sim.faults.add({ at: 'ocsp', kind: 'wrong-signature', times: 1 });
      expect((await ask(certificate, issuer)).output).toContain('Response Verify Failure');
    });
  }
});

describe('ExternalAuthenticate', () => {
  testWithOpenssl(
    'gives a signature that openssl pkeyutl verifies with the key of C.AUT, over this hash alone',
    async () => {
      const key = createPublicKey(readFileSync(path('card.pem')));
      const sha256 = createHash('sha256').update('signing input of a login').digest();
      const signature = await card.sign(sha256);
      expect(opensslVerifies({ sha256, signature, key })).toBe(true);
      const other = createHash('sha256').update('another').digest();
      expect(opensslVerifies({ sha256: other, signature, key })).toBe(false);
      say('pkeyutl -verify of ExternalAuthenticate: accepted');
    },
  );
});
