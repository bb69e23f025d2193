// What can go wrong on the way out, and what it says about the bytes of the request. A leaf of gateway/egress.ts.
import { errors } from 'undici';

export type EgressErrorCode =
  | 'NOT_ALLOWED' // foreign origin, or its name resolves to a forbidden address; before any connection
  | 'UNREACHABLE' // no connection: name unknown, refused, no route
  | 'TLS_UNTRUSTED' // their certificate or ours was not accepted, or no common TLS profile
  | 'PIN_MISMATCH' // their certificate is trusted, but none of its chain has a pinned key
  | 'KEY_WEAK' // their certificate is trusted, but its RSA key is shorter than CRT-07 allows
  | 'PROXY_UNREACHABLE' // no connection to our proxy
  | 'PROXY_REFUSED' // our proxy opens no tunnel to this target, or not for us
  | 'TIMEOUT'
  | 'RESET' // the connection ended before the answer did
  | 'TOO_LARGE' // the answer exceeds maxResponseBytes
  | 'PROTOCOL' // what came back is not HTTP/1.1
  | 'BODY_FAILED'; // our own request failed: the body source or onFirstByte threw (`cause` is what it threw), or a header is malformed

/** Never holds a path, a query or content. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly code: EgressErrorCode;
  /** False only when provably no byte of this request has left. */
  readonly bytesSent: boolean;

  constructor(code: EgressErrorCode, message: string, more: { bytesSent: boolean; cause?: unknown }) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.bytesSent = more.bytesSent;
  }
}

export const notAllowed = (message: string): EgressError =>
  new EgressError('NOT_ALLOWED', message, { bytesSent: false });

/** The request ran into its `timeoutMs`; EGRESS_TLS_SILENT where somebody has accepted the connection and no handshake came of it. */
export class DeadlinePassed extends Error {
  readonly code: 'EGRESS_DEADLINE' | 'EGRESS_TLS_SILENT';

  constructor(message?: string, accepted = false) {
    super(message);
    this.code = accepted ? 'EGRESS_TLS_SILENT' : 'EGRESS_DEADLINE';
  }
}
/** The answer passed `maxResponseBytes`. */
export class AnswerTooLarge extends Error {
  readonly code = 'EGRESS_TOO_LARGE';
}

const TEXT: Record<EgressErrorCode, string> = {
  NOT_ALLOWED: 'address not allowed',
  UNREACHABLE: 'no connection',
  TLS_UNTRUSTED: 'TLS not accepted',
  PIN_MISMATCH: 'no pinned key in the chain',
  KEY_WEAK: 'RSA key of the certificate too short',
  PROXY_UNREACHABLE: 'no connection to the proxy',
  PROXY_REFUSED: 'refused by the proxy',
  TIMEOUT: 'time limit passed',
  RESET: 'connection ended before the answer (a client certificate refused without an alert looks like this, too)',
  TOO_LARGE: 'answer too large',
  PROTOCOL: 'answer is not HTTP/1.1',
  BODY_FAILED: 'our own request failed',
};

const NO_CONNECTION =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM|UND_ERR_(DESTROYED|CLOSED))$/;
const TIME_PASSED = /^(EGRESS_DEADLINE|EGRESS_TLS_SILENT|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
/** OpenSSL's errors, Node's own, and the X.509 verify results Node uses as codes (X509_V_ERR_… without the prefix). */
const TLS_REFUSED =
  /^(ERR_TLS_|ERR_SSL_(?!UNEXPECTED_EOF)|CERT_|CRL_|CA_|EE_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_MISMATCH|ERROR_IN_|UNSPECIFIED$)/;
const NOT_HTTP = /^(HPE_|UND_ERR_HEADERS_OVERFLOW)/;
const OUR_REQUEST = /^UND_ERR_(INVALID_ARG|REQ_CONTENT_LENGTH_MISMATCH|NOT_SUPPORTED)$/;

/** Anything thrown while a request ran. `where` is purpose and host; `failure` is what our own source threw. */
export function asEgressError(
  thrown: unknown,
  state: { sent: boolean; failure: { cause: unknown } | undefined },
  where: string,
): EgressError {
  const more = { bytesSent: state.sent };
  if (state.failure !== undefined)
    return new EgressError('BODY_FAILED', `${where}: ${TEXT.BODY_FAILED}`, { ...more, cause: state.failure.cause });
  const raw = codeOf(thrown);
  const code = kindOf(thrown);
  const message = `${where}: ${TEXT[code]}${raw === '' ? '' : ` (${raw})`}`;
  // A parser error carries a piece of the answer: it must not travel in `cause`.
  return new EgressError(code, message, code === 'PROTOCOL' ? more : { ...more, cause: thrown });
}

/** What an error of a connection means. */
export const kindOf = (thrown: unknown): EgressErrorCode => classify(codeOf(thrown));

function codeOf(thrown: unknown): string {
  if (thrown instanceof errors.HTTPParserError) return thrown.code ?? 'HPE_INVALID';
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

function classify(raw: string): EgressErrorCode {
  if (raw === 'EGRESS_ADDRESS') return 'NOT_ALLOWED';
  if (raw === 'EGRESS_PIN_MISMATCH') return 'PIN_MISMATCH';
  if (raw === 'EGRESS_KEY_WEAK') return 'KEY_WEAK';
  if (/^EGRESS_PROXY_(DOWN|ENDED|SILENT)$/.test(raw)) return 'PROXY_UNREACHABLE';
  if (raw === 'EGRESS_PROXY_TLS') return 'TLS_UNTRUSTED';
  // The proxy could not reach the target, or said no (407: our credentials), or is none.
  if (raw.startsWith('EGRESS_PROXY_')) return /_5\d\d$/.test(raw) ? 'UNREACHABLE' : 'PROXY_REFUSED';
  if (raw === 'EGRESS_TOO_LARGE') return 'TOO_LARGE';
  if (TIME_PASSED.test(raw)) return 'TIMEOUT';
  if (NO_CONNECTION.test(raw)) return 'UNREACHABLE';
  if (TLS_REFUSED.test(raw)) return 'TLS_UNTRUSTED';
  if (NOT_HTTP.test(raw)) return 'PROTOCOL';
  if (OUR_REQUEST.test(raw)) return 'BODY_FAILED';
  return 'RESET';
}
