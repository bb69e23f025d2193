// Which Konnektors are not worth asking now (KON-11, MON-04): one that let a call run into its time limit is passed over until a
// probe has succeeded, so that it costs that limit once and not at every login; what still waits for it then ends at once. A call
// that is long in coming asks for a probe. One that refuses at once costs nothing and is asked again.
import { EgressError, type EgressRequest } from '../egress.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { KonnektorEgress } from './directory.ts';
import { FallenSilent } from './faults.ts';

/** Cancelled by calling what it answers. */
type Timer = (ms: number, fire: () => void) => () => void;

/** A signature takes some hundred milliseconds. */
const SLOW_MS = 3_000;
/** Beyond that a person is typing (PIN entry): nobody else's silence ends that. */
const LONGEST_GUARDED_MS = 60_000;

export class KonnektorHealth {
  readonly #silent = new Map<string, GatewayError>();
  /** How to end each call that is on its way. */
  readonly #waiting = new Map<string, Set<(error: EgressError) => void>>();
  readonly #timer: Timer;
  #onSilent: (konnektor: string) => void = () => {};
  #onSlow: (konnektor: string) => void = () => {};

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  /** Who finds out whether a Konnektor answers at all when a call is slow, and when it answers again. */
  listen(to: { silent: (konnektor: string) => void; slow: (konnektor: string) => void }): void {
    this.#onSilent = to.silent;
    this.#onSlow = to.slow;
  }

  /** To be told of whatever a call to this Konnektor threw. */
  failed(konnektor: string, thrown: unknown): void {
    const error = asGatewayError(thrown);
    if (!timedOut(error) || error instanceof SilentKonnektor || this.#silent.has(konnektor)) return;
    this.#silent.set(konnektor, error);
    const silence = new FallenSilent();
    for (const end of this.#waiting.get(konnektor) ?? []) end(silence);
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
    const error = this.#silent.get(konnektor);
    if (error !== undefined) throw new SilentKonnektor(konnektor, error);
  }

  /** The way to the Konnektors, where a call ends as soon as its Konnektor is known to be silent. A probe goes through. */
  guard(egress: KonnektorEgress): KonnektorEgress {
    const guarded = async (...[purpose, request]: Parameters<KonnektorEgress['request']>) => {
      const { target: konnektor } = request;
      if (konnektor === undefined || this.#isFree(konnektor, request)) return egress.request(purpose, request);
      const stop = this.#timer(SLOW_MS, () => this.#onSlow(konnektor));
      // Of this call alone: what it leaves behind at a promise that all calls share would stay as long as the Konnektor is well.
      const silence = Promise.withResolvers<never>();
      const waiting = this.#waiting.getOrInsertComputed(konnektor, () => new Set());
      waiting.add(silence.reject);
      try {
        return await Promise.race([egress.request(purpose, request), silence.promise]);
      } finally {
        waiting.delete(silence.reject);
        stop();
      }
    };
    return { request: guarded };
  }

  #isFree(konnektor: string, { timeoutMs }: EgressRequest): boolean {
    return this.#silent.has(konnektor) || timeoutMs > LONGEST_GUARDED_MS;
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
