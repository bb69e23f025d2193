// The forward proxy that tests and doctor put between (konnektor.md 8): tunnels for those it lets through, refusals by status.
import { once } from 'node:events';
import { connect } from 'node:net';
import { ProxyAgent, request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { type ConnectProxy, startConnectProxy } from '../../../connector-sim/connect-proxy.ts';
import { clientTlsOptions } from '../../../wire/tls.ts';
import { type KonnektorBench, konnektorClient, startKonnektorBench } from '../../support/konnektor-bench.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});
async function start<T extends { stop(): Promise<void> }>(one: Promise<T>): Promise<T> {
  const started = await one;
  running.push(started);
  return started;
}

/** The first line a CONNECT is answered with. */
async function answerTo(proxy: ConnectProxy, message: string): Promise<string> {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(message);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString().split('\r\n')[0] ?? '';
}

async function throughProxy(proxy: ConnectProxy, bench: KonnektorBench, token?: string) {
  const dispatcher = new ProxyAgent({
    uri: proxy.url,
    ...(token !== undefined && { token }),
    requestTls: konnektorClient(bench.pki),
  });
  try {
    const answer = await request(`${bench.url}/connector.sds`, { dispatcher });
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    await dispatcher.destroy();
  }
}

const CREDENTIALS = { user: 'gateway', password: 'p:w' };
const token = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('a client reaches the Konnektor through it, by its own TLS', async () => {
  const bench = await start(startKonnektorBench());
  const proxy = await start(startConnectProxy());
  expect((await throughProxy(proxy, bench)).text).toContain('ConnectorServices');
  expect(proxy.tunnels).toEqual([new URL(bench.url).host]);
  expect(proxy.refused).toEqual([]);
});

test('with its name and password, and with no other', async () => {
  const bench = await start(startKonnektorBench());
  const proxy = await start(startConnectProxy({ credentials: CREDENTIALS }));
  expect((await throughProxy(proxy, bench, token('gateway:p:w'))).status).toBe(200);
  await expect(throughProxy(proxy, bench, token('gateway:wrong'))).rejects.toThrow();
  await expect(throughProxy(proxy, bench)).rejects.toThrow();
  expect(proxy.refused.map((one) => one.status)).toEqual([407, 407]);
  expect(proxy.tunnels).toHaveLength(1);
});

test.each([
  ['a host that is not allowed', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 403],
  ['an authority without port', 'CONNECT 127.0.0.1 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['nobody at that port', 'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n', 502],
  ['a plain request', 'GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n', 405],
])('%s is refused', async (_what, message, status) => {
  const proxy = await start(startConnectProxy());
  expect(await answerTo(proxy, message)).toContain(`HTTP/1.1 ${status} `);
  expect(proxy.tunnels).toEqual([]);
});

test('hanging it takes a CONNECT and says nothing; cut, every tunnel ends', async () => {
  const bench = await start(startKonnektorBench());
  const proxy = await start(startConnectProxy());
  const dispatcher = new ProxyAgent({ uri: proxy.url, requestTls: konnektorClient(bench.pki) });
  running.push({ stop: () => dispatcher.destroy() });
  await (await request(`${bench.url}/connector.sds`, { dispatcher })).body.dump();
  expect(proxy.open()).toBe(1);
  proxy.setHanging(true);
  const silent = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  silent.on('error', () => {});
  let said = '';
  silent.on('data', (chunk) => {
    said += chunk;
  });
  silent.write(`CONNECT ${new URL(bench.url).host} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(silent, 'connect');
  const ended = new Promise((resolve) => silent.once('close', resolve));
  proxy.cut();
  await ended;
  expect(said).toBe('');
  expect(proxy.tunnels).toHaveLength(1);
});

test('it does not vouch for what is behind it: a certificate of another CA is refused as ever', async () => {
  const bench = await start(startKonnektorBench());
  const proxy = await start(startConnectProxy());
  const dispatcher = new ProxyAgent({
    uri: proxy.url,
    requestTls: clientTlsOptions({ ca: bench.pki.tiRoot.certPem, servername: 'konnektor.konlan' }),
  });
  running.push({ stop: () => dispatcher.destroy() });
  await expect(request(`${bench.url}/connector.sds`, { dispatcher })).rejects.toThrow();
  expect(proxy.tunnels).toHaveLength(1);
});
