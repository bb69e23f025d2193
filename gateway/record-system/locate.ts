// Which record system holds the active record of a person: GET /information/api/v1/ehr (getRecordStatus) at every known one,
// outside the VAU (epa-record-system.md 3.1; EXP-22, EXP-23). What the answers mean stands in locate-decision.ts; here is who
// is waited for, what is remembered, and that a record system that says nothing does not hold up the insured of the others.
import { asGatewayError, GatewayError } from '../errors.ts';
import { ambiguous, decide, type Located, readStatus, type StatusAnswer } from './locate-decision.ts';
import type { RecordSystemAccess } from './outside.ts';
import { asUnreachable, type Clock, type EgressPort, RECORD_SYSTEM_CODES } from './outside.ts';
import type { Timer } from './timer.ts';

/** Longer than any that is well needs; who hangs is left alone after three of them (availability.ts). */
const STATUS_TIMEOUT_MS = 6_000;
const STATUS_MAX_BYTES = 64 * 1024;
const DEFAULT_MAX_AGE_SECONDS = 24 * 60 * 60;
const DEFAULT_GRACE_SECONDS = 2;
/** How long an answer is trusted that not everybody has confirmed, and a contradiction is remembered. */
const UNSURE_MS = 60_000;
const MAX_REMEMBERED = 100_000;

export type LocatorOptions = {
  recordSystems: readonly RecordSystemAccess[];
  egress: EgressPort;
  userAgent: string;
  now: Clock;
  timer: Timer;
  /** How long an answer is trusted. */
  maxAgeSeconds?: number;
  /** How long the others are waited for once one has said that the record is there. */
  graceSeconds?: number;
  /** Through which each is asked; it may answer for one that is not worth asking. */
  through?: (recordSystem: string, ask: () => Promise<StatusAnswer>) => Promise<StatusAnswer>;
};

type Known = { until: number; located: Located | 'ambiguous' };

/** Finds and remembers; one enquiry per person at a time, however many wait for it. */
export class RecordLocator {
  readonly #o: LocatorOptions;
  readonly #ids: string[];
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<Known>>();
  readonly #late = new Set<Promise<unknown>>();

  constructor(options: LocatorOptions) {
    this.#o = options;
    this.#ids = options.recordSystems.map(({ id }) => id);
  }

  /**
   * Id of the record system. `lookupKey` (D6) is what is remembered; the KVNR goes into one header and nowhere else.
   * `stay`: where an unanswered write went: another place is given only once that one has said itself that the record is not
   * there, or the same document would stand in two places. GatewayError: those of `decide`; RECORD_SYSTEM_UNREACHABLE,
   * RECORD_SYSTEM_TLS_UNTRUSTED.
   */
  async locate(kvnr: string, lookupKey: string, stay?: string): Promise<string> {
    const known = this.#known.get(lookupKey);
    const { located } =
      known !== undefined && this.#o.now() < known.until ? known : await this.#askOnce(kvnr, lookupKey);
    if (located === 'ambiguous') throw ambiguous();
    const { recordSystem, denied } = located;
    const stays = stay !== undefined && this.#ids.includes(stay) && !denied.has(stay);
    return stays ? stay : recordSystem;
  }

  /** Records move: called when the record system says it has no such record (EXP-22). */
  forget(lookupKey: string): void {
    this.#known.delete(lookupKey);
  }

  /** Resolves when nobody is waited for any more; for tests. */
  async settled(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  #askOnce(kvnr: string, lookupKey: string): Promise<Known> {
    return this.#asking.getOrInsertComputed(lookupKey, () =>
      this.#ask(kvnr, lookupKey).finally(() => this.#asking.delete(lookupKey)),
    );
  }

  async #ask(kvnr: string, lookupKey: string): Promise<Known> {
    const { recordSystems, timer, graceSeconds = DEFAULT_GRACE_SECONDS } = this.#o;
    const { through = (_id, ask) => ask() } = this.#o;
    const answers = new Map<string, StatusAnswer>();
    const enough = Promise.withResolvers<void>();
    let stopGrace: (() => void) | undefined;
    const all = Promise.all(
      recordSystems.map(async (at) => {
        const answer = await through(at.id, () => this.#askOne(at, kvnr));
        answers.set(at.id, answer);
        if (answer.status === 'active') stopGrace ??= timer(graceSeconds * 1000, enough.resolve);
      }),
    );
    all.then(() => enough.resolve(), enough.reject);
    try {
      await enough.promise;
    } finally {
      stopGrace?.();
    }
    const known = this.#remember(lookupKey, decide(this.#ids, answers));
    if (answers.size < this.#ids.length) this.#hearLate(all, () => this.#confirm(lookupKey, known, answers));
    return known;
  }

  /** Who did not answer in time may still confirm or contradict, as long as nothing newer is known. */
  #hearLate(all: Promise<unknown>, confirm: () => void): void {
    const late: Promise<unknown> = all.then(confirm, () => {}).finally(() => this.#late.delete(late));
    this.#late.add(late);
  }

  #confirm(lookupKey: string, known: Known, answers: ReadonlyMap<string, StatusAnswer>): void {
    if (this.#known.get(lookupKey) !== known) return;
    try {
      this.#remember(lookupKey, decide(this.#ids, answers));
    } catch (thrown) {
      if (asGatewayError(thrown).code === 'RECORD_AMBIGUOUS') this.#remember(lookupKey, 'ambiguous');
    }
  }

  #remember(lookupKey: string, located: Located | 'ambiguous'): Known {
    const oldest = this.#known.keys().next();
    if (this.#known.size >= MAX_REMEMBERED && !oldest.done) this.#known.delete(oldest.value);
    const full = 1000 * (this.#o.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS);
    const sure = located !== 'ambiguous' && located.certain;
    const known = { located, until: this.#o.now() + (sure ? full : Math.min(full, UNSURE_MS)) };
    this.#known.delete(lookupKey);
    this.#known.set(lookupKey, known);
    return known;
  }

  async #askOne(recordSystem: RecordSystemAccess, kvnr: string): Promise<StatusAnswer> {
    try {
      const answer = await this.#o.egress.request('record-system', {
        url: new URL('/information/api/v1/ehr', recordSystem.url).href,
        method: 'GET',
        headers: { 'x-insurantid': kvnr, 'x-useragent': this.#o.userAgent, accept: 'application/json' },
        timeoutMs: STATUS_TIMEOUT_MS,
        maxResponseBytes: STATUS_MAX_BYTES,
      });
      return readStatus(answer);
    } catch (thrown) {
      const error = asUnreachable(thrown, RECORD_SYSTEM_CODES);
      if (error instanceof GatewayError) return { status: 'not-asked', error };
      throw error;
    }
  }
}
