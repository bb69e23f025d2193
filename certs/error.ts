// The one error of the certificate layer. Its code is stable; the gateway translates it into a GatewayError
// (VAU_SERVER_UNTRUSTED, SMCB_CERTIFICATE_INVALID …), the simulator into the documented refusal. Messages name the
// broken rule only: no subject, no Telematik-ID, no serial number (style.md B8).

export type CertErrorCode =
  | 'CERT_UNREADABLE'
  | 'CERT_ALGORITHM'
  | 'CERT_EXTENSION'
  | 'CERT_CHAIN_UNTRUSTED'
  | 'CERT_SIGNATURE'
  | 'CERT_EXPIRED'
  | 'CERT_NOT_YET_VALID'
  | 'CERT_NOT_A_CA'
  | 'CERT_PATH_LENGTH'
  | 'CERT_KEY_USAGE'
  | 'CERT_ROLE'
  | 'OCSP_UNREADABLE'
  | 'OCSP_NOT_SUCCESSFUL'
  | 'OCSP_NOT_ONE_RESPONSE'
  | 'OCSP_OTHER_CERTIFICATE'
  | 'OCSP_RESPONDER_UNTRUSTED'
  | 'OCSP_SIGNATURE'
  | 'OCSP_FUTURE'
  | 'OCSP_STALE'
  | 'OCSP_REVOKED'
  | 'OCSP_UNKNOWN'
  | 'OCSP_CERT_HASH'
  | 'TSL_UNREADABLE'
  | 'TSL_SIGNATURE'
  | 'TSL_SIGNER_UNTRUSTED'
  | 'PKCS12_UNREADABLE'
  | 'PKCS12_PASSWORD'
  | 'PKCS12_ALGORITHM'
  | 'PKCS12_NO_KEY'
  | 'PKCS12_TWO_KEYS'
  | 'PKCS12_NO_CERTIFICATE';

export class CertError extends Error {
  readonly code: CertErrorCode;

  constructor(code: CertErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CertError';
    this.code = code;
  }
}

/**
 * Runs a reader of foreign bytes. Whatever it trips over becomes `code`, unless it already is an error of that family:
 * a library's own words about broken bytes are no contract.
 */
export function reading<T>(code: 'CERT_UNREADABLE' | 'OCSP_UNREADABLE', what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CertError && cause.code.startsWith(code.slice(0, 5))) throw cause;
    throw new CertError(code, `${what} not readable`, { cause });
  }
}
