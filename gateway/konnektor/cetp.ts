// The receiver of a Konnektor's events (CETP, konnektor.md 5): the Konnektor connects to us over TCP or TLS. Nothing is answered and
// nothing believed: an event only says that it is time to look. Bounded in connections, in the size of a frame and in time.
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { serverTlsOptions } from '../../wire/tls.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type CetpEvent, CetpFrames, readEvent } from './cetp-frames.ts';
import { SparingLog } from './sparing-log.ts';

/** Cancelled by calling what it answers. */
type Timer = (ms: number, fire: () => void) => () => void;

export type CetpReceiver = {
  /** `cetp://host:port` where it listens. */
  address: string;
  close(): Promise<void>;
};

export type CetpReceiverNeeds = {
  konnektor: string;
  listen: {
    host: string;
    port: number;
    tls?: { cert: string; key: string; clientCa?: string | undefined } | undefined;
  };
  onEvent: (event: CetpEvent) => void;
  timer: Timer;
  log: Logger;
  /** READ_MS unless told. */
  handshakeMs?: number;
};

/** A frame must be whole within this time from its first byte, and a connection without one ends after it, too. */
export const READ_MS = 30_000;
const MAX_CONNECTIONS = 32;

/** Listens when it answers. CONFIG_INVALID when it cannot. */
export async function openCetpReceiver(o: CetpReceiverNeeds): Promise<CetpReceiver> {
  const { host, port, tls } = o.listen;
  const open = new Set<Socket>();
  const log = new SparingLog(o);
  const take = (socket: Socket) => receive(socket, { ...o, log });
  const server: Server =
    tls === undefined
      ? createTcpServer(take)
      : createTlsServer(
          {
            ...serverTlsOptions({ cert: tls.cert, key: tls.key, ...(tls.clientCa && { clientCa: tls.clientCa }) }),
            handshakeTimeout: o.handshakeMs ?? READ_MS,
          },
          take,
        );
  server.maxConnections = MAX_CONNECTIONS;
  // Every connection from its first byte, before a handshake as well: what is not ended here would keep the server from closing.
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Node tells of a handshake that failed or took too long and leaves the connection open, in one of the places.
  server.on('tlsClientError', (_cause: unknown, socket: Socket) => {
    log.warn('cetp refused', { konnektor: o.konnektor, check: 'cetp.tls' });
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new GatewayError('CONFIG_INVALID', `konnektors ${o.konnektor}: events.listen cannot be used`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  server.on('error', () => o.log.warn('cetp refused', { konnektor: o.konnektor, check: 'cetp.listener' }));
  const bound = server.address();
  const taken = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    address: `cetp://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
      log.stop();
    },
  };
}

function receive(socket: Socket, o: Omit<CetpReceiverNeeds, 'log'> & { log: SparingLog }): void {
  const frames = new CetpFrames();
  const refuse = (check: string) => {
    o.log.warn('cetp refused', { konnektor: o.konnektor, check });
    socket.destroy();
  };
  // Not set anew by single bytes: who drips must not hold a connection for ever.
  let stop = o.timer(READ_MS, () => (frames.open ? refuse('cetp.time') : socket.destroy()));
  socket.once('close', () => stop());
  socket.on('error', () => {});
  // We have nothing to say; a half-closed connection is ended from here as well.
  socket.once('end', () => {
    if (frames.open) o.log.warn('cetp refused', { konnektor: o.konnektor, check: 'cetp.cut' });
    socket.end();
  });
  socket.on('data', (piece: Buffer) => {
    try {
      const messages = frames.push(piece);
      if (messages.length === 0) return;
      stop();
      stop = o.timer(READ_MS, () => (frames.open ? refuse('cetp.time') : socket.destroy()));
      for (const message of messages) {
        const event = readEvent(message);
        o.log.info('konnektor event', { konnektor: o.konnektor, name: event.topic.slice(0, 100) });
        o.onEvent(event);
      }
    } catch (thrown) {
      refuse((thrown instanceof GatewayError && thrown.check) || 'cetp.event');
    }
  });
}
