// Security events (SEC-11): every trust check that failed and every TLS handshake that was refused or cut, each once, wherever
// it was met. A line of the log, a count in the metrics, and once a minute an entry of the audit trail.
import type { Connected, EgressPurpose } from './egress.ts';
import { type ErrorCode, GatewayError } from './errors.ts';
import type { AuditRefusals } from './exports/audit-refusals.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Where it was met; all are names of the settings, `address` host and port of the other side. */
export type SecurityPlace = { recordSystem?: string; diga?: string; address?: string };

export type SecurityEvents = {
  /** To be told of whatever was thrown: an event where a trust check failed, nothing otherwise. */
  met(thrown: unknown, place: SecurityPlace): void;
  /** To be told of each connection to the outside and of each that did not come about. */
  connected(connection: Connected): void;
};

const UNTRUSTED: ReadonlySet<ErrorCode> = new Set([
  'VAU_SERVER_UNTRUSTED',
  'IDP_UNTRUSTED',
  'SMCB_UNTRUSTED',
  'SMCB_WRONG_ROLE',
]);
/** The checks of messages and certificates by their first word; `vau.status` is an error that the other side told by itself. */
const TRUST_CHECK =
  /^(vau\.(?!status$)|idp\.|smcb\.|session\.|konnektor\.|tsl\.(?!none$|unreachable$|expired$|grace$))/;

/** What a connection that was not trusted, or did not get through its TLS handshake, means for the exports. */
const OF_PURPOSE: Record<EgressPurpose, { untrusted: ErrorCode; cut: ErrorCode }> = {
  konnektor: { untrusted: 'KONNEKTOR_TLS_UNTRUSTED', cut: 'KONNEKTOR_UNREACHABLE' },
  'record-system': { untrusted: 'RECORD_SYSTEM_TLS_UNTRUSTED', cut: 'RECORD_SYSTEM_UNREACHABLE' },
  idp: { untrusted: 'IDP_UNTRUSTED', cut: 'IDP_UNREACHABLE' },
  'token-keys': { untrusted: 'TOKEN_KEYS_UNREACHABLE', cut: 'TOKEN_KEYS_UNREACHABLE' },
  tsl: { untrusted: 'TRUST_LIST_UNUSABLE', cut: 'TRUST_LIST_UNUSABLE' },
  ocsp: { untrusted: 'OCSP_UNREACHABLE', cut: 'OCSP_UNREACHABLE' },
  webhook: { untrusted: 'WEBHOOK_TLS_UNTRUSTED', cut: 'WEBHOOK_UNREACHABLE' },
  admin: { untrusted: 'CONFIG_INVALID', cut: 'CONFIG_INVALID' },
  clock: { untrusted: 'CONFIG_INVALID', cut: 'CONFIG_INVALID' },
};

export function createSecurityEvents(o: {
  log: Logger;
  metrics: Metrics;
  refusals: Pick<AuditRefusals, 'untrusted'>;
}): SecurityEvents {
  // One failure travels through several hands, as the cause of another or to everybody who waited for it.
  const told = new WeakSet<object>();

  const raise = (code: ErrorCode, check: string, place: SecurityPlace) => {
    o.log.warn('security event', { code, check, ...place });
    o.metrics.securityEvent(code, check);
    o.refusals.untrusted({ code, check, ...place });
  };
  const toldBefore = (chain: readonly object[]) => {
    const before = chain.some((error) => told.has(error));
    for (const error of chain) told.add(error);
    return before;
  };

  return {
    met: (thrown, place) => {
      const chain = causesOf(thrown);
      const failed = chain.findLast((error) => isTrustFailure(error));
      if (failed === undefined || toldBefore(chain)) return;
      raise(failed.code, failed.check ?? 'none', place);
    },
    connected: ({ purpose, host, ms, code }) => {
      o.log.debug('connection', { name: purpose, address: host, ms, ...(code !== null && { code }) });
      const { untrusted, cut } = OF_PURPOSE[purpose];
      const place = { address: host };
      if (code === 'TLS_UNTRUSTED' || code === 'PIN_MISMATCH' || code === 'KEY_WEAK' || code === 'NOT_ALLOWED')
        raise(untrusted, `egress.${code.toLowerCase()}`, place);
      // The TCP connection stood, and ended before TLS did.
      else if (code === 'RESET') raise(cut, 'egress.handshake', place);
    },
  };
}

/** An error and what it names as its cause, outermost first. */
function causesOf(thrown: unknown): Error[] {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && !chain.includes(error); error = error.cause) chain.push(error);
  return chain;
}

/** `egress.…` is told by the connection itself, once however many waited for it. */
const isTrustFailure = (error: Error): error is GatewayError =>
  error instanceof GatewayError &&
  error.check?.startsWith('egress.') !== true &&
  (UNTRUSTED.has(error.code) || TRUST_CHECK.test(error.check ?? ''));
