// The strict table of the login's last call: one thing wrong in a good login per row (epa-record-system.md 2.4).
import { ROLE } from '../../../../certs/admission.ts';
import { mintCa, mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import type { LoginEdits } from '../../../support/login-test-client.ts';
import { mintCard, START, sharedPki } from '../../../support/sim-services.ts';

/** What is wrong, the change that makes it so, and the documented status, errorCode and rule. */
export type LoginRow = [what: string, edits: () => LoginEdits, status: number, error: string, rule: string];

const DEMO = '9-DEMO-DIGA-0001';
const seconds = START / 1000;
/** Of the SMC-B CA, with the role of a DiGA, but not for signatures. */
const silent = () =>
  mintLeaf(sharedPki().smcbCa, {
    commonName: 'Demo DiGA GmbH',
    keyUsage: ['keyAgreement'],
    admission: { professionItems: [], professionOids: [ROLE.diga], registrationNumber: DEMO },
  });
const foreign = () => {
  const ca = mintCa(mintRoot('TI Root CA'), 'SMC-B CA');
  return mintLeaf(ca, {
    commonName: 'Demo DiGA GmbH',
    admission: { professionItems: [], professionOids: [ROLE.diga], registrationNumber: DEMO },
  });
};
const day = 86_400_000;
const old = { notBefore: new Date(START - 9 * day), notAfter: new Date(START - day) };
/** Rows of send_authcode_sc. */
export const attestation: LoginRow[] = [
  ['a broken signature', () => ({ attestationSpoiled: true }), 403, 'invalAuth', 'authz.attestation-signature'],
  ['alg BP256R1', () => ({ attestationHeader: { alg: 'BP256R1' } }), 403, 'invalAuth', 'authz.attestation-alg'],
  ['alg none', () => ({ attestationHeader: { alg: 'none' } }), 403, 'invalAuth', 'authz.attestation-alg'],
  ['another typ', () => ({ attestationHeader: { typ: 'JWS' } }), 403, 'invalAuth', 'authz.attestation-typ'],
  ['no x5c', () => ({ attestationHeader: { x5c: [] } }), 403, 'invalAuth', 'authz.attestation-x5c'],
  ['x5c in base64url', () => ({ attestationHeader: { x5c: ['MI-_'] } }), 403, 'invalAuth', 'authz.attestation-x5c'],
  [
    'a certificate of a foreign root',
    () => ({ attestationCard: foreign() }),
    403,
    'invalAuth',
    'authz.attestation-certificate',
  ],
  [
    'an expired certificate',
    () => ({ attestationCard: mintCard({ telematikId: DEMO, ...old }) }),
    403,
    'invalAuth',
    'authz.attestation-certificate',
  ],
  [
    'a certificate that may not sign',
    () => ({ attestationCard: silent() }),
    403,
    'invalAuth',
    'authz.attestation-certificate',
  ],
  [
    'a role that may not log in',
    () => ({ attestationCard: mintCard({ telematikId: DEMO, roleOid: ROLE.epaVau }) }),
    403,
    'invalAuth',
    'authz.role',
  ],
  [
    'an attestation of another card',
    () => ({ attestationCard: mintCard({ telematikId: '9-OTHER-0001' }) }),
    403,
    'invalAuth',
    'authz.telematik-id',
  ],
  [
    'another nonce',
    () => ({ attestationClaims: { nonce: '0'.repeat(64) } }),
    403,
    'invalAuth',
    'authz.attestation-nonce',
  ],
  [
    'a life of 21 minutes',
    () => ({ attestationClaims: { exp: seconds + 1260 } }),
    403,
    'invalAuth',
    'authz.attestation-life',
  ],
  ['no iat', () => ({ attestationClaims: { iat: undefined } }), 403, 'invalAuth', 'authz.attestation-time'],
  [
    'iat 16 s in the future',
    () => ({ attestationClaims: { iat: seconds + 16, exp: seconds + 1216 } }),
    403,
    'invalAuth',
    'authz.attestation-time',
  ],
  [
    'exp 15 s in the past',
    () => ({ attestationClaims: { iat: seconds - 1215, exp: seconds - 15 } }),
    403,
    'invalAuth',
    'authz.attestation-time',
  ],
  [
    'the ID token of another request',
    () => ({ query: (query) => query.set('nonce', 'another-nonce') }),
    403,
    'invalAuth',
    'authz.id-token-nonce',
  ],
  ['an invented code', () => ({ code: () => 'e30.invented' }), 403, 'invalAuth', 'authz.code'],
  [
    'a code over 2000 characters',
    () => ({ code: (code) => code + 'A'.repeat(2000) }),
    400,
    'malformedRequest',
    'authz.schema',
  ],
];
