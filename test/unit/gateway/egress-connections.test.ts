// What egress tells of its connections (SEC-11): each once, with purpose, host and how it went, never with a path.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { mintRoot } from '../../../certs/mint.ts';
import { type Connected, createEgress, type EgressTarget } from '../../../gateway/egress.ts';
import { listen, mintIdentity, startHttpsServer } from '../../support/https-server.ts';

const who = mintIdentity({ dns: ['localhost'], ip: ['127.0.0.1'] });
const clientRoot = mintRoot('Client root');

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(more: Parameters<typeof startHttpsServer>[2] = {}) {
  const server = await startHttpsServer(who, (request, response) => void request.pipe(response), more);
  open.push(server.close);
  return server;
}

async function serveTcp(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer(onSocket);
  const port = await listen(server);
  open.push(async () => void server.close());
  return `https://127.0.0.1:${port}`;
}

function watched(target: Omit<EgressTarget, 'ca'> & { ca?: string }) {
  const told: Connected[] = [];
  const egress = createEgress({
    environment: 'SIM',
    purposes: { idp: [{ ca: who.root.certPem, ...target }] },
    onConnection: (connection) => void told.push(connection),
  });
  open.push(() => egress.close());
  const limits = { timeoutMs: 20_000, maxResponseBytes: 1000 };
  const ask = (url: string) =>
    egress.request('idp', { url, method: 'POST', body: Buffer.from('well'), ...limits }).catch(() => undefined);
  const codes = () => told.map(({ purpose, host, code }) => ({ purpose, host, code }));
  return { ask, told, codes };
}

test('a connection that stands is told once, however many requests it carries (SEC-11)', async () => {
  const { origin, seen } = await serve();
  const { ask, told, codes } = watched({ origin });
  for (let n = 0; n < 5; n++) await ask(`${origin}/secret/path?code=1`);
  expect(seen.requests).toBe(5);
  expect(codes()).toEqual(new Array(seen.connections).fill({ purpose: 'idp', host: new URL(origin).host, code: null }));
  expect(JSON.stringify(told)).not.toMatch(/secret|code=1/);
});

test.each<[string, string, (socket: Socket) => void]>([
  ['cut before TLS', 'RESET', (socket) => void socket.on('error', () => {}).destroy()],
  [
    'answered without TLS',
    'TLS_UNTRUSTED',
    (socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 no\r\n\r\n'),
  ],
])('one that was %s ends with %s', async (_name, code, onSocket) => {
  const origin = await serveTcp(onSocket);
  const { ask, codes } = watched({ origin });
  await ask(origin);
  expect(codes()).toEqual([{ purpose: 'idp', host: new URL(origin).host, code }]);
});

test('one to a server of another root ends with TLS_UNTRUSTED', async () => {
  const { origin } = await serve();
  const { ask, codes } = watched({ origin, ca: mintRoot('Another root').certPem });
  await ask(origin);
  expect(codes().map((one) => one.code)).toEqual(['TLS_UNTRUSTED']);
});

test('one that misses our certificate after the handshake stood, and is then told to be untrusted', async () => {
  const { origin } = await serve({ clientCa: clientRoot.certPem });
  const { ask, codes } = watched({ origin });
  await ask(origin);
  expect(codes().map((one) => one.code)).toEqual([null, 'TLS_UNTRUSTED']);
});

test('one where nobody listens ends with UNREACHABLE', async () => {
  const server = createServer();
  const origin = `https://127.0.0.1:${await listen(server)}`;
  server.close();
  await once(server, 'close');
  const { ask, codes } = watched({ origin });
  await ask(origin);
  expect(codes().map((one) => one.code)).toEqual(['UNREACHABLE']);
});

test('an address outside the allow-list is an attempt, too (D18)', async () => {
  const { origin } = await serve();
  const { ask, codes } = watched({ origin });
  await ask('https://elsewhere.example/path');
  expect(codes()).toEqual([{ purpose: 'idp', host: 'elsewhere.example', code: 'NOT_ALLOWED' }]);
});

test.each(['PU', 'RU', 'TU', 'SIM'] as const)(
  '%s may fetch a trust-service list by plain http, and nothing else outside SIM (D18)',
  (environment) => {
    const target = { origin: 'http://tsl.example' };
    expect(() => createEgress({ environment, purposes: { tsl: [target] } })).not.toThrow();
    for (const purpose of ['idp', 'record-system', 'konnektor', 'token-keys', 'webhook'] as const)
      expect(() => createEgress({ environment, purposes: { [purpose]: [target] } })).toThrow(/only https/);
  },
);
