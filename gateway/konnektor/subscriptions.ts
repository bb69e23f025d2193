// Keeps the subscriptions of one Konnektor (konnektor.md 5; ILF 4.1.4.5, BCH FR-012): asks for them, compares, renews before their end,
// subscribes anew every twelve hours and after the Konnektor's restart, ends doubles with our address, and all of them at a stop.
import { asGatewayError } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  getSubscriptions,
  renewSubscriptions,
  type Subscription,
  subscribe,
  unsubscribe,
} from './event-subscriptions.ts';
import type { KonnektorClient } from './soap-client.ts';

/** Cancelled by calling what it answers. */
type Timer = (ms: number, fire: () => void) => () => void;

/** By prefix: all events of cards, terminals, certificates, the way into the TI, the state and the start of the Konnektor. */
export const TOPICS = ['CARD', 'CT', 'CERT', 'NETWORK', 'OPERATIONAL_STATE', 'BOOTUP'] as const;

const CHECK_MS = 10 * 60_000;
/** Before the end of a subscription, which lives 25 h. */
const RENEW_BEFORE_MS = 10 * 60_000;
const ANEW_MS = 12 * 3_600_000;
const AFTER_FAILURE_MS = 60_000;
/** A Konnektor whose clock is wrong may end all of them soon for ever. */
const LEAST_MS = 60_000;
/** Whoever reaches the receiver can say that the Konnektor has restarted: believed once in this time, what comes sooner waits for it. */
const RESTART_PAUSE_MS = 60_000;

export class SubscriptionKeeper {
  readonly #o: {
    client: KonnektorClient;
    eventTo: string;
    now: () => number;
    timer: Timer;
    log: Logger;
  };
  #cancel: () => void = () => {};
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #again = false;
  #anewAt = Number.NEGATIVE_INFINITY;
  #told = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(o: {
    client: KonnektorClient;
    eventTo: string;
    now: () => number;
    timer: Timer;
    log: Logger;
  }) {
    this.#o = o;
  }

  /** Begins; the Konnektor need not answer yet. */
  start(): void {
    this.#soon(0);
  }

  /** Every subscription is gone: the Konnektor has restarted, or it did not answer for a time. Done at once, but once a minute at most. */
  renewAll(): void {
    this.#anewAt = Number.NEGATIVE_INFINITY;
    this.#told = true;
    this.#soon(Math.max(0, Math.min(RESTART_PAUSE_MS, this.#toldAt + RESTART_PAUSE_MS - this.#o.now())));
  }

  /** Resolves when nothing is on its way; for tests. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Ends what leads to us. Never throws: what stays ends by its time. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
    try {
      await unsubscribe(this.#o.client, { eventTo: this.#o.eventTo });
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** One turn is due at a time, the sooner one. */
  #soon(ms: number): void {
    const at = this.#o.now() + ms;
    if (this.#stopped || at >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = at;
    this.#cancel = this.#o.timer(ms, () => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      if (this.#told) this.#toldAt = this.#o.now();
      this.#told = false;
      if (this.#running !== undefined) this.#again = true;
      else
        this.#running = this.#turns().finally(() => {
          this.#running = undefined;
        });
    });
  }

  async #turns(): Promise<void> {
    do {
      this.#again = false;
      await this.#turn();
    } while (this.#again);
  }

  async #turn(): Promise<void> {
    if (this.#stopped) return;
    const { now } = this.#o;
    const anew = now() >= this.#anewAt;
    // Before the first call: who says meanwhile that all are gone is heard.
    if (anew) this.#anewAt = now() + ANEW_MS;
    try {
      const firstEnd = await this.#keep(anew);
      this.#soon(Math.max(LEAST_MS, Math.min(CHECK_MS, firstEnd - RENEW_BEFORE_MS - now())));
    } catch (thrown) {
      if (anew) this.#anewAt = Number.NEGATIVE_INFINITY;
      this.#failed(thrown);
      this.#soon(AFTER_FAILURE_MS);
    }
  }

  /** GetSubscription, compare, renew ours, subscribe what is absent, end the doubles. Answers when the first one ends. */
  async #keep(anew: boolean): Promise<number> {
    const { client, eventTo, now } = this.#o;
    const there = (await getSubscriptions(client, { mandantWide: false })).filter((one) => one.eventTo === eventTo);
    const kept: Subscription[] = [];
    const ended: Subscription[] = [];
    for (const one of there) {
      // Topics are compared without regard to case (ILF shows both).
      const topic = TOPICS.find((known) => known === one.topic.toUpperCase());
      const double = kept.some((other) => other.topic.toUpperCase() === topic);
      (topic === undefined || double || one.filter !== undefined || anew ? ended : kept).push(one);
    }
    for (const { subscriptionId } of ended) await unsubscribe(client, { subscriptionId });
    const due = kept.filter(({ terminationTime }) => terminationTime.getTime() - now() <= RENEW_BEFORE_MS);
    const renewed =
      due.length === 0
        ? []
        : await renewSubscriptions(
            client,
            due.map((one) => one.subscriptionId),
          );
    const lost = due.filter((one) => !renewed.some(({ subscriptionId }) => subscriptionId === one.subscriptionId));
    const alive = kept.filter((one) => !lost.includes(one)).map(({ topic }) => topic.toUpperCase());
    const absent = TOPICS.filter((topic) => !alive.includes(topic));
    const ends = [...kept.filter((one) => !due.includes(one)), ...renewed].map((one) => one.terminationTime.getTime());
    for (const topic of absent) ends.push((await subscribe(client, { eventTo, topic })).terminationTime.getTime());
    const count = absent.length + renewed.length + ended.length;
    if (count > 0) this.#o.log.info('konnektor subscribed', { konnektor: client.access.id, count });
    return Math.min(...ends);
  }

  #failed(thrown: unknown): void {
    const { code } = asGatewayError(thrown);
    this.#o.log.warn('konnektor not subscribed', { konnektor: this.#o.client.access.id, code });
  }
}
