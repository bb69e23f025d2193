// Each record system's share of the gateway: whether its two services, location and VAU, are worth asking, and how many
// exports may be on their way to it. One that hangs, fails or is gone must cost the insured of the others nothing.
import { asGatewayError, type ErrorCode, GatewayError } from '../errors.ts';
import { Breaker, type Gate } from './breaker.ts';
import { Concurrency, type Passage } from './concurrency.ts';
import { RememberedFailure } from './failed-openings.ts';
import type { StatusAnswer } from './locate-decision.ts';
import type { Clock } from './outside.ts';
import type { WriteOutcome } from './registry-response.ts';
import type { Timer } from './timer.ts';

/** Whom the house may wake: one export as probe, as many as there are places, or all that wait for this record system. */
export type Change =
  | { kind: 'probe'; recordSystem: string; service: Service }
  | { kind: 'places'; recordSystem: string; free: number }
  | { kind: 'recovered'; recordSystem: string };

export type Service = 'location' | 'vau';

/** On its way to one record system; `leave` once. */
export type Visit = {
  /** Somebody must find out whether it answers: a session is asked before it is used. */
  probe: boolean;
  /** The VAU answered: a session was opened or asked. */
  reached(): void;
  /** How opening a session or a write ended. */
  ended(result: WriteOutcome | { kind: 'failed'; thrown: unknown }): void;
  leave(): void;
};

export type RecordSystemState = {
  recordSystem: string;
  state: 'ok' | 'unavailable';
  /** It has answered since the start of this process: before that `ok` says only that nothing is known against it. */
  answered: boolean;
  since: number | null;
  code: ErrorCode | null;
  location: 'ok' | 'unavailable';
  running: number;
  limit: number;
};

/** The check of the error that says: no place now, nothing was tried. */
export const NO_PLACE = 'record-system.no-place';

type One = Record<Service, Breaker> & { places: Concurrency };

export class Availability {
  readonly #systems: ReadonlyMap<string, One>;
  readonly #onChange: (change: Change) => void;

  constructor(o: {
    recordSystems: readonly { id: string }[];
    concurrency: number;
    now: Clock;
    timer: Timer;
    onChange: (change: Change) => void;
  }) {
    this.#onChange = o.onChange;
    const breaker = (recordSystem: string, service: Service) =>
      new Breaker({
        now: o.now,
        timer: o.timer,
        onProbe: () => o.onChange({ kind: 'probe', recordSystem, service }),
        onRecovery: () => {
          this.#systems.get(recordSystem)?.[service === 'vau' ? 'location' : 'vau'].probeNow();
          o.onChange({ kind: 'recovered', recordSystem });
        },
      });
    this.#systems = new Map(
      o.recordSystems.map(({ id }) => [
        id,
        { location: breaker(id, 'location'), vau: breaker(id, 'vau'), places: new Concurrency(o.concurrency) },
      ]),
    );
  }

  /** Asks for the location through this: `ask` is not called while the service is not worth asking. */
  async located(recordSystem: string, ask: () => Promise<StatusAnswer>): Promise<StatusAnswer> {
    const { location } = this.#of(recordSystem);
    const gate = location.gate();
    if (gate instanceof GatewayError) return { status: 'not-asked', error: gate };
    const answer = await ask().catch((thrown: unknown) => {
      location.undecided(gate);
      throw thrown;
    });
    if (answer.status === 'not-asked') location.failed(answer.error, gate);
    else if (answer.status === 'busy' && (answer.foreign.status ?? 0) >= 500)
      location.failed(new GatewayError('RECORD_BUSY', 'the location has an internal error', answer), gate);
    else location.answered();
    return answer;
  }

  /** Before a session is asked for. GatewayError: what the last ones met, or RECORD_BUSY with the check NO_PLACE. */
  enter(recordSystem: string): Visit {
    const one = this.#of(recordSystem);
    const gate = one.vau.gate();
    if (gate instanceof GatewayError) throw gate;
    const passage = one.places.enter();
    if (passage === undefined) {
      one.vau.undecided(gate);
      throw new GatewayError('RECORD_BUSY', 'no place on the way to this record system', { check: NO_PLACE });
    }
    return this.#visit(recordSystem, one, gate, passage);
  }

  states(): RecordSystemState[] {
    return [...this.#systems].map(([recordSystem, { location, vau, places }]) => ({
      recordSystem,
      state: vau.shut === undefined ? 'ok' : 'unavailable',
      answered: vau.everAnswered || location.everAnswered,
      since: vau.shut?.since ?? null,
      code: vau.shut?.error.code ?? location.shut?.error.code ?? null,
      location: location.shut === undefined ? 'ok' : 'unavailable',
      running: places.running,
      limit: places.limit,
    }));
  }

  stop(): void {
    for (const { location, vau } of this.#systems.values()) for (const breaker of [location, vau]) breaker.stop();
  }

  #of(recordSystem: string): One {
    const one = this.#systems.get(recordSystem);
    if (one === undefined) throw new GatewayError('INTERNAL', 'no settings for this record system');
    return one;
  }

  #visit(recordSystem: string, { vau, places }: One, gate: Gate, passage: Passage): Visit {
    let said = false;
    const answered = () => {
      said = true;
      vau.answered();
    };
    return {
      probe: gate === 'probe',
      reached: answered,
      ended: (result) => {
        if (result.kind === 'stored' || (result.kind === 'registry-error' && result.meaning !== 'busy')) {
          answered();
          places.succeeded();
          return;
        }
        if (result.kind === 'failed' && result.thrown instanceof RememberedFailure) return;
        const reason = reasonOf(result);
        if (isOverload(reason)) places.overloaded(passage);
        if (isSilence(reason)) {
          said = true;
          vau.failed(reason, gate);
        } else if (result.kind === 'registry-error' || isAnswer(reason)) answered();
      },
      leave: () => {
        if (!said) vau.undecided(gate);
        const free = places.leave();
        if (free > 0) this.#onChange({ kind: 'places', recordSystem, free });
      },
    };
  }
}

/** Why it failed; of an answer that was lost, why. */
function reasonOf(result: WriteOutcome | { kind: 'failed'; thrown: unknown }): GatewayError {
  if (result.kind === 'failed') return asGatewayError(result.thrown);
  if (result.kind === 'no-answer')
    return result.error.cause instanceof GatewayError ? result.error.cause : result.error;
  return new GatewayError('RECORD_BUSY', 'the registry is busy');
}

/** Nothing that answers as a record system does. */
const isSilence = ({ code, foreign }: GatewayError): boolean =>
  code === 'RECORD_SYSTEM_UNREACHABLE' || (code === 'VAU_HANDSHAKE_FAILED' && foreign?.code === undefined);

/** A refusal of the record system itself. */
const isAnswer = ({ code }: GatewayError): boolean =>
  code.startsWith('RECORD_') && code !== 'RECORD_SYSTEM_TLS_UNTRUSTED';

const isOverload = ({ code, check }: GatewayError): boolean => code === 'RECORD_BUSY' || check === 'egress.timeout';
