// The channels one VAU holds, by VAU-CID, and when they are dead: a day old (A_15549), a handshake that was never finished,
// or one nobody has spoken on for so long that its user session is over too. Dead ones go, or a long run would keep them all.
import type { Handshake } from './vau-channel.ts';
import type { DataChannel } from './vau-frames.ts';

/** An open channel: `data` of its frames and whatever the record system keeps for its user. */
export type OpenChannel<S> = { data: DataChannel; openedAt: number; session: S };
export type Channel<S> = {
  handshake: Handshake | undefined;
  open: OpenChannel<S> | undefined;
  /** ms of simulated time */
  startedAt: number;
  usedAt: number;
  broken: string | undefined;
  /** number of the VAU instance that holds it */
  instance: number;
};

const CHANNEL_LIFE_MS = 86_400_000; // A_15549
const HANDSHAKE_LIFE_MS = 10 * 60_000;
const SWEEP_EVERY_MS = 60_000;

export class VauChannels<S> {
  readonly #now: () => number;
  readonly #idleLifeMs: () => number;
  readonly #channels = new Map<string, Channel<S>>();
  #sweptAt = 0;

  /** `idleLifeMs`: how long a channel stays that nobody speaks on. */
  constructor(o: { now: () => number; idleLifeMs: () => number }) {
    this.#now = o.now;
    this.#idleLifeMs = o.idleLifeMs;
  }

  /** A channel whose M1 has just been answered. */
  start(cid: string, o: { handshake: Handshake; broken: string | undefined; instance: number }): void {
    const now = this.#now();
    if (now - this.#sweptAt >= SWEEP_EVERY_MS) this.#sweep(now);
    this.#channels.set(cid, { ...o, open: undefined, startedAt: now, usedAt: now });
  }

  /** The living channel of this VAU-CID; asking for it counts as using it. */
  use(cid: string): Channel<S> | undefined {
    const channel = this.#channels.get(cid);
    if (channel === undefined) return undefined;
    const now = this.#now();
    if (this.#isDead(channel, now)) {
      this.#channels.delete(cid);
      return undefined;
    }
    channel.usedAt = now;
    return channel;
  }

  forget(cid: string): void {
    this.#channels.delete(cid);
  }

  /** That instance was restarted. */
  forgetInstance(instance: number): void {
    for (const [cid, channel] of this.#channels) if (channel.instance === instance) this.#channels.delete(cid);
  }

  clear(): void {
    this.#channels.clear();
  }

  get size(): number {
    return this.#channels.size;
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [cid, channel] of this.#channels) if (this.#isDead(channel, now)) this.#channels.delete(cid);
  }

  #isDead({ handshake, open, startedAt, usedAt }: Channel<S>, now: number): boolean {
    if (now - (open?.openedAt ?? startedAt) > CHANNEL_LIFE_MS) return true;
    if (handshake !== undefined || open === undefined) return now - startedAt > HANDSHAKE_LIFE_MS;
    return now - usedAt > this.#idleLifeMs();
  }
}
