// Connections of the one door to the outside that fail (SEC-02, SEC-03): TLS that is not trusted, and a connection that breaks; each
// says whether bytes have left, for exports are decided by that.
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { byAddress, byName, clientRoot, echo, egressBench, post, refusal } from '../../support/egress-bench.ts';
import { bodyOf, startHttpsServer, type TestServer } from '../../support/https-server.ts';

const { close, serve, serveTcp, egressTo, toServer } = egressBench();
afterEach(close);

const stranger = mintLeaf(mintRoot('Other client root'), { commonName: 'Stranger', extendedKeyUsage: ['clientAuth'] });

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
