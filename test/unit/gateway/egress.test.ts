// The one door to the outside (decisions.md D18; SEC-02..05): what it refuses before a connection, what TLS refuses, and
// whether bytes have left whenever it fails, for exports are decided by that.
import { once } from 'node:events';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../certs/mint.ts';
import {
  createEgress,
  type Egress,
  EgressError,
  type EgressOptions,
  type EgressRequest,
  type EgressTarget,
} from '../../../gateway/egress.ts';
import { addressAllowed } from '../../../gateway/egress-address.ts';
import {
  bodyOf,
  type Handler,
  listen,
  mintIdentity,
  startHttpsServer,
  type TestServer,
} from '../../support/https-server.ts';

const byName = mintIdentity({ dns: ['konnektor.konlan'] });
const byAddress = mintIdentity({ dns: ['localhost'], ip: ['127.0.0.1'] });
const clientRoot = mintRoot('Client root');
const client = mintLeaf(clientRoot, { commonName: 'Gateway', extendedKeyUsage: ['clientAuth'] });
const stranger = mintLeaf(mintRoot('Other client root'), { commonName: 'Stranger', extendedKeyUsage: ['clientAuth'] });

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(handler: Handler, more: Parameters<typeof startHttpsServer>[2] = {}, who = byAddress) {
  const server = await startHttpsServer(who, handler, more);
  open.push(server.close);
  return server;
}

async function serveTcp(onSocket: (socket: Socket) => void): Promise<{ server: TcpServer; port: number }> {
  const server = createTcpServer(onSocket);
  const port = await listen(server);
  open.push(async () => {
    server.close();
  });
  return { server, port };
}

function egressTo(targets: EgressTarget[], environment: EgressOptions['environment'] = 'SIM'): Egress {
  const egress = createEgress({ environment, purposes: { idp: targets } });
  open.push(() => egress.close());
  return egress;
}

const toServer = (server: TestServer, more: Partial<EgressTarget> = {}): Egress =>
  egressTo([{ origin: server.origin, ca: server.ca, ...more }]);

const limits = { timeoutMs: 20_000, maxResponseBytes: 100_000 };
const get = (egress: Egress, url: string, more: Partial<EgressRequest> = {}) =>
  egress.request('idp', { url, method: 'GET', ...limits, ...more });
const post = (egress: Egress, url: string, more: Partial<EgressRequest> = {}) =>
  egress.request('idp', { url, method: 'POST', body: new Uint8Array(1000), ...limits, ...more });

async function refusal(
  request: Promise<unknown>,
): Promise<{ code: string; bytesSent: boolean; message: string; cause: unknown }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof EgressError)
      return { code: error.code, bytesSent: error.bytesSent, message: error.message, cause: error.cause };
    throw error;
  }
  throw new Error('nothing was thrown');
}

const echo: Handler = async (request, response) => {
  const body = await bodyOf(request);
  response
    .setHeader('X-Path', request.url ?? '')
    .setHeader('X-Twice', ['a', 'b'])
    .end(body);
};

async function* chunks(...parts: (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}

describe('a request that is allowed', () => {
  test('brings status, headers and body back, path and query as given', async () => {
    const server = await serve(echo);
    const answer = await post(toServer(server), `${server.origin}/a/b?c=d%20e`, { body: Buffer.from('hello') });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-path']).toBe('/a/b?c=d%20e');
    expect(answer.headers['x-twice']).toBe('a, b');
    expect(Buffer.from(answer.body).toString()).toBe('hello');
  });
  test('streams a body of known length, and says so in Content-Length', async () => {
    const server = await serve(async (request, response) => {
      const { length } = await bodyOf(request);
      response.end(`${request.headers['content-length']} ${length} ${request.headers['transfer-encoding']}`);
    });
    const body = {
      length: 300_000,
      chunks: () => chunks(new Uint8Array(100_000), new Uint8Array(0), new Uint8Array(200_000)),
    };
    const answer = await post(toServer(server), `${server.origin}/`, { body });
    expect(Buffer.from(answer.body).toString()).toBe('300000 300000 undefined');
  });
  test.each(['TLSv1.2', undefined] as const)(
    'goes over mutual TLS to a brainpool server known by another name (highest version %s)',
    async (maxVersion) => {
      const server = await serve(echo, { clientCa: clientRoot.certPem, ...(maxVersion && { maxVersion }) }, byName);
      const egress = toServer(server, { servername: 'konnektor.konlan', cert: client.certPem, key: client.keyPem });
      expect((await get(egress, `${server.origin}/`)).status).toBe(200);
    },
  );
  test('keeps its connections for the next ones', async () => {
    const server = await serve(echo);
    const egress = toServer(server);
    for (let i = 0; i < 10; i++) await get(egress, `${server.origin}/`);
    expect(server.seen.requests).toBe(10);
    expect(server.seen.connections).toBeLessThanOrEqual(2);
  });
  test('resumes no TLS session: chain and name are checked on every connection (SEC-03)', async () => {
    const resumed: boolean[] = [];
    const server = await serve((request, response) => {
      resumed.push(request.socket instanceof TLSSocket && request.socket.isSessionReused());
      response.setHeader('Connection', 'close').end();
    });
    const egress = toServer(server);
    for (let i = 0; i < 3; i++) await get(egress, server.origin);
    expect([server.seen.connections, resumed]).toEqual([3, [false, false, false]]);
  });
  test('does not follow a redirect', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { Location: '/elsewhere' }).end());
    const answer = await get(toServer(server), `${server.origin}/`);
    expect([answer.status, answer.headers.location, server.seen.requests]).toEqual([302, '/elsewhere', 1]);
  });
  test('calls onFirstByte when the connection stands and nothing has been asked yet', async () => {
    const server = await serve(echo);
    const at: number[][] = [];
    await post(toServer(server), `${server.origin}/`, {
      onFirstByte: () => {
        at.push([server.seen.connections, server.seen.requests]);
      },
    });
    expect(at).toEqual([[1, 0]]);
  });
});

describe('the allow-list', () => {
  test.each([
    ['another port', () => 'https://127.0.0.1:1/'],
    ['another host', () => 'https://example.org/'],
    ['another scheme', (origin: string) => origin.replace('https:', 'http:')],
    ['a user name in the URL', (origin: string) => origin.replace('https://', 'https://user@')],
    ['no URL', () => 'connector.sds'],
    ['a file', () => 'file:///etc/passwd'],
  ])('refuses %s without a connection', async (_name, urlOf) => {
    const server = await serve(echo);
    const { code, bytesSent } = await refusal(post(toServer(server), urlOf(server.origin)));
    expect([code, bytesSent, server.seen.connections]).toEqual(['NOT_ALLOWED', false, 0]);
  });
  test('of one purpose is not that of another', async () => {
    const server = await serve(echo);
    const request = toServer(server).request('konnektor', { url: server.origin, method: 'GET', ...limits });
    expect(await refusal(request)).toMatchObject({ code: 'NOT_ALLOWED', bytesSent: false });
    expect(server.seen.connections).toBe(0);
  });
  test('knows two entries of one origin by their id, and neither without it', async () => {
    const server = await serve(echo, { clientCa: clientRoot.certPem });
    const target = { origin: server.origin, ca: server.ca };
    const egress = egressTo([
      { ...target, id: 'with', cert: client.certPem, key: client.keyPem },
      { ...target, id: 'without' },
    ]);
    expect((await get(egress, server.origin, { target: 'with' })).status).toBe(200);
    expect((await refusal(get(egress, server.origin, { target: 'without' }))).code).toBe('TLS_UNTRUSTED');
    expect((await refusal(get(egress, server.origin))).code).toBe('NOT_ALLOWED');
    expect((await refusal(get(egress, server.origin, { target: 'third' }))).code).toBe('NOT_ALLOWED');
  });
  test.each([
    [
      'the same origin twice without ids',
      'SIM',
      [
        { origin: 'https://a.test', ca: 'x' },
        { origin: 'https://a.test/', ca: 'x' },
      ],
    ],
    ['plain http outside SIM', 'PU', [{ origin: 'http://127.0.0.1:1' }]],
    ['plain http to a host that is not this one', 'SIM', [{ origin: 'http://a.test' }]],
    ['https without trust anchors', 'SIM', [{ origin: 'https://a.test' }]],
    ['another scheme', 'SIM', [{ origin: 'ftp://a.test' }]],
    ['no origin', 'SIM', [{ origin: 'a.test' }]],
    ['a scheme without hosts', 'SIM', [{ origin: 'mailto:a@a.test' }]],
    ['a user name', 'SIM', [{ origin: 'https://user@a.test', ca: 'x' }]],
  ] as const)('cannot hold %s', (_name, environment, targets) => {
    const ca = byAddress.root.certPem;
    const real = targets.map((one) => ({ ...one, ...('ca' in one && { ca }) }));
    expect(() => createEgress({ environment, purposes: { idp: real } })).toThrow(EgressError);
  });
});

describe('the address behind a name', () => {
  const rule = (environment: EgressOptions['environment'], loopbackOnly = false) => ({ environment, loopbackOnly });

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '169.254.169.254', 'fe80::1'])(
    'is refused in PU, RU and TU when it is %s, and allowed in SIM',
    (address) => {
      for (const environment of ['PU', 'RU', 'TU'] as const)
        expect(addressAllowed(address, rule(environment))).toBe(false);
      expect(addressAllowed(address, rule('SIM'))).toBe(true);
    },
  );
  test.each(['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', 'no address'])('is never %s', (address) => {
    expect(addressAllowed(address, rule('SIM'))).toBe(false);
    expect(addressAllowed(address, rule('PU'))).toBe(false);
  });
  test.each(['10.0.0.41', '192.168.1.4', '100.102.3.4', 'fd00::4', '2001:db8::1'])(
    'may be %s everywhere',
    (address) => {
      expect(addressAllowed(address, rule('PU'))).toBe(true);
      expect(addressAllowed(address, rule('SIM', true))).toBe(false);
    },
  );
  test('is checked when connecting: localhost is refused in PU, the literal of the configuration is not', async () => {
    const server = await serve(echo);
    const named = server.origin.replace('127.0.0.1', 'localhost');
    const targets = [
      { origin: named, ca: server.ca },
      { origin: server.origin, ca: server.ca },
    ];
    const egress = egressTo(targets, 'PU');
    expect(await refusal(post(egress, named))).toMatchObject({ code: 'NOT_ALLOWED', bytesSent: false });
    expect(server.seen.connections).toBe(0);
    expect((await post(egress, server.origin)).status).toBe(200);
  });
});

describe('TLS that is not trusted', () => {
  let server: TestServer;
  let named: TestServer;
  let mutual: TestServer;
  let mutual12: TestServer;
  beforeAll(async () => {
    const clientCa = clientRoot.certPem;
    server = await startHttpsServer(byAddress, echo);
    named = await startHttpsServer(byName, echo);
    mutual = await startHttpsServer(byAddress, echo, { clientCa });
    mutual12 = await startHttpsServer(byAddress, echo, { clientCa, maxVersion: 'TLSv1.2' });
  });
  afterAll(() => Promise.all([server, named, mutual, mutual12].map((one) => one.close())));

  test('by the wrong CA, nothing leaves', async () => {
    const egress = toServer(server, { ca: mintRoot('Another root').certPem });
    expect(await refusal(post(egress, server.origin))).toMatchObject({ code: 'TLS_UNTRUSTED', bytesSent: false });
    expect(server.seen.requests).toBe(0);
  });
  test.each([
    ['reached by its address', undefined],
    ['expected under another name', 'other.konlan'],
  ])('by the wrong name: %s, nothing leaves', async (_name, servername) => {
    const egress = toServer(named, servername === undefined ? {} : { servername });
    expect(await refusal(post(egress, named.origin))).toMatchObject({ code: 'TLS_UNTRUSTED', bytesSent: false });
    expect(named.seen.requests).toBe(0);
  });
  test('because we show no client certificate', async () => {
    expect((await refusal(post(toServer(mutual), mutual.origin))).code).toBe('TLS_UNTRUSTED');
    // In TLS 1.2 the server has looked before the handshake ends: surely nothing left.
    expect(await refusal(post(toServer(mutual12), mutual12.origin))).toMatchObject({
      code: 'TLS_UNTRUSTED',
      bytesSent: false,
    });
    expect([mutual.seen.requests, mutual12.seen.requests]).toEqual([0, 0]);
  });
  test('because our client certificate is a stranger: never an answer, and a code that lets us try again or look', async () => {
    const egress = toServer(mutual, { cert: stranger.certPem, key: stranger.keyPem });
    expect(['TLS_UNTRUSTED', 'RESET']).toContain((await refusal(post(egress, mutual.origin))).code);
    expect(mutual.seen.requests).toBe(0);
  });
  test('because the other side speaks no TLS', async () => {
    const { port } = await serveTcp((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const egress = egressTo([{ origin: `https://127.0.0.1:${port}`, ca: server.ca }]);
    expect(await refusal(post(egress, `https://127.0.0.1:${port}/`))).toMatchObject({
      code: 'TLS_UNTRUSTED',
      bytesSent: false,
    });
  });
});

describe('a connection that fails', () => {
  test('because nobody listens: UNREACHABLE, nothing left', async () => {
    const { server, port } = await serveTcp(() => {});
    server.close();
    await once(server, 'close');
    const egress = egressTo([{ origin: `https://127.0.0.1:${port}`, ca: byAddress.root.certPem }]);
    expect(await refusal(post(egress, `https://127.0.0.1:${port}/`))).toMatchObject({
      code: 'UNREACHABLE',
      bytesSent: false,
    });
  });
  test('because the name does not exist: UNREACHABLE, nothing left', async () => {
    const egress = egressTo([{ origin: 'https://nowhere.invalid', ca: byAddress.root.certPem }]);
    expect(await refusal(post(egress, 'https://nowhere.invalid/'))).toMatchObject({
      code: 'UNREACHABLE',
      bytesSent: false,
    });
  });
  test('because it is cut before the handshake: RESET, nothing left', async () => {
    const { port } = await serveTcp((socket) => socket.on('error', () => {}).destroy());
    const egress = egressTo([{ origin: `https://127.0.0.1:${port}`, ca: byAddress.root.certPem }]);
    expect(await refusal(post(egress, `https://127.0.0.1:${port}/`))).toMatchObject({
      code: 'RESET',
      bytesSent: false,
    });
  });
  test('because the handshake never ends: TIMEOUT, nothing left', async () => {
    const { port } = await serveTcp((socket) => socket.on('error', () => {}));
    const egress = egressTo([{ origin: `https://127.0.0.1:${port}`, ca: byAddress.root.certPem }]);
    expect(await refusal(post(egress, `https://127.0.0.1:${port}/`, { timeoutMs: 100 }))).toMatchObject({
      code: 'TIMEOUT',
      bytesSent: false,
    });
  });
  test('because the server cuts it after reading: RESET, bytes have left', async () => {
    const server = await serve(async (request) => {
      await bodyOf(request);
      request.socket.destroy();
    });
    expect(await refusal(post(toServer(server), server.origin))).toMatchObject({ code: 'RESET', bytesSent: true });
  });
  test('because the server cuts it in the middle of its answer: RESET, bytes have left', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('only a part', () => request.socket.destroy());
    });
    expect(await refusal(post(toServer(server), server.origin))).toMatchObject({ code: 'RESET', bytesSent: true });
  });
  test('because no answer comes: TIMEOUT, bytes have left', async () => {
    const server = await serve(() => {});
    expect(await refusal(post(toServer(server), server.origin, { timeoutMs: 300 }))).toMatchObject({
      code: 'TIMEOUT',
      bytesSent: true,
    });
    expect(server.seen.requests).toBe(1);
  });
  test('because the answer does not end: TIMEOUT, bytes have left', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200).write('a beginning');
    });
    expect(await refusal(post(toServer(server), server.origin, { timeoutMs: 300 }))).toMatchObject({
      code: 'TIMEOUT',
      bytesSent: true,
    });
  });
  test('because the egress is closed meanwhile', async () => {
    const server = await serve(() => egress.close());
    const egress = toServer(server);
    expect(['UNREACHABLE', 'RESET']).toContain((await refusal(post(egress, server.origin))).code);
    expect(await refusal(post(egress, server.origin))).toMatchObject({ code: 'UNREACHABLE', bytesSent: false });
  });
});

describe('an answer that is not taken', () => {
  test('because it announces too much', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(5000)));
    expect(await refusal(post(toServer(server), server.origin, { maxResponseBytes: 4999 }))).toMatchObject({
      code: 'TOO_LARGE',
      bytesSent: true,
    });
    expect((await post(toServer(server), server.origin, { maxResponseBytes: 5000 })).body).toHaveLength(5000);
  });
  test('because it brings too much without announcing it', async () => {
    const server = await serve((_request, response) => {
      const endless = () => response.write(Buffer.alloc(10_000), (error) => error ?? endless());
      endless();
    });
    expect((await refusal(get(toServer(server), server.origin))).code).toBe('TOO_LARGE');
  });
  test('because it is not HTTP, and nothing of it shows', async () => {
    const server = await serve((request) => {
      request.socket.end('secret garbage\r\n\r\n');
    });
    const { code, message, cause } = await refusal(post(toServer(server), server.origin));
    expect(code).toBe('PROTOCOL');
    expect(message).not.toMatch(/secret/);
    // undici's parser error carries the bytes.
    expect(cause).toBeUndefined();
  });
});

describe('a body of our own that fails', () => {
  const broken = new Error('the store is gone');

  test('in onFirstByte: nothing left, the server saw no request, our error is the cause', async () => {
    const server = await serve(echo);
    const hook = () => Promise.reject(broken);
    expect(await refusal(post(toServer(server), server.origin, { onFirstByte: hook }))).toMatchObject({
      code: 'BODY_FAILED',
      bytesSent: false,
      cause: broken,
    });
    expect(server.seen.requests).toBe(0);
  });
  test('before its first chunk: nothing left', async () => {
    const server = await serve(echo);
    const body = { length: 10, chunks: () => chunks(broken) };
    expect(await refusal(post(toServer(server), server.origin, { body }))).toMatchObject({
      code: 'BODY_FAILED',
      bytesSent: false,
      cause: broken,
    });
    expect(server.seen.requests).toBe(0);
  });
  test('after an empty chunk: nothing left', async () => {
    const server = await serve(echo);
    const body = { length: 10, chunks: () => chunks(new Uint8Array(0), broken) };
    expect(await refusal(post(toServer(server), server.origin, { body }))).toMatchObject({
      bytesSent: false,
      cause: broken,
    });
    expect(server.seen.requests).toBe(0);
  });
  test('after its first chunk: bytes may have left', async () => {
    const server = await serve(echo);
    const body = { length: 10, chunks: () => chunks(new Uint8Array(5), broken) };
    expect(await refusal(post(toServer(server), server.origin, { body }))).toMatchObject({
      code: 'BODY_FAILED',
      bytesSent: true,
      cause: broken,
    });
  });
  test.each([
    ['shorter', 11],
    ['longer', 9],
  ])('by being %s than announced', async (_name, length) => {
    const server = await serve(echo);
    const body = { length, chunks: () => chunks(new Uint8Array(10)) };
    expect((await refusal(post(toServer(server), server.origin, { body }))).code).toBe('BODY_FAILED');
  });
  test('while the deadline passes in onFirstByte: nothing left, and the source is not even opened later', async () => {
    const server = await serve(echo);
    const gate = Promise.withResolvers<void>();
    const egress = toServer(server);
    let opened = false;
    const body = {
      length: 1,
      chunks: () => {
        opened = true;
        return chunks(new Uint8Array(1));
      },
    };
    const request = post(egress, server.origin, { body, timeoutMs: 300, onFirstByte: () => gate.promise });
    expect(await refusal(request)).toMatchObject({ code: 'TIMEOUT', bytesSent: false });
    gate.resolve();
    await get(egress, server.origin);
    expect([server.seen.requests, opened]).toEqual([1, false]);
  });
  test('by a header with a line break', async () => {
    const server = await serve(echo);
    const headers = { 'x-evil': 'a\r\nx-other: b' };
    expect(await refusal(post(toServer(server), server.origin, { headers }))).toMatchObject({
      code: 'BODY_FAILED',
      bytesSent: false,
    });
  });
});

test('no error message holds a path or a query', async () => {
  const server = await serve((request) => {
    request.socket.destroy();
  });
  const egress = toServer(server);
  for (const url of [`${server.origin}/path?secret=1`, 'https://example.org/path?secret=1']) {
    const { message } = await refusal(post(egress, url));
    expect(message).not.toMatch(/secret|path/);
  }
});
