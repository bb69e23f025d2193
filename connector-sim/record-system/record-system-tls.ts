// The TLS of a simulated record system and what goes wrong with it (`record-system.tls`): a certificate that must not be
// believed, a connection that dies or hangs before its handshake, a listener that is gone.
import { ROLE } from '../../certs/admission.ts';
import { mintLeaf, mintRoot } from '../../certs/mint.ts';
import type { Fault, Faults } from '../faults.ts';
import type { HttpListener } from '../http-server.ts';
import type { SimPki } from '../pki.ts';
import type { RecordSystemId } from '../records.ts';
import { chainPem } from '../settings.ts';
import { tlsFaults } from '../tls-faults.ts';
import type { TlsMaterial } from '../tls-material.ts';

const AT = 'record-system.tls';
const day = 86_400_000;

/** C.FD.TLS-S on brainpool, and the same on RSA for clients whose TLS knows no brainpool. */
export function recordSystemTls(pki: SimPki, id: RecordSystemId): TlsMaterial {
  const leaves = [pki.tls[id], pki.tlsRsa[id]];
  return { cert: leaves.map((leaf) => chainPem(leaf, pki.componentCa)), key: leaves.map((leaf) => leaf.keyPem) };
}

export function recordSystemTlsFaults(pki: SimPki, faults: Faults, id: RecordSystemId): ReturnType<typeof tlsFaults> {
  const wrong = (fault: Fault) => faultyTls(pki, id, fault);
  return tlsFaults({ faults, at: AT, context: { recordSystem: id }, right: recordSystemTls(pki, id), wrong });
}

/** `params.name` with wrong-certificate: the right CA, but that name and no address; without it a CA nobody trusts. */
function faultyTls(pki: SimPki, id: RecordSystemId, fault: Fault): TlsMaterial {
  const name = fault.params?.name;
  const profile = {
    commonName: id,
    extendedKeyUsage: ['serverAuth'],
    admission: { professionItems: [], professionOids: [ROLE.epaDvw], registrationNumber: undefined },
    ...(typeof name === 'string' ? { dns: [name] } : { dns: ['localhost'], ip: ['127.0.0.1'] }),
  };
  const past = { notBefore: new Date(Date.now() - 30 * day), notAfter: new Date(Date.now() - day) };
  const ca = fault.kind === 'wrong-certificate' && name === undefined ? mintRoot('Unknown Root CA') : pki.componentCa;
  const leaf = mintLeaf(ca, fault.kind === 'expired' ? { ...profile, ...past } : profile);
  return { cert: chainPem(leaf, ca), key: leaf.keyPem };
}

/**
 * Switching a fault on ends the connections that stand, or a client that keeps them would not meet it; `params.keep` leaves
 * them. `refuse` closes the listener until the fault is switched off.
 */
export function followTlsFaults(listener: HttpListener, faults: Faults, id: RecordSystemId): void {
  const here = { recordSystem: id };
  faults.onChange(async (added) => {
    if (added !== undefined && faults.concerns(added, AT, here) && added.params?.keep !== true) listener.cut();
    if (faults.isOn(AT, 'refuse', here)) listener.shut();
    else await listener.reopen();
  });
}
