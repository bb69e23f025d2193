// What changes one Konnektor leaves the others as they are; off, on and hanging as a device is; one ICCSN per device; and the
// two doors that its directory may name (konnektor.md 6, 7, 11).
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';
import { context } from '../../../support/konnektor-bench.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 1, pinEntryMs: 0, konnektor: 'secunet' });
});
afterAll(() => simulator.stop());
beforeEach(async () => {
  await control('POST', '/sim/reset', {});
});

type Shown = { id: string; url: string; running: boolean; hanging: boolean; startedAt: string };
async function control(method: 'PATCH' | 'POST' | 'DELETE', path: string, body: unknown) {
  const answer = await request(`${simulator.ready.control}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, json: (text === '' ? {} : JSON.parse(text)) as Shown };
}
const change = async (body: object, id = 'k1') => {
  const { status, json } = await control('PATCH', `/sim/konnektors/${id}`, body);
  expect(status).toBe(200);
  return json;
};
const look = (id = 'k1') => change({}, id);
const add = async (body: object = {}) => (await control('POST', '/sim/konnektors', body)).json;
const identity = (id = 'k1') => simulator.konnektors.identity(id);

/** A client with a certificate, of one connection that is kept. */
function client() {
  const { caFile, clientCertificate = '', clientKey = '' } = simulator.settings().konnektors[0] ?? {};
  const read = (file: string) => readFileSync(file, 'utf8');
  return new Agent({
    connect: clientTlsOptions({
      ca: read(caFile ?? ''),
      cert: read(clientCertificate),
      key: read(clientKey),
      servername: 'konnektor.konlan',
    }),
  });
}
async function get(url: string, dispatcher: Agent): Promise<string> {
  const answer = await request(url, { dispatcher });
  return answer.body.text();
}
async function sds(url = simulator.konnektors.url('k1'), dispatcher = client()): Promise<string> {
  try {
    return await get(`${url}/connector.sds`, dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

const NS = 'http://ws.gematik.de/conn/EventService/v7.2';
/** GetCards at an address as the directory has it: status, and code of a fault. */
async function getCards(url: string, headers: Record<string, string> = {}): Promise<string> {
  const dispatcher = client();
  try {
    const answer = await request(url, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'text/xml', soapaction: `"${NS}#GetCards"`, ...headers },
      body:
        `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="${NS}"` +
        ' xmlns:CCTX="http://ws.gematik.de/conn/ConnectorContext/v2.0" xmlns:CONN="http://ws.gematik.de/conn/ConnectorCommon/v5.0">' +
        `<s:Body><e:GetCards>${context()}</e:GetCards></s:Body></s:Envelope>`,
    });
    const code = /Code>(\d+)</.exec(await answer.body.text())?.[1];
    return [answer.statusCode, ...(code === undefined ? [] : [code])].join(' ');
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await dispatcher.destroy();
  }
}
const locations = (text: string, kind: 'Endpoint' | 'EndpointTLS') =>
  [...text.matchAll(new RegExp(`<(?:\\w+:)?${kind} Location="([^"]+)"`, 'g'))].map((m) => m[1] ?? '');
const eventService = (all: string[]) => all.find((one) => /(eventservice|systeminformationservice)$/i.test(one)) ?? '';

describe.each([
  ['another one comes', () => add()],
  [
    'another one goes',
    async () => {
      await add({ id: 'gone' });
      await control('DELETE', '/sim/konnektors/gone', undefined);
    },
  ],
] as const)('when %s', (_what, happens) => {
  test('a renewed certificate stays', async () => {
    await change({ renewCertificate: true });
    const renewed = identity();
    await happens();
    expect(identity()).toBe(renewed);
  });

  test('who is off stays off, and tells of no start', async () => {
    const started: string[] = [];
    simulator.konnektors.onStart(({ id }) => started.push(id));
    await change({ running: false });
    await happens();
    expect((await look()).running).toBe(false);
    await expect(sds()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(started).toEqual([]);
  });

  test('who hangs goes on hanging', async () => {
    await change({ hanging: true });
    await happens();
    expect((await look()).hanging).toBe(true);
  });

  test('a connection that stands is not cut', async () => {
    const dispatcher = client();
    let connections = 0;
    dispatcher.on('connect', () => {
      connections += 1;
    });
    await get(`${simulator.konnektors.url('k1')}/connector.sds`, dispatcher);
    await happens();
    await get(`${simulator.konnektors.url('k1')}/connector.sds`, dispatcher);
    expect(connections).toBe(1);
    await dispatcher.destroy();
  });
});

test('a reset brings the first certificates back, of a scenario’s Konnektor too', async () => {
  await control('POST', '/sim/reset', { scenario: 'konnektor: secunet\nkonnektors: [{ id: site-b }]' });
  const before = [identity(), identity('site-b')].map((one) => one?.leaves[0]);
  for (const id of ['k1', 'site-b']) await change({ renewCertificate: true, hanging: true }, id);
  await control('POST', '/sim/reset', {});
  expect([identity(), identity('site-b')].map((one) => one?.leaves[0])).toEqual(before);
  for (const id of ['k1', 'site-b']) expect(await look(id)).toMatchObject({ running: true, hanging: false });
  await control('POST', '/sim/reset', { scenario: 'konnektor: secunet\nkonnektors: []' });
});

describe('off and on', () => {
  test('ends a hang: one hung, switched off and on answers', async () => {
    await change({ hanging: true });
    expect(await change({ running: false })).toMatchObject({ running: false, hanging: false });
    await change({ running: true });
    expect(await sds()).toContain('ConnectorServices');
  });

  test('what is off does not begin to hang', async () => {
    await change({ running: false });
    expect((await change({ hanging: true })).hanging).toBe(false);
    expect(await change({ running: true, hanging: true })).toMatchObject({ running: true, hanging: true });
  });

  test('start and insertions are of the moment it is switched on', async () => {
    await change({ running: false });
    simulator.world.advance(3_600_000);
    const on = simulator.world.now();
    const { startedAt } = await change({ running: true });
    expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(on);
    for (const card of simulator.world.konnektor.cards.values()) expect(card.insertedAt).toBeGreaterThanOrEqual(on);
  });
});

describe('one ICCSN per Konnektor', () => {
  const iccsns = (id?: string) => identity(id)?.leaves.map(({ certificate }) => certificate.commonName?.slice(0, 20));

  test('in all its certificates, and in those that follow', async () => {
    await add({ id: 'k2', transport: { certificates: ['p256', 'rsa'] } });
    for (const id of ['k1', 'k2']) {
      const before = iccsns(id);
      expect(new Set(before)).toEqual(new Set([identity(id)?.iccsn]));
      await change({ renewCertificate: true }, id);
      expect(iccsns(id)).toEqual(before);
    }
    expect(identity('k2')?.iccsn).not.toBe(identity()?.iccsn);
  });
});

describe('the directory names addresses that are served', () => {
  test('TLS mandatory: no plain Endpoint', async () => {
    const text = await sds();
    expect(text).toMatch(/TLSMandatory>true</);
    expect(locations(text, 'Endpoint')).toEqual([]);
    expect(await getCards(eventService(locations(text, 'EndpointTLS')))).toBe('200');
  });

  test('TLS not mandatory: a client that takes either is served, at two ports', async () => {
    await change({ profile: 'kocobox' });
    const text = await sds();
    expect(text).toMatch(/TLSMandatory>false</);
    const [plain, tls] = [locations(text, 'Endpoint'), locations(text, 'EndpointTLS')].map(eventService);
    expect(plain).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect([await getCards(plain ?? ''), await getCards(tls ?? '')]).toEqual(['200', '200']);
  });

  test('without TLS: plain at its address, and TLS, which the schema wants listed, beside it', async () => {
    const { url } = await change({ transport: { tls: false, authentication: 'none' } });
    const text = await sds(url);
    expect(text).toMatch(/TLSMandatory>false</);
    const [plain, tls] = [locations(text, 'Endpoint'), locations(text, 'EndpointTLS')].map(eventService);
    expect(plain).toBe(`${url}/ws/EventService`);
    expect(tls).toMatch(/^https:/);
    expect([await getCards(plain ?? ''), await getCards(tls ?? '')]).toEqual(['200', '200']);
  });

  test('a password is asked for at both doors', async () => {
    await change({ profile: 'kocobox', transport: { authentication: 'basic' } });
    const { user, password } = simulator.world.konnektor.credentials;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    await change({ transport: { sdsOpen: true } });
    const text = await sds();
    for (const kind of ['Endpoint', 'EndpointTLS'] as const) {
      const url = eventService(locations(text, kind));
      expect([kind, await getCards(url), await getCards(url, { authorization })]).toEqual([kind, '500 4204', '200']);
    }
  });

  test('the plain door closes with the profile, and is off with the device', async () => {
    await change({ profile: 'kocobox' });
    const plain = eventService(locations(await sds(), 'Endpoint'));
    await change({ running: false });
    expect(await getCards(plain)).toBe('ECONNREFUSED');
    await change({ running: true });
    expect(await getCards(plain)).toBe('200');
    await change({ profile: 'secunet' });
    expect(await getCards(plain.replace('/service/systeminformationservice', '/ws/EventService'))).not.toMatch(/^\d/);
  });
});

describe('mutual TLS without TLS', () => {
  test('is refused and changes nothing; without a word of it nobody is asked', async () => {
    await change({ transport: { tls: false, authentication: 'basic' } });
    const wanted = { transport: { authentication: 'mtls' }, profile: 'rise', manners: { faultStatus: 200 } };
    const { status, json } = await control('PATCH', '/sim/konnektors/k1', wanted);
    expect(status).toBe(422);
    expect(json).toMatchObject({ findings: [{ pointer: '/transport/authentication' }] });
    const { vendor, manners, transport } = simulator.world.konnektor;
    expect([vendor, manners, transport.authentication]).toEqual(['secunet', {}, 'basic']);
    expect(
      (await control('PATCH', '/sim/konnektors/k1', { transport: { tls: true, authentication: 'mtls' } })).status,
    ).toBe(200);
  });
});
