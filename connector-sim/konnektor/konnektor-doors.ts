// The two doors of one Konnektor (konnektor.md 6, 7): TLS and plain HTTP. Its address is the TLS one unless its administrator has
// switched TLS off (level 1); the other stands beside it on a port of its own, since the directory may name both and a client may
// take either. Plain HTTP is served only where TLS is not mandatory: elsewhere that door takes no connection.
import type { Socket } from 'node:net';
import type { HttpHandler, HttpListener, listen } from '../http-server.ts';
import type { TlsMaterial } from '../tls-material.ts';

export type Listening = Omit<Parameters<typeof listen>[0], 'port' | 'journal'>;
/** `port`: one that was had before, 0 for any, or that of the first Konnektor. */
export type OpenListener = (port: number | 'first', o: Listening) => Promise<HttpListener>;

export type DoorPorts = { main: number | 'first'; side: number };

export type KonnektorDoors = Pick<HttpListener, 'url' | 'cut' | 'shut' | 'reopen' | 'stop'> & {
  ports: { main: number; side: number };
  /** Addresses by what is spoken there. */
  tls: string;
  plain: string;
};

export async function openDoors(o: {
  open: OpenListener;
  ports: DoorPorts;
  /** What the TLS door shows. */
  material: TlsMaterial;
  /** Whether TLS is at the Konnektor's own address. */
  tlsFirst: boolean;
  /** Whether plain HTTP is spoken at this moment. */
  servesPlain: () => boolean;
  handlers: { tls: HttpHandler; plain: HttpHandler };
  onTls: NonNullable<Listening['onConnection']>;
  onPlain: NonNullable<Listening['onConnection']>;
}): Promise<KonnektorDoors> {
  const { open, ports, handlers } = o;
  const common = { service: 'konnektor', bodyLimit: 1_000_000 } as const;
  const secure: Listening = { ...common, handler: handlers.tls, tls: o.material, onConnection: o.onTls };
  const refused = (socket: Socket) => {
    socket.destroy();
    return 'keep' as const;
  };
  const unsecured: Listening = {
    ...common,
    handler: handlers.plain,
    onConnection: (socket, server) => (o.servesPlain() ? o.onPlain(socket, server) : refused(socket)),
  };
  const main = await open(ports.main, o.tlsFirst ? secure : unsecured);
  const side = await open(ports.side, o.tlsFirst ? unsecured : secure).catch(async (error: unknown) => {
    await main.stop();
    throw error;
  });
  const both = [main, side];
  return {
    url: main.url,
    ports: { main: main.port, side: side.port },
    tls: (o.tlsFirst ? main : side).url,
    plain: (o.tlsFirst ? side : main).url,
    cut() {
      for (const one of both) one.cut();
    },
    shut() {
      for (const one of both) one.shut();
    },
    async reopen() {
      for (const one of both) await one.reopen();
    },
    async stop() {
      await Promise.all(both.map((one) => one.stop()));
    },
  };
}
