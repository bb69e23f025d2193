// Signed-on channels, one per record system and Telematik-ID for all its insured (SES-02; D10–D13), with one of its own for
// large documents. However many wait, one handshake and one login are made for all of them, and one failure told to all.
import { asGatewayError, GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import type { Idp } from './idp.ts';
import { openSignedOnChannel, signedOn } from './login.ts';
import type { Clock, EgressPort, RecordSystemAccess } from './outside.ts';
import { type Lane, Place } from './place.ts';
import { type PooledSession, type Session, sessionOn } from './session.ts';
import type { Timer } from './timer.ts';
import type { VauTrust } from './vau-trust.ts';

export type SessionPoolOptions = {
  recordSystems: readonly RecordSystemAccess[];
  egress: EgressPort;
  trust: VauTrust;
  idp: Idp;
  userAgent: string;
  pu: boolean;
  nonPuTracing?: boolean;
  now: Clock;
  timer: Timer;
  /** Age at which a channel is replaced: unknown in the sources, 24 h at most (A_15549, D12). */
  maxAgeSeconds?: number;
  /** After so long without an answer, VAU-Status is asked before a document is trusted to the session. */
  probeAfterIdleSeconds?: number;
  /** False: a login for every acquire, in SIM only (D16). */
  reuse?: boolean;
  /** From this size on a document goes on a channel of its own kind (D13). */
  largeBytes?: number;
  /** Channels for small documents, at most (D13). */
  channels?: number;
  /** What it costs, each time it happens; and a renewal ahead of time that failed, which no export meets (SEC-11). */
  events?: Partial<PoolEvents>;
  /** Told of failures that no caller meets: a renewal ahead of time, an answer after which the channel is made anew (SEC-11). */
  onFailure?: (failure: unknown, recordSystem: string) => void;
};

export type PoolEvents = {
  handshake(recordSystem: string): void;
  login(recordSystem: string): void;
  notRenewed(place: { recordSystem: string; telematikId: string }, error: GatewayError): void;
};

/** `lifeMs`: how long sessions there were seen to live; null: not known yet. */
export type SessionState = {
  recordSystem: string;
  telematikId: string;
  openedAt: number;
  users: number;
  large: boolean;
  lifeMs: number | null;
};

export type Acquire = {
  recordSystem: string;
  diga: { id: string; telematikId: string };
  signer: () => Promise<SmcbSigner>;
  /** Only a session whose channel was opened after this moment. */
  freshAfter?: number;
  /** Size of what will be sent: a large document must not stand in the way of the small ones (D13). */
  bytes?: number;
  /** Somebody says that something has changed: an opening that failed just now is tried all the same. */
  anew?: boolean;
  /** Asks the record system for the session before it is handed out: somebody must find out whether it answers. */
  probe?: boolean;
};

const DEFAULT_MAX_AGE_SECONDS = 24 * 60 * 60;
const DEFAULT_PROBE_SECONDS = 120;
const DEFAULT_LARGE_BYTES = 1_048_576;
const LARGE_IDLE_MS = 60_000;
const RENEWAL_PAUSE_MS = 60_000;

export class SessionPool {
  readonly #o: SessionPoolOptions;
  readonly #maxAgeMs: number;
  readonly #places = new Map<string, Place>();

  constructor(options: SessionPoolOptions) {
    this.#o = options;
    this.#maxAgeMs = 1000 * (options.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS);
  }

  /**
   * A session, to be given back by `release`. GatewayError: what opening it threw; those who wait for one opening share its
   * failure, and so do those who come in the pause after it (failed-openings.ts).
   */
  async acquire(o: Acquire): Promise<Session> {
    const place = this.#place(o);
    if (this.#o.reuse === false) {
      const single = await this.#open(o, place, undefined);
      single.hold();
      single.retire();
      return single;
    }
    const large = (o.bytes ?? 0) >= (this.#o.largeBytes ?? DEFAULT_LARGE_BYTES);
    for (;;) {
      const lane = large ? place.large : place.smallLane((session) => this.#serves(session, o));
      const session = lane.current;
      if (session !== undefined && this.#serves(session, o)) {
        if (!(await this.#alive(place, lane, session, o.probe)) || !this.#serves(session, o)) continue;
        if (!large) this.#ahead(place, lane, session, o);
        return this.#handOut(place, lane, session);
      }
      if (lane.opening === undefined) {
        if (o.anew !== true) place.failures.check(this.#o.now());
        return this.#handOut(place, lane, await this.#start(place, lane, o));
      }
      const opened = await lane.opening;
      // One that had begun before `freshAfter` does not do: the loop starts another.
      if (this.#serves(opened, o)) return this.#handOut(place, lane, opened);
    }
  }

  /** The card of this Telematik-ID works again: what failed because of it is tried anew by the next caller. */
  wake(telematikId: string): void {
    for (const place of this.#places.values()) if (place.telematikId === telematikId) place.failures.forgive();
  }

  /** The sessions in use, for operators. */
  states(): SessionState[] {
    return [...this.#places.values()].flatMap((place) =>
      place.lanes.flatMap((lane) => {
        const { current } = lane;
        if (current === undefined || current.lost) return [];
        const { recordSystem, telematikId, life } = place;
        const { openedAt, users } = current;
        return [
          { recordSystem, telematikId, openedAt, users, large: lane === place.large, lifeMs: life.seenMs ?? null },
        ];
      }),
    );
  }

  /** Resolves when no login is on its way, also none that no export waits for: a renewal ahead of time. Never throws. */
  async settled(): Promise<void> {
    for (;;) {
      const openings = this.#lanes().flatMap(({ opening }) => (opening === undefined ? [] : [opening]));
      if (openings.length === 0) return;
      await Promise.allSettled(openings);
    }
  }

  /** Takes every session out of use, for a stop or a change of trust anchors. */
  close(): void {
    for (const place of this.#places.values()) place.drop();
    this.#places.clear();
  }

  /** Takes out of use what this certificate (DER) has signed on (CRT-04), and nothing else; answers how many it were. */
  dropSignedBy(certificate: Uint8Array): number {
    return [...this.#places.values()].reduce((sum, place) => sum + place.drop(certificate), 0);
  }

  #lanes(): Lane[] {
    return [...this.#places.values()].flatMap((place) => place.lanes);
  }

  #place({ recordSystem, diga: { telematikId } }: Acquire): Place {
    const { channels = 1 } = this.#o;
    return this.#places.getOrInsertComputed(
      `${recordSystem}\n${telematikId}`,
      () => new Place({ recordSystem, telematikId, channels, maxAgeMs: this.#maxAgeMs }),
    );
  }

  #age = (session: Session): number => this.#o.now() - session.openedAt;

  #serves(session: Session, { freshAfter }: Acquire): boolean {
    if (session.lost || this.#age(session) >= this.#maxAgeMs) return false;
    return freshAfter === undefined || session.openedAt > freshAfter;
  }

  #handOut(place: Place, lane: Lane, session: PooledSession): Session {
    session.hold();
    if (lane !== place.large) return session;
    // A large one holds a channel of the record system for itself: not longer than there is something to send.
    this.#endWhenIdle(lane, session);
    return session;
  }

  #endWhenIdle(lane: Lane, session: PooledSession): void {
    lane.stopIdle?.();
    lane.stopIdle = this.#o.timer(LARGE_IDLE_MS, () => {
      if (lane.current !== session) return;
      if (session.users > 0) return this.#endWhenIdle(lane, session);
      delete lane.current;
      session.retire();
    });
  }

  /** A server forgets idle sessions without a word: better noticed by a status call than by a document. */
  async #alive(place: Place, lane: Lane, session: PooledSession, probe = false): Promise<boolean> {
    const idleMs = this.#o.now() - session.usedAt;
    if (!probe && idleMs < 1000 * (this.#o.probeAfterIdleSeconds ?? DEFAULT_PROBE_SECONDS)) return true;
    const { openedAt, usedAt: aliveAt } = session;
    lane.probing ??= signedOn(session, session.telematikId)
      .then((known) => {
        if (!known) place.life.ended({ openedAt, aliveAt, now: this.#o.now() });
        return known;
      })
      .catch((thrown: unknown) => {
        // Not reachable is no reason to spend two card signatures; a refusal or a lost channel is.
        if (!session.lost && cannotBeAsked(asGatewayError(thrown))) throw thrown;
        return false;
      })
      .then((alive) => {
        if (!alive) session.drop();
        return alive;
      })
      .finally(() => {
        delete lane.probing;
      });
    return await lane.probing;
  }

  /** What is better done beside the use of a session than after its end: renewing it, and a further channel. */
  #ahead(place: Place, lane: Lane, session: Session, o: Acquire): void {
    const now = this.#o.now();
    const paused = now - (lane.renewalFailedAt ?? Number.NEGATIVE_INFINITY) < RENEWAL_PAUSE_MS;
    const due = this.#age(session) >= place.life.renewAtMs(place.loginMs);
    const next = due && !paused && lane.opening === undefined ? lane : place.furtherLane();
    if (next === undefined) return;
    // Its failure is nobody's yet: the session in use goes on, and the caller after its end meets the failure itself.
    this.#start(place, next, o).catch((thrown: unknown) => {
      next.renewalFailedAt = this.#o.now();
      place.forgetLane(next);
      this.#o.onFailure?.(thrown, place.recordSystem);
      this.#o.events?.notRenewed?.(place, asGatewayError(thrown));
    });
  }

  #start(place: Place, lane: Lane, o: Acquire): Promise<PooledSession> {
    const began = this.#o.now();
    const promise = this.#open(o, place, place.pseudonym)
      .then((session) => {
        const old = lane.current;
        if (old !== undefined && !old.lost && this.#age(old) >= place.life.renewAtMs(place.loginMs))
          place.life.outlived();
        place.loginMs = this.#o.now() - began;
        lane.current = session;
        delete lane.renewalFailedAt;
        old?.retire();
        return session;
      })
      .finally(() => {
        delete lane.opening;
      });
    lane.opening = promise;
    return promise;
  }

  async #open(o: Acquire, place: Place, pseudonym: string | undefined): Promise<PooledSession> {
    let signatures = 0;
    try {
      const signer = await o.signer();
      const counted = (sha256: Uint8Array) => {
        signatures += 1;
        return signer.sign(sha256);
      };
      const session = await this.#signOn(o, place, { signer: { ...signer, sign: counted }, pseudonym });
      place.failures.succeeded();
      return session;
    } catch (thrown) {
      place.failures.failed(thrown, { now: this.#o.now(), signatures });
      throw thrown;
    }
  }

  async #signOn(o: Acquire, place: Place, by: { signer: SmcbSigner; pseudonym: string | undefined }) {
    const { egress, trust, userAgent, now, pu, nonPuTracing, idp, events } = this.#o;
    const recordSystem = this.#o.recordSystems.find((known) => known.id === o.recordSystem);
    if (recordSystem === undefined) throw new GatewayError('INTERNAL', 'no settings for this record system');
    // EXP-26: the card is the DiGA's own.
    if (by.signer.telematikId !== o.diga.telematikId)
      throw new GatewayError('SMCB_WRONG_ROLE', 'the card belongs to another Telematik-ID than the DiGA');
    const channel = await openSignedOnChannel({
      channel: {
        ...{ recordSystem, egress, trust, userAgent, now, pu, pseudonym: by.pseudonym },
        ...(nonPuTracing !== undefined && { nonPuTracing }),
        onFailure: (failure) => this.#o.onFailure?.(failure, recordSystem.id),
      },
      idp,
      signer: by.signer,
      now,
      onHandshake: () => events?.handshake?.(recordSystem.id),
      onLogin: () => events?.login?.(recordSystem.id),
    });
    place.pseudonym = channel.pseudonym;
    return sessionOn({
      ...{ channel, recordSystem, now, telematikId: by.signer.telematikId, signedBy: by.signer.certificateDer },
      events: { signedOff: (at) => place.life.ended({ ...at, now: now() }) },
    });
  }
}

/** What stands before the VAU refused to pass the question on; a 500 of the VAU itself is an answer. */
const cannotBeAsked = ({ code, foreign }: GatewayError): boolean =>
  code.startsWith('RECORD_SYSTEM_') || (code === 'RECORD_BUSY' && (foreign?.status === 429 || foreign?.status === 503));
