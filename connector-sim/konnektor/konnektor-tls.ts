// Faults of the Konnektor's TLS (`konnektor.tls`): another CA, another name, an expired certificate, one TLS version alone, or
// a connection that dies or hangs before the handshake. Mutual TLS itself is never switched off (KON TIP1-A_4516).
import type { Server as PlainServer } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { type Issued, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { serverTlsOptions } from '../../wire/tls.ts';
import type { Faults } from '../faults.ts';
import type { SimPki } from '../pki.ts';
import { chainPem, KONNEKTOR_NAME } from '../settings.ts';

const day = 86_400_000;

/** The certificates the Konnektor presents, brainpool and RSA (konnektor.md 7), and the CA whose client certificates it takes. */
export function konnektorTls(pki: SimPki, leaves: Issued[] = [pki.tls.konnektor, pki.tlsRsa.konnektor]) {
  return {
    cert: leaves.map((leaf) => chainPem(leaf, pki.konnektorCa)),
    key: leaves.map((leaf) => leaf.keyPem),
    clientCa: [pki.konnektorRoot.certPem, pki.konnektorCa.certPem],
  };
}

/** Strikes at each new TCP connection, before its handshake. */
export function konnektorTlsFaults(
  pki: SimPki,
  faults: Faults,
): (socket: Socket, server: PlainServer) => 'keep' | 'serve' {
  let changed = false;
  return (socket, server) => {
    if (!(server instanceof TlsServer)) return 'serve';
    const fault = faults.take('konnektor.tls');
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
        const options = serverTlsOptions(konnektorTls(pki));
        server.setSecureContext({ ...options, minVersion: version, maxVersion: version });
        changed = true;
        return 'serve';
      }
      case 'wrong-certificate':
      case 'expired':
        server.setSecureContext(serverTlsOptions(faultyTls(pki, fault.kind, fault.params?.name)));
        changed = true;
        return 'serve';
      default:
        if (changed) server.setSecureContext(serverTlsOptions(konnektorTls(pki)));
        changed = false;
        return 'serve';
    }
  };
}

/** `params.name` with wrong-certificate: the right CA, but that name; without it a CA nobody trusts. */
function faultyTls(pki: SimPki, kind: string, name: unknown) {
  const profile = { commonName: 'konnektor', extendedKeyUsage: ['serverAuth'] };
  if (kind === 'expired') {
    const past = { notBefore: new Date(Date.now() - 30 * day), notAfter: new Date(Date.now() - day) };
    return konnektorTls(pki, [mintLeaf(pki.konnektorCa, { ...profile, ...past, dns: [KONNEKTOR_NAME] })]);
  }
  if (typeof name === 'string') return konnektorTls(pki, [mintLeaf(pki.konnektorCa, { ...profile, dns: [name] })]);
  const stranger = mintRoot('Unknown Root CA');
  const leaf = mintLeaf(stranger, { ...profile, dns: [KONNEKTOR_NAME] });
  return { ...konnektorTls(pki), cert: chainPem(leaf, stranger), key: leaf.keyPem };
}
