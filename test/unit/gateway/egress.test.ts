// The one door to the outside (decisions.md D18; SEC-02, SEC-03): what a request brings back, what of an answer is not taken, and
// whether bytes have left when a body of our own fails, for exports are decided by that.
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { byName, client, clientRoot, echo, egressBench, get, post, refusal } from '../../support/egress-bench.ts';
import { bodyOf } from '../../support/https-server.ts';

const { close, serve, toServer } = egressBench();
afterEach(close);

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
