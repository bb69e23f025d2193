// Which Konnektors are not worth asking now (KON-11, MON-04): one that let a call run into its time limit is passed over until a
// probe has succeeded, so that it costs that limit once and not at every login. One that refuses at once costs nothing.
import { EgressError } from '../egress.ts';
import { asGatewayError, GatewayError } from '../errors.ts';

export class KonnektorHealth {
  readonly #silent = new Map<string, { error: GatewayError; since: number }>();
  readonly #now: () => number;
  #onSilent: (konnektor: string) => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Who is told when a Konnektor has fallen silent: somebody must find out when it answers again. */
  listen(to: (konnektor: string) => void): void {
    this.#onSilent = to;
  }

  /** To be told of whatever a call to this Konnektor threw. */
  failed(konnektor: string, thrown: unknown): void {
    const error = asGatewayError(thrown);
    if (!timedOut(error) || error instanceof SilentKonnektor || this.#silent.has(konnektor)) return;
    this.#silent.set(konnektor, { error, since: this.#now() });
    this.#onSilent(konnektor);
  }

  /** A probe was answered, whatever it said. */
  answered(konnektor: string): void {
    this.#silent.delete(konnektor);
  }

  isSilent(konnektor: string): boolean {
    return this.#silent.has(konnektor);
  }

  /** Throws what the silent Konnektor was found by, without asking it. */
  check(konnektor: string): void {
    const silent = this.#silent.get(konnektor);
    if (silent !== undefined) throw new SilentKonnektor(konnektor, silent.error);
  }
}

/** It was not asked: it has not answered since a call ran into its time limit. */
class SilentKonnektor extends GatewayError {
  constructor(konnektor: string, cause: GatewayError) {
    super('KONNEKTOR_UNREACHABLE', `Konnektor ${konnektor}: has not answered since a call ran into its time limit`, {
      cause,
    });
  }
}

function timedOut(error: unknown): boolean {
  if (error instanceof EgressError) return error.code === 'TIMEOUT';
  return error instanceof GatewayError && error.code === 'KONNEKTOR_UNREACHABLE' && timedOut(error.cause);
}
