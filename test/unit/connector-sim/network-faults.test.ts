// Faults on the wire (D22) seen from a bare TCP or TLS client: what arrives, how the connection ends, and whether the
// service had acted before.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../certs/mint.ts';
import { Faults } from '../../../connector-sim/faults.ts';
import { type HttpAnswer, type HttpListener, listen } from '../../../connector-sim/http-server.ts';
import { Journal } from '../../../connector-sim/journal.ts';
import { isNetworkFault, NETWORK_KINDS, underFault } from '../../../connector-sim/network-faults.ts';
import { clientTlsOptions } from '../../../wire/tls.ts';

const root = mintRoot('Fault Root CA');
const leaf = mintLeaf(root, { commonName: 'server', dns: ['localhost'], extendedKeyUsage: ['serverAuth'] });

const text = 'x'.repeat(1000);
let faults: Faults;
let journal: Journal;
let acted: number;
let listener: HttpListener;

async function start(secure: boolean, bodyLimit?: number): Promise<void> {
  faults = new Faults({ random: () => 0 });
  journal = new Journal({ now: () => 0 });
  acted = 0;
  listener = await listen({
    port: 0,
    service: 'ocsp',
    journal,
    bodyLimit,
    tls: secure ? { cert: leaf.certPem, key: leaf.keyPem } : undefined,
    handler: () =>
      underFault(faults.take('ocsp'), 'status', async (): Promise<HttpAnswer> => {
        acted += 1;
        return { status: 200, headers: [['X-Sim', 'yes']], body: text, operation: 'status' };
      }),
  });
}

function dial(secure: boolean): Socket {
  const { port } = listener;
  return secure
    ? tls.connect({ ...clientTlsOptions({ ca: root.certPem, servername: 'localhost' }), port, host: '127.0.0.1' })
    : connect(port, '127.0.0.1');
}

/** Everything the server sent, and whether it ended with FIN or an error. */
async function exchange(
  secure: boolean,
  message = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
) {
  const socket = dial(secure);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('FIN'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
  await once(socket, secure ? 'secureConnect' : 'connect');
  socket.write(message);
  const end = await ended;
  socket.destroy();
  return { received: Buffer.concat(chunks), end };
}

afterEach(() => listener.stop());

describe.each([
  ['TLS', true],
  ['plain TCP', false],
])('over %s', (_name, secure) => {
  beforeEach(() => start(secure));

  test('without a fault the answer comes whole, with its exact length', async () => {
    const { received, end } = await exchange(secure);
    expect(received.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 1000\r\n[^x]*\r\n\r\nx{1000}$/s);
    expect([end, acted]).toEqual(['FIN', 1]);
  });

  test.each([
    ['drop-request', 'FIN', 0],
    ['drop-response', 'FIN', 1],
    ['reset-request', 'ECONNRESET', 0],
    ['reset', 'ECONNRESET', 1],
  ])('%s: no byte, %s, the service acted %i times', async (kind, expectedEnd, times) => {
    faults.add({ at: 'ocsp', kind });
    const { received, end } = await exchange(secure);
    expect([received.length, end, acted]).toEqual([0, expectedEnd, times]);
  });

  test('truncate: the promised length never comes', async () => {
    faults.add({ at: 'ocsp', kind: 'truncate' });
    const { received, end } = await exchange(secure);
    expect(received.toString()).toMatch(/Content-Length: 1001\r\n[^x]*\r\n\r\nx{500}$/s);
    expect([end, acted]).toEqual(['FIN', 1]);
  });

  test('garbage: bytes that are no HTTP, or with inBody an answer whose body is noise', async () => {
    faults.add({ at: 'ocsp', kind: 'garbage', times: 1 });
    const bare = await exchange(secure);
    expect([bare.received.length, bare.received[0], bare.end, acted]).toEqual([512, 0, 'FIN', 1]);
    faults.add({ at: 'ocsp', kind: 'garbage', times: 1, params: { inBody: true, bytes: 7 } });
    const dressed = await exchange(secure);
    expect(dressed.received.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 7\r\n/s);
  });

  test('hang: nothing comes, while other connections are served', async () => {
    faults.add({ at: 'ocsp', kind: 'hang', times: 1 });
    const socket = dial(secure);
    await once(socket, secure ? 'secureConnect' : 'connect');
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    while (acted === 0) await new Promise((turn) => setImmediate(turn));
    expect((await exchange(secure)).end).toBe('FIN');
    expect([received, acted]).toEqual([0, 2]);
    socket.destroy();
  });

  test('delay acts at once and answers whole', async () => {
    faults.add({ at: 'ocsp', kind: 'delay', params: { ms: 0 } });
    expect((await exchange(secure)).received.toString()).toMatch(/x{1000}$/);
  });
});

describe('the journal of a faulted exchange', () => {
  beforeEach(() => start(false));

  test.each(NETWORK_KINDS.filter((kind) => kind !== 'delay' && kind !== 'hang'))(
    '%s leaves no response, but the request and the fault’s name',
    async (kind) => {
      faults.add({ at: 'ocsp', kind });
      await exchange(false);
      const [entry] = journal.entries();
      expect(entry).toMatchObject({ operation: 'status', response: null, fault: kind });
      expect(Buffer.from(entry?.request.body ?? '', 'base64').toString()).toBe('hi');
    },
  );

  test('a request lost before the service acted is not counted', async () => {
    faults.add({ at: 'ocsp', kind: 'drop-request', times: 1 });
    await exchange(false);
    expect(journal.operations()).toEqual({});
    faults.add({ at: 'ocsp', kind: 'drop-response', times: 1 });
    await exchange(false);
    expect(journal.operations()).toEqual({ status: 1 });
  });

  test('http-status answers without acting and is no network fault', async () => {
    const fault = faults.add({ at: 'ocsp', kind: 'http-status', params: { status: 418 } });
    expect((await exchange(false)).received.toString()).toMatch(/^HTTP\/1\.1 418 /);
    expect([acted, isNetworkFault(fault)]).toEqual([0, false]);
    expect(journal.entries()[0]?.response?.status).toBe(418);
  });
});

test('a body over the limit is 413 and never reaches the service', async () => {
  await start(false, 10);
  const { received } = await exchange(
    false,
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n${'b'.repeat(11)}`,
  );
  expect([received.toString().slice(0, 12), acted]).toEqual(['HTTP/1.1 413', 0]);
});

test('a throwing service is said to be the simulator’s fault, and the listener lives on', async () => {
  await start(false);
  await listener.stop();
  listener = await listen({
    port: 0,
    service: 'ocsp',
    journal,
    handler: async () => {
      throw new Error('broken on purpose');
    },
  });
  for (const _time of [1, 2]) expect((await exchange(false)).received.toString()).toMatch(/500 .*broken on purpose/s);
  expect(journal.entries()[0]?.rule).toBe('simulator');
});
