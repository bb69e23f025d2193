// Attacks beside the negative table (test/tables/trust-rows.ts), and pairs of them: what somebody who is not the other side can
// show that is genuine all the same, and what a client meets first when two things are wrong (issue 6; docs/faults.md).
import { CARD_GROUPS, type Fault, FRAME_GROUPS, type Group, IDP_GROUPS, type Row, VAU_GROUPS } from './trust-rows.ts';

/** Attacks with means that are genuine: they meet checks of which the negative table has another breach. */
export const GENUINE: Group[] = [
  {
    title: 'shown by another',
    never: ['M3', 'vau.data', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      {
        what: 'certificate of the genuine IDP signer with its genuine OCSP response',
        code: 'VAU_SERVER_UNTRUSTED',
        check: 'vau.role',
        fault: { at: 'vau.handshake', kind: 'wrong-certificate', params: { which: 'genuine-idp' } },
      },
    ],
  },
  {
    title: 'shown without its private keys',
    never: ['vau.data', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      {
        what: 'keys, certificate and OCSP response of the other record system',
        code: 'VAU_SERVER_UNTRUSTED',
        check: 'vau.m4-confirmation',
        fault: { at: 'vau.handshake', kind: 'wrong-certificate', params: { which: 'other-vau' } },
      },
    ],
  },
  {
    title: 'sent again',
    never: ['ITI-41'],
    rows: [
      {
        what: 'the answer to the request before',
        code: 'SESSION_LOST',
        check: 'vau.frame-counter',
        fault: { at: 'vau.data', kind: 'wrong-frame', params: { what: 'replay' }, after: 1 },
      },
    ],
  },
  {
    title: 'of no IDP, or of another',
    never: ['ExternalAuthenticate', 'idp.auth', 'ITI-41'],
    rows: [
      {
        what: 'a key nobody has signed',
        code: 'IDP_UNTRUSTED',
        check: 'idp.challenge-signature',
        fault: { at: 'idp.puk_idp_sig', kind: 'wrong-key', params: { what: 'unsigned' } },
      },
      {
        what: 'the challenge of another IDP',
        code: 'IDP_UNTRUSTED',
        check: 'idp.challenge-signature',
        fault: { at: 'idp.challenge', kind: 'wrong-key', params: { what: 'other-idp' } },
      },
    ],
  },
  {
    title: 'signed by another card',
    never: ['send_authcode_sc', 'ITI-41'],
    rows: [
      {
        what: 'the attestation, after a swap between the two signatures',
        code: 'KONNEKTOR_ANSWER_INVALID',
        check: 'smcb.signature',
        fault: {
          at: 'konnektor.ExternalAuthenticate',
          kind: 'wrong-signature',
          params: { what: 'other-card' },
          after: 1,
        },
      },
    ],
  },
];

/** `first` is met before `second`: its check decides alone. */
export type Pair = { first: Row; second: string; faults: Fault[]; never: string[] };

/** The places in the order in which an export comes to them. */
const STAGES: readonly string[][] = [
  ['konnektor.ReadCardCertificate'],
  ['vau.handshake', 'certdata'],
  ['vau.data'],
  ['authz.send_authorization_request_sc'],
  ['idp.discovery'],
  ['idp.puk_idp_sig'],
  ['idp.puk_idp_enc'],
  ['idp.challenge'],
  ['konnektor.ExternalAuthenticate'],
  ['idp.auth'],
  ['authz.send_authcode_sc'],
];

const all = [...CARD_GROUPS, ...VAU_GROUPS, ...FRAME_GROUPS, ...IDP_GROUPS].flatMap((group) =>
  group.rows.filter((row) => row.quiet !== true).map((row) => ({ row, never: group.never })),
);
const stageOf = (row: Row) => STAGES.findIndex((places) => places.includes(row.fault.at));
/** From the first exchange on, so that nothing of a later place comes before it. */
const atOnce = ({ at, kind, params }: Fault): Fault => ({ at, kind, ...(params && { params }) });

/** Every row with one of a later place, each time another one. */
export const ACROSS: Pair[] = all.flatMap(({ row, never }, n) => {
  const later = all.filter((other) => stageOf(other.row) > stageOf(row));
  const second = later[(n * 7) % Math.max(later.length, 1)]?.row;
  if (second === undefined) return [];
  // The later one is switched on first: what decides is the client's order, not the simulator's.
  return [{ first: row, second: second.what, faults: [atOnce(second.fault), atOnce(row.fault)], never }];
});

type Wrong = { kind: string; what?: string };

/** Within M2 and the signed keys: the check that decides, and what else is wrong with the same message. */
const IN_M2: readonly [check: string, first: Wrong, second: Wrong][] = [
  ['vau.m2-vau-key-point', { kind: 'wrong-key', what: 'curve' }, { kind: 'revoked' }],
  ['vau.m2-vau-aead', { kind: 'wrong-key', what: 'ml-kem' }, { kind: 'wrong-certificate', what: 'root' }],
  ['vau.m2-vau-aead', { kind: 'wrong-key', what: 'aead' }, { kind: 'wrong-signature', what: 'keys' }],
  ['vau.cert-hash', { kind: 'wrong-certificate', what: 'hash' }, { kind: 'wrong-ocsp', what: 'unreadable' }],
  ['vau.chain', { kind: 'wrong-certificate', what: 'root' }, { kind: 'wrong-signature', what: 'keys' }],
  ['vau.chain', { kind: 'wrong-certificate', what: 'foreign' }, { kind: 'expired' }],
  ['vau.validity', { kind: 'wrong-certificate', what: 'expired' }, { kind: 'revoked' }],
  ['vau.role', { kind: 'wrong-certificate', what: 'genuine-idp' }, { kind: 'stale' }],
  ['vau.role', { kind: 'wrong-certificate', what: 'role' }, { kind: 'wrong-signature', what: 'der' }],
  ['vau.key-usage', { kind: 'wrong-certificate', what: 'key-usage' }, { kind: 'wrong-ocsp', what: 'responder' }],
  ['vau.ocsp-unreadable', { kind: 'wrong-ocsp', what: 'unreadable' }, { kind: 'wrong-signature', what: 'keys' }],
  ['vau.ocsp-signature', { kind: 'wrong-signature', what: 'ocsp' }, { kind: 'wrong-key', what: 'crv' }],
  ['vau.ocsp-revoked', { kind: 'revoked' }, { kind: 'expired' }],
  ['vau.ocsp-stale', { kind: 'stale' }, { kind: 'wrong-key', what: 'signed-curve' }],
  ['vau.keys-signature-form', { kind: 'wrong-signature', what: 'der' }, { kind: 'wrong-key', what: 'kyber' }],
  ['vau.keys-signature', { kind: 'wrong-signature', what: 'keys' }, { kind: 'expired' }],
  ['vau.keys-expired', { kind: 'expired' }, { kind: 'wrong-key', what: 'signed-curve' }],
  ['vau.keys-not-yet', { kind: 'wrong-claim', what: 'future' }, { kind: 'wrong-key', what: 'kyber' }],
  ['vau.keys-lifetime', { kind: 'wrong-claim', what: 'life' }, { kind: 'wrong-key', what: 'm4' }],
  ['vau.ecdh-key', { kind: 'wrong-key', what: 'signed-curve' }, { kind: 'wrong-key', what: 'kyber' }],
  ['vau.kyber-key', { kind: 'wrong-key', what: 'kyber-length' }, { kind: 'wrong-key', what: 'm4-key' }],
];

export const WITHIN: Pair[] = IN_M2.map(([check, first, second]) => {
  const code = check.startsWith('vau.m2') ? 'VAU_HANDSHAKE_FAILED' : 'VAU_SERVER_UNTRUSTED';
  const { kind, ...params } = second;
  const fault = { at: 'vau.handshake', kind, params: { ...params, also: [first] } };
  return {
    first: { what: `${first.kind} ${first.what ?? ''}`.trim(), code, check, fault },
    second: `${kind} ${second.what ?? ''}`.trim(),
    faults: [fault],
    never: ['M3', 'vau.data', 'ExternalAuthenticate', 'ITI-41'],
  };
});
