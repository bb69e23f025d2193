// The two vendors' record systems as a client meets them: each difference is looked at from outside, at both systems, with the
// vendors as they are and swapped.
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOcspAnswer } from '../certs/ocsp-answer.ts';
import { type Simulator, startSimulator } from '../connector-sim/main.ts';
import type { RecordSystemId } from '../connector-sim/records.ts';
import type { VendorName } from '../connector-sim/tables/vendors.ts';
import { cborBytes, decodeCborMap } from '../wire/cbor.ts';
import { header } from '../wire/http-message.ts';
import { clientTlsOptions } from '../wire/tls.ts';
import { newDocument, provide } from './support/iti41-message.ts';
import { outcome, soapOf } from './support/iti41-session.ts';
import { signIn } from './support/login-test-client.ts';
import { AGENT, ask, bytesOf, createTestSim, jsonOf, KVNR, OTHER_KVNR, type TestSim } from './support/sim-services.ts';
import { openChannel, startHandshake } from './support/vau-test-client.ts';
import { innerGet } from './support/vau-test-judge.ts';

type Vendors = Record<RecordSystemId, VendorName>;
type Place = { sim: TestSim; service: TestSim['recordSystem']; kvnr: string };
type Difference = { see: (place: Place) => Promise<unknown>; ibm: unknown; rise: unknown };

const UNKNOWN = 'urn:uuid:00000000-0000-4000-8000-000000000000';

function placesOf(recordSystems: Vendors): Record<RecordSystemId, Place> {
  const sim = createTestSim({ recordSystems });
  sim.world.choices.release = '3.1.2'; // from 3.1.3 on each text names its document, too (test/releases.test.ts)
  return {
    'epa-as-1': { sim, service: sim.recordSystem, kvnr: KVNR },
    'epa-as-2': { sim, service: sim.otherSystem, kvnr: OTHER_KVNR },
  };
}

async function signedOn({ sim, service }: Place) {
  const channel = await openChannel(service);
  const { response } = await signIn(sim, channel);
  return { channel, login: jsonOf(response) };
}

/** The first byte of a CBOR message: a map of known length, or of indefinite length (RFC 8949, appendix B). */
const mapByte = (bytes: Uint8Array) => (bytes[0] === 0xbf ? 'indefinite' : 'definite');

const instanceOf = (cid: string) => /^\/c-(\d+)-/.exec(cid)?.[1];

const DIFFERENCES: Record<string, Difference> = {
  'Content-Length of the message inside a frame': {
    see: async ({ service }) => {
      const { response } = await (await openChannel(service)).exchange({ path: '/VAU-Status' });
      return header(response.headers, 'content-length') === String(response.body.length);
    },
    ibm: true,
    rise: false,
  },
  'form of the answer to ITI-41': {
    see: async (place) => {
      const { channel } = await signedOn(place);
      const { response } = await provide(channel, newDocument({ kvnr: place.kvnr }));
      const type = header(response.headers, 'content-type') ?? '';
      return [type.split(';')[0], /start-info="application\/soap\+xml; action=\\"[^"]+\\""/.test(type)];
    },
    ibm: ['multipart/related', true],
    rise: ['application/soap+xml', false],
  },
  'SOAP headers of the answer, and those to be understood': {
    see: async (place) => {
      const { channel } = await signedOn(place);
      const { response } = await provide(channel, newDocument({ kvnr: place.kvnr }));
      const blocks = (await soapOf(response)).header;
      const must = blocks.filter(
        (one) => one.attributes.get('{http://www.w3.org/2003/05/soap-envelope}mustUnderstand') === 'true',
      );
      return [blocks.map((one) => one.name), must.length];
    },
    ibm: [['Action', 'RelatesTo', 'To'], 0],
    rise: [['Action', 'RelatesTo', 'To', 'MessageID', 'Instance'], 2],
  },
  'members of a login’s end beside vau-np, and its length': {
    see: async (place) => {
      const { 'vau-np': vauNp, ...more } = (await signedOn(place)).login;
      return [String(vauNp).length, Object.keys(more)];
    },
    ibm: [64, []],
    rise: [20, ['actorId', 'displayName']],
  },
  'User-Authentication of VAU-Status, before and after a login': {
    see: async (place) => {
      const status = async (channel: Awaited<ReturnType<typeof openChannel>>) =>
        jsonOf((await channel.exchange({ path: '/VAU-Status' })).response)['User-Authentication'];
      return [await status(await openChannel(place.service)), await status((await signedOn(place)).channel)];
    },
    ibm: ['None', 'Authenticated: 9-DEMO-DIGA-0001'],
    rise: ['none', 'SMC-B [Telematik-ID=9-DEMO-DIGA-0001]'],
  },
  'CBOR of M2, of the signed keys and of CertData': {
    see: async ({ service }) => {
      const { m2, signed } = await startHandshake(service);
      const page = `/CertData.${Buffer.from(signed.certHash).toString('hex')}-${signed.cdv}`;
      const certData = bytesOf(await ask(service, { url: page }));
      const inner = cborBytes(signed.map, 'signed_pub_keys');
      const keys = Object.keys(decodeCborMap(inner));
      const sorted = keys.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1)); // RFC 7049 3.9
      return [mapByte(m2), mapByte(inner), mapByte(certData), keys.join() === sorted.join()];
    },
    ibm: ['definite', 'definite', 'definite', true],
    rise: ['indefinite', 'indefinite', 'indefinite', false],
  },
  'members of an error of the VAU': {
    see: async ({ service }) => {
      const channel = await openChannel(service);
      const frame = Buffer.from(await channel.frame(innerGet('/VAU-Status')));
      frame[0] = 1;
      return Object.keys(decodeCborMap(bytesOf(await channel.send(frame)))).sort();
    },
    ibm: ['ErrorCode', 'ErrorMessage', 'MessageType', 'Retryable', 'x-trace'],
    rise: ['ErrorCode', 'ErrorMessage', 'MessageType'],
  },
  'what stands before the VAU says when it is full': {
    see: async ({ sim, service }) => {
      for (const at of ['vau.handshake', 'information.ehr'])
        sim.faults.add({ at, kind: 'http-status', params: { status: 503 }, times: 1 });
      const body = Buffer.of(0xa0);
      const answers = [
        await ask(service, { method: 'POST', url: '/VAU', headers: [['x-useragent', AGENT]], body }),
        await ask(service, { url: '/information/api/v1/ehr' }),
      ];
      return answers.map((one) => [one.status, header(one.headers, 'content-type'), String(one.body).slice(0, 24)]);
    },
    ibm: Array.from({ length: 2 }, () => [503, 'text/html', '<html><body>simulated</b']),
    rise: Array.from({ length: 2 }, () => [503, 'application/json', '{"errorCode":"http503"}']),
  },
  'errorDetail of a JSON error, outside and inside': {
    see: async ({ service }) => {
      const outside = await ask(service, {
        url: '/information/api/v1/ehr',
        headers: [
          ['x-useragent', AGENT],
          ['x-insurantid', 'X110411675'.replace('X', 'Z')],
        ],
      });
      const inside = await (await openChannel(service)).exchange({ path: '/nowhere' });
      return [jsonOf(outside), jsonOf(inside.response)].map((said) => [said.errorCode, 'errorDetail' in said]);
    },
    ibm: [
      ['noHealthRecord', true],
      ['noResource', true],
    ],
    rise: [
      ['noHealthRecord', false],
      ['noResource', false],
    ],
  },
  'code and text of a refused RPLC target': {
    see: async (place) => {
      const { channel } = await signedOn(place);
      const { response } = await provide(channel, newDocument({ kvnr: place.kvnr, replaces: UNKNOWN }));
      const { code, text } = await outcome(response);
      return [code, text];
    },
    ibm: [
      'XDSRepositoryError',
      `Invalid target ID ${UNKNOWN} in RPLC association: no such DocumentEntry in this health record`,
    ],
    rise: ['XDSReplaceFailed', `RPLC target ${UNKNOWN} not found`],
  },
  'text of a missing entitlement, under one code': {
    see: async (place) => {
      const { channel } = await signedOn(place);
      place.sim.world.records.get(place.kvnr)?.entitled.clear();
      const { response } = await provide(channel, newDocument({ kvnr: place.kvnr }));
      const { code, text } = await outcome(response);
      return [code, text];
    },
    ibm: ['NotEntitled', 'The actor of this user session has no valid entitlement for the requested health record'],
    rise: ['NotEntitled', 'keine Befugnis'],
  },
  'responder of the stapled OCSP response': {
    see: async ({ service }) => {
      const { responder, certificates } = readOcspAnswer((await startHandshake(service)).signed.ocsp);
      return [Object.keys(responder)[0], certificates.length];
    },
    ibm: ['keyHash', 1],
    rise: ['nameDer', 0],
  },
  'instances of the VAU': {
    see: async ({ service }) => {
      const cids = await Promise.all(Array.from({ length: 24 }, async () => (await startHandshake(service)).cid));
      return new Set(cids.map(instanceOf)).size;
    },
    ibm: 1,
    rise: 3,
  },
};

describe.each(Object.entries(DIFFERENCES))('%s (SES-06)', (_name, { see, ...expected }) => {
  test.each([
    { 'epa-as-1': 'ibm', 'epa-as-2': 'rise' },
    { 'epa-as-1': 'rise', 'epa-as-2': 'ibm' },
  ] satisfies Vendors[])('%o: belongs to the vendor, not to the system', async (vendors) => {
    const places = placesOf(vendors);
    for (const id of ['epa-as-1', 'epa-as-2'] as const)
      expect([id, await see(places[id])]).toEqual([id, expected[vendors[id]]]);
  });

  test('is one', () => expect(expected.ibm).not.toEqual(expected.rise));
});

describe('how the length of an answer outside is told', () => {
  let sim: Simulator;
  beforeAll(async () => {
    sim = await startSimulator({ seed: 1, recordSystems: { 'epa-as-1': 'rise', 'epa-as-2': 'ibm' } });
  });
  afterAll(() => sim.stop());

  /** Head of the answer and its body as the bytes came, over a TLS connection of its own. */
  async function raw(index: number): Promise<string> {
    const { hostname, port } = new URL(sim.ready.recordSystems[index] ?? '');
    const socket = connect({
      ...clientTlsOptions({ ca: sim.world.pki.tiRoot.certPem }),
      host: hostname,
      port: Number(port),
    });
    socket.write('GET /information/api/v1/ehr HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text;
  }

  test('one vendor in chunks, more than one of them, the other by Content-Length', async () => {
    const [chunked = '', counted = ''] = await Promise.all([raw(0), raw(1)]);
    expect(chunked).toMatch(/^HTTP\/1\.1 400 [\s\S]*transfer-encoding: chunked\r\n/i);
    expect(chunked).not.toMatch(/content-length/i);
    expect(chunked.match(/\r\n[0-9a-f]+\r\n/g)?.length).toBeGreaterThan(1);
    expect(counted).toMatch(/^HTTP\/1\.1 400 [\s\S]*content-length: \d+\r\n/i);
    expect(counted).not.toMatch(/transfer-encoding/i);
  });
});
