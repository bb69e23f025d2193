// A small PKI for the tests of certs/: root, CA, one SMC-B certificate and the CA's OCSP responder.
import { ROLE } from '../../certs/admission.ts';
import { CertError } from '../../certs/error.ts';
import { type Issued, mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import type { TrustAnchors } from '../../certs/trust.ts';

export const DAY = 86_400_000;

export const DIGA_ADMISSION = {
  professionItems: ['DiGA-Hersteller und -Anbieter'],
  professionOids: [ROLE.diga],
  registrationNumber: '9-DEMO-DIGA-0001',
};

export type TestPki = { root: Issued; ca: Issued; leaf: Issued; ocspSigner: Issued; anchors: TrustAnchors };

export function createTestPki(): TestPki {
  const root = mintRoot('Root CA');
  const ca = mintCa(root, 'SMC-B CA');
  const leaf = mintLeaf(ca, { commonName: 'Muster DiGA GmbH', admission: DIGA_ADMISSION });
  const ocspSigner = mintLeaf(ca, { commonName: 'OCSP Signer', extendedKeyUsage: ['OCSPSigning'] });
  return { root, ca, leaf, ocspSigner, anchors: anchorsOf(root) };
}

/** Anchors of these roots alone, no intermediates, no OCSP responders. */
export function anchorsOf(...roots: Issued[]): TrustAnchors {
  return { roots: roots.map((r) => r.certificate), intermediates: [], ocspSigners: [] };
}

/** The code of the CertError `act` throws; 'nothing thrown' when it passes, and any other error goes on. */
export function certCodeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CertError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
