// The Konnektor's TLS and its faults (`konnektor.tls`): another CA, another name, an expired certificate. Mutual TLS itself is
// never switched off (KON TIP1-A_4516).
import { type Issued, mintLeaf, mintRoot } from '../../certs/mint.ts';
import type { Fault, Faults } from '../faults.ts';
import { inventIccsn, type SimPki } from '../pki.ts';
import { chainPem, KONNEKTOR_NAME } from '../settings.ts';
import { type TlsMaterial, tlsFaults } from '../tls-faults.ts';
import { FIRST_KONNEKTOR } from './default-konnektor.ts';

const day = 86_400_000;

/** The certificates the Konnektor presents, brainpool and RSA (konnektor.md 7), and the CA whose client certificates it takes. */
export function konnektorTls(pki: SimPki, leaves: Issued[] = [pki.tls.konnektor, pki.tlsRsa.konnektor]): TlsMaterial {
  return {
    cert: leaves.map((leaf) => chainPem(leaf, pki.konnektorCa)),
    key: leaves.map((leaf) => leaf.keyPem),
    clientCa: [pki.konnektorRoot.certPem, pki.konnektorCa.certPem],
  };
}

/** Certificates of one more Konnektor, as the first one's: an ICCSN of its own, the same name, brainpool and RSA. */
export function mintKonnektorTls(pki: SimPki): Issued[] {
  const { notBefore, notAfter } = pki.tls.konnektor.certificate;
  const commonName = `${inventIccsn()}-sim`;
  const shown = { notBefore, notAfter, commonName, dns: [KONNEKTOR_NAME], keyUsage: ['digitalSignature'] };
  return [undefined, pki.tlsRsa.konnektor.privateKey].map((privateKey) =>
    mintLeaf(pki.konnektorCa, { ...shown, privateKey, extendedKeyUsage: ['serverAuth', 'clientAuth'] }),
  );
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
