// M1–M4 in both roles against a second implementation (npm crystals-kyber and bare node:crypto, D21), over real TLS: its
// client reaches the inside of each simulated VAU, the gateway reaches the inside of its server. With bare ML-KEM (FIPS 203) in
// place of Kyber round 3 both fail, by name (gemSpec_Krypt 7; epa-record-system.md 1.1–1.7).
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decode, encode } from 'cborg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLE } from '../certs/admission.ts';
import { mintCa, mintLeaf, mintRoot } from '../certs/mint.ts';
import { createOcspResponse } from '../certs/ocsp.ts';
import { type Simulator, startSimulator } from '../connector-sim/main.ts';
import { createEgress } from '../gateway/egress.ts';
import { VauChannel } from '../gateway/record-system/vau-channel.ts';
import { VauTrust } from '../gateway/record-system/vau-trust.ts';
import { type Reply, send } from './foreign/https-client.ts';
import { innerReply, innerRequest, jsonBody } from './foreign/inner-http.ts';
import { type Asked, type Served, serve } from './foreign/tls-server.ts';
import { gatewayErrorOf } from './support/gateway-error.ts';
import { createPeerClient, createPeerServer, type PeerSignedKeys } from './support/kyber-peer.ts';
import { createPeerKeys, type PeerScheme, publicKeysCbor } from './support/kyber-peer-codec.ts';

const AGENT = 'PEERCLIENT0000000001/1.0.0';
const say = (line: string) => process.stdout.write(`${line}\n`);

describe('the peer as client of the simulated record systems', () => {
  let sim: Simulator;
  beforeAll(async () => {
    sim = await startSimulator();
  });
  afterAll(() => sim.stop());

  type ClientOptions = Omit<Parameters<typeof createPeerClient>[0], 'post'>;
  const connect = (origin: string, o: ClientOptions = {}) => {
    const trust = { ca: readFileSync(sim.ready.caFile, 'utf8') };
    const post = (path: string, body: Uint8Array, contentType: string): Promise<Reply> =>
      send(origin + path, {
        method: 'POST',
        headers: { 'Content-Type': contentType, 'x-useragent': AGENT, 'Content-Length': body.length },
        body,
        trust,
      });
    return createPeerClient({ post, ...o });
  };
  const vauStatus = () =>
    innerRequest({
      method: 'GET',
      path: '/VAU-Status',
      headers: [
        ['Host', 'epa-as-1.sim.epa4all.de'],
        ['x-useragent', AGENT],
      ],
    });
  /** What the VAU said in CBOR when it refused. */
  const refusal = async (act: Promise<unknown>) => {
    const thrown: unknown = await act.then(
      () => undefined,
      (error: unknown) => error,
    );
    const answer = thrown instanceof Error ? (thrown.cause as Reply | undefined) : undefined;
    if (answer === undefined) throw new Error('nothing was refused', { cause: thrown });
    return { http: answer.status, ...(decode(answer.body) as object) };
  };

  test.each([0, 1])('record system %i: M1 to M4 complete, and GET /VAU-Status answers inside', async (index) => {
    const origin = sim.ready.recordSystems[index] ?? '';
    const client = await connect(origin);
    for (let n = 0; n < 2; n++) {
      const answer = innerReply(await client.request(vauStatus()));
      expect(answer.status).toBe(200);
      expect(jsonBody(answer)).toMatchObject({
        'User-Authentication': expect.stringMatching(/^none$/i),
        KeyID: Buffer.from(client.channel.KeyID).toString('hex'),
      });
    }
    say(`peer client, ${origin}: channel open, two frames answered`);
  });

  test('with ML-KEM it cannot open M2', async () => {
    await expect(connect(sim.ready.recordSystems[0] ?? '', { scheme: 'ml-kem-768' })).rejects.toThrow(
      'unable to authenticate',
    );
    say('peer client with ML-KEM: the AEAD of M2 does not open');
  });

  test.each<[what: string, o: ClientOptions, rule: string]>([
    ['for all of it', { scheme: 'ml-kem-768' }, 'vau.m3-aead'],
    ['for the signed keys alone', { longTermScheme: 'ml-kem-768' }, 'vau.m3-confirmation'],
  ])('with ML-KEM %s its M3 is refused with VAU error 3', async (what, o, rule) => {
    const origin = sim.ready.recordSystems[0] ?? '';
    const known: PeerSignedKeys[] = [];
    await connect(origin, { judgeKeys: (keys) => void known.push(keys) });
    const { http, ...error } = await refusal(connect(origin, { ...o, knownKeys: known[0] }));
    expect({ http, ...error }).toMatchObject({
      http: 403,
      MessageType: 'Error',
      ErrorCode: 3,
      ErrorMessage: 'GCM returns FAIL',
    });
    expect(sim.journal.entries().at(-1)).toMatchObject({ operation: 'vau.handshake', rule });
    say(`peer client with ML-KEM ${what}: HTTP ${http} ${JSON.stringify(error)} by ${rule}`);
  });
});

describe('the peer as server of the gateway', () => {
  const role = (oid: string) => ({ professionItems: [], professionOids: [oid], registrationNumber: undefined });
  const root = mintRoot('TI Root CA');
  const ca = mintCa(root, 'Komponenten-CA');
  const tls = mintLeaf(ca, { commonName: 'epa-as-1', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] });
  const vau = mintLeaf(ca, { commonName: 'VAU', curve: 'P-256', admission: role(ROLE.epaVau) });
  const ocsp = mintLeaf(ca, { commonName: 'OCSP', extendedKeyUsage: ['OCSPSigning'] });
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops) await stop();
  });

  /** A peer's record system that answers the inside with the path it was asked for. */
  async function startPeer(o: { scheme?: PeerScheme; longTermScheme?: PeerScheme } = {}) {
    const keys = createPeerKeys();
    const iat = Math.floor(Date.now() / 1000) - 60;
    const signedPubKeys = publicKeysCbor(keys, { iat, exp: iat + 30 * 86_400 });
    const ocspResponse = createOcspResponse({
      certificate: vau.certificate,
      issuer: ca.certificate,
      status: 'good',
      producedAt: new Date(),
      signer: ocsp,
    });
    const signature = sign('sha256', signedPubKeys, { key: vau.privateKey, dsaEncoding: 'ieee-p1363' });
    const signedKeys = { signedPubKeys, signature, certHash: vau.certificate.sha256, cdv: 1, ocspResponse };
    const peer = createPeerServer({ keys, signedKeys, ...o });
    const cbor = (body: Uint8Array, headers = {}): Served => ({
      status: 200,
      headers: { 'Content-Type': 'application/cbor', ...headers },
      body,
    });
    const inside = (plaintext: Uint8Array) => {
      const body = JSON.stringify({ asked: Buffer.from(plaintext).toString('latin1').split(' ')[1] });
      return Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`);
    };
    const answer = async ({ path, headers, body }: Asked): Promise<Served> => {
      if (path.startsWith('/CertData.')) {
        const [cert, above, top] = [vau, ca, root].map(({ certificate }) => certificate.der);
        return cbor(encode({ cert, ca: above, rca_chain: [top] }));
      }
      if (path === '/VAU') {
        const { cid, m2 } = peer.onM1(body);
        return cbor(m2, { 'VAU-CID': cid });
      }
      if (headers['content-type'] === 'application/octet-stream')
        return {
          status: 200,
          headers: { 'Content-Type': 'application/octet-stream' },
          body: await peer.onFrame(path, body, inside),
        };
      try {
        return cbor(peer.onM3(path, body));
      } catch {
        const error = encode({ MessageType: 'Error', ErrorCode: 3, ErrorMessage: 'GCM returns FAIL' });
        return { ...cbor(error), status: 403 };
      }
    };
    const asked: string[] = [];
    const { origin, stop } = await serve({ cert: tls.certPem + ca.certPem, key: tls.keyPem }, (request) => {
      asked.push(`${request.method} ${request.path.replace(/(CertData\.|peer-).*/, '$1…')}`);
      return answer(request);
    });
    stops.push(stop);
    return { origin, asked };
  }

  function openChannel(origin: string): Promise<VauChannel> {
    const egress = createEgress({ environment: 'SIM', purposes: { 'record-system': [{ origin, ca: root.certPem }] } });
    stops.push(() => egress.close());
    const anchors = { roots: [root.certificate], intermediates: [], ocspSigners: [] };
    const common = { egress, userAgent: AGENT, now: Date.now };
    const trust = new VauTrust({ ...common, anchors: () => anchors });
    return VauChannel.open({ ...common, trust, recordSystem: { id: 'peer', url: origin }, pu: false });
  }

  test('M1 to M4 complete, every check of its keys passes, and inner requests are answered', async () => {
    const { origin, asked } = await startPeer();
    const channel = await openChannel(origin);
    for (const path of ['/VAU-Status', '/epa/authz/v1/getNonce']) {
      const answer = await channel.request({ method: 'GET', path, headers: [] });
      expect([answer.status, jsonBody(answer)]).toEqual([200, { asked: path }]);
    }
    expect(asked.slice(0, 3)).toEqual(['POST /VAU', 'GET /CertData.…', 'POST /VAU/peer-…']);
    say('gateway against the peer: channel open, two frames answered');
  });

  test.each<[what: string, o: Parameters<typeof startPeer>[0], check: string, foreign: object | undefined]>([
    ['for all of it', { scheme: 'ml-kem-768' }, 'vau.m2-vau-aead', undefined],
    [
      'for the signed keys alone',
      { longTermScheme: 'ml-kem-768' },
      'vau.status',
      { status: 403, code: 'VAU 3', text: 'GCM returns FAIL' },
    ],
  ])('with ML-KEM %s the handshake fails, and no frame is sent', async (what, o, check, foreign) => {
    const { origin, asked } = await startPeer(o);
    const error = await gatewayErrorOf(() => openChannel(origin));
    expect({ code: error.code, check: error.check, foreign: error.foreign }).toEqual({
      code: 'VAU_HANDSHAKE_FAILED',
      check,
      foreign,
    });
    expect(asked.filter((one) => one.startsWith('POST'))).toEqual(
      foreign === undefined ? ['POST /VAU'] : ['POST /VAU', 'POST /VAU/peer-…'],
    );
    say(`gateway against a peer with ML-KEM ${what}: ${error.code} ${check} ${JSON.stringify(foreign ?? '')}`);
  });
});
