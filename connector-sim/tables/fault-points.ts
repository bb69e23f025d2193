// Every place a fault can be switched on and the kinds that place plays (api.md section 4; docs/faults.md is checked
// against it). A kind stands here only when the service at that place really plays it.

// D22: before acting (drop-request, reset-request), after it (the rest); http-status answers instead of acting.
const network = ['drop-request', 'reset-request', 'drop-response', 'reset', 'truncate', 'garbage', 'delay', 'hang'];
const http = [...network, 'http-status'];
const soap = [...http, 'soap-fault'];

export const FAULT_POINTS: Readonly<Record<string, readonly string[]>> = {
  'konnektor.tls': ['wrong-certificate', 'expired', 'tls-version', 'drop-request', 'reset', 'hang'],
  'konnektor.connector.sds': http,
  'konnektor.GetCards': soap,
  'konnektor.GetCardTerminals': soap,
  'konnektor.GetResourceInformation': soap,
  'konnektor.GetPinStatus': soap,
  'konnektor.VerifyPin': soap,
  'konnektor.ReadCardCertificate': [...soap, 'wrong-certificate'],
  'konnektor.ExternalAuthenticate': [...soap, 'wrong-signature'],
  'idp.discovery': [...http, 'wrong-signature', 'wrong-certificate', 'expired', 'wrong-claim', 'rotate'],
  'idp.puk_idp_sig': [...http, 'wrong-key', 'wrong-certificate'],
  'idp.puk_idp_enc': [...http, 'wrong-key'],
  'idp.challenge': [...http, 'wrong-signature', 'wrong-key', 'expired', 'wrong-claim'],
  'idp.auth': [...http, 'wrong-claim', 'idp-error'],
  'record-system.tls': ['wrong-certificate', 'expired', 'drop-request', 'reset', 'hang', 'refuse'],
  'information.ehr': http,
  certdata: [...http, 'wrong-certificate'],
  'vau.handshake': [
    ...http,
    'cbor-error',
    'restart',
    'wrong-signature',
    'wrong-key',
    'wrong-certificate',
    'wrong-ocsp',
    'wrong-claim',
    'wrong-cid',
    'revoked',
    'stale',
    'expired',
  ],
  'vau.m3': [...http, 'cbor-error', 'restart'],
  'vau.data': [...http, 'cbor-error', 'restart', 'drop-channel', 'wrong-frame'],
  'vau.status': http,
  'authz.getNonce': [...http, 'wrong-claim'],
  'authz.send_authorization_request_sc': [...http, 'wrong-claim'],
  'authz.send_authcode_sc': [...http, 'wrong-claim'],
  'xds.iti41': [...soap, 'registry-error', 'wrong-frame'],
  ocsp: [...http, 'revoked', 'stale', 'wrong-signature', 'wrong-certificate'],
  tsl: [...http, 'wrong-signature', 'wrong-certificate', 'expired', 'stale', 'revoked'],
  webhook: http,
};

/** Kinds that are a state of their place until they are switched off: no exchange is seen that could be counted. */
export const LASTING: ReadonlySet<string> = new Set(['refuse', 'rotate']);

/** By which members of `match` each place can be narrowed; places that are not named know none. */
export const FAULT_MATCHES: Readonly<Record<string, readonly string[]>> = {
  'konnektor.tls': ['konnektor'],
  'konnektor.connector.sds': ['konnektor'],
  'konnektor.GetCards': ['konnektor'],
  'konnektor.GetCardTerminals': ['konnektor'],
  'konnektor.GetResourceInformation': ['konnektor', 'iccsn'],
  'konnektor.GetPinStatus': ['konnektor', 'iccsn'],
  'konnektor.VerifyPin': ['konnektor', 'iccsn'],
  'konnektor.ReadCardCertificate': ['konnektor', 'iccsn'],
  'konnektor.ExternalAuthenticate': ['konnektor', 'iccsn'],
  'record-system.tls': ['recordSystem'],
  'information.ehr': ['recordSystem', 'kvnr'],
  certdata: ['recordSystem'],
  'vau.handshake': ['recordSystem'],
  'vau.m3': ['recordSystem'],
  'vau.data': ['recordSystem'],
  'vau.status': ['recordSystem'],
  'authz.getNonce': ['recordSystem'],
  'authz.send_authorization_request_sc': ['recordSystem'],
  'authz.send_authcode_sc': ['recordSystem'],
  'xds.iti41': ['recordSystem', 'kvnr'],
};
