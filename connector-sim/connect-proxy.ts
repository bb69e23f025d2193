// A forward proxy for HTTP CONNECT (RFC 9110 section 9.3.6), as one stands before a TI-Gateway (konnektor.md 8): put between a client
// and any simulated service (`epa-sim serve --proxy`); with optional basic authentication and TLS of its own; it keeps what it is
// asked and lets through.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { serverOptions, type TlsMaterial } from './tls-material.ts';

export type ConnectProxy = {
  /** `http://127.0.0.1:port`, or https, without credentials. */
  url: string;
  /** Every CONNECT, as it came. */
  asked: { authority: string; authorization: string | undefined }[];
  /** `host:port` of every tunnel that was opened, in order. */
  tunnels: string[];
  /** `host:port` of every CONNECT that was refused, with the status. */
  refused: { authority: string; status: number }[];
  /** Tunnels that stand now. */
  open(): number;
  /** Ends every tunnel; new ones are taken. */
  cut(): void;
  /** Answers nothing to a CONNECT from now on, or again. */
  setHanging(hanging: boolean): void;
  stop(): Promise<void>;
};

export async function startConnectProxy(
  o: {
    credentials?: { user: string; password: string };
    /** Where a target lies, as who knows its name; undefined: refused with 403. Default: every loopback port, and no other. */
    route?: (host: string, port: number) => { host: string; port: number } | undefined;
    /** It speaks TLS itself. */
    tls?: TlsMaterial;
    /** In the place of a tunnel: whatever a broken proxy says. */
    answer?: (socket: Socket) => void;
    port?: number;
  } = {},
): Promise<ConnectProxy> {
  const { route = loopback } = o;
  const asked: ConnectProxy['asked'] = [];
  const tunnels: string[] = [];
  const refused: ConnectProxy['refused'] = [];
  const sockets = new Set<Socket>();
  const standing = new Set<Socket>();
  let hanging = false;

  const plain: RequestListener = (_request, response) => {
    // no forwarding of plain HTTP: what goes through here is TLS
    response.writeHead(405, { Allow: 'CONNECT' }).end();
  };
  const server = o.tls === undefined ? createServer(plain) : createTlsServer(serverOptions(o.tls), plain);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const authority = request.url ?? '';
    const authorization = request.headers['proxy-authorization'];
    asked.push({ authority, authorization });
    socket.on('error', () => socket.destroy());
    if (hanging) return;
    if (o.answer !== undefined) return o.answer(socket);
    const refuse = (status: number, reason: string, header = '') => {
      refused.push({ authority, status });
      socket.end(`HTTP/1.1 ${status} ${reason}\r\n${header}Content-Length: 0\r\nConnection: close\r\n\r\n`);
    };
    if (o.credentials !== undefined && authorization !== basic(o.credentials))
      return refuse(407, 'Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="proxy"\r\n');
    const target = /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/i.exec(authority);
    if (target === null) return refuse(400, 'Bad Request');
    const to = route((target[1] ?? '').replace(/^\[|\]$/g, ''), Number(target[2]));
    if (to === undefined) return refuse(403, 'Forbidden');
    const upstream = connect(to);
    upstream.once('error', () => {
      if (!standing.has(socket)) refuse(502, 'Bad Gateway');
      else socket.destroy();
    });
    upstream.once('connect', () => {
      tunnels.push(authority);
      standing.add(socket);
      socket.once('close', () => {
        standing.delete(socket);
        upstream.destroy();
      });
      upstream.once('close', () => socket.destroySoon());
      socket.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 epa-sim\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.port ?? 0, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${o.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    tunnels,
    refused,
    open: () => standing.size,
    cut,
    setHanging(value) {
      hanging = value;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

function loopback(host: string, port: number): { host: string; port: number } | undefined {
  return host === '127.0.0.1' || host === 'localhost' ? { host, port } : undefined;
}

const basic = ({ user, password }: { user: string; password: string }) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
