// A forward proxy on loopback for tests (CONNECT): it opens a tunnel where it is told to, and keeps what it was asked.
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { serverTlsOptions } from '../../wire/tls.ts';
import { type Identity, listen } from './https-server.ts';

export type ConnectProxy = {
  url: string;
  asked: { authority: string; authorization: string | undefined }[];
  close(): Promise<void>;
};

/** `answer` in the place of a tunnel: what the proxy writes, and whether it ends then. `to` leads every name to this port. */
export async function startConnectProxy(
  o: { identity?: Identity; to?: number; answer?: (socket: Socket) => void; credentials?: string } = {},
): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = [];
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
  };
  const refuse: RequestListener = (_request, response) => void response.writeHead(405).end();
  const server =
    o.identity === undefined
      ? createHttpServer(refuse)
      : createHttpsServer(serverTlsOptions({ cert: o.identity.leaf.certPem, key: o.identity.leaf.keyPem }), refuse);
  server.on('connection', keep);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    keep(socket);
    const authorization = request.headers['proxy-authorization'];
    asked.push({ authority: request.url ?? '', authorization });
    if (o.answer !== undefined) return o.answer(socket);
    if (o.credentials !== undefined && authorization !== `Basic ${Buffer.from(o.credentials).toString('base64')}`)
      return void socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
      );
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(o.to ?? Number(port), o.to === undefined ? hostname : '127.0.0.1');
    keep(target);
    target.once('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    target.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
  });
  const port = await listen(server);
  return {
    url: `${o.identity === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
