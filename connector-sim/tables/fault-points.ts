// Every place a fault can be switched on and the kinds that place plays (api.md section 4; docs/faults.md is checked
// against it). A kind stands here only when the service at that place really plays it.

// D22: before acting (drop-request, reset-request), after it (the rest); http-status answers instead of acting.
const network = ['drop-request', 'reset-request', 'drop-response', 'reset', 'truncate', 'garbage', 'delay', 'hang'];
const http = [...network, 'http-status'];
const soap = [...http, 'soap-fault'];

export const FAULT_POINTS: Readonly<Record<string, readonly string[]>> = {
  'konnektor.tls': ['wrong-certificate', 'expired', 'drop-request', 'reset', 'hang'],
  'konnektor.connector.sds': http,
  'konnektor.GetCards': soap,
  'konnektor.GetCardTerminals': soap,
  'konnektor.GetResourceInformation': soap,
  'konnektor.GetPinStatus': soap,
  'konnektor.VerifyPin': soap,
  'konnektor.ReadCardCertificate': [...soap, 'wrong-certificate'],
  'konnektor.ExternalAuthenticate': [...soap, 'wrong-signature'],
  // IDP, record systems and OCSP: their own files name what they play.
  'idp.discovery': http,
  'idp.auth': http,
  'idp.challenge': http,
  'information.ehr': http,
  certdata: http,
  'vau.handshake': http,
  'vau.data': http,
  'authz.getNonce': http,
  'authz.send_authorization_request_sc': http,
  'authz.send_authcode_sc': http,
  'xds.iti41': http,
  ocsp: http,
};
