// The one HTTP/1.1 message of a VAU frame. Judges: the rules of RFC 9112, and Node's own HTTP parser for what we write.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Headers,
  header,
  parseRequest,
  parseResponse,
  writeRequest,
  writeRequestHead,
  writeResponse,
} from '../../../wire/http-message.ts';
import { codeOf } from '../../support/wire-error.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const binary = Uint8Array.from({ length: 256 }, (_, i) => i);

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const headers: fc.Arbitrary<Headers> = fc.array(
  fc.tuple(
    token.filter((name) => !/^(content-length|transfer-encoding|te)$/i.test(name)),
    fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\x20-\x7e\t]{0,20}[\x21-\x7e])?)?$/),
  ),
  { maxLength: 5 },
);
const path = fc.stringMatching(/^\/[\x21\x22\x24-\x7e]{0,30}$/);
const body = fc.uint8Array({ maxLength: 300 });

describe('what is written', () => {
  test('a request is read again byte by byte', () => {
    fc.assert(
      fc.property(token, path, headers, body, (method, target, list, content) => {
        const read = parseRequest(writeRequest({ method, path: target, headers: list, body: content }));
        expect(read).toMatchObject({
          method,
          path: target,
          headers: [...list, ['Content-Length', `${content.length}`]],
        });
        expect(Buffer.from(read.body).equals(content)).toBe(true);
      }),
    );
  });

  test('a response is read again byte by byte, with and without Content-Length', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        headers,
        body,
        fc.boolean(),
        (status, list, content, contentLength) => {
          const read = parseResponse(writeResponse({ status, headers: list, body: content, contentLength }));
          const length = contentLength ? [['Content-Length', `${content.length}`]] : [];
          expect(read).toMatchObject({ status, headers: [...list, ...length] });
          expect(Buffer.from(read.body).equals(content)).toBe(true);
        },
      ),
    );
  });

  test('a head has its exact form, ready for a body that streams after it', () => {
    const head = writeRequestHead({
      method: 'POST',
      path: '/epa/x?y',
      headers: [
        ['Host', 'h'],
        ['x-a', 'b'],
      ],
      contentLength: 7,
    });
    expect(Buffer.from(head).toString('latin1')).toBe(
      'POST /epa/x?y HTTP/1.1\r\nHost: h\r\nx-a: b\r\nContent-Length: 7\r\n\r\n',
    );
  });

  test("Node's server reads our request", async () => {
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push(request.method, request.url, request.headers['x-a'], Buffer.concat(chunks).equals(binary));
        response.end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect(portOf(server.address()), '127.0.0.1');
    const written = [
      ['Host', 'h'],
      ['x-a', 'b'],
      ['Connection', 'close'],
    ] as const;
    socket.end(writeRequest({ method: 'PUT', path: '/a', headers: written, body: binary }));
    socket.resume();
    await once(socket, 'close');
    server.close();
    expect(seen).toEqual(['PUT', '/a', 'b', true]);
  });

  test.each([true, false])("Node's client reads our response (Content-Length: %s)", async (contentLength) => {
    const server = createTcpServer((socket) => {
      socket.resume();
      const list = [['Connection', 'close']] as const;
      socket.end(writeResponse({ status: 503, headers: list, body: binary, contentLength }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answer = await fetch(`http://127.0.0.1:${portOf(server.address())}/`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(binary)).toBe(true);
    expect([answer.status, answer.statusText]).toEqual([503, 'Service Unavailable']);
    server.close();
  });

  test.each([
    ['CR LF in a value', [['a', 'b\r\nc: d']], 'HTTP_HEADER'],
    ['LF in a value', [['a', 'b\nc']], 'HTTP_HEADER'],
    ['NUL in a value', [['a', '\0']], 'HTTP_HEADER'],
    ['a character beyond Latin-1 in a value', [['a', '\u{20AC}']], 'HTTP_HEADER'],
    ['a space in a name', [['a b', 'c']], 'HTTP_HEADER'],
    ['a colon in a name', [['a:', 'c']], 'HTTP_HEADER'],
    ['an empty name', [['', 'c']], 'HTTP_HEADER'],
    ['Transfer-Encoding', [['transfer-encoding', 'chunked']], 'HTTP_HEADER'],
    ['TE', [['TE', 'trailers']], 'HTTP_HEADER'],
    ['a Content-Length of its own', [['content-length', '3']], 'HTTP_HEADER'],
  ] as [string, Headers, string][])('is refused with %s', (_name, list, code) => {
    expect(codeOf(() => writeRequestHead({ method: 'GET', path: '/', headers: list, contentLength: 0 }))).toBe(code);
    expect(codeOf(() => writeResponse({ status: 200, headers: list, body: binary }))).toBe(code);
  });

  test.each([
    ['GET /', '/'],
    ['', '/'],
    ['GET', ''],
    ['GET', 'a'],
    ['GET', '/a b'],
    ['GET', '/a\r\nb'],
    ['GET', '/a#b'],
    ['GET', '/\u{E4}'],
    ['GET', 'https://a/'],
  ])('is refused with the method %j and the path %j', (method, target) => {
    expect(codeOf(() => writeRequestHead({ method, path: target, headers: [], contentLength: 0 }))).toBe(
      'HTTP_START_LINE',
    );
  });

  test.each([0, 99, 100, 600, 20.5, Number.NaN, -200])('is refused with the status %s', (status) => {
    expect(codeOf(() => writeResponse({ status, headers: [], body: binary }))).toBe('HTTP_START_LINE');
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 60])('is refused with the length %s', (contentLength) => {
    expect(codeOf(() => writeRequestHead({ method: 'GET', path: '/', headers: [], contentLength }))).toBe(
      'HTTP_LENGTH',
    );
  });
});

describe('what is read', () => {
  test('a response without Content-Length: its body is the rest, bytes as they are', () => {
    const read = parseResponse(Buffer.concat([bytes('HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n'), binary]));
    expect(Buffer.from(read.body).equals(binary)).toBe(true);
  });

  test.each(['HTTP/1.1 200 \r\n\r\n', 'HTTP/1.1 200\r\n\r\n'])('an empty reason (%j)', (text) => {
    expect(parseResponse(bytes(text))).toMatchObject({ status: 200, reason: '', headers: [] });
  });

  test('a body that itself holds empty lines and what looks like a message', () => {
    const inner = '\r\n\r\nHTTP/1.1 500 x\r\n\r\n';
    expect(Buffer.from(parseResponse(bytes(`HTTP/1.1 200 OK\r\n\r\n${inner}`)).body).toString()).toBe(inner);
  });

  test('white space around a value goes, inside it stays; headers are found in any case, the first of several', () => {
    const read = parseRequest(bytes('GET / HTTP/1.1\r\nA: \t b  c \t\r\nEmpty:\r\nset-x:1\r\nSet-X:2\r\n\r\n'));
    expect([header(read.headers, 'a'), header(read.headers, 'EMPTY'), header(read.headers, 'Set-x')]).toEqual([
      'b  c',
      '',
      '1',
    ]);
    expect(header(read.headers, 'b')).toBeUndefined();
  });

  test('bytes above ASCII in a value come back as Latin-1', () => {
    expect(header(parseResponse(Buffer.from('HTTP/1.1 200 OK\r\na: \u{E4}\r\n\r\n', 'latin1')).headers, 'a')).toBe(
      '\u{E4}',
    );
  });

  const heads: [name: string, lines: string, code: string][] = [
    ['a folded header', 'a: b\r\n c\r\n', 'HTTP_HEADER'],
    ['a header folded by a tab', 'a: b\r\n\tc\r\n', 'HTTP_HEADER'],
    ['a space before the colon', 'a : b\r\n', 'HTTP_HEADER'],
    ['a header without colon', 'a\r\n', 'HTTP_HEADER'],
    ['a header without name', ': b\r\n', 'HTTP_HEADER'],
    ['a space before the first header', ' a: b\r\n', 'HTTP_HEADER'],
    ['a bare LF between headers', 'a: b\nc: d\r\n', 'HTTP_HEADER'],
    ['a bare CR in a value', 'a: b\rc\r\n', 'HTTP_HEADER'],
    ['a NUL in a value', 'a: \0\r\n', 'HTTP_HEADER'],
    ['two Content-Lengths that differ', 'Content-Length: 0\r\ncontent-length: 1\r\n', 'HTTP_LENGTH'],
    ['two Content-Lengths that agree', 'Content-Length: 0\r\nContent-Length: 0\r\n', 'HTTP_LENGTH'],
    ['a list as Content-Length', 'Content-Length: 0, 0\r\n', 'HTTP_LENGTH'],
    ['a signed Content-Length', 'Content-Length: +0\r\n', 'HTTP_LENGTH'],
    ['a hexadecimal Content-Length', 'Content-Length: 0x0\r\n', 'HTTP_LENGTH'],
    ['an empty Content-Length', 'Content-Length:\r\n', 'HTTP_LENGTH'],
    ['a huge Content-Length', 'Content-Length: 99999999999999999999\r\n', 'HTTP_LENGTH'],
    ['a Content-Length beyond the body', 'Content-Length: 1\r\n', 'HTTP_LENGTH'],
    ['Transfer-Encoding', 'Transfer-Encoding: chunked\r\n', 'HTTP_CHUNKED'],
    [
      'Transfer-Encoding next to Content-Length',
      'Content-Length: 0\r\ntransfer-encoding: identity\r\n',
      'HTTP_CHUNKED',
    ],
  ];
  test.each(heads)('%s is refused', (_name, lines, code) => {
    expect(codeOf(() => parseRequest(bytes(`GET / HTTP/1.1\r\n${lines}\r\n`)))).toBe(code);
    expect(codeOf(() => parseResponse(bytes(`HTTP/1.1 200 OK\r\n${lines}\r\n`)))).toBe(code);
  });

  test.each([
    'GET / HTTP/1.0',
    'GET / HTTP/2',
    'GET / http/1.1',
    'GET /',
    'GET  / HTTP/1.1',
    'GET / HTTP/1.1 ',
    ' GET / HTTP/1.1',
    'G@T / HTTP/1.1',
    'GET a HTTP/1.1',
    'GET http://a/ HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\nX: y HTTP/1.1',
    '',
    '\r\nGET / HTTP/1.1',
  ])('the request line %j is refused', (line) => {
    expect(codeOf(() => parseRequest(bytes(`${line}\r\n\r\n`)))).toMatch(/^HTTP_(START_LINE|HEAD|HEADER)$/);
  });

  test.each([
    'HTTP/1.0 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 600 x',
    'HTTP/1.1 200OK',
    'HTTP/1.1 200 O\nK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    '',
  ])('the status line %j is refused', (line) => {
    expect(codeOf(() => parseResponse(bytes(`${line}\r\n\r\n`)))).toMatch(/^HTTP_(START_LINE|HEAD)$/);
  });

  test.each([
    '',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r\nA: b\r\n',
    'GET / HTTP/1.1\n\n',
    `GET / HTTP/1.1\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`,
  ])('a head without end is refused (case %#)', (text) => {
    expect(codeOf(() => parseRequest(bytes(text)))).toBe('HTTP_HEAD');
    expect(codeOf(() => parseResponse(bytes(text)))).toBe('HTTP_HEAD');
  });

  test('bytes behind a request without Content-Length are refused, and a second request too', () => {
    expect(codeOf(() => parseRequest(bytes('GET / HTTP/1.1\r\n\r\nx')))).toBe('HTTP_LENGTH');
    expect(
      codeOf(() => parseRequest(bytes('POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n\r\n'))),
    ).toBe('HTTP_LENGTH');
  });
});

function portOf(address: ReturnType<ReturnType<typeof createTcpServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
