// Who a Konnektor lets in and which TLS it speaks (konnektor.md 7, levels 1 to 4): each switch seen by a client that fits it and by
// clients that do not; its certificate replaced, the whole Konnektor hung.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import tls from 'node:tls';
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

type Shown = {
  url: string;
  tlsRoot: string;
  credentials?: { user: string; password: string };
  access: { caFile: string; serverName: string };
};

async function control(method: 'PATCH' | 'POST' | 'GET', path: string, body: unknown = {}) {
  const answer = await request(`${simulator.ready.control}${path}`, {
    method,
    ...(method !== 'GET' && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.statusCode, json: (await answer.body.json()) as Shown };
}
const change = async (body: unknown) => {
  const answer = await control('PATCH', '/sim/konnektors/k1', body);
  expect(answer.status).toBe(200);
  return answer.json;
};
const konnektor = async () => (await control('GET', '/sim/konnektors')).json as unknown as Shown[];

type Client = Partial<tls.ConnectionOptions> & { certificate?: boolean; authorization?: string; root?: string };
function optionsOf({ certificate = true, authorization: _a, root, ...more }: Client): tls.ConnectionOptions {
  const { clientCertificate, clientKey } = simulator.settings().konnektors[0] ?? {};
  const own = { cert: readFileSync(clientCertificate ?? '', 'utf8'), key: readFileSync(clientKey ?? '', 'utf8') };
  return {
    ...clientTlsOptions({
      ca: root ?? simulator.world.pki.konnektorRoot.certPem,
      servername: 'konnektor.konlan',
      ...(certificate && own),
    }),
    ...more,
  };
}
/** Status and text of a request on a connection of its own; the code of the error where there is none. */
async function ask(path: '/connector.sds' | '/ws/EventService', client: Client = {}): Promise<string> {
  const dispatcher = new Agent({ connect: optionsOf(client) });
  const NS = 'http://ws.gematik.de/conn/EventService/v7.2';
  const soap = {
    method: 'POST' as const,
    headers: { 'content-type': 'text/xml', soapaction: `"${NS}#GetCards"` },
    body:
      `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:e="${NS}"` +
      ' xmlns:CCTX="http://ws.gematik.de/conn/ConnectorContext/v2.0" xmlns:CONN="http://ws.gematik.de/conn/ConnectorCommon/v5.0">' +
      `<s:Body><e:GetCards>${context()}</e:GetCards></s:Body></s:Envelope>`,
  };
  const { authorization } = client;
  const given = path === '/connector.sds' ? { method: 'GET' as const, headers: {} } : soap;
  try {
    const answer = await request(`${simulator.konnektors.url('k1')}${path}`, {
      dispatcher,
      ...given,
      headers: { ...given.headers, ...(authorization !== undefined && { authorization }) },
    });
    const text = await answer.body.text();
    const code = /Code>(\d+)</.exec(text)?.[1];
    return [answer.statusCode, ...(code === undefined ? [] : [code])].join(' ');
  } catch (error) {
    return String((error as { code?: string }).code);
  } finally {
    await dispatcher.destroy();
  }
}
const services = (client?: Client) => ask('/ws/EventService', client);
const sds = (client?: Client) => ask('/connector.sds', client);
const nobody: Client = { certificate: false };
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('who is let in', () => {
  test('level 4, a client certificate: without it the connection itself is refused', async () => {
    expect([await sds(), await services()]).toEqual(['200', '200']);
    for (const refused of [await sds(nobody), await services(nobody)]) expect(refused).not.toMatch(/^\d/);
  });

  test('level 4 with an open directory: anybody reads it, and a service says 4204', async () => {
    await change({ transport: { sdsOpen: true } });
    expect([await sds(nobody), await services(nobody)]).toEqual(['200', '500 4204']);
    expect([await sds(), await services()]).toEqual(['200', '200']);
    await change({ transport: { refusedAs: 'status' } });
    expect(await services(nobody)).toBe('403');
  });

  test('level 3, a password: the right one is let in, others not, without one the directory asks for it', async () => {
    const { credentials } = await change({ transport: { authentication: 'basic' } });
    const { user = '', password = '' } = credentials ?? {};
    expect(password.length).toBeGreaterThanOrEqual(20);
    const right = { ...nobody, authorization: basic(user, password) };
    expect([await sds(right), await services(right)]).toEqual(['200', '200']);
    for (const wrong of [undefined, basic(user, `${password}x`), basic('other', password), 'Bearer x', 'Basic !']) {
      const client = { ...nobody, ...(wrong !== undefined && { authorization: wrong }) };
      expect([wrong, await sds(client), await services(client)]).toEqual([wrong, '401', '500 4204']);
    }
    await change({ transport: { refusedAs: 'status', sdsOpen: true } });
    expect([await sds(nobody), await services(nobody)]).toEqual(['200', '401']);
  });

  test('level 2: nobody is asked', async () => {
    await change({ transport: { authentication: 'none' } });
    expect([await sds(nobody), await services(nobody)]).toEqual(['200', '200']);
  });

  test('level 1: plain HTTP at the same port', async () => {
    const shown = await change({ transport: { tls: false, authentication: 'none' } });
    expect(shown.url).toMatch(/^http:/);
    expect([await sds(), await services()]).toEqual(['200', '200']);
  });

  test('a reset makes it mutual TLS again, with the first certificates', async () => {
    await change({ transport: { authentication: 'none', certificates: ['p256'] } });
    await control('POST', '/sim/reset', {});
    expect(await sds(nobody)).not.toMatch(/^\d/);
    expect(await sds()).toBe('200');
    expect(simulator.konnektors.identity('k1')?.leaves[0]).toBe(simulator.world.pki.tls.konnektor);
  });
});

/** The curve or kind of key of the certificate a client is shown. */
async function shownTo(client: Client = {}): Promise<{ key: string; serial: string; protocol: string | null }> {
  const socket = tls.connect({ port: Number(new URL(simulator.konnektors.url('k1')).port), ...optionsOf(client) });
  try {
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerX509Certificate();
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate?.publicKey ?? {};
    const key = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? 'none';
    return { key, serial: certificate?.serialNumber ?? '', protocol: socket.getProtocol() };
  } finally {
    socket.destroy();
  }
}
const failsWith = (client?: Client) =>
  shownTo(client).then(
    () => 'nothing',
    (error: { code?: string }) => String(error.code),
  );

describe('which TLS it speaks', () => {
  test.each([
    [['brainpool'], 'brainpoolP256r1'],
    [['p256'], 'prime256v1'],
    [['rsa'], 'rsa'],
  ] as const)('certificates %j', async (certificates, key) => {
    await change({ transport: { certificates } });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      expect(await shownTo({ minVersion: version, maxVersion: version })).toMatchObject({ key, protocol: version });
    expect(await services()).toBe('200');
  });

  test.each([
    [['TLSv1.2'], 'TLSv1.3'],
    [['TLSv1.3'], 'TLSv1.2'],
  ] as const)('only %j: a client that speaks %s alone is not served', async (tlsVersions, other) => {
    await change({ transport: { tlsVersions } });
    expect((await shownTo()).protocol).toBe(tlsVersions[0]);
    expect(await failsWith({ minVersion: other, maxVersion: other })).not.toBe('nothing');
  });

  test('another name in its certificate is found by whoever checks the name', async () => {
    const { access } = await change({ transport: { serverName: 'konnektor.praxis.example' } });
    expect(access.serverName).toBe('konnektor.praxis.example');
    expect(await failsWith()).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await services({ servername: access.serverName })).toBe('200');
  });

  test('replaced at run time: other certificates, the same CA, and the sessions of its cards stay', async () => {
    const handle = simulator.world.konnektor.cards.get(simulator.world.pki.smcb.iccsn)?.cardHandle;
    const before = await shownTo();
    await change({ renewCertificate: true });
    expect((await shownTo()).serial).not.toBe(before.serial);
    expect(await services()).toBe('200');
    expect(simulator.world.konnektor.cards.get(simulator.world.pki.smcb.iccsn)?.cardHandle).toBe(handle);
  });

  test('replaced by one of an imported CA: who trusts the old one refuses it, who has the new root does not', async () => {
    const before = await shownTo();
    const { tlsRoot, access } = await change({ transport: { issuer: 'imported' } });
    expect(await services()).not.toMatch(/^\d/);
    expect(await services({ root: tlsRoot })).toBe('200');
    expect(readFileSync(access.caFile, 'utf8')).toBe(tlsRoot);
    expect((await shownTo({ root: tlsRoot })).serial).not.toBe(before.serial);
  });

  test('changed without another certificate it shows the one of before', async () => {
    const before = await shownTo();
    await change({ transport: { sdsOpen: true } });
    expect((await shownTo()).serial).toBe(before.serial);
  });
});

describe('hanging', () => {
  test('takes connections and says nothing, on a connection of before too; afterwards all is as it was', async () => {
    const dispatcher = new Agent({ connect: optionsOf({}) });
    const asked = () => request(`${simulator.konnektors.url('k1')}/connector.sds`, { dispatcher });
    try {
      await (await asked()).body.dump();
      await change({ hanging: true });
      const waiting = asked().then(
        () => 'answered',
        (error: { code?: string }) => String(error.code),
      );
      const fresh = connectTcp(Number(new URL(simulator.konnektors.url('k1')).port), '127.0.0.1');
      fresh.on('error', () => {});
      await once(fresh, 'connect');
      const ended = new Promise((resolve) => fresh.once('close', resolve));
      expect((await konnektor())[0]).toMatchObject({ running: true, hanging: true });
      await change({ hanging: false });
      await ended;
      expect(await waiting).not.toBe('answered');
      expect(await services()).toBe('200');
    } finally {
      await dispatcher.destroy();
    }
  });

  test('a restart ends it', async () => {
    await change({ hanging: true });
    await change({ restart: true });
    expect(await services()).toBe('200');
  });
});

test('a further Konnektor is made as it shall be', async () => {
  const { json } = await control('POST', '/sim/konnektors', {
    transport: { authentication: 'basic', certificates: ['rsa'] },
  });
  expect(json.credentials?.user).toBe('c1');
});

test.each([
  { transport: { tls: false, authentication: 'mtls' } },
  { transport: { certificates: [] } },
  { transport: { certificates: ['brainpool', 'p256'] } },
  { transport: { tlsVersions: ['TLSv1.1'] } },
  { transport: { serverName: 'a b' } },
  { transport: { authentication: 'ntlm' } },
  { renewCertificate: false },
  { hanging: 'yes' },
])('%j is refused', async (body) => {
  expect((await control('PATCH', '/sim/konnektors/k1', body)).status).toBe(422);
});
