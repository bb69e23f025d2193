// An event sink as a client system has one, of its own making: TCP or TLS, reads frames byte by byte (konnektor.md 5), and says
// what came on which connection. For tests of the simulated Konnektor's events.

import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { parseXml, type XmlElement } from '../../wire/xml.ts';

export type Received = {
  /** Number of the connection it came on. */
  connection: number;
  message: string;
  event: XmlElement;
  topic: string;
  parameters: Record<string, string>;
};

export type CetpSink = {
  eventTo: string;
  received: Received[];
  /** What is not a frame, as it came, when its connection ended. */
  garbage: Buffer[];
  /** Reads in which bytes came, of all connections. */
  reads: number;
  connections: number;
  /** Subject of the certificate the Konnektor showed last. */
  peer: string | undefined;
  /** Its serial number. */
  peerSerial: string | undefined;
  /** Resolves when `n` frames have come in all. */
  frames(n: number): Promise<Received[]>;
  /** Resolves when `n` connections have ended in all. */
  ended(n: number): Promise<void>;
  stop(): Promise<void>;
};

/** Opens it on a free port of 127.0.0.1. */
export async function openCetpSink(tls?: TlsOptions): Promise<CetpSink> {
  let changed: (() => void)[] = [];
  let endedConnections = 0;
  const tell = () => {
    const waiting = changed;
    changed = [];
    for (const one of waiting) one();
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => changed.push(resolve));
  };
  const open = new Set<Socket>();
  const listener = (socket: Socket) => {
    sink.connections += 1;
    const connection = sink.connections;
    if (socket instanceof TLSSocket) {
      const shown = socket.getPeerX509Certificate();
      sink.peer = shown?.subject;
      sink.peerSerial = shown?.serialNumber.toLowerCase();
    }
    open.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      sink.reads += 1;
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        if (rest.length < 8 || rest.toString('latin1', 0, 4) !== 'CETP') break;
        const length = rest.readUInt32BE(4);
        if (rest.length < 8 + length) break;
        const message = rest.toString('utf8', 8, 8 + length);
        rest = rest.subarray(8 + length);
        sink.received.push({ connection, message, ...readEvent(message) });
      }
      // What is no frame, no frame will follow (konnektor.md 5).
      if (!'CETP'.startsWith(rest.toString('latin1', 0, 4))) socket.destroy();
      tell();
    });
    socket.on('close', () => {
      if (rest.length > 0) sink.garbage.push(rest);
      open.delete(socket);
      endedConnections += 1;
      tell();
    });
  };
  const server: Server = tls === undefined ? createTcpServer(listener) : createTlsServer(tls, listener);
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sink: CetpSink = {
    eventTo: `cetp://127.0.0.1:${port}`,
    received: [],
    garbage: [],
    reads: 0,
    connections: 0,
    peer: undefined,
    peerSerial: undefined,
    async frames(n) {
      await until(() => sink.received.length >= n);
      return sink.received;
    },
    ended: (n) => until(() => endedConnections >= n),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return sink;
}

function readEvent(message: string): { event: XmlElement; topic: string; parameters: Record<string, string> } {
  try {
    const event = parseXml(message);
    const text = (e: XmlElement | undefined, name: string) => e?.children.find((c) => c.name === name)?.text ?? '';
    const list = event.children.find((c) => c.name === 'Message')?.children ?? [];
    const parameters = Object.fromEntries(list.map((p) => [text(p, 'Key'), text(p, 'Value')]));
    return { event, topic: text(event, 'Topic'), parameters };
  } catch {
    return { event: { name: '', ns: '', attributes: new Map(), children: [], text: '' }, topic: '', parameters: {} };
  }
}
