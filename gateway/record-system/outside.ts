// How record-system/ meets the outside: the port onto gateway/egress.ts (D18), what a transport failure means, and the JSON
// error body all REST operations share (`errorCode`, `errorDetail`; OpenAPI of I_Authorization_Service, I_Information_Service).
import type { Egress, EgressErrorCode } from '../egress.ts';
import { EgressError } from '../egress.ts';
import { type ErrorCode, type Foreign, GatewayError } from '../errors.ts';

/** All that is used of Egress; tests put their own in its place. */
export type EgressPort = Pick<Egress, 'request'>;

/** One entry of the setting `recordSystems`: `url` is the origin of its outer interface. */
export type RecordSystemAccess = { id: string; url: string };

/** Milliseconds since 1970: the clock of this environment (D17). */
export type Clock = () => number;

export type Json = Record<string, unknown>;

/** `x-useragent`: ClientID registered with gematik, a slash, the version (A_22470-05, SES-03). */
export const USER_AGENT = /^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9\-.]{1,15}$/;

/**
 * A failure of egress as an error of ours; what our own body source threw comes back as it was. `codes` names the code for
 * "not reachable" and for a certificate that is not trusted. An address outside the allow-list is a trust failure, too:
 * some answer led us there.
 */
export function asUnreachable(thrown: unknown, codes: { unreachable: ErrorCode; untrusted: ErrorCode }): unknown {
  if (!(thrown instanceof EgressError)) return thrown;
  if (thrown.code === 'BODY_FAILED' && thrown.cause instanceof GatewayError) return thrown.cause;
  if (thrown.code === 'BODY_FAILED') return new GatewayError('INTERNAL', 'our own request failed', { cause: thrown });
  const untrusted: readonly EgressErrorCode[] = ['TLS_UNTRUSTED', 'PIN_MISMATCH', 'NOT_ALLOWED'];
  const code = untrusted.includes(thrown.code) ? codes.untrusted : codes.unreachable;
  return new GatewayError(code, thrown.message, { cause: thrown, check: `egress.${thrown.code.toLowerCase()}` });
}

export const RECORD_SYSTEM_CODES = {
  unreachable: 'RECORD_SYSTEM_UNREACHABLE',
  untrusted: 'RECORD_SYSTEM_TLS_UNTRUSTED',
} as const;
export const IDP_CODES = { unreachable: 'IDP_UNREACHABLE', untrusted: 'IDP_UNTRUSTED' } as const;

/** A JSON object, or undefined: who needs one says what its absence means. */
export function jsonObject(body: Uint8Array): Json | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a REST operation said: its status, `errorCode`, `errorDetail`. */
export function foreignOf(answer: { status: number; body: Uint8Array }): Foreign {
  const said = jsonObject(answer.body);
  const code = text(said?.errorCode);
  const detail = text(said?.errorDetail);
  return { status: answer.status, ...(code !== undefined && { code }), ...(detail !== undefined && { text: detail }) };
}
