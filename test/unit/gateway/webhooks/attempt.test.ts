// One try over a real connection through the real egress (D18): what counts as taken, and what a hostile or broken receiver
// can do to us, which is nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mintRoot } from '../../../../certs/mint.ts';
import { createEgress, type Egress, EgressError } from '../../../../gateway/egress.ts';
import { addressAllowed } from '../../../../gateway/egress-address.ts';
import { attempt } from '../../../../gateway/webhooks/attempt.ts';
import { readSecret } from '../../../../gateway/webhooks/signature.ts';
import { shownUrl, type WebhookTarget, webhookAllowList } from '../../../../gateway/webhooks/targets.ts';
import { secretFile, temporaryDirectory } from '../../../support/gateway-fakes.ts';
import {
  bodyOf,
  type Handler,
  type Identity,
  listen,
  mintIdentity,
  startHttpsServer,
  type TestServer,
} from '../../../support/https-server.ts';
import { SECRET, verified } from '../../../support/webhook-bench.ts';

let identity: Identity;
beforeAll(() => {
  identity = mintIdentity({ ip: ['127.0.0.1'] });
});
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const message = { id: 'm1', body: '{"type":"export.written"}' };
const target = (url: string): WebhookTarget => ({
  key: 'demo/a',
  diga: 'demo',
  id: 'a',
  url,
  secrets: [readSecret(SECRET) ?? new Uint8Array()],
  events: undefined,
  language: 'de',
});
const serve = async (handler: Handler): Promise<TestServer> => {
  const server = await startHttpsServer(identity, handler);
  opened.push(server);
  return server;
};
const egressTo = (origin: string, o: { ca?: string; environment?: 'PU' | 'SIM' } = {}): Egress => {
  const { ca = identity.root.certPem, environment = 'SIM' } = o;
  const egress = createEgress({ environment, purposes: { webhook: [{ id: 'demo/a', origin, ca }] } });
  opened.push(egress);
  return egress;
};
const tryOnce = (url: string, egress: Egress, limitMs = 5000) =>
  attempt({ target: target(url), post: (r) => egress.request('webhook', r), now: Date.now, limitMs }, message);
const answering = async (handler: Handler, limitMs?: number) => {
  const server = await serve(handler);
  return tryOnce(`${server.origin}/hook?token=x`, egressTo(server.origin), limitMs);
};
const status =
  (code: number, headers = {}) =>
  (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(code, headers).end();

test('a message arrives as POST with its body, its path and query, and a signature that the library accepts', async () => {
  let seen: { method?: string; url?: string; headers: Record<string, string>; text: string } | undefined;
  const outcome = await answering(async (request, response) => {
    const text = (await bodyOf(request)).toString();
    seen = { method: request.method, url: request.url, headers: request.headers as Record<string, string>, text };
    response.writeHead(200).end('thanks');
  });
  expect(outcome).toMatchObject({ kind: 'delivered', status: 200 });
  expect(seen).toMatchObject({ method: 'POST', url: '/hook?token=x', headers: { 'content-type': 'application/json' } });
  expect(seen && verified(seen, SECRET, Date.now())).toEqual({ type: 'export.written' });
});

describe('an answer', () => {
  test.each([200, 201, 202, 204, 299])('of %i is taken', async (code) =>
    expect(await answering(status(code))).toMatchObject({ kind: 'delivered', status: code }),
  );
  test.each([
    [400, 'WEBHOOK_REFUSED'],
    [401, 'WEBHOOK_REFUSED'],
    [404, 'WEBHOOK_REFUSED'],
    [410, 'WEBHOOK_GONE'],
    [429, 'WEBHOOK_REFUSED'],
    [500, 'WEBHOOK_REFUSED'],
    [503, 'WEBHOOK_REFUSED'],
  ])('of %i is %s', async (code, expected) =>
    expect(await answering(status(code))).toMatchObject({ kind: 'failed', code: expected, status: code }),
  );
  test.each([301, 302, 303, 307, 308])('of %i is not followed, not even to the same origin', async (code) => {
    const server = await serve((request, response) =>
      request.url === '/hook'
        ? status(code, { location: '/other' })(request, response)
        : status(200)(request, response),
    );
    const outcome = await tryOnce(`${server.origin}/hook`, egressTo(server.origin));
    expect(outcome).toMatchObject({ kind: 'failed', code: 'WEBHOOK_REFUSED', status: code });
    expect(server.seen.requests).toBe(1);
  });
  test('of more than 64 KiB is not taken, announced or not; of 64 KiB it is', async () => {
    const big = Buffer.alloc(65_537);
    expect(await answering((_request, response) => void response.end(big))).toMatchObject({
      code: 'WEBHOOK_UNANSWERED',
    });
    const endless: Handler = (_request, response) => {
      const more = () => response.write(big, (error) => error ?? more());
      more();
    };
    expect(await answering(endless)).toMatchObject({ code: 'WEBHOOK_UNANSWERED', status: null });
    expect(await answering((_request, response) => void response.end(big.subarray(1)))).toMatchObject({
      kind: 'delivered',
    });
  });
  test('that never comes, or never ends, is none', async () => {
    expect(await answering(() => {}, 300)).toMatchObject({ code: 'WEBHOOK_UNANSWERED', status: null });
    const slow: Handler = (_request, response) => void response.writeHead(200).write('a');
    expect(await answering(slow, 300)).toMatchObject({ code: 'WEBHOOK_UNANSWERED', status: null });
  });
  test('that is cut off or no HTTP is none, and nothing of it is kept', async () => {
    expect(await answering((request) => void request.socket.destroy())).toMatchObject({ code: 'WEBHOOK_UNANSWERED' });
    const garbage = await answering((request) => void request.socket.end('secret garbage\r\n\r\n'));
    expect(garbage).toMatchObject({ code: 'WEBHOOK_UNANSWERED' });
    expect(JSON.stringify(garbage)).not.toContain('secret');
  });
});

describe('no connection is made', () => {
  test('to a receiver whose certificate is another CA’s', async () => {
    const server = await serve(status(200));
    const egress = egressTo(server.origin, { ca: mintRoot('Another root').certPem });
    expect(await tryOnce(server.origin, egress)).toMatchObject({ code: 'WEBHOOK_TLS_UNTRUSTED' });
    expect(server.seen.requests).toBe(0);
  });
  test('where nobody listens, or to a name that does not exist', async () => {
    const server = await serve(status(200));
    await server.close();
    expect(await tryOnce(server.origin, egressTo(server.origin))).toMatchObject({ code: 'WEBHOOK_UNREACHABLE' });
    const nowhere = 'https://nowhere.invalid';
    expect(await tryOnce(nowhere, egressTo(nowhere))).toMatchObject({ code: 'WEBHOOK_UNREACHABLE' });
  });
  test('to a name that leads to loopback in PU, but it is in SIM', async () => {
    const server = await serve(status(200));
    const named = server.origin.replace('127.0.0.1', 'localhost');
    const inPu = await tryOnce(named, egressTo(named, { environment: 'PU' }));
    expect(inPu).toMatchObject({ code: 'WEBHOOK_ADDRESS_REFUSED' });
    expect(server.seen.connections).toBe(0);
    // The certificate names the address only: the connection was made.
    expect(await tryOnce(named, egressTo(named))).toMatchObject({ code: 'WEBHOOK_TLS_UNTRUSTED' });
  });
  test.each(['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '::ffff:169.254.169.254'])(
    'to the link-local address %s, in no environment, by name or by number',
    (address) => {
      for (const environment of ['SIM', 'RU', 'TU', 'PU'] as const) {
        expect(addressAllowed(address, { environment, loopbackOnly: false, neverLinkLocal: true })).toBe(false);
        const origin = `https://${address.includes(':') ? `[${address}]` : address}`;
        const purposes = (purpose: 'webhook' | 'idp') => ({ [purpose]: [{ origin, ca: identity.root.certPem }] });
        expect(() => createEgress({ environment, purposes: purposes('webhook') })).toThrow(EgressError);
        // An operator's own word for the other purposes.
        expect(() => createEgress({ environment, purposes: purposes('idp') })).not.toThrow();
      }
    },
  );
  test.each(['10.0.0.41', '192.168.1.4', 'fd00::4'])('but it is to %s, inside the operator’s own network', (address) =>
    expect(addressAllowed(address, { environment: 'PU', loopbackOnly: false, neverLinkLocal: true })).toBe(true),
  );
});

test('plain http goes to loopback in SIM alone', async () => {
  const server = createServer(status(204));
  const port = await listen(server);
  opened.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  const origin = `http://127.0.0.1:${port}`;
  const purposes = { webhook: [{ id: 'demo/a', origin }] };
  const egress = createEgress({ environment: 'SIM', purposes });
  opened.push(egress);
  expect(await tryOnce(origin, egress)).toMatchObject({ kind: 'delivered', status: 204 });
  expect(() => createEgress({ environment: 'PU', purposes })).toThrow(EgressError);
});

test('without a caFile the public CAs count, with one nothing else; two targets may share an origin', () => {
  const directory = temporaryDirectory();
  const secret = secretFile(directory.path, 's', SECRET);
  const caFile = secretFile(directory.path, 'ca.pem', identity.root.certPem);
  const entry = { url: 'https://backend.example/hook', secretFile: secret, language: 'de' as const };
  const diga = {
    id: 'demo',
    name: 'd',
    manufacturer: 'd',
    telematikId: '9-1',
    konnektors: ['k1'],
    mioVersions: ['1.1.0'],
  };
  const [open, closed] = webhookAllowList([
    {
      ...diga,
      webhooks: [
        { id: 'a', ...entry },
        { id: 'b', ...entry, caFile },
      ],
    },
  ]);
  expect(open?.ca?.length).toBeGreaterThan(50);
  expect(closed).toEqual({ id: 'demo/b', origin: 'https://backend.example', ca: identity.root.certPem });
  const egress = createEgress({
    environment: 'PU',
    purposes: { webhook: [open, closed].filter((t) => t !== undefined) },
  });
  opened.push(egress);
  directory.remove();
});

test('what is shown of an address has no query', () =>
  expect(shownUrl('https://backend.example/hook?token=secret')).toBe('https://backend.example/hook'));
