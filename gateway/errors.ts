// Errors of the gateway: one class, a stable code, the kind decided where the failure happens (style.md B6).
// A leaf: imports nothing of ours but its own table, gateway/tables/error-catalogue.ts.
import { catalogue, type ErrorKind } from './tables/error-catalogue.ts';

export {
  type CatalogueEntry,
  catalogue,
  type ErrorKind,
  type StatusAfter,
  type Who,
} from './tables/error-catalogue.ts';

export type ErrorCode = keyof typeof catalogue;

/** What remedies are written in. */
export type Language = 'de' | 'en';

/** A remedy with the card filled in where it names the command or call for one. */
export const forCard = (remedy: string, iccsn: string): string =>
  remedy.replaceAll('<ICCSN>', iccsn).replaceAll('{iccsn}', iccsn);

/** What the other side said, unchanged; masked and cut (D20) before anyone outside sees it, never logged. */
export type Foreign = { code?: string; text?: string; trace?: { code: string; text: string }[]; status?: number };

/** The one error of the gateway. `message` never holds a KVNR, name, content, token or key. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly foreign: Foreign | undefined;
  /** The single trust or protocol check that failed (`vau.cert-hash`, `idp.discovery-signature`, …); security events carry it. */
  readonly check: string | undefined;
  /** The other side asked to wait so long (`Retry-After`). */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { cause?: unknown; foreign?: Foreign; check?: string; retryAfterSeconds?: number } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.foreign = more.foreign;
    this.check = more.check;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  get kind(): ErrorKind {
    return catalogue[this.code].kind;
  }
}

/** Any thrown value as a GatewayError; what is not one is a broken promise of our own (`INTERNAL`). */
export function asGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError('INTERNAL', 'unexpected error', { cause: thrown });
}
