// An HTTPS server on loopback with a freshly minted brainpool certificate, for tests of our own clients. It answers as the
// test says and counts what reached it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Issued, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { serverTlsOptions } from '../../wire/tls.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type TestServer = {
  origin: string;
  /** PEM of the root above the server's certificate. */
  ca: string;
  server: Server;
  /** TCP connections accepted, and requests whose head arrived. */
  seen: { connections: number; requests: number };
  close(): Promise<void>;
};

export type Identity = { root: Issued; leaf: Issued };

/** Root and server certificate for these names; minting takes some milliseconds, so tests share one. */
export function mintIdentity(names: { dns?: string[]; ip?: string[] }): Identity {
  const root = mintRoot('Test server root');
  const leaf = mintLeaf(root, { commonName: 'Test server', ...names, extendedKeyUsage: ['serverAuth'] });
  return { root, leaf };
}

export async function startHttpsServer(
  { root, leaf }: Identity,
  handler: Handler,
  more: { clientCa?: string; maxVersion?: 'TLSv1.2' } = {},
): Promise<TestServer> {
  const options = serverTlsOptions({
    cert: leaf.certPem,
    key: leaf.keyPem,
    ...(more.clientCa && { clientCa: more.clientCa }),
  });
  const server = createServer({ ...options, ...(more.maxVersion && { maxVersion: more.maxVersion }) });
  const seen = { connections: 0, requests: 0 };
  server.on('connection', () => {
    seen.connections += 1;
  });
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy());
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    seen.requests += 1;
    handler(request, response);
  });
  return {
    origin: `https://127.0.0.1:${await listen(server)}`,
    ca: root.certPem,
    server,
    seen,
    close: closing(server),
  };
}

/** Starts to listen on a free loopback port and answers the port. */
export function listen(server: { listen(port: number, host: string, ready: () => void): unknown; address(): unknown }) {
  return new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

export function closing(server: Server): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of request) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
