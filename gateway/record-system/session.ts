// A signed-on channel as the house uses it (SES-02; D10–D13): the login is per SMC-B, the insured is chosen per request.
// Who got it from the pool gives it back, so that one that is replaced ends after its last user and not under them.
import type { HttpResponse } from '../../wire/http-message.ts';
import { GatewayError } from '../errors.ts';
import { type Clock, jsonObject, type RecordSystemAccess } from './outside.ts';
import type { InnerRequest, VauChannel } from './vau-channel.ts';

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
  /** Once for each `acquire`: its user needs it no more. */
  release(): void;
};

/** What the pool knows of a session besides. */
export type PooledSession = Session & {
  /** Users that have not given it back: one on the wire, the others waiting. */
  readonly users: number;
  /** The card's certificate (DER) that the login was made with. */
  readonly signedBy: Uint8Array;
  /** The last answer on it, in ms. */
  readonly usedAt: number;
  hold(): void;
  /** Nobody gets it any more: with its last user it ends, and its keys are overwritten (SEC-18). */
  retire(): void;
};

/** `signedOff`: the record system no longer knows the user of this session, whose last good answer came at `aliveAt`. */
export type SessionEvents = { signedOff(at: { openedAt: number; aliveAt: number }): void };

export function sessionOn(o: {
  channel: VauChannel;
  recordSystem: RecordSystemAccess;
  telematikId: string;
  signedBy: Uint8Array;
  now: Clock;
  events: SessionEvents;
}): PooledSession {
  const { channel } = o;
  let users = 0;
  let retired = false;
  let usedAt = o.now();
  const endIfDone = () => {
    if (retired && users <= 0) channel.close();
  };
  return {
    recordSystem: o.recordSystem.id,
    telematikId: o.telematikId,
    signedBy: o.signedBy,
    openedAt: channel.openedAt,
    origin: new URL(o.recordSystem.url).origin,
    get lost() {
      return channel.lost;
    },
    get users() {
      return users;
    },
    get usedAt() {
      return usedAt;
    },
    drop: () => channel.close(),
    hold: () => {
      users += 1;
    },
    release: () => {
      users -= 1;
      endIfDone();
    },
    retire: () => {
      retired = true;
      endIfDone();
    },
    async request(inner) {
      const answer = await channel.request(inner);
      if (!saysSignedOff(answer)) {
        usedAt = o.now();
        return answer;
      }
      o.events.signedOff({ openedAt: channel.openedAt, aliveAt: usedAt });
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
