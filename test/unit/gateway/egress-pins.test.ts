// Pins (CRT-10): a trusted chain without a pinned key gets no byte of a request, and a spare pin carries over a change of keys.
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { type Connected, createEgress, EgressError } from '../../../gateway/egress.ts';
import { pinOf } from '../../../gateway/egress-pins.ts';
import { serverTlsOptions } from '../../../wire/tls.ts';
import { closing, listen } from '../../support/https-server.ts';

const root = mintRoot('Pinned root');
const ca = mintCa(root, 'Pinned CA');
const names = { commonName: 'Server', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] };
const first = mintLeaf(ca, names);
const second = mintLeaf(ca, names);
const stranger = mintRoot('Another root');
const pin = (issued: Issued) => pinOf(new X509Certificate(issued.certPem));
const spare = pin(mintLeaf(ca, names));

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(shown: Issued, alongside: Issued[] = [ca]) {
  const material = (leaf: Issued) => ({
    cert: [leaf, ...alongside].map((one) => one.certPem).join('\n'),
    key: leaf.keyPem,
  });
  let requests = 0;
  const server = createServer(serverTlsOptions(material(shown)), (_request, response) => {
    requests += 1;
    response.setHeader('connection', 'close').end('well');
  });
  const origin = `https://127.0.0.1:${await listen(server)}`;
  open.push(closing(server));
  return {
    origin,
    requests: () => requests,
    show: (leaf: Issued) => server.setSecureContext(serverTlsOptions(material(leaf))),
  };
}

function egressTo(origin: string, pins: string[], anchor = root) {
  const told: Connected[] = [];
  const egress = createEgress({
    environment: 'SIM',
    purposes: { 'record-system': [{ origin, ca: anchor.certPem, pins }] },
    onConnection: (connection) => void told.push(connection),
  });
  open.push(() => egress.close());
  const ask = async () => {
    try {
      const limits = { timeoutMs: 20_000, maxResponseBytes: 1000 };
      return (await egress.request('record-system', { url: origin, method: 'GET', ...limits })).status;
    } catch (thrown) {
      if (thrown instanceof EgressError) return { code: thrown.code, bytesSent: thrown.bytesSent };
      throw thrown;
    }
  };
  return { ask, codes: () => told.map((one) => one.code) };
}

const mismatch = { code: 'PIN_MISMATCH', bytesSent: false };

test.each([
  ['of the server', first],
  ['of the CA', ca],
  ['of the root, which the server does not send', root],
])('the pin %s is met (CRT-10)', async (_name, pinned) => {
  const { origin } = await serve(first);
  const { ask, codes } = egressTo(origin, [spare, pin(pinned)]);
  expect(await ask()).toBe(200);
  expect(codes()).toEqual([null]);
});

test('none is met: no byte of a request leaves, and the connection is told as such (CRT-10, SEC-11)', async () => {
  const { origin, requests } = await serve(first);
  const { ask, codes } = egressTo(origin, [spare, pin(second)]);
  expect(await ask()).toEqual(mismatch);
  expect(requests()).toBe(0);
  expect(codes()).toEqual(['PIN_MISMATCH']);
});

test('a certificate with a pinned key that only lies beside the chain does not count', async () => {
  const { origin, requests } = await serve(first, [ca, stranger, second]);
  const { ask } = egressTo(origin, [pin(stranger), pin(second)]);
  expect(await ask()).toEqual(mismatch);
  expect(requests()).toBe(0);
});

test('a CA of the same name with a pinned key does not count either', async () => {
  const twin = mintCa(root, 'Pinned CA');
  const { origin, requests } = await serve(first, [ca, twin]);
  const { ask } = egressTo(origin, [pin(twin), spare]);
  expect(await ask()).toEqual(mismatch);
  expect(requests()).toBe(0);
});

test('a pinned key under a root that is not trusted is no way in', async () => {
  const { origin } = await serve(first);
  const { ask } = egressTo(origin, [pin(first), spare], stranger);
  expect(await ask()).toEqual({ code: 'TLS_UNTRUSTED', bytesSent: false });
});

test('the spare takes over when the server changes its key, without a restart (CRT-10)', async () => {
  const server = await serve(first);
  const { ask } = egressTo(server.origin, [pin(first), pin(second)]);
  expect(await ask()).toBe(200);
  server.show(second);
  expect(await ask()).toBe(200);
  server.show(mintLeaf(ca, names));
  expect(await ask()).toEqual(mismatch);
  server.show(first);
  expect(await ask()).toBe(200);
});
