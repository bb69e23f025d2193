// The one door to the outside and servers to reach through it, for its tests: who they are, what is asked of them, and how a refusal
// is read.
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { mintLeaf, mintRoot } from '../../certs/mint.ts';
import {
  createEgress,
  type Egress,
  EgressError,
  type EgressOptions,
  type EgressRequest,
  type EgressTarget,
} from '../../gateway/egress.ts';
import { bodyOf, type Handler, listen, mintIdentity, startHttpsServer, type TestServer } from './https-server.ts';

export const byName = mintIdentity({ dns: ['konnektor.konlan'] });
export const byAddress = mintIdentity({ dns: ['localhost'], ip: ['127.0.0.1'] });
export const clientRoot = mintRoot('Client root');
export const client = mintLeaf(clientRoot, { commonName: 'Gateway', extendedKeyUsage: ['clientAuth'] });

export const limits = { timeoutMs: 20_000, maxResponseBytes: 100_000 };
export const get = (egress: Egress, url: string, more: Partial<EgressRequest> = {}) =>
  egress.request('idp', { url, method: 'GET', ...limits, ...more });
export const post = (egress: Egress, url: string, more: Partial<EgressRequest> = {}) =>
  egress.request('idp', { url, method: 'POST', body: new Uint8Array(1000), ...limits, ...more });

export async function refusal(
  request: Promise<unknown>,
): Promise<{ code: string; bytesSent: boolean; message: string; cause: unknown }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof EgressError)
      return { code: error.code, bytesSent: error.bytesSent, message: error.message, cause: error.cause };
    throw error;
  }
  throw new Error('nothing was thrown');
}

export const echo: Handler = async (request, response) => {
  const body = await bodyOf(request);
  response
    .setHeader('X-Path', request.url ?? '')
    .setHeader('X-Twice', ['a', 'b'])
    .end(body);
};

/** Servers and doors of one test, closed by `close` in the order that is the reverse of their opening. */
export function egressBench() {
  const open: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of open.splice(0).reverse()) await one();
  };
  async function serve(handler: Handler, more: Parameters<typeof startHttpsServer>[2] = {}, who = byAddress) {
    const server = await startHttpsServer(who, handler, more);
    open.push(server.close);
    return server;
  }
  async function serveTcp(onSocket: (socket: Socket) => void): Promise<{ server: TcpServer; port: number }> {
    const server = createTcpServer(onSocket);
    const port = await listen(server);
    open.push(async () => {
      server.close();
    });
    return { server, port };
  }
  function egressTo(targets: EgressTarget[], environment: EgressOptions['environment'] = 'SIM'): Egress {
    const egress = createEgress({ environment, purposes: { idp: targets } });
    open.push(() => egress.close());
    return egress;
  }
  const toServer = (server: TestServer, more: Partial<EgressTarget> = {}): Egress =>
    egressTo([{ origin: server.origin, ca: server.ca, ...more }]);
  return { close, serve, serveTcp, egressTo, toServer };
}
