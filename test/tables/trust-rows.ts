// The negative table (issue 3, TST-02): every check the gateway makes before it hands over a document, each with the one fault
// of the simulator that breaks it alone (docs/faults.md). Login: epa-record-system.md 2.2–2.4; trust in the VAU: 1.3, 1.4;
// frames: 1.5–1.7; the card: export-flow.md 1.5. `check` is what the export then says, and no two rows have the same.

export type Fault = { at: string; kind: string; params?: Record<string, unknown>; after?: number };
export type Row = {
  what: string;
  code: string;
  /** `reason.check`; or `foreign <code>` where the other side refused and the check was its own. */
  check: string;
  fault: Fault;
  /** Other ways to break the same check. */
  also?: Fault[];
  /** No check of trust: an answer that refuses or breaks off, of which no security event speaks. */
  quiet?: true;
};
export type Group = {
  title: string;
  rows: Row[];
  /** Operations that must not reach the simulator before the export ends; 'M3' is the second message of a handshake. */
  never: string[];
};

const at =
  (place: string, code: string) =>
  (check: string, what: string, kind: string, params?: Record<string, unknown>, ...also: object[]): Row => ({
    what,
    code,
    check,
    fault: { at: place, kind, ...(params && { params }) },
    ...(also.length > 0 && { also: also.map((change) => ({ at: place, kind, ...(params && { params }), ...change })) }),
  });

const noise = { inBody: true };
const what = (name: string) => ({ params: { what: name } });
const which = (name: string) => ({ params: { which: name } });

// ---- login

const discovery = at('idp.discovery', 'IDP_UNTRUSTED');
const sigKey = at('idp.puk_idp_sig', 'IDP_UNTRUSTED');
const encKey = at('idp.puk_idp_enc', 'IDP_UNTRUSTED');
const challenge = at('idp.challenge', 'IDP_UNTRUSTED');
const answer = at('idp.auth', 'IDP_UNTRUSTED');
const request = at('authz.send_authorization_request_sc', 'IDP_UNTRUSTED');

export const IDP_GROUPS: Group[] = [
  {
    title: 'discovery document (2.2)',
    never: ['idp.puk_idp_sig', 'idp.challenge', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      discovery('idp.discovery-format', 'no JWS', 'garbage', noise),
      discovery('idp.discovery-alg', 'alg none', 'wrong-signature', { what: 'alg' }),
      discovery('idp.discovery-signature', 'signed over other bytes', 'wrong-signature'),
      discovery('idp.discovery-certificate', 'no signer certificate', 'wrong-claim', { what: 'x5c' }),
      discovery('idp.discovery-chain', 'foreign root', 'wrong-certificate', { which: 'root' }, which('foreign')),
      discovery('idp.discovery-validity', 'expired signer', 'wrong-certificate', { which: 'expired' }),
      discovery('idp.discovery-role', 'role of a VAU', 'wrong-certificate', { which: 'role' }),
      discovery('idp.discovery-key-usage', 'signer that may not sign', 'wrong-certificate', { which: 'key-usage' }),
      discovery('idp.discovery-expired', 'yesterday’s document', 'expired'),
      discovery('idp.discovery-not-yet', 'tomorrow’s document', 'wrong-claim', { what: 'future' }),
      discovery('idp.issuer', 'another issuer', 'wrong-claim', { what: 'issuer' }),
      discovery('idp.discovery-claims', 'no endpoint', 'wrong-claim', { what: 'no-endpoint' }, what('no-key-uri')),
      discovery('idp.endpoint-origin', 'foreign endpoint', 'wrong-claim', { what: 'endpoint' }, what('key-uri')),
    ],
  },
  {
    title: 'keys of the IDP (2.2)',
    never: ['idp.challenge', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      sigKey('idp.sig-key', 'point off the curve', 'wrong-key', { what: 'curve' }, what('name')),
      sigKey('idp.sig-key-certificate', 'not its certificate’s key', 'wrong-key', { what: 'other' }),
      sigKey('idp.sig-key-chain', 'foreign root', 'wrong-certificate', { which: 'root' }, which('foreign')),
      sigKey('idp.sig-key-validity', 'expired certificate', 'wrong-certificate', { which: 'expired' }),
      sigKey('idp.sig-key-role', 'role of a VAU', 'wrong-certificate', { which: 'role' }),
      sigKey('idp.sig-key-key-usage', 'certificate that may not sign', 'wrong-certificate', { which: 'key-usage' }),
      encKey('idp.enc-key', 'point off the curve', 'wrong-key', { what: 'curve' }, what('name')),
    ],
  },
  {
    title: 'challenge (2.3)',
    never: ['ExternalAuthenticate', 'idp.auth', 'ITI-41'],
    rows: [
      challenge('idp.challenge-format', 'no JSON', 'garbage', noise),
      challenge('idp.challenge-alg', 'alg none', 'wrong-signature', { what: 'alg' }),
      challenge('idp.challenge-signature', 'signed over other bytes', 'wrong-signature', {}, { kind: 'wrong-key' }),
      challenge('idp.challenge-issuer', 'another issuer', 'wrong-claim', { what: 'iss' }),
      challenge('idp.challenge-type', 'another token_type', 'wrong-claim', { what: 'token_type' }),
      challenge(
        'idp.challenge-expired',
        'seven minutes old',
        'expired',
        {},
        { kind: 'wrong-claim', ...what('no-exp') },
      ),
      challenge('idp.challenge-not-yet', 'made in an hour', 'wrong-claim', { what: 'future' }),
      challenge('idp.challenge-state', 'another state', 'wrong-claim', { what: 'state' }),
      challenge('idp.challenge-nonce', 'another nonce', 'wrong-claim', { what: 'nonce' }),
      challenge('idp.challenge-client-id', 'another client_id', 'wrong-claim', { what: 'client_id' }),
      challenge('idp.challenge-redirect-uri', 'another redirect_uri', 'wrong-claim', { what: 'redirect_uri' }),
      challenge('idp.challenge-code-challenge', 'another code_challenge', 'wrong-claim', { what: 'code_challenge' }),
      challenge('idp.challenge-code-challenge-method', 'PKCE plain', 'wrong-claim', { what: 'code_challenge_method' }),
      challenge('idp.challenge-response-type', 'another response_type', 'wrong-claim', { what: 'response_type' }),
      challenge('idp.challenge-scope', 'another scope', 'wrong-claim', { what: 'scope' }),
    ],
  },
  {
    title: 'code of the IDP (2.3)',
    never: ['send_authcode_sc', 'ITI-41'],
    rows: [
      answer('idp.code-state', 'another state', 'wrong-claim', { what: 'state' }, what('no-state')),
      answer('idp.code-missing', 'no code', 'wrong-claim', { what: 'no-code' }, what('long-code')),
      answer('idp.code-redirect', 'another address', 'wrong-claim', { what: 'redirect-uri' }),
      {
        ...answer('foreign 2020', 'error in the redirect', 'wrong-claim', { what: 'error' }),
        code: 'IDP_REFUSED',
        quiet: true,
      },
      { ...answer('foreign 1500', 'error in JSON', 'idp-error', { code: 1500 }), code: 'IDP_REFUSED', quiet: true },
      // Nothing shows that the published key is another: the IDP cannot open the answer.
      {
        ...encKey('foreign 2030', 'another encryption key', 'wrong-key', { what: 'other' }),
        code: 'IDP_REFUSED',
        quiet: true,
      },
    ],
  },
  {
    title: 'login at the record system (2.1, 2.4)',
    never: ['ITI-41'],
    rows: [
      {
        ...at('authz.getNonce', 'RECORD_BUSY')('login.nonce', 'no nonce', 'wrong-claim', {}, what('missing')),
        quiet: true,
      },
      {
        ...request('login.location', 'no Location', 'wrong-claim', { what: 'missing' }),
        code: 'RECORD_BUSY',
        quiet: true,
      },
      request('idp.location-origin', 'Location at a foreign origin', 'wrong-claim', { what: 'origin' }, what('plain')),
      request('idp.location-parameters', 'Location without state', 'wrong-claim', { what: 'parameters' }),
      at('authz.send_authcode_sc', 'RECORD_LOGIN_REFUSED')(
        'session.telematik-id',
        'another actor, or nobody signed on',
        'wrong-claim',
        { what: 'actor' },
        what('no-session'),
      ),
    ],
  },
];

// ---- card

const card = at('konnektor.ReadCardCertificate', 'SMCB_UNTRUSTED');

export const CARD_GROUPS: Group[] = [
  {
    title: 'SMC-B',
    never: ['vau.handshake', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      card('smcb.chain', 'foreign root', 'wrong-certificate', { which: 'root' }),
      card('smcb.key-usage', 'C.ENC for C.AUT', 'wrong-certificate', { which: 'key-usage' }),
      { ...card('smcb.role', 'role of a practice', 'wrong-certificate', { which: 'role' }), code: 'SMCB_WRONG_ROLE' },
      { ...card('smcb.validity', 'expired', 'wrong-certificate', { which: 'expired' }), code: 'CERTIFICATE_EXPIRED' },
    ],
  },
  {
    title: 'card signature',
    never: ['idp.auth', 'send_authcode_sc', 'ITI-41'],
    rows: [
      at('konnektor.ExternalAuthenticate', 'KONNEKTOR_ANSWER_INVALID')(
        'smcb.signature',
        'signature over another hash',
        'wrong-signature',
      ),
    ],
  },
];

// ---- VAU

const vau = at('vau.handshake', 'VAU_SERVER_UNTRUSTED');
const failed = at('vau.handshake', 'VAU_HANDSHAKE_FAILED');

export const VAU_GROUPS: Group[] = [
  {
    title: 'handshake up to M2 (1.1, 1.3)',
    never: ['M3', 'vau.data', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      failed('vau.cid', 'characters outside the form', 'wrong-cid', { what: 'chars' }, what('long'), what('url')),
      failed('vau.m2-vau-key-point', 'ephemeral point off the curve', 'wrong-key', { what: 'curve' }),
      failed('vau.m2-vau-aead', 'ML-KEM instead of Kyber round 3', 'wrong-key', { what: 'ml-kem' }, what('aead')),
      {
        ...failed('vau.status', 'an error of the VAU', 'cbor-error', { code: 0 }, { params: { code: 10 } }),
        quiet: true,
      },
    ],
  },
  {
    title: 'trust in the server (1.4)',
    never: ['M3', 'vau.data', 'ExternalAuthenticate', 'ITI-41'],
    rows: [
      at('certdata', 'VAU_SERVER_UNTRUSTED')('vau.cert-data', 'CertData is no CBOR', 'garbage', noise),
      vau(
        'vau.cert-hash',
        'not the certificate of cert_hash',
        'wrong-certificate',
        { which: 'hash' },
        {
          at: 'certdata',
          params: {},
        },
      ),
      vau('vau.chain', 'foreign root', 'wrong-certificate', { which: 'root' }, which('foreign')),
      vau('vau.validity', 'expired certificate', 'wrong-certificate', { which: 'expired' }),
      vau('vau.role', 'role of an IDP', 'wrong-certificate', { which: 'role' }),
      vau('vau.key-usage', 'certificate without key usage', 'wrong-certificate', { which: 'key-usage' }),
      vau('vau.ocsp-unreadable', 'no OCSP response', 'wrong-ocsp', { what: 'unreadable' }),
      vau('vau.ocsp-certificate', 'about another certificate', 'wrong-ocsp', { what: 'other-certificate' }),
      vau('vau.ocsp-cert-hash', 'another certHash', 'wrong-ocsp', { what: 'cert-hash' }, what('no-cert-hash')),
      vau('vau.ocsp-responder', 'signed by no responder', 'wrong-ocsp', { what: 'responder' }),
      vau('vau.ocsp-signature', 'signed by another key', 'wrong-signature', { what: 'ocsp' }),
      vau('vau.ocsp-revoked', 'revoked', 'revoked'),
      vau('vau.ocsp-unknown', 'unknown to the responder', 'revoked', { what: 'unknown' }),
      vau('vau.ocsp-stale', 'produced 25 hours ago', 'stale'),
      vau('vau.ocsp-future', 'produced in two hours', 'stale', { what: 'future' }),
      vau('vau.keys-signature', 'signature over other bytes', 'wrong-signature', { what: 'keys' }),
      vau('vau.keys-signature-form', 'signature in DER', 'wrong-signature', { what: 'der' }),
      vau('vau.signed-keys', 'keys without exp', 'wrong-claim', { what: 'no-exp' }),
      vau('vau.keys-expired', 'keys of yesterday', 'expired'),
      vau('vau.keys-not-yet', 'keys of in an hour', 'wrong-claim', { what: 'future' }),
      vau('vau.keys-lifetime', 'keys for 31 days', 'wrong-claim', { what: 'life' }),
      vau('vau.ecdh-key', 'signed point off the curve', 'wrong-key', { what: 'signed-curve' }, what('crv')),
      vau('vau.kyber-key', 'Kyber key beyond the modulus', 'wrong-key', { what: 'kyber' }, what('kyber-length')),
    ],
  },
  {
    title: 'confirmation by M4 (1.3)',
    never: ['vau.data', 'ExternalAuthenticate', 'ITI-41'],
    rows: [vau('vau.m4-confirmation', 'M4 over another transcript', 'wrong-key', { what: 'm4' }, what('m4-key'))],
  },
];

// ---- frames

/** Every check of an answer's frame, as the fault `wrong-frame` breaks it; at `vau.data` and, for ITI-41 alone, at `xds.iti41`. */
export const FRAME_BREAKS: { check: string; what: string; title: string; also?: string }[] = [
  { check: 'vau.frame-version', what: 'version', title: 'version 1' },
  { check: 'vau.frame-pu', what: 'pu', title: 'PU outside PU' },
  { check: 'vau.frame-type', what: 'type', title: 'a request' },
  { check: 'vau.frame-counter', what: 'counter', title: 'counter of another request' },
  { check: 'vau.frame-key-id', what: 'key-id', title: 'KeyID of another channel' },
  { check: 'vau.frame-length', what: 'short', title: '71 bytes' },
  { check: 'vau.frame-aead', what: 'ciphertext', title: 'changed ciphertext', also: 'key' },
  { check: 'vau.frame-content', what: 'inner-http', title: 'no HTTP message inside' },
];

const data = at('vau.data', 'SESSION_LOST');

export const FRAME_GROUPS: Group[] = [
  {
    title: 'frames during the login (1.5, 1.7)',
    never: ['ITI-41'],
    rows: [
      ...FRAME_BREAKS.map((one, index) => {
        const row = data(
          one.check,
          one.title,
          'wrong-frame',
          { what: one.what },
          ...(one.also ? [what(one.also)] : []),
        );
        // Strikes another call of the login in each row: VAU-Status, getNonce, the request, the code, VAU-Status again.
        return { ...row, fault: { ...row.fault, after: index % 5 } };
      }),
      data('vau.restart-key-id', 'Restart of another channel', 'restart', { what: 'foreign' }),
      { ...data('egress.reset', 'truncated', 'truncate'), code: 'RECORD_SYSTEM_UNREACHABLE', quiet: true },
    ],
  },
];

export const ALL_GROUPS: Group[] = [...IDP_GROUPS, ...CARD_GROUPS, ...VAU_GROUPS, ...FRAME_GROUPS];
