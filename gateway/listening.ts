// How a listener of ours begins and ends, for main.ts.
import type { FastifyInstance } from 'fastify';
import type { Listener, Listening } from './callers.ts';
import { GatewayError } from './errors.ts';
import type { Timer } from './exports/worker.ts';
import { followListener, type OwnMaterial } from './own-material.ts';

/** Its address as a URL; from now on it shows the certificate of `tls` as it is then (CRT-11). GatewayError CONFIG_INVALID where the place is taken or not ours. */
export async function listen(
  app: FastifyInstance,
  name: Listener,
  o: { settings: Listening; own: OwnMaterial },
): Promise<string> {
  const at = o.settings[name];
  try {
    await app.listen({ host: at.host, port: at.port });
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new GatewayError('CONFIG_INVALID', `cannot listen on ${at.host} port ${at.port} (${why})`, { cause });
  }
  followListener(o.own, { name, settings: o.settings, app });
  const bound = app.server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : at.port;
  const host = at.host.includes(':') ? `[${at.host}]` : at.host;
  return `${at.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}

/** Requests on their way are answered, but a client that never ends its request does not keep the gateway from ending. */
export async function closeWithin(app: FastifyInstance, ms: number, timer: Timer): Promise<void> {
  const cancel = timer(ms, () => app.server.closeAllConnections());
  await app.close();
  cancel();
}
