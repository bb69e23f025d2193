// What the HTTP parser itself refuses, over raw sockets: every answer is a problem document with request id and environment,
// nothing received is repeated, and a client that goes away is no fault of ours (OPS-05, RFC 9112, RFC 9457).
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { refuseUnreadable } from '../../../../gateway/api/unreadable-request.ts';
import type { LogFields, Logger } from '../../../../gateway/log.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { createMetrics } from '../../../../gateway/metrics.ts';
import { KVNR, secretFile } from '../../../support/gateway-fakes.ts';
import { type TestGateway, testGateway, WRITER_KEY } from '../../../support/gateway-server.ts';

type Line = { level: string; event: string; fields: LogFields };
let g: TestGateway;
let lines: Line[];
let log: Logger;
beforeEach(async () => {
  lines = [];
  const line =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      lines.push({ level, event, fields });
    };
  log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  g = await testGateway((raw) => raw, log);
});
afterEach(() => g.close());

async function exchange(port: number, text: string): Promise<{ head: string; body: string }> {
  const socket: Socket = connect(port, '127.0.0.1');
  // A server that has answered may reset what still comes in.
  socket.on('error', () => {});
  socket.write(text);
  let all = '';
  socket.on('data', (chunk) => {
    all += chunk.toString('latin1');
  });
  await once(socket, 'close');
  const end = all.indexOf('\r\n\r\n');
  return { head: all.slice(0, end), body: all.slice(end + 4) };
}
const portOf = (address: string) => Number(new URL(address).port);
const AUTH = `Authorization: Bearer ${WRITER_KEY}\r\n`;
const HOST = 'Host: gateway\r\nConnection: close\r\n';

test.each([
  ['no HTTP at all', `${KVNR}\r\n\r\n`, 400, 'REQUEST_INVALID'],
  ['a header without a colon', `GET /livez HTTP/1.1\r\n${HOST}X ${KVNR}\r\n\r\n`, 400, 'REQUEST_INVALID'],
  ['no Host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'REQUEST_INVALID'],
  [
    'a length that is no number',
    `POST /v1/exports HTTP/1.1\r\n${HOST}${AUTH}Content-Length: x\r\n\r\n`,
    400,
    'REQUEST_INVALID',
  ],
  [
    'two lengths of one body',
    `POST /v1/exports HTTP/1.1\r\n${HOST}${AUTH}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'REQUEST_INVALID',
  ],
  [
    'a broken chunk',
    `POST /v1/exports HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'REQUEST_INVALID',
  ],
  [
    'headers beyond the limit',
    `GET /livez HTTP/1.1\r\n${HOST}X-Long: ${'x'.repeat(70_000)}\r\n\r\n`,
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'an unknown expectation, which is ignored',
    `POST /v1/exports HTTP/1.1\r\n${HOST}Expect: ${KVNR}\r\nContent-Length: 0\r\n\r\n`,
    401,
    'UNAUTHENTICATED',
  ],
  [
    'a method the address does not know',
    `PROPFIND /v1/exports HTTP/1.1\r\n${HOST}${AUTH}\r\n`,
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['a path that cannot be decoded', `GET /v1/exports/%E0%A4%A HTTP/1.1\r\n${HOST}${AUTH}\r\n`, 404, 'NOT_FOUND'],
  [
    'a body announced too large, before it is sent',
    `POST /v1/exports HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n`,
    413,
    'DOCUMENT_TOO_LARGE',
  ],
])('%s', async (_name, text, status, code) => {
  for (const address of [g.gateway.address, g.gateway.adminAddress]) {
    // The admin listener has other routes.
    if (address === g.gateway.adminAddress && text.includes('/v1/')) continue;
    const { head, body } = await exchange(portOf(address), text);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/i);
    expect(head).toMatch(/\r\nx-environment: SIM\r\n/i);
    expect(head).toMatch(/\r\ncontent-type: application\/problem\+json; charset=utf-8/i);
    expect(JSON.parse(body)).toMatchObject({ status, code, type: `docs/errors#${code}` });
    expect(head + body).not.toContain(KVNR);
  }
  expect(lines.filter((line) => line.level === 'error')).toEqual([]);
  expect(JSON.stringify(lines)).not.toContain(KVNR);
});

test('a request that is not whole in time is answered 408', async () => {
  const o = { environment: 'SIM', log: silentLogger, metrics: createMetrics() };
  const timeout = Object.assign(new Error('timed out'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  const server = createServer((socket) => refuseUnreadable(o, timeout, socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { head, body } = await exchange(address.port, '');
  expect(head).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
  expect(JSON.parse(body)).toMatchObject({ code: 'REQUEST_TIMEOUT', who: 'backend' });
  server.close();
});

test('a client that ends in the middle of its body leaves no error behind', async () => {
  const socket = connect(portOf(g.gateway.address), '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.end(
    `POST /v1/exports HTTP/1.1\r\nHost: x\r\n${AUTH}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
  );
  await once(socket, 'close');
  // Stopping ends every connection and all that hangs on it.
  await g.gateway.stop();
  expect(lines.some((line) => line.event === 'request')).toBe(true);
  expect(lines.filter((line) => line.level === 'error')).toEqual([]);
});

test('what is wrong with a credential is said in words that no mask touches', async () => {
  for (const key of [null, 'wrong-key-0123456789'])
    expect((await g.call('/v1/exports', { key })).text).not.toContain('[masked]');
});

test('plain HTTP at a TLS listener is not answered, and is an event (SEC-11)', async () => {
  await g.close();
  const root = mintRoot('TEST-ONLY root');
  const leaf = mintLeaf(root, { commonName: 'gateway', ip: ['127.0.0.1'], extendedKeyUsage: ['serverAuth'] });
  g = await testGateway((raw) => {
    const certFile = secretFile(join(raw.masterKeyFile, '..'), 'server.pem', leaf.certPem);
    const keyFile = secretFile(join(raw.masterKeyFile, '..'), 'server.key', leaf.keyPem);
    return { ...raw, listen: { ...raw.listen, tls: { certFile, keyFile } } };
  }, log);
  const { head, body } = await exchange(portOf(g.gateway.address), `GET /${KVNR} HTTP/1.1\r\n${HOST}\r\n`);
  expect(head + body).not.toContain('HTTP/1.1');
  expect(lines).toContainEqual({
    level: 'warn',
    event: 'TLS handshake failed',
    fields: { address: '127.0.0.1' },
  });
  expect(JSON.stringify(lines)).not.toContain(KVNR);
});

test('a stop waits for the rest of a body that was refused before its end, and not for what its client may ask next', async () => {
  const socket = connect(portOf(g.gateway.address), '127.0.0.1');
  const form = 'Content-Type: multipart/form-data; boundary=b\r\n';
  const part = '--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n';
  // One byte of the body is missing: the first part is refused before.
  socket.write(
    `POST /v1/exports HTTP/1.1\r\nHost: gateway\r\n${AUTH}${form}Content-Length: ${part.length + 2}\r\n\r\n${part}x`,
  );
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toContain('HTTP/1.1 422');
  const stopped = g.gateway.stop();
  const ended = once(socket, 'close');
  socket.write('x');
  socket.resume();
  await Promise.all([stopped, ended]);
});
