// What a failure on the way to the record means for whoever sets a gateway up (OPS-06): at which step it happened, its stable name,
// and what to do, in both languages. Read from the errors of the gateway's own modules, with the cause that they keep.
import { asGatewayError, catalogue, type ErrorCode, type GatewayError, type Language } from '../errors.ts';

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

type Told = { step: StepName; fault: string; remedy?: Record<Language, string> };

const text = (en: string, de: string): Record<Language, string> => ({ en, de });
export const CLOCK_REMEDY = text(
  'Our clock and that of the other side differ: set the clock of this machine by NTP (in the TI: by the Konnektor).',
  'Unsere Uhr und die der Gegenseite gehen verschieden: die Uhr dieses Rechners per NTP stellen (in der TI: über den Konnektor).',
);
const NAME = text(
  'The certificate carries another name: set serverName of this Konnektor to the name in its certificate, often konnektor.konlan.',
  'Das Zertifikat trägt einen anderen Namen: serverName dieses Konnektors auf den Namen im Zertifikat setzen, oft konnektor.konlan.',
);
const CLIENT = text(
  'The Konnektor does not take our client certificate: create one for this ClientSystem there, export it as PKCS#12 and name it in the settings; or it has run out.',
  'Der Konnektor nimmt unser Clientzertifikat nicht an: dort eines für dieses Clientsystem anlegen, als PKCS#12 exportieren und in den Einstellungen nennen; oder es ist abgelaufen.',
);
const DNS = text(
  'The name cannot be resolved: check url of this Konnektor and the DNS (or hosts file) of this machine.',
  'Der Name ist nicht aufzulösen: url dieses Konnektors und das DNS (oder die hosts-Datei) dieses Rechners prüfen.',
);
const PROXY = text(
  'The proxy cannot be reached or opens no tunnel: check proxy.url, user and password file of this Konnektor, and what the proxy allows.',
  'Der Proxy ist nicht erreichbar oder öffnet keinen Tunnel: proxy.url, Benutzer und Passwortdatei dieses Konnektors prüfen, und was der Proxy erlaubt.',
);

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

function ofKonnektorWay(error: GatewayError): Told {
  const raw = rawCodes(error);
  const has = (form: RegExp) => raw.some((code) => form.test(code));
  if (has(/^(ENOTFOUND|EAI_\w+)$/)) return { step: 'dns', fault: 'dns.unknown-name', remedy: DNS };
  if (has(/^EGRESS_ADDRESS$/)) return { step: 'dns', fault: 'dns.address-not-allowed', remedy: DNS };
  if (has(/^(EGRESS_PROXY_\w+|PROXY_UNREACHABLE|PROXY_REFUSED)$/))
    return { step: 'proxy', fault: has(/^EGRESS_PROXY_DOWN$/) ? 'proxy.unreachable' : 'proxy.refused', remedy: PROXY };
  if (error.code === 'KONNEKTOR_TLS_UNTRUSTED') {
    if (has(/^EGRESS_PIN_MISMATCH$/)) return { step: 'konnektor-tls', fault: 'konnektor-tls.pin' };
    if (has(/^EGRESS_KEY_WEAK$/)) return { step: 'konnektor-tls', fault: 'konnektor-tls.weak-key' };
    if (has(NAME_CODE)) return { step: 'konnektor-tls', fault: 'konnektor-tls.name', remedy: NAME };
    if (has(ENDED_CODE)) return { step: 'konnektor-tls', fault: 'konnektor-tls.ended' };
    if (has(ALERT)) return { step: 'client-certificate', fault: 'client-certificate.refused', remedy: CLIENT };
    return { step: 'konnektor-tls', fault: 'konnektor-tls.untrusted' };
  }
  if (error.code === 'KONNEKTOR_UNREACHABLE' && has(/^RESET$/))
    return { step: 'client-certificate', fault: 'client-certificate.connection-ended', remedy: CLIENT };
  if (error.code === 'KONNEKTOR_UNREACHABLE' && error.foreign?.status === undefined)
    return { step: 'konnektor-tcp', fault: 'konnektor-tcp.unreachable' };
  if (error.foreign?.status === 401 || error.foreign?.status === 403)
    return { step: 'client-certificate', fault: 'client-certificate.refused', remedy: CLIENT };
  return { step: 'connector-sds', fault: 'connector-sds.unreadable' };
}

/** A check that failed since two clocks differ. */
const CLOCKS = /(not-yet|ocsp-future|smcb\.ocsp-future)$/;

const OF_CODE: Partial<Record<ErrorCode, Told>> = {
  CLOCK_WRONG: { step: 'clock', fault: 'clock.off', remedy: CLOCK_REMEDY },
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
export function faultOf(thrown: unknown, at: StepName): Fault {
  const error = asGatewayError(thrown);
  const { code, check = null } = error;
  const told = tell(error, at);
  return {
    step: told.step,
    fault: told.fault,
    code,
    check: check ?? null,
    remedy: told.remedy ?? catalogue[code].remedy,
  };
}

function tell(error: GatewayError, at: StepName): Told {
  const way: readonly StepName[] = [
    'dns',
    'proxy',
    'konnektor-tcp',
    'konnektor-tls',
    'client-certificate',
    'connector-sds',
  ];
  if (way.includes(at)) return ofKonnektorWay(error);
  if (CLOCKS.test(error.check ?? '')) return { step: at, fault: `${at}.clock`, remedy: CLOCK_REMEDY };
  const known = OF_CODE[error.code];
  // A record system that cannot be reached for the status of a record is that step's fault.
  if (at === 'record') return { step: 'record', fault: known?.step === 'record' ? known.fault : 'record.unreachable' };
  return known ?? { step: at, fault: `${at}.failed` };
}
