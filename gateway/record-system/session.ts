// Signed-on channels, one per record system and Telematik-ID for all its insured (SES-02; D10–D13): the login is per SMC-B,
// the insured is chosen per request. However many wait, one handshake and one login are made for all of them.
import type { HttpResponse } from '../../wire/http-message.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { SmcbSigner } from '../smcb-signer.ts';
import type { Idp } from './idp.ts';
import { openSignedOnChannel, signedOn } from './login.ts';
import { type Clock, type EgressPort, jsonObject, type RecordSystemAccess } from './outside.ts';
import type { InnerRequest, VauChannel } from './vau-channel.ts';
import type { VauTrust } from './vau-trust.ts';

export type { InnerBody, InnerRequest } from './vau-channel.ts';

export type Session = {
  recordSystem: string;
  telematikId: string;
  /** When its channel began, in ms: rights granted later may need a younger one (D11). */
  openedAt: number;
  /** Origin of the record system, for `wsa:To`. */
  origin: string;
  /** No further request can be made on it. */
  readonly lost: boolean;
  /** As VauChannel.request; an inner answer that says "not signed on" is SESSION_LOST: nothing was processed. */
  request(inner: InnerRequest): Promise<HttpResponse>;
  /** Takes it out of use; the next `acquire` makes a new one. */
  drop(): void;
};

export type SessionPoolOptions = {
  recordSystems: readonly RecordSystemAccess[];
  egress: EgressPort;
  trust: VauTrust;
  idp: Idp;
  userAgent: string;
  pu: boolean;
  nonPuTracing?: boolean;
  now: Clock;
  /** Age at which a channel is replaced: unknown in the sources, 24 h at most (A_15549, D12). */
  maxAgeSeconds?: number;
  /** After so long without a request, VAU-Status is asked before a document is trusted to the session. */
  probeAfterIdleSeconds?: number;
  /** False: a login for every acquire, in SIM only (D16). */
  reuse?: boolean;
  /** From this size on a document goes on a channel of its own kind (D13). */
  largeBytes?: number;
  /** Told of failures that no caller meets: a renewal ahead of time, an answer after which the channel is made anew (SEC-11). */
  onFailure?: (failure: unknown, recordSystem: string) => void;
};

export type Acquire = {
  recordSystem: string;
  diga: { id: string; telematikId: string };
  signer: () => Promise<SmcbSigner>;
  /** Only a session whose channel was opened after this moment. */
  freshAfter?: number;
  /** Size of what will be sent: a large document must not stand in the way of the small ones (D13). */
  bytes?: number;
};

type Place = {
  current?: Session & { usedAt: number };
  opening?: Promise<Session>;
  probing?: Promise<boolean>;
  pseudonym?: string | undefined;
  /** When renewing ahead of time failed: the old session goes on, and the card is not asked at every export. */
  renewalFailedAt?: number;
};

const DEFAULT_MAX_AGE_SECONDS = 24 * 60 * 60;
const DEFAULT_PROBE_SECONDS = 120;
const DEFAULT_LARGE_BYTES = 1_048_576;
/** From this part of its age on, a session is renewed beside its use: make before break. */
const RENEW_FROM = 0.9;
const RENEWAL_PAUSE_MS = 60_000;

export class SessionPool {
  readonly #o: SessionPoolOptions;
  readonly #places = new Map<string, Place>();

  constructor(options: SessionPoolOptions) {
    this.#o = options;
  }

  /** GatewayError: what opening it threw; those who wait for one opening share its failure, the next caller tries anew. */
  async acquire(o: Acquire): Promise<Session> {
    if (this.#o.reuse === false) return await this.#open(o, {});
    const place = this.#place(o);
    for (;;) {
      const session = place.current;
      if (session !== undefined && this.#serves(session, o)) {
        if (!(await this.#alive(place, session))) continue;
        this.#renewAhead(place, session, o);
        session.usedAt = this.#o.now();
        return session;
      }
      const running = place.opening;
      if (running === undefined) return await this.#start(place, o);
      const opened = await running;
      // One that had begun before `freshAfter` does not do: the loop starts another.
      if (this.#serves(opened, o)) return opened;
    }
  }

  /** Resolves when no login is on its way, also none that no export waits for: a renewal ahead of time. Never throws. */
  async settled(): Promise<void> {
    for (;;) {
      const openings = [...this.#places.values()].flatMap(({ opening }) => (opening === undefined ? [] : [opening]));
      if (openings.length === 0) return;
      await Promise.allSettled(openings);
    }
  }

  /** Takes every session out of use, for a stop or a change of trust anchors. */
  close(): void {
    for (const place of this.#places.values()) place.current?.drop();
    this.#places.clear();
  }

  #place({ recordSystem, diga, bytes = 0 }: Acquire): Place {
    const large = bytes >= (this.#o.largeBytes ?? DEFAULT_LARGE_BYTES);
    const key = `${recordSystem}\n${diga.telematikId}\n${large ? 'large' : ''}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place: Place = {};
    this.#places.set(key, place);
    return place;
  }

  #age(session: Session): number {
    return (this.#o.now() - session.openedAt) / (1000 * (this.#o.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS));
  }

  #serves(session: Session, { freshAfter }: Acquire): boolean {
    return !session.lost && this.#age(session) < 1 && (freshAfter === undefined || session.openedAt > freshAfter);
  }

  /** A server forgets idle sessions without a word: better noticed by a status call than by a document. */
  async #alive(place: Place, session: Session & { usedAt: number }): Promise<boolean> {
    const idleMs = this.#o.now() - session.usedAt;
    if (idleMs < 1000 * (this.#o.probeAfterIdleSeconds ?? DEFAULT_PROBE_SECONDS)) return true;
    place.probing ??= signedOn(session, session.telematikId)
      .catch((thrown: unknown) => {
        // Not reachable is no reason to spend two card signatures; a refusal or a lost channel is.
        if (asGatewayError(thrown).code.startsWith('RECORD_SYSTEM_') && !session.lost) throw thrown;
        return false;
      })
      .then((alive) => {
        if (alive) session.usedAt = this.#o.now();
        else session.drop();
        return alive;
      })
      .finally(() => {
        delete place.probing;
      });
    return await place.probing;
  }

  #renewAhead(place: Place, session: Session, o: Acquire): void {
    const paused = this.#o.now() - (place.renewalFailedAt ?? Number.NEGATIVE_INFINITY) < RENEWAL_PAUSE_MS;
    if (this.#age(session) < RENEW_FROM || paused || place.opening !== undefined) return;
    // Its failure is nobody's yet: the session in use goes on, and the caller after its end meets the failure itself.
    this.#start(place, o).catch((thrown: unknown) => {
      this.#o.onFailure?.(thrown, o.recordSystem);
      place.renewalFailedAt = this.#o.now();
    });
  }

  #start(place: Place, o: Acquire): Promise<Session> {
    const promise = this.#open(o, place)
      .then((session) => {
        place.current = Object.assign(session, { usedAt: this.#o.now() });
        delete place.renewalFailedAt;
        return session;
      })
      .finally(() => {
        delete place.opening;
      });
    place.opening = promise;
    return promise;
  }

  async #open(o: Acquire, place: Place): Promise<Session> {
    const at = this.#o.recordSystems.find((known) => known.id === o.recordSystem);
    if (at === undefined) throw new GatewayError('INTERNAL', 'no settings for this record system');
    const signer = await o.signer();
    // EXP-26: the card is the DiGA's own.
    if (signer.telematikId !== o.diga.telematikId)
      throw new GatewayError('SMCB_WRONG_ROLE', 'the card belongs to another Telematik-ID than the DiGA');
    const channel = await openSignedOnChannel({
      channel: {
        recordSystem: at,
        egress: this.#o.egress,
        trust: this.#o.trust,
        userAgent: this.#o.userAgent,
        now: this.#o.now,
        pu: this.#o.pu,
        ...(this.#o.nonPuTracing !== undefined && { nonPuTracing: this.#o.nonPuTracing }),
        pseudonym: place.pseudonym,
        onFailure: (failure) => this.#o.onFailure?.(failure, at.id),
      },
      idp: this.#o.idp,
      signer,
      now: this.#o.now,
    });
    place.pseudonym = channel.pseudonym;
    return sessionOn(channel, at, signer.telematikId);
  }
}

function sessionOn(channel: VauChannel, at: RecordSystemAccess, telematikId: string): Session {
  return {
    recordSystem: at.id,
    telematikId,
    openedAt: channel.openedAt,
    origin: new URL(at.url).origin,
    get lost() {
      return channel.lost;
    },
    drop: () => channel.close(),
    async request(inner) {
      const answer = await channel.request(inner);
      if (!saysSignedOff(answer)) return answer;
      channel.close();
      throw new GatewayError('SESSION_LOST', 'the record system has no user session on this channel', {
        foreign: { status: answer.status },
      });
    },
  };
}

/** 403 `invalAuth` (any operation), 401: authorisation comes before all work. 403 `notEntitled` is about the record. */
function saysSignedOff({ status, body }: HttpResponse): boolean {
  return status === 401 || (status === 403 && jsonObject(body)?.errorCode === 'invalAuth');
}
