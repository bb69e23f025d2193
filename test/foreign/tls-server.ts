// An HTTPS listener on loopback for the foreign servers: node:https alone; TLS with brainpool certificates, with or without a
// client's certificate.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Asked = { method: string; path: string; query: string; headers: IncomingMessage['headers']; body: Buffer };
export type Served = {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  chunked?: boolean;
};
export type Listening = { origin: string; stop(): Promise<void> };

export async function serve(
  tls: { cert: string; key: string; clientCa?: string },
  answer: (asked: Asked) => Served | Promise<Served>,
): Promise<Listening> {
  const server = createServer(
    {
      cert: tls.cert,
      key: tls.key,
      ecdhCurve: 'prime256v1:secp384r1:brainpoolP256r1:brainpoolP384r1',
      ...(tls.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    },
    (request, response) => {
      respond(request, response).catch((error: unknown) => {
        response.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error));
      });
    },
  );
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    const { method = '', headers } = request;
    const given = await answer({ method, path, query, headers, body: Buffer.concat(chunks) });
    const body = Buffer.from(given.body ?? '');
    const length = given.chunked === true || given.status === 204 ? {} : { 'Content-Length': body.length };
    response.writeHead(given.status, { ...given.headers, ...length });
    // In chunks of different length, as a proxy in front passes them on.
    if (given.chunked === true)
      for (let at = 0, n = 1; at < body.length; at += n, n += 97) response.write(body.subarray(at, at + n));
    response.end(given.chunked === true ? undefined : body);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
