// Which record system holds the active record of a person: GET /information/api/v1/ehr (getRecordStatus) at every known one,
// outside the VAU (epa-record-system.md 3.1; EXP-22, EXP-23). Decided by D12: one definite 204 while every other definitely
// has no active record; whoever cannot be asked leaves the question open, and nothing is written.
import { type Foreign, GatewayError } from '../errors.ts';
import type { RecordSystemAccess } from './outside.ts';
import { asUnreachable, type Clock, type EgressPort, foreignOf, RECORD_SYSTEM_CODES } from './outside.ts';

const STATUS_TIMEOUT_MS = 10_000;
const STATUS_MAX_BYTES = 64 * 1024;
const DEFAULT_MAX_AGE_SECONDS = 24 * 60 * 60;
const MAX_REMEMBERED = 100_000;

type Answer =
  | { status: 'activated' }
  | { status: 'none'; foreign: Foreign }
  | { status: 'suspended'; foreign: Foreign }
  | { status: 'malformed'; foreign: Foreign }
  | { status: 'busy'; foreign: Foreign }
  | { status: 'not-asked'; error: GatewayError };

/** Finds and remembers; one enquiry per person at a time, however many wait for it. */
export class RecordLocator {
  readonly #o: LocatorOptions;
  readonly #known = new Map<string, { recordSystem: string; until: number }>();
  readonly #asking = new Map<string, Promise<string>>();

  constructor(options: LocatorOptions) {
    this.#o = options;
  }

  /**
   * Id of the record system. `lookupKey` (D6) is what is remembered; the KVNR goes into one header and nowhere else.
   * GatewayError RECORD_NOT_FOUND, RECORD_SUSPENDED, RECORD_AMBIGUOUS, RECORD_BUSY, RECORD_SYSTEM_UNREACHABLE,
   * RECORD_SYSTEM_TLS_UNTRUSTED, INTERNAL (400: our header is wrong).
   */
  locate(kvnr: string, lookupKey: string): Promise<string> {
    const known = this.#known.get(lookupKey);
    if (known !== undefined && this.#o.now() < known.until) return Promise.resolve(known.recordSystem);
    const running = this.#asking.get(lookupKey);
    if (running !== undefined) return running;
    const asking = this.#ask(kvnr, lookupKey).finally(() => this.#asking.delete(lookupKey));
    this.#asking.set(lookupKey, asking);
    return asking;
  }

  /** Records move: called when the record system says it has no such record (EXP-22). */
  forget(lookupKey: string): void {
    this.#known.delete(lookupKey);
  }

  async #ask(kvnr: string, lookupKey: string): Promise<string> {
    const answers = await Promise.all(
      this.#o.recordSystems.map(async (at) => ({ at: at.id, answer: await this.#askOne(at, kvnr) })),
    );
    const recordSystem = decide(answers);
    const oldest = this.#known.keys().next();
    if (this.#known.size >= MAX_REMEMBERED && !oldest.done) this.#known.delete(oldest.value);
    const seconds = this.#o.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS;
    this.#known.delete(lookupKey);
    this.#known.set(lookupKey, { recordSystem, until: this.#o.now() + seconds * 1000 });
    return recordSystem;
  }

  async #askOne(recordSystem: RecordSystemAccess, kvnr: string): Promise<Answer> {
    try {
      const answer = await this.#o.egress.request('record-system', {
        url: new URL('/information/api/v1/ehr', recordSystem.url).href,
        method: 'GET',
        headers: { 'x-insurantid': kvnr, 'x-useragent': this.#o.userAgent, accept: 'application/json' },
        timeoutMs: STATUS_TIMEOUT_MS,
        maxResponseBytes: STATUS_MAX_BYTES,
      });
      const foreign = foreignOf(answer);
      if (answer.status === 204) return { status: 'activated' };
      if (answer.status === 404) return { status: 'none', foreign };
      if (answer.status === 409) return { status: 'suspended', foreign };
      if (answer.status === 400) return { status: 'malformed', foreign };
      return { status: 'busy', foreign };
    } catch (thrown) {
      const error = asUnreachable(thrown, RECORD_SYSTEM_CODES);
      if (error instanceof GatewayError) return { status: 'not-asked', error };
      throw error;
    }
  }
}

export type LocatorOptions = {
  recordSystems: readonly RecordSystemAccess[];
  egress: EgressPort;
  userAgent: string;
  now: Clock;
  /** How long an answer is trusted. */
  maxAgeSeconds?: number;
};

/** A 409 is as definite as a 404 about where the record is active: not there. */
function decide(answers: readonly { at: string; answer: Answer }[]): string {
  const first = <S extends Answer['status']>(status: S) =>
    answers
      .map((one) => one.answer)
      .find((answer): answer is Extract<Answer, { status: S }> => answer.status === status);
  const activated = answers.filter((one) => one.answer.status === 'activated');
  if (activated.length > 1)
    throw new GatewayError('RECORD_AMBIGUOUS', 'more than one record system says that it holds the active record');
  const notAsked = first('not-asked');
  if (notAsked !== undefined) throw notAsked.error;
  const malformed = first('malformed');
  if (malformed !== undefined)
    throw new GatewayError('INTERNAL', 'a record system calls our enquiry malformed', { foreign: malformed.foreign });
  const busy = first('busy');
  if (busy !== undefined)
    throw new GatewayError('RECORD_BUSY', 'a record system cannot say now whether it holds the record', {
      foreign: busy.foreign,
    });
  if (activated[0] !== undefined) return activated[0].at;
  const suspended = first('suspended');
  if (suspended !== undefined)
    throw new GatewayError('RECORD_SUSPENDED', 'the record is suspended', { foreign: suspended.foreign });
  throw new GatewayError('RECORD_NOT_FOUND', 'no record system knows an active record');
}
