// The simulator's HTTP/1.1 listener: reads one request whole, hands it to a service's handler, writes what the handler
// answers into journal and operation counts, and plays the network faults of api.md section 4 on the TCP connection
// (D22: drop-request and reset-request act before the service, all others after it has stored what it stores).
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createPlainServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createDoor, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Fault } from './faults.ts';
import type { ExchangeMessage, Journal, ServiceName } from './journal.ts';
import { playOnConnection } from './network-faults.ts';
import { serverOptions, type TlsMaterial } from './tls-material.ts';

export type HeaderList = [name: string, value: string][];

/** One request as a service sees it. `path` is without the query; header names as they came. */
export type HttpRequestIn = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: HeaderList;
  body: Uint8Array;
  /** Whether the client showed a certificate that the server's CA vouches for. */
  clientAuthorized?: boolean;
};

/** One message pair inside the outer one (an inner request of a VAU frame), for the journal and the counts. */
export type InnerExchange = {
  operation: string;
  request: ExchangeMessage & { method: string; path: string };
  response: (ExchangeMessage & { status: number }) | null;
  rule?: string | null;
};

/**
 * What a service answers. `operation` names the exchange in journal and /sim/operations (default: the path);
 * `uncounted` keeps it out of the counts (M3 of a handshake already counted by M1). `rule` is the rule that refused the
 * request. `fault` is what the service took from `Faults` for this exchange: the listener plays its network kinds
 * (`isNetworkFault`) on the outer connection; whoever took it decides what it means before that (see `underFault`).
 */
export type HttpAnswer = {
  status: number;
  headers: HeaderList;
  body: Uint8Array | string;
  operation?: string;
  uncounted?: boolean;
  /** Which Konnektor of several answers. */
  konnektor?: string;
  rule?: string | null;
  inner?: InnerExchange[];
  fault?: Fault | undefined;
  /** Sent in pieces, its length not told beforehand. */
  chunked?: boolean;
};

export type HttpHandler = (request: HttpRequestIn) => Promise<HttpAnswer>;

export type HttpListener = {
  url: string;
  port: number;
  /** Ends every connection that stands. */
  cut(): void;
  /** Closes the door: connections are refused, those that stand end. Nothing where it is closed already. */
  shut(): void;
  /** Opens it again on the same port. Rejects when another process has taken the port meanwhile. */
  reopen(): Promise<void>;
  stop(): Promise<void>;
};

/** First value of a header, whatever the case of its name. */
export function headerOf(
  request: { headers: readonly (readonly [string, string])[] },
  name: string,
): string | undefined {
  const wanted = name.toLowerCase();
  return request.headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
}

export function jsonAnswer(status: number, value: unknown, more: Partial<HttpAnswer> = {}): HttpAnswer {
  return { status, headers: [['Content-Type', 'application/json']], body: JSON.stringify(value), ...more };
}

/**
 * Opens a listener on 127.0.0.1 (style.md B4). `port` 0 = ephemeral. Without `tls` it speaks plain HTTP. `service` null
 * leaves it out of the journal (the control port). A body over `bodyLimit` bytes (default 300 MB) is answered 413.
 */
export async function listen(o: {
  port: number;
  handler: HttpHandler;
  service: ServiceName | null;
  journal: Journal;
  /** Its Date header tells this time; that of the machine without it. */
  now?: () => number;
  tls?: TlsMaterial | undefined;
  /** Called for each TCP connection before its TLS handshake; may change the server's certificate, or 'keep' the connection away from it. */
  onConnection?: (socket: Socket, server: Server) => 'keep' | 'serve';
  bodyLimit?: number;
}): Promise<HttpListener> {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => request.socket.destroy());
  };
  const server: Server =
    o.tls === undefined ? createPlainServer(listener) : createTlsServer(serverOptions(o.tls), listener);
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  // A door of our own in front: it keeps the raw TCP socket under each TLS socket, since only that can send RST
  // (resetAndDestroy refuses a TLS handle), and may keep a connection from ever reaching the server.
  const tcp = new Map<string, Socket>();
  const door = createDoor({ allowHalfOpen: true }, (socket) => {
    const key = peerKey(socket);
    tcp.set(key, socket);
    socket.once('close', () => tcp.delete(key));
    socket.on('error', () => socket.destroy());
    if (o.onConnection?.(socket, server) !== 'keep') server.emit('connection', socket);
  });
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    // Of the moment of the question, as the other times in an answer; what the service itself says of it wins.
    if (o.now !== undefined) response.setHeader('Date', new Date(o.now()).toUTCString());
    const request = await readRequest(message, o.bodyLimit ?? 300_000_000);
    if (request === 'too-large') {
      response.writeHead(413, { 'Content-Length': '0', Connection: 'close' }).end();
      return;
    }
    let given: HttpAnswer;
    try {
      given = await o.handler(request);
    } catch (error) {
      // A throwing service is a fault of the simulator: said in words, so that no test mistakes it for the other side's.
      const text = `simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      given = { status: 500, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: text, rule: 'simulator' };
    }
    const body = typeof given.body === 'string' ? Buffer.from(given.body, 'utf8') : given.body;
    if (o.service !== null) o.journal.record(o.service, request, { ...given, body });
    const socket = tcp.get(peerKey(message.socket)) ?? message.socket;
    if (await playOnConnection({ fault: given.fault, answer: { ...given, body }, response, tcp: socket })) return;
    writeAnswer(response, { ...given, body });
  }

  const open = (port: number) =>
    new Promise<void>((resolve, reject) => {
      door.once('error', reject);
      door.listen(port, '127.0.0.1', () => {
        door.off('error', reject);
        resolve();
      });
    });
  await open(o.port);
  const { port } = door.address() as AddressInfo;
  const cut = () => {
    for (const socket of tcp.values()) socket.destroy();
  };
  return {
    url: `${o.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    cut,
    shut() {
      if (door.listening) door.close();
      cut();
    },
    reopen: async () => {
      if (!door.listening) await open(port);
    },
    stop: () =>
      new Promise((resolve) => {
        door.close(() => resolve());
        cut();
      }),
  };
}

/** Writes status, headers and body, with an exact Content-Length unless chunked (none where HTTP forbids a body). */
export function writeAnswer(response: ServerResponse, answer: HttpAnswer & { body: Uint8Array }): void {
  const bodiless = answer.status === 204 || answer.status === 304;
  const length: HeaderList = bodiless ? [] : [['Content-Length', String(answer.body.length)]];
  if (answer.chunked === true && !bodiless) {
    response.writeHead(answer.status, [...answer.headers, ['Transfer-Encoding', 'chunked']].flat());
    const half = answer.body.length >> 1;
    if (half > 0) response.write(answer.body.subarray(0, half));
    response.end(answer.body.subarray(half));
    return;
  }
  response.writeHead(answer.status, [...answer.headers, ...length].flat());
  response.end(bodiless ? undefined : answer.body);
}

function peerKey(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

async function readRequest(message: IncomingMessage, limit: number): Promise<HttpRequestIn | 'too-large'> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return 'too-large';
    chunks.push(chunk);
  }
  const headers: HeaderList = [];
  for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
    headers.push([message.rawHeaders[i] ?? '', message.rawHeaders[i + 1] ?? '']);
  }
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers,
    clientAuthorized: message.socket instanceof TLSSocket && message.socket.authorized,
    body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size),
  };
}
