// Certificates of the simulated TI that run out and are renewed (D17, CRT-02): by the clock, as those who run the TI do in time, or
// on demand. Cards are not among them: their holder must order a follow-up card. Authorities keep key and name, so that what
// they issued stays valid; signers get new keys. TLS certificates live in real time and are renewed where they are shown.
import { ROLE } from '../certs/admission.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../certs/mint.ts';
import { TSL_SIGNING } from '../certs/tsl.ts';
import type { SimPki } from './pki.ts';

const DAY = 86_400_000;
const YEAR = 365 * DAY;
/** Renewed when the simulated clock comes this near to their end. */
export const RENEWED_BEFORE = 30 * DAY;

export const RENEWABLE = [
  'ti-root',
  'smcb-ca',
  'hba-ca',
  'component-ca',
  'tsl-ca',
  'tsl-signer',
  'ocsp-signer',
  'idp-signer',
  'vau-epa-as-1',
  'vau-epa-as-2',
] as const;
const AUTHORITIES: readonly Renewable[] = ['ti-root', 'smcb-ca', 'hba-ca', 'component-ca', 'tsl-ca'];
export type Renewable = (typeof RENEWABLE)[number];

export function certificateNamed(pki: SimPki, name: Renewable): Issued {
  const found: Record<Renewable, Issued> = {
    'ti-root': pki.tiRoot,
    'smcb-ca': pki.smcbCa,
    'hba-ca': pki.hbaCa,
    'component-ca': pki.componentCa,
    'tsl-ca': pki.tslCa,
    'tsl-signer': pki.tslSigner,
    'ocsp-signer': pki.ocspSigner,
    'idp-signer': pki.idpSigner,
    'vau-epa-as-1': pki.vau['epa-as-1'],
    'vau-epa-as-2': pki.vau['epa-as-2'],
  };
  return found[name];
}

/** An authority's new certificate begins when its first one did; that of a signer whenever it must. */
export function beginsAt(pki: SimPki, name: Renewable): Date | undefined {
  return AUTHORITIES.some((one) => one === name) ? certificateNamed(pki, name).certificate.notBefore : undefined;
}

/** A new certificate in the place of this one; `notAfter` of an authority or signer as at the start unless said. `now` in ms. */
export function renew(pki: SimPki, name: Renewable, o: { now: number; notAfter?: Date }): void {
  const before = certificateNamed(pki, name);
  const { notBefore } = before.certificate;
  const authority = (years: number) => ({
    // an anchor of the VAU must be two years old (A_24958), and this one is as old as it was
    notBefore,
    notAfter: o.notAfter ?? new Date(o.now + years * YEAR),
    privateKey: before.privateKey,
  });
  const signer = {
    notBefore: new Date(Math.min(o.now, o.notAfter?.getTime() ?? o.now) - DAY),
    notAfter: o.notAfter ?? new Date(o.now + 5 * YEAR),
    keyUsage: ['digitalSignature'],
  };
  const role = (oid: string) => ({ professionItems: [], professionOids: [oid], registrationNumber: undefined });
  const vau = (id: 'epa-as-1' | 'epa-as-2') =>
    mintLeaf(pki.componentCa, { ...signer, commonName: `VAU ${id}`, curve: 'P-256', admission: role(ROLE.epaVau) });
  switch (name) {
    case 'ti-root':
      pki.tiRoot = mintRoot('TI Root CA', authority(7));
      break;
    case 'smcb-ca':
      pki.smcbCa = { ...mintCa(pki.tiRoot, 'SMC-B CA', authority(6)), ocsp: pki.smcbCa.ocsp };
      break;
    case 'hba-ca':
      pki.hbaCa = mintCa(pki.tiRoot, 'HBA-CA', authority(6));
      break;
    case 'component-ca':
      pki.componentCa = mintCa(pki.tiRoot, 'Komponenten-CA', authority(6));
      break;
    case 'tsl-ca':
      pki.tslCa = mintRoot('TSL-CA', authority(7));
      break;
    case 'tsl-signer':
      pki.tslSigner = mintLeaf(pki.tslCa, { ...signer, commonName: 'TSL Signer', extendedKeyUsage: [TSL_SIGNING] });
      break;
    case 'ocsp-signer':
      pki.ocspSigner = mintLeaf(pki.componentCa, {
        ...signer,
        commonName: 'OCSP Signer',
        extendedKeyUsage: ['OCSPSigning'],
      });
      break;
    case 'idp-signer':
      pki.idpSigner = mintLeaf(pki.componentCa, { ...signer, commonName: 'IDP Signer', admission: role(ROLE.idpd) });
      break;
    case 'vau-epa-as-1':
      pki.vau['epa-as-1'] = vau('epa-as-1');
      break;
    case 'vau-epa-as-2':
      pki.vau['epa-as-2'] = vau('epa-as-2');
      break;
  }
}

export const endsSoon = ({ certificate }: Issued, now: number): boolean =>
  certificate.notAfter.getTime() - now < RENEWED_BEFORE;

/** Everything of the TI that is near its end, authorities first; which ones it was. */
export function renewDue(pki: SimPki, now: number): Renewable[] {
  const due = RENEWABLE.filter((name) => endsSoon(certificateNamed(pki, name), now));
  for (const name of due) renew(pki, name, { now });
  return due;
}
