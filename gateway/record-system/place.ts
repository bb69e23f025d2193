// One record system seen by one SMC-B: its channels, what is known of the life of their sessions, and how opening them went.
import { FailedOpenings } from './failed-openings.ts';
import type { PooledSession } from './session.ts';
import { SessionLife } from './session-life.ts';

/** One channel at a time: in use, on its way, or both (make before break). */
export type Lane = {
  current?: PooledSession;
  opening?: Promise<PooledSession>;
  probing?: Promise<boolean>;
  /** When renewing ahead of time failed: the old session goes on, and the card is not asked at every export. */
  renewalFailedAt?: number;
  /** Takes back the timer that ends it when nobody has used it for a while. */
  stopIdle?: () => void;
};

/** One user on the wire and two waiting: from here on another channel is worth its login. */
const BUSY_USERS = 3;

export class Place {
  readonly recordSystem: string;
  readonly telematikId: string;
  /** VAU-NP: the router finds the instance that knows this user (A_24757). */
  pseudonym: string | undefined;
  readonly small: Lane[] = [{}];
  readonly large: Lane = {};
  readonly life: SessionLife;
  readonly failures = new FailedOpenings();
  /** How long the last login took. */
  loginMs = 0;
  readonly #channels: number;

  constructor(o: { recordSystem: string; telematikId: string; channels: number; maxAgeMs: number }) {
    this.recordSystem = o.recordSystem;
    this.telematikId = o.telematikId;
    this.#channels = o.channels;
    this.life = new SessionLife(o.maxAgeMs);
  }

  get lanes(): Lane[] {
    return [...this.small, this.large];
  }

  /** The lane of small documents whose session has the fewest users; else one that is on its way, else the first. */
  smallLane(serves: (session: PooledSession) => boolean): Lane {
    const ready = this.small.filter(({ current }) => current !== undefined && serves(current));
    const least = ready.reduce<Lane | undefined>(
      (best, lane) => ((lane.current?.users ?? 0) < (best?.current?.users ?? Number.POSITIVE_INFINITY) ? lane : best),
      undefined,
    );
    return least ?? this.small.find((lane) => lane.opening !== undefined) ?? this.small[0] ?? this.large;
  }

  /** A further lane where every one has a queue, none is on its way and the setting allows it (D13). */
  furtherLane(): Lane | undefined {
    const busy = this.small.every(
      ({ current, opening }) => opening === undefined && (current?.users ?? 0) >= BUSY_USERS,
    );
    if (!busy || this.small.length >= this.#channels) return undefined;
    const lane: Lane = {};
    this.small.push(lane);
    return lane;
  }

  /** Takes its sessions out of use, those on their way as well: all, or those that this certificate has signed on. */
  drop(signedBy?: Uint8Array): number {
    if (signedBy === undefined) for (const { stopIdle } of this.lanes) stopIdle?.();
    const gone = this.lanes.filter(({ current }) => current?.lost === false && isOf(current, signedBy));
    for (const { current } of gone) current?.drop();
    for (const { opening } of this.lanes)
      opening?.then((opened) => isOf(opened, signedBy) && opened.drop()).catch(() => {});
    return gone.length;
  }

  /** A further lane that never got its channel. */
  forgetLane(lane: Lane): void {
    if (this.small.length > 1 && lane.current === undefined) this.small.splice(this.small.indexOf(lane), 1);
  }
}

const isOf = (session: PooledSession, signedBy: Uint8Array | undefined): boolean =>
  signedBy === undefined || Buffer.compare(session.signedBy, signedBy) === 0;
