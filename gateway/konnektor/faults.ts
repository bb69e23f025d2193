// What a Konnektor says when it does not do what was asked: SOAP fault with GERROR:Error, or the same as a Warning inside
// CONN:Status (KON 3.6.2), turned into GatewayErrors; and what the way to it says (EgressError, WireError).
import { WireError } from '../../wire/error.ts';
import type { SoapFault } from '../../wire/soap.ts';
import { child, childrenOf, type XmlElement } from '../../wire/xml.ts';
import { EgressError } from '../egress.ts';
import { type ErrorCode, type Foreign, GatewayError } from '../errors.ts';
import { GEMATIK_CODES, type Reaction } from './tables/gematik-codes.ts';
import { NS } from './tables/namespaces.ts';

/** One GERROR:Trace: gematik's or a vendor's (10000 to 40999) code with its text. */
export type Trace = { code: string; text: string };

/** Every Trace of a GERROR:Error, in order; tolerant, since it only explains what failed already. */
export function tracesOf(error: XmlElement): Trace[] {
  return childrenOf(error, NS.GERROR, 'Trace').map((trace) => ({
    code: child(trace, NS.GERROR, 'Code')?.text.trim() ?? '',
    text: child(trace, NS.GERROR, 'ErrorText')?.text.trim() ?? '',
  }));
}

/** The gematik code decides, and it stands in the last Trace (KON A_14159, ILF 6.6); the others are kept (ILF VSDM-A_3069). */
export function foreignOf(traces: readonly Trace[]): Foreign {
  const last = traces.at(-1);
  return last === undefined ? {} : { code: last.code, text: last.text, trace: [...traces] };
}

/** A fault as GatewayError. `what` names Konnektor and operation. An unlisted code is KONNEKTOR_FAULT with the raw code (KON-12). */
export function faultError(fault: SoapFault, status: number, what: string): GatewayError {
  const detail = fault.detail.find((element) => element.ns === NS.GERROR && element.name === 'Error');
  const traces = detail === undefined ? [] : tracesOf(detail);
  const foreign: Foreign =
    traces.length === 0 ? { code: fault.code, text: fault.reason, status } : { ...foreignOf(traces), status };
  // A SOAP fault code (Client, Server) never equals a gematik code, which is a number.
  const code = GEMATIK_CODES.get(foreign.code ?? '')?.code ?? 'KONNEKTOR_FAULT';
  const shown = /^\d{1,6}$/.test(foreign.code ?? '') ? ` with code ${foreign.code}` : '';
  return new GatewayError(code, `${what}: refused${shown}`, { foreign });
}

/** What the gematik code kept in this error calls for; undefined when there is none or it is unknown. */
export function reactionTo(error: unknown): Reaction | undefined {
  if (!(error instanceof GatewayError)) return undefined;
  return GEMATIK_CODES.get(error.foreign?.code ?? '')?.reaction;
}

const OF_EGRESS: Record<EgressError['code'], ErrorCode> = {
  NOT_ALLOWED: 'CONFIG_INVALID',
  UNREACHABLE: 'KONNEKTOR_UNREACHABLE',
  TLS_UNTRUSTED: 'KONNEKTOR_TLS_UNTRUSTED',
  PIN_MISMATCH: 'KONNEKTOR_TLS_UNTRUSTED',
  KEY_WEAK: 'KONNEKTOR_TLS_UNTRUSTED',
  PROXY_UNREACHABLE: 'KONNEKTOR_UNREACHABLE',
  PROXY_REFUSED: 'KONNEKTOR_PROXY_REFUSED',
  TIMEOUT: 'KONNEKTOR_UNREACHABLE',
  RESET: 'KONNEKTOR_UNREACHABLE',
  TOO_LARGE: 'KONNEKTOR_ANSWER_INVALID',
  PROTOCOL: 'KONNEKTOR_ANSWER_INVALID',
  BODY_FAILED: 'INTERNAL',
};

/** Anything thrown while talking to a Konnektor, named by `what` (`Konnektor k1: GetCards`) unless it is already. */
export function konnektorError(thrown: unknown, what: string): GatewayError {
  if (thrown instanceof GatewayError) {
    if (thrown.message.startsWith('Konnektor ')) return thrown;
    const { code, foreign, check } = thrown;
    return new GatewayError(code, `${what}: ${thrown.message}`, { cause: thrown, foreign, check });
  }
  if (thrown instanceof EgressError)
    return new GatewayError(OF_EGRESS[thrown.code], `${what}: ${thrown.message}`, {
      cause: thrown,
      check: `egress.${thrown.code.toLowerCase()}`,
    });
  if (thrown instanceof WireError) return answerInvalid(`${what}: ${thrown.message}`, { cause: thrown });
  return new GatewayError('INTERNAL', `${what}: unexpected error`, { cause: thrown });
}

/** The call ended since its Konnektor was found to be silent meanwhile, not by its own limit. */
export class FallenSilent extends EgressError {
  constructor() {
    super('TIMEOUT', 'has fallen silent meanwhile', { bytesSent: true });
  }
}

const CARD_TIMEOUT = 'card.timeout';

/**
 * A call about a card was sent and ran into its limit. A Konnektor that answers is not to blame (KON-11), and one that does not
 * would have been found silent long before (konnektor-health.ts): it is the card that does not answer.
 */
export function cardTimeout(thrown: unknown, what: string): GatewayError | undefined {
  if (!(thrown instanceof EgressError) || thrown instanceof FallenSilent) return undefined;
  if (thrown.code !== 'TIMEOUT' || !thrown.bytesSent) return undefined;
  return new GatewayError('SMCB_ACCESS_FAILED', `${what}: the card did not answer in time`, {
    cause: thrown,
    check: CARD_TIMEOUT,
  });
}

export const isCardTimeout = (thrown: unknown): boolean =>
  thrown instanceof GatewayError && thrown.check === CARD_TIMEOUT;

/** The connection was lost or never made: connector.sds is read again (KON-01, ILF TIP1-A_4967). */
export const isConnectionLoss = (error: GatewayError): boolean => error.code === 'KONNEKTOR_UNREACHABLE';

/** The answer breaks the interface. `message` names the rule, never the content. */
export function answerInvalid(
  message: string,
  more: { cause?: unknown; foreign?: Foreign; check?: string } = {},
): GatewayError {
  return new GatewayError('KONNEKTOR_ANSWER_INVALID', message, more);
}

/** An HTTP answer without a readable message in it: an error page of a proxy or of the Konnektor's web server. */
export function statusError(status: number, what: string): GatewayError {
  const foreign = { status };
  // Basic authentication, or a client certificate that is none of the client system's.
  if (status === 401 || status === 403)
    return new GatewayError('KONNEKTOR_CONTEXT_REFUSED', `${what}: HTTP ${status}, we are not let in`, {
      foreign,
      check: 'konnektor.authentication',
    });
  return status >= 500
    ? new GatewayError('KONNEKTOR_UNREACHABLE', `${what}: HTTP ${status} without a message`, { foreign })
    : answerInvalid(`${what}: HTTP ${status} without a message`, { foreign });
}
