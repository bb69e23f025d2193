// The simulator's TEST-ONLY PKI, minted fresh at each start (style.md B4): a TI root three years old with the CA level of
// the TI (SMC-B, components) and the Konnektor's own local PKI, which no TI root vouches for (konnektor.md 7).
// TLS certificates are valid in real time, because OpenSSL judges them by the real clock (D17).
import { generateKeyPairSync, type KeyObject, randomInt } from 'node:crypto';
import * as asn1js from 'asn1js';
import { ROLE } from '../certs/admission.ts';
import { encodeDer, sequence } from '../certs/der.ts';
import { extension } from '../certs/extensions.ts';
import type { Issued } from '../certs/mint.ts';
import { mintCa, mintLeaf, mintRoot } from '../certs/mint.ts';
import { TSL_SIGNING } from '../certs/tsl.ts';
import type { CertRef } from './konnektor/model.ts';

const day = 86_400_000;
const year = 365 * day;

export type TlsServerName = 'konnektor' | 'epa-as-1' | 'epa-as-2' | 'idp';

/** With the address of its OCSP responder, which it writes into what it issues; undefined: none is written. */
export type CardCa = Issued & { ocsp?: string | undefined };

export type SimPki = {
  tiRoot: Issued;
  /** issues SMC-B certificates */
  smcbCa: CardCa;
  /** issues those of persons: HBA */
  hbaCa: Issued;
  /** issues VAU, IDP, OCSP and record systems' TLS certificates (C.FD.TLS-S) */
  componentCa: Issued;
  konnektorRoot: Issued;
  konnektorCa: Issued;
  /** TLS servers, by who presents them */
  tls: Record<TlsServerName, Issued>;
  /** The same names on RSA, for clients whose TLS knows no brainpool; one key for all of them, since RSA keys are slow to make. */
  tlsRsa: Record<TlsServerName, Issued>;
  /** signs the IDP's discovery document and challenges; role oid_idpd */
  idpSigner: Issued;
  /** VAU AUT certificate of each record system, P-256 as in lib-vau; role oid_epa_vau */
  vau: Record<'epa-as-1' | 'epa-as-2', Issued>;
  /** the OCSP responder, one for every CA */
  ocspSigner: Issued;
  /** issues the signers of the trust-service list, an anchor of its own (gemSpec_TSL) */
  tslCa: Issued;
  tslSigner: Issued;
  /** what the gateway presents to the Konnektor */
  clientCertificate: Issued;
  smcb: { iccsn: string; certificates: ReadonlyMap<CertRef, Issued> };
  smcktIccsn: string;
  /** of the gSMC-K of the first Konnektor: one, whatever kinds of key its certificates have */
  konnektorIccsn: string;
};

/**
 * Mints everything; about twenty key pairs, one of them RSA. `realNow` in ms is the real clock; `ocsp` the responder's address, where it
 * is known before anything listens.
 */
export function createPki(o: {
  telematikId: string;
  organization: string;
  realNow?: number;
  ocsp?: string | undefined;
}): SimPki {
  const now = o.realNow ?? Date.now();
  const rootLife = { notBefore: new Date(now - 3 * year), notAfter: new Date(now + 7 * year) };
  const caLife = { notBefore: new Date(now - 2 * year), notAfter: new Date(now + 6 * year) };
  const tiRoot = mintRoot('TI Root CA', rootLife);
  const smcbCa: CardCa = { ...mintCa(tiRoot, 'SMC-B CA', caLife), ocsp: o.ocsp };
  const hbaCa = mintCa(tiRoot, 'HBA-CA', caLife);
  const componentCa = mintCa(tiRoot, 'Komponenten-CA', caLife);
  const tslCa = mintRoot('TSL-CA', rootLife);
  const konnektorRoot = mintRoot('Konnektor Root CA', rootLife);
  const konnektorCa = mintCa(konnektorRoot, 'Konnektor CA', caLife);
  const life = { notBefore: new Date(now - day), notAfter: new Date(now + 5 * year) };
  const server = (
    privateKey: KeyObject | undefined,
    commonName: string,
    dns: string[],
    ip?: string[],
    roleOid?: string,
  ) =>
    mintLeaf(roleOid === undefined ? konnektorCa : componentCa, {
      privateKey,
      ...life,
      commonName,
      dns,
      ip,
      admission: roleOid === undefined ? undefined : roleAdmission(roleOid),
      keyUsage: ['digitalSignature'],
      // ID.AK.AUT is what a Konnektor shows to the sinks of its events, too (konnektor.md 5).
      extendedKeyUsage: roleOid === undefined ? ['serverAuth', 'clientAuth'] : ['serverAuth'],
    });
  const konnektorIccsn = inventIccsn();
  const servers = (key?: KeyObject): Record<TlsServerName, Issued> => {
    const local = (id: string, dns: string, roleOid: string) =>
      server(key, id, [dns, 'localhost'], ['127.0.0.1'], roleOid);
    return {
      // C.AK.AUT of a gSMC-K: the only name in it is konnektor.konlan, so that a check against the IP address fails.
      konnektor: server(key, `${konnektorIccsn}-sim`, ['konnektor.konlan']),
      'epa-as-1': local('epa-as-1', 'epa-as-1.sim.epa4all.de', ROLE.epaDvw),
      'epa-as-2': local('epa-as-2', 'epa-as-2.sim.epa4all.de', ROLE.epaDvw),
      idp: local('idp', 'idp.sim.epa4all.de', ROLE.idpd),
    };
  };
  const iccsn = inventIccsn();
  const vau = (id: string) =>
    mintLeaf(componentCa, {
      ...life,
      commonName: `VAU ${id}`,
      curve: 'P-256',
      admission: roleAdmission(ROLE.epaVau),
      keyUsage: ['digitalSignature'],
    });
  return {
    tiRoot,
    smcbCa,
    hbaCa,
    componentCa,
    konnektorRoot,
    konnektorCa,
    tls: servers(),
    tlsRsa: servers(rsaServerKey()),
    idpSigner: mintLeaf(componentCa, {
      ...life,
      commonName: 'IDP Signer',
      admission: roleAdmission(ROLE.idpd),
      keyUsage: ['digitalSignature'],
    }),
    vau: { 'epa-as-1': vau('epa-as-1'), 'epa-as-2': vau('epa-as-2') },
    ocspSigner: mintLeaf(componentCa, {
      ...life,
      commonName: 'OCSP Signer',
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['OCSPSigning'],
    }),
    tslCa,
    tslSigner: mintLeaf(tslCa, {
      ...life,
      commonName: 'TSL Signer',
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: [TSL_SIGNING],
    }),
    // as Konnektors make them for their clients: RSA or ECC-256 (konnektor.md 7), here P-256, which every TLS knows
    clientCertificate: mintLeaf(konnektorCa, {
      ...life,
      commonName: 'c1',
      curve: 'P-256',
      keyUsage: ['digitalSignature'],
      // as one client reuses it, for its event sink (konnektor.md 5)
      extendedKeyUsage: ['clientAuth', 'serverAuth'],
    }),
    smcb: {
      iccsn,
      certificates: mintSmcb({ smcbCa, organization: o.organization, telematikId: o.telematikId, life }),
    },
    smcktIccsn: inventIccsn(),
    konnektorIccsn,
  };
}

/** The three certificates of an SMC-B, each with a key of its own; C.AUT carries the admission (oid_diga, Telematik-ID). */
export function mintSmcb(o: {
  smcbCa: CardCa;
  organization: string;
  telematikId: string;
  life: { notBefore: Date; notAfter: Date };
  roleOid?: string;
  /** Keys of another kind, one for each certificate. */
  privateKey?: () => KeyObject;
}): ReadonlyMap<CertRef, Issued> {
  const one = (keyUsage: string[]) =>
    mintLeaf(o.smcbCa, {
      ...o.life,
      commonName: o.organization,
      organization: o.organization,
      admission: {
        professionItems: ['Digitale Gesundheitsanwendungen'],
        professionOids: [o.roleOid ?? ROLE.diga],
        registrationNumber: o.telematikId,
      },
      keyUsage,
      privateKey: o.privateKey?.(),
      extraExtensions: o.smcbCa.ocsp === undefined ? [] : [ocspAddress(o.smcbCa.ocsp)],
    });
  return new Map<CertRef, Issued>([
    ['C.AUT', one(['digitalSignature'])],
    ['C.ENC', one(['keyAgreement'])],
    ['C.SIG', one(['nonRepudiation'])],
  ]);
}

/** AuthorityInfoAccess (RFC 5280 4.2.2.1) with id-ad-ocsp, as gemSpec_PKI has it in the certificates of cards. */
function ocspAddress(url: string) {
  const uri = new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: 6 }, valueHex: new TextEncoder().encode(url) });
  const access = sequence(new asn1js.ObjectIdentifier({ value: '1.3.6.1.5.5.7.48.1' }), uri);
  return extension('1.3.6.1.5.5.7.1.1', false, encodeDer(sequence(access)));
}

function roleAdmission(oid: string) {
  return { professionItems: [], professionOids: [oid], registrationNumber: undefined };
}

let serverKey: KeyObject | undefined;
/** One for all worlds of a process: it takes as long to make as all the rest of a world, and nobody keeps anything secret with it. */
const rsaServerKey = (): KeyObject => {
  serverKey ??= generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
  return serverKey;
};

/** RSA as on cards of the second generation. */
export const rsaKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** 20 digits beginning with the health card prefix 80276 (ISO 7812); invented. */
export function inventIccsn(): string {
  return `80276883${String(randomInt(1_000_000)).padStart(6, '0')}${String(randomInt(1_000_000)).padStart(6, '0')}`;
}
