// Faults before an HTTP message: they strike each new TCP connection of a TLS listener, before its handshake. Which
// certificates are shown, right and wrong, each service says itself.
import type { Server as PlainServer } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Fault, FaultMatch, Faults } from './faults.ts';
import { serverOptions, type TlsMaterial } from './tls-material.ts';

/** Given to `listen` as `onConnection`. `wrong` gives what is shown under the kinds wrong-certificate and expired. */
export function tlsFaults(o: {
  faults: Faults;
  at: string;
  context?: FaultMatch;
  right: TlsMaterial;
  wrong: (fault: Fault) => TlsMaterial;
}): (socket: Socket, server: PlainServer) => 'keep' | 'serve' {
  let changed = false;
  return (socket, server) => {
    if (!(server instanceof TlsServer)) return 'serve';
    const fault = o.faults.take(o.at, o.context);
    switch (fault?.kind) {
      case 'drop-request':
        socket.destroy();
        return 'keep';
      case 'reset':
        socket.resetAndDestroy();
        return 'keep';
      case 'hang':
        return 'keep'; // the client's hello is never answered
      case 'tls-version': {
        const version = fault.params?.version === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2';
        server.setSecureContext({ ...serverOptions(o.right), minVersion: version, maxVersion: version });
        changed = true;
        return 'serve';
      }
      case 'wrong-certificate':
      case 'expired':
        server.setSecureContext(serverOptions(o.wrong(fault)));
        changed = true;
        return 'serve';
      default:
        if (changed) server.setSecureContext(serverOptions(o.right));
        changed = false;
        return 'serve';
    }
  };
}
