// What a failure on the way to the record means for whoever sets a gateway up (OPS-06): at which step it happened, its stable name,
// and what to do, in both languages (remedies.ts). Read from the errors of the gateway's own modules, with the cause that they keep.
import { asGatewayError, catalogue, type ErrorCode, type GatewayError, type Language } from '../errors.ts';
import { CONTEXT, REMEDIES, type Remedy } from './remedies.ts';

/** In the order of the way. */
export const STEPS = [
  'trust-list',
  'dns',
  'proxy',
  'konnektor-tcp',
  'konnektor-tls',
  'client-certificate',
  'connector-sds',
  'clock',
  'context',
  'terminal',
  'card',
  'role',
  'certificate',
  'pin',
  'ocsp',
  'idp',
  'vau',
  'record',
] as const;
export type StepName = (typeof STEPS)[number];

export type Fault = {
  step: StepName;
  /** Stable: `dns.unknown-name`, `context.refused`. */
  fault: string;
  code: ErrorCode;
  check: string | null;
  remedy: Record<Language, string>;
};

type Told = { step: StepName; fault: string; remedy?: Remedy };

/** What the settings let us show to this Konnektor: without it, it is not our certificate that is refused. */
export type Shown = 'certificate' | 'password' | 'nothing';

/** The code that Node, OpenSSL or egress gave the connection, wherever in the chain of causes it stands. */
function rawCodes(error: GatewayError): string[] {
  const codes: string[] = [];
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string') codes.push(at.code);
  return codes;
}

/** A TLS alert of the other side: it did not like what we showed, or the lack of it. */
const ALERT = /^(ERR_SSL_(TLSV1|SSLV3|TLSV13)_ALERT_|ERR_SSL_.*_ALERT_)/;
const NAME_CODE = /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;
const ENDED_CODE = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/;

/** Somebody speaks, and it is not TLS. */
const NO_TLS_CODE =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE)$/;
/** A web server that knows no CONNECT says one of these, or ends the connection. */
const NO_PROXY_CODE = /^EGRESS_PROXY_(GARBAGE|ENDED|SILENT|400|404|405|501)$/;

function ofKonnektorWay(error: GatewayError, shown: Shown): Told {
  const raw = rawCodes(error);
  const has = (form: RegExp) => raw.some((code) => form.test(code));
  const told = (step: StepName, what: string): Told => ({ step, fault: `${step}.${what}` });
  if (has(/^(ENOTFOUND|EAI_\w+)$/)) return told('dns', 'unknown-name');
  if (has(/^EGRESS_ADDRESS$/)) return told('dns', 'address-not-allowed');
  if (has(NO_PROXY_CODE)) return told('proxy', 'no-proxy');
  if (has(/^EGRESS_PROXY_5\d\d$/)) return told('proxy', 'target-unreachable');
  if (has(/^(EGRESS_PROXY_\w+|PROXY_UNREACHABLE|PROXY_REFUSED)$/))
    return told('proxy', has(/^EGRESS_PROXY_DOWN$/) ? 'unreachable' : 'refused');
  if (has(/^EGRESS_TLS_SILENT$/)) return told('konnektor-tls', 'silent');
  // TLS 1.3 tells of a client certificate after the handshake; what ends before may still be about it, where we have one.
  if (has(/^EGRESS_TLS_ENDED$/)) return told('konnektor-tls', 'connection-ended');
  if (error.code === 'KONNEKTOR_TLS_UNTRUSTED') {
    if (has(NO_TLS_CODE)) return told('konnektor-tls', 'no-tls');
    if (has(/^EGRESS_PIN_MISMATCH$/)) return told('konnektor-tls', 'pin');
    if (has(/^EGRESS_KEY_WEAK$/)) return told('konnektor-tls', 'weak-key');
    if (has(NAME_CODE)) return told('konnektor-tls', 'name');
    if (has(ENDED_CODE)) return told('konnektor-tls', 'ended');
    if (has(ALERT)) return notLetIn('refused', shown);
    return told('konnektor-tls', 'untrusted');
  }
  if (error.code === 'KONNEKTOR_UNREACHABLE' && has(/^RESET$/)) return notLetIn('connection-ended', shown);
  if (error.code === 'KONNEKTOR_UNREACHABLE' && error.foreign?.status === undefined) {
    // The request has left: TLS stood.
    const taken = has(/^TIMEOUT$/) && sent(error);
    return taken ? told('connector-sds', 'silent') : told('konnektor-tcp', 'unreachable');
  }
  if (error.foreign?.status === 401 || error.foreign?.status === 403) return notLetIn('refused', shown);
  return told('connector-sds', 'unreadable');
}

function notLetIn(what: string, shown: Shown): Told {
  const fault = { certificate: what, password: 'password', nothing: 'none' }[shown];
  return { step: 'client-certificate', fault: `client-certificate.${fault}` };
}

function sent(error: GatewayError): boolean {
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause)
    if ('bytesSent' in at) return at.bytesSent === true;
  return false;
}

/** A check that failed since two clocks differ. */
const CLOCKS = /(not-yet|ocsp-future|smcb\.ocsp-future)$/;

const OF_CODE: Partial<Record<ErrorCode, Told>> = {
  CLOCK_WRONG: { step: 'clock', fault: 'clock.off' },
  KONNEKTOR_CONTEXT_REFUSED: { step: 'context', fault: 'context.refused' },
  TERMINAL_OFFLINE: { step: 'terminal', fault: 'terminal.offline' },
  SMCB_NOT_FOUND: { step: 'card', fault: 'card.not-found' },
  SMCB_WRONG_ROLE: { step: 'role', fault: 'role.wrong' },
  SMCB_UNTRUSTED: { step: 'role', fault: 'role.untrusted' },
  CERTIFICATE_EXPIRED: { step: 'certificate', fault: 'certificate.ended' },
  SMCB_PIN_NOT_VERIFIED: { step: 'pin', fault: 'pin.not-verified' },
  SMCB_PIN_BLOCKED: { step: 'pin', fault: 'pin.blocked' },
  SMCB_PIN_TRANSPORT: { step: 'pin', fault: 'pin.transport' },
  CERTIFICATE_REVOKED: { step: 'ocsp', fault: 'ocsp.revoked' },
  CERTIFICATE_NOT_RELEASED: { step: 'ocsp', fault: 'ocsp.unknown' },
  OCSP_UNREACHABLE: { step: 'ocsp', fault: 'ocsp.unreachable' },
  TRUST_LIST_UNUSABLE: { step: 'trust-list', fault: 'trust-list.unusable' },
  IDP_UNREACHABLE: { step: 'idp', fault: 'idp.unreachable' },
  IDP_UNTRUSTED: { step: 'idp', fault: 'idp.untrusted' },
  IDP_REFUSED: { step: 'idp', fault: 'idp.refused' },
  VAU_SERVER_UNTRUSTED: { step: 'vau', fault: 'vau.untrusted' },
  VAU_HANDSHAKE_FAILED: { step: 'vau', fault: 'vau.handshake' },
  RECORD_LOGIN_REFUSED: { step: 'vau', fault: 'vau.login-refused' },
  RECORD_SYSTEM_UNREACHABLE: { step: 'vau', fault: 'vau.unreachable' },
  RECORD_SYSTEM_TLS_UNTRUSTED: { step: 'vau', fault: 'vau.tls-untrusted' },
  RECORD_NOT_FOUND: { step: 'record', fault: 'record.not-found' },
  RECORD_AMBIGUOUS: { step: 'record', fault: 'record.ambiguous' },
  RECORD_SUSPENDED: { step: 'record', fault: 'record.suspended' },
};

/** `at`: the step that was being done. An error says more exactly than that where it belongs. */
export function faultOf(thrown: unknown, at: StepName, shown: Shown = 'certificate'): Fault {
  const error = asGatewayError(thrown);
  const { code, check = null } = error;
  const told = tell(error, at, shown);
  return {
    step: told.step,
    fault: told.fault,
    code,
    check: check ?? null,
    remedy: told.remedy ?? REMEDIES[told.fault] ?? catalogue[code].remedy,
  };
}

/** Steps of one connection. */
export const KONNEKTOR_WAY: readonly StepName[] = STEPS.slice(STEPS.indexOf('dns'), STEPS.indexOf('connector-sds') + 1);

function tell(error: GatewayError, at: StepName, shown: Shown): Told {
  const { code, check = '', foreign } = error;
  if (KONNEKTOR_WAY.includes(at)) return ofKonnektorWay(error, shown);
  if (CLOCKS.test(check)) return { step: at, fault: `${at}.clock`, remedy: REMEDIES['clock.off'] };
  const known = OF_CODE[code];
  if (code === 'KONNEKTOR_CONTEXT_REFUSED' && known !== undefined) {
    const remedy = CONTEXT[foreign?.code ?? ''];
    return remedy === undefined ? known : { ...known, remedy };
  }
  // A record system that cannot be reached for the status of a record is that step's fault.
  if (at === 'record') return { step: 'record', fault: known?.step === 'record' ? known.fault : 'record.unreachable' };
  if (at === 'vau' && code === 'RECORD_SYSTEM_UNREACHABLE' && isAnswer(foreign?.status))
    return { step: 'vau', fault: 'vau.other-service' };
  if (code === 'IDP_UNTRUSTED' && check.startsWith('egress.')) return { step: 'idp', fault: 'idp.tls-untrusted' };
  return known ?? { step: at, fault: `${at}.failed` };
}

/** Of a server that is no record system: one that is in trouble says 5xx. */
const isAnswer = (status: number | undefined) => status !== undefined && status < 500;
