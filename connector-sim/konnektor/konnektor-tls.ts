// The Konnektor's TLS and its faults (`konnektor.tls`): another CA, another name, an expired certificate. Mutual TLS itself is
// never switched off (KON TIP1-A_4516).
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import type { Fault, Faults } from '../faults.ts';
import { inventIccsn, type SimPki } from '../pki.ts';
import { chainPem, KONNEKTOR_NAME } from '../settings.ts';
import { tlsFaults } from '../tls-faults.ts';
import type { TlsMaterial } from '../tls-material.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';
import type { Transport } from './transport.ts';

const day = 86_400_000;

/** The certificates the Konnektor presents, brainpool and RSA (konnektor.md 7), and the CA whose client certificates it takes. */
export function konnektorTls(pki: SimPki, leaves: Issued[] = [pki.tls.konnektor, pki.tlsRsa.konnektor]): TlsMaterial {
  return {
    cert: leaves.map((leaf) => chainPem(leaf, pki.konnektorCa)),
    key: leaves.map((leaf) => leaf.keyPem),
    clientCa: [pki.konnektorRoot.certPem, pki.konnektorCa.certPem],
  };
}

/** What one Konnektor shows, and the root a client must trust for it; `iccsn` of its gSMC-K, which stays with the device. */
export type KonnektorIdentity = { iccsn: string; leaves: Issued[]; ca: Issued; root: Issued };

/** The first Konnektor's as its PKI has it from the start. */
export function firstIdentity(pki: SimPki): KonnektorIdentity {
  const { konnektorIccsn: iccsn, konnektorCa: ca, konnektorRoot: root } = pki;
  return { iccsn, leaves: [pki.tls.konnektor, pki.tlsRsa.konnektor], ca, root };
}

/**
 * New certificates: of the gSMC-K named, else of a new one; the name and the kinds of key that `transport` says; of a CA of its own
 * where imported.
 */
export function mintIdentity(pki: SimPki, transport: Transport, iccsn = inventIccsn()): KonnektorIdentity {
  const { notBefore, notAfter } = pki.tls.konnektor.certificate;
  const { certificate } = pki.konnektorRoot;
  const root =
    transport.issuer === 'konnektor'
      ? pki.konnektorRoot
      : mintRoot('Praxis Root CA', { notBefore: certificate.notBefore, notAfter: certificate.notAfter });
  const ca = transport.issuer === 'konnektor' ? pki.konnektorCa : mintCa(root, 'Praxis CA');
  const shown = {
    notBefore,
    notAfter,
    commonName: `${iccsn}-sim`,
    dns: [transport.serverName],
    keyUsage: ['digitalSignature'],
    // ID.AK.AUT is what a Konnektor shows to the sinks of its events, too (konnektor.md 5).
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
  };
  const leaves = transport.certificates.map((kind) =>
    // RSA keys are slow to make: one for all
    mintLeaf(ca, {
      ...shown,
      ...(kind === 'rsa' ? { privateKey: pki.tlsRsa.konnektor.privateKey } : {}),
      curve: kind === 'p256' ? 'P-256' : 'brainpoolP256r1',
    }),
  );
  return { iccsn, leaves, ca, root };
}

/** With it and what `transport` demands of its clients. */
export function identityTls(pki: SimPki, identity: KonnektorIdentity, transport: Transport): TlsMaterial {
  const { leaves, ca } = identity;
  return {
    cert: leaves.map((leaf) => chainPem(leaf, ca)),
    key: leaves.map((leaf) => leaf.keyPem),
    versions: transport.tlsVersions,
    ...(transport.authentication === 'mtls' && {
      clientCa: [pki.konnektorRoot.certPem, pki.konnektorCa.certPem],
      clientOptional: transport.sdsOpen,
    }),
  };
}

export function konnektorTlsFaults(o: {
  pki: SimPki;
  faults: Faults;
  id?: string;
  right?: TlsMaterial;
}): ReturnType<typeof tlsFaults> {
  const { pki, faults, id = FIRST_KONNEKTOR, right = konnektorTls(pki) } = o;
  const wrong = (fault: Fault) => faultyTls(pki, fault.kind, fault.params?.name);
  return tlsFaults({ faults, at: 'konnektor.tls', context: { konnektor: id }, right, wrong });
}

/** `params.name` with wrong-certificate: the right CA, but that name; without it a CA nobody trusts. */
function faultyTls(pki: SimPki, kind: string, name: unknown): TlsMaterial {
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
