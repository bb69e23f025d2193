// Through a forward proxy (issue 7, "Reaching it"): the tunnel, the name that is checked (D18), and everything a proxy can say
// instead of opening one; no byte of a request has left then.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { type ConnectProxy, startConnectProxy } from '../../../connector-sim/connect-proxy.ts';
import { type Connected, createEgress, EgressError, type EgressTarget } from '../../../gateway/egress.ts';
import { byAddress, byName, client, clientRoot, echo, limits } from '../../support/egress-bench.ts';
import { mintIdentity, startHttpsServer } from '../../support/https-server.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function proxied(o: Parameters<typeof startConnectProxy>[0] = {}): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(o);
  open.push(proxy.stop);
  return proxy;
}

async function serve(identity = byAddress, more: Parameters<typeof startHttpsServer>[2] = {}) {
  const server = await startHttpsServer(identity, echo, more);
  open.push(server.close);
  return server;
}

function through(target: EgressTarget, environment: 'SIM' | 'PU' = 'SIM', now?: () => number) {
  const told: Connected[] = [];
  const egress = createEgress({
    environment,
    purposes: { konnektor: [target] },
    ...(now && { now }),
    onConnection: (connection) => void told.push(connection),
  });
  open.push(() => egress.close());
  const post = (url = target.origin) =>
    egress.request('konnektor', { url, method: 'POST', body: Buffer.from('well'), ...limits });
  const refused = async (url?: string) => {
    try {
      await post(url);
    } catch (thrown) {
      if (thrown instanceof EgressError) return { code: thrown.code, sent: thrown.bytesSent, message: thrown.message };
      throw thrown;
    }
    throw new Error('the request went through');
  };
  return { post, refused, codes: () => told.map(({ code }) => code) };
}

/** It knows every name, and all lead there. */
const leadingTo = (origin: string) => ({ route: () => ({ host: '127.0.0.1', port: Number(new URL(origin).port) }) });

describe('through a proxy', () => {
  test('requests reach the target, several over one tunnel, and the proxy is told the target alone', async () => {
    const server = await serve();
    const proxy = await proxied();
    const { post, codes } = through({ origin: server.origin, ca: server.ca, proxy: { url: proxy.url } });
    for (let n = 0; n < 3; n++)
      expect(Buffer.from((await post(`${server.origin}/secret?x=1`)).body).toString()).toBe('well');
    expect(proxy.asked).toEqual(
      codes().map(() => ({ authority: new URL(server.origin).host, authorization: undefined })),
    );
    expect(server.seen.requests).toBe(3);
  });
  test('a name that only the proxy knows is asked for as it stands, and its certificate is the checked one', async () => {
    const server = await serve(byName);
    const proxy = await proxied(leadingTo(server.origin));
    const { post } = through({ origin: 'https://konnektor.konlan:8443', ca: server.ca, proxy: { url: proxy.url } });
    expect((await post()).status).toBe(200);
    expect(proxy.asked).toEqual([{ authority: 'konnektor.konlan:8443', authorization: undefined }]);
  });
  test('with the standard port the port is named', async () => {
    const server = await serve(byName);
    const proxy = await proxied(leadingTo(server.origin));
    await through({ origin: 'https://konnektor.konlan', ca: server.ca, proxy: { url: proxy.url } }).post();
    expect(proxy.asked[0]?.authority).toBe('konnektor.konlan:443');
  });
  test('our client certificate and our authorization go to the target, none of them to the proxy', async () => {
    const server = await serve(byAddress, { clientCa: clientRoot.certPem });
    const seen: (string | undefined)[] = [];
    server.server.on('request', (request) => seen.push(request.headers.authorization));
    const proxy = await proxied();
    const { certPem: cert, keyPem: key } = client;
    const target = { origin: server.origin, ca: server.ca, cert, key, authorization: 'Basic eDp5' };
    expect((await through({ ...target, proxy: { url: proxy.url } }).post()).status).toBe(200);
    expect(seen).toEqual(['Basic eDp5']);
    expect(proxy.asked[0]?.authorization).toBeUndefined();
  });
  test('credentials for the proxy', async () => {
    const server = await serve();
    const proxy = await proxied({ credentials: { user: 'user', password: 'secret' } });
    const target = { origin: server.origin, ca: server.ca };
    const authorization = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    expect((await through({ ...target, proxy: { url: proxy.url, authorization } }).post()).status).toBe(200);
    expect(await through({ ...target, proxy: { url: proxy.url } }).refused()).toMatchObject({
      code: 'PROXY_REFUSED',
      sent: false,
      message: expect.stringContaining('EGRESS_PROXY_407'),
    });
    expect(server.seen.requests).toBe(1);
  });
  test('a proxy behind TLS of its own', async () => {
    const server = await serve();
    const identity = mintIdentity({ ip: ['127.0.0.1'] });
    const proxy = await proxied({ tls: { cert: identity.leaf.certPem, key: identity.leaf.keyPem } });
    const target = { origin: server.origin, ca: server.ca };
    const { url } = proxy;
    expect((await through({ ...target, proxy: { url, ca: identity.root.certPem } }).post()).status).toBe(200);
    const stranger = mintIdentity({ ip: ['127.0.0.1'] });
    expect(await through({ ...target, proxy: { url, ca: stranger.root.certPem } }).refused()).toMatchObject({
      code: 'TLS_UNTRUSTED',
      sent: false,
    });
    expect(proxy.asked).toHaveLength(1);
  });
  test('a proxy whose certificate has another name is told nothing', async () => {
    const identity = mintIdentity({ dns: ['proxy.example'], ip: ['127.0.0.2'] });
    const proxy = await proxied({ tls: { cert: identity.leaf.certPem, key: identity.leaf.keyPem } });
    const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem };
    const way = { url: proxy.url, ca: identity.root.certPem, authorization: 'Basic eDp5' };
    expect(await through({ ...target, proxy: way }).refused()).toMatchObject({ code: 'TLS_UNTRUSTED', sent: false });
    expect(proxy.asked).toEqual([]);
  });
});

describe('what the target is, is checked inside the tunnel', () => {
  test.each([
    ['another name', byName, {}, 'TLS_UNTRUSTED'],
    ['another CA', byAddress, { ca: mintIdentity({}).root.certPem }, 'TLS_UNTRUSTED'],
    ['no pinned key', byAddress, { pins: ['A'.repeat(43), 'B'.repeat(43)].map((pin) => `${pin}=`) }, 'PIN_MISMATCH'],
  ] as const)('%s', async (_name, identity, more, code) => {
    const server = await serve(identity);
    const proxy = await proxied();
    const { refused, codes } = through({ origin: server.origin, ca: server.ca, ...more, proxy: { url: proxy.url } });
    expect(await refused()).toMatchObject({ code, sent: false });
    expect(codes()).toEqual([code]);
    expect(server.seen.requests).toBe(0);
  });
  test('a proxy that answers for the target itself is not trusted', async () => {
    const impostor = await serve(mintIdentity({ dns: ['konnektor.konlan'] }));
    const proxy = await proxied(leadingTo(impostor.origin));
    const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem, proxy: { url: proxy.url } };
    expect(await through(target).refused()).toMatchObject({ code: 'TLS_UNTRUSTED', sent: false });
    expect(impostor.seen.requests).toBe(0);
  });
  test('an origin that is not in the list is refused without a word to the proxy (D18)', async () => {
    const proxy = await proxied();
    const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem, proxy: { url: proxy.url } };
    expect(await through(target).refused('https://evil.example/')).toMatchObject({ code: 'NOT_ALLOWED', sent: false });
    expect(proxy.asked).toEqual([]);
  });
});

describe('a proxy that opens no tunnel', () => {
  const say = (text: string) => (socket: Socket) => void socket.end(text);
  test.each<[string, string, ((socket: Socket) => void) | 'none']>([
    ['is not there', 'PROXY_UNREACHABLE', 'none'],
    ['ends without an answer', 'PROXY_UNREACHABLE', (socket) => socket.destroy()],
    ['ends amid its answer', 'PROXY_UNREACHABLE', say('HTTP/1.1 200 Conn')],
    ['forbids it', 'PROXY_REFUSED', say('HTTP/1.1 403 Forbidden\r\n\r\n')],
    ['wants credentials', 'PROXY_REFUSED', say('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')],
    ['sends elsewhere', 'PROXY_REFUSED', say('HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n')],
    ['is a web server', 'PROXY_REFUSED', say('HTTP/1.1 405 Method Not Allowed\r\n\r\n')],
    ['speaks no HTTP', 'PROXY_REFUSED', say('SSH-2.0-OpenSSH_9.2\r\n\r\n')],
    ['speaks too much', 'PROXY_REFUSED', say(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`)],
    ['speaks before we do', 'PROXY_REFUSED', say('HTTP/1.1 200 OK\r\n\r\nhello')],
    ['does not reach the target', 'UNREACHABLE', say('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
    ['waits too long for the target', 'UNREACHABLE', say('HTTP/1.1 504 Gateway Timeout\r\n\r\n')],
  ])('because it %s: %s', async (_name, code, answer) => {
    const proxy = await proxied(answer === 'none' ? {} : { answer });
    if (answer === 'none') await open.pop()?.();
    const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem, proxy: { url: proxy.url } };
    const { refused, codes } = through(target);
    expect(await refused()).toMatchObject({ code, sent: false });
    expect(codes()).toEqual([code]);
  });
  test('because it is silent: the time limit of the request ends it', async () => {
    const proxy = await proxied({ answer: () => {} });
    const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem, proxy: { url: proxy.url } };
    const egress = createEgress({ environment: 'SIM', purposes: { konnektor: [target] } });
    open.push(() => egress.close());
    const request = egress.request('konnektor', { url: target.origin, method: 'GET', ...limits, timeoutMs: 50 });
    await expect(request).rejects.toMatchObject({ code: 'TIMEOUT', bytesSent: false });
  });
});

test('only https goes through a proxy', () => {
  const target = { origin: 'http://127.0.0.1:1', proxy: { url: 'http://127.0.0.1:2' } };
  expect(() => createEgress({ environment: 'SIM', purposes: { konnektor: [target] } })).toThrow(/only https/);
});

test('outside SIM a proxy that a name leads to on this machine is refused (D18)', async () => {
  const proxy = await proxied();
  const url = proxy.url.replace('127.0.0.1', 'localhost');
  const target = { origin: 'https://konnektor.konlan', ca: byName.root.certPem, proxy: { url } };
  expect(await through(target, 'PU').refused()).toMatchObject({ code: 'NOT_ALLOWED', sent: false });
  expect(proxy.asked).toEqual([]);
});

describe('a short RSA key of the other side (CRT-07)', () => {
  const rsa = (bits: number) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
    const profile = { commonName: 'Server', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] };
    return { root: byAddress.root, leaf: mintLeaf(byAddress.root, { ...profile, privateKey }) };
  };
  test.each([
    [2048, true, 'KEY_WEAK'],
    [2048, false, 200],
    [3072, true, 200],
  ] as const)('of %i bits, where strongKey is %s: %s', async (bits, strongKey, outcome) => {
    const server = await serve(rsa(bits));
    const { post, refused, codes } = through({ origin: server.origin, ca: server.ca, strongKey });
    if (outcome === 200) expect((await post()).status).toBe(200);
    else {
      expect(await refused()).toMatchObject({ code: outcome, sent: false });
      expect(codes()).toEqual([outcome]);
      expect(server.seen.requests).toBe(0);
    }
  });

  const short = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const long = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const chain = (keys: { root: KeyObject; ca: KeyObject; leaf: KeyObject }) => {
    const root = mintRoot('RSA Root', { privateKey: keys.root });
    const ca = mintCa(root, 'RSA CA', { privateKey: keys.ca });
    const profile = {
      commonName: 'Server',
      ip: ['127.0.0.1'],
      extendedKeyUsage: ['serverAuth'],
      privateKey: keys.leaf,
    };
    const leaf = mintLeaf(ca, profile);
    return { root, leaf: { ...leaf, certPem: `${leaf.certPem}${ca.certPem}` } };
  };
  test.each([
    ['the anchor', { root: short.privateKey, ca: long.privateKey, leaf: long.privateKey }],
    ['an authority between', { root: long.privateKey, ca: short.privateKey, leaf: long.privateKey }],
  ])('of %s is as bad', async (_what, keys) => {
    const server = await serve(chain(keys));
    const target = { origin: server.origin, ca: server.ca };
    expect((await through(target).post()).status).toBe(200);
    expect(await through({ ...target, strongKey: true }).refused()).toMatchObject({ code: 'KEY_WEAK', sent: false });
  });

  test('of our own certificate is as bad', async () => {
    const server = await serve(byAddress);
    const own = mintLeaf(byAddress.root, { commonName: 'Client', privateKey: short.privateKey });
    const target = { origin: server.origin, ca: server.ca, cert: own.certPem, key: own.keyPem, strongKey: true };
    expect(await through(target).refused()).toMatchObject({ code: 'KEY_WEAK', sent: false });
  });

  test('is borne with until its day has passed, and no restart is needed then', async () => {
    const server = await serve(rsa(2048));
    let now = 1_000;
    const target = { origin: server.origin, ca: server.ca, strongKey: true, weakKeysUntil: 2_000 };
    const connection = () => through(target, 'SIM', () => now);
    expect((await connection().post()).status).toBe(200);
    now = 2_000;
    expect(await connection().refused()).toMatchObject({ code: 'KEY_WEAK', sent: false });
  });
});
