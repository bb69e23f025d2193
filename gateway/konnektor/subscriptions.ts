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

export class SubscriptionKeeper {
  readonly #o: {
    client: KonnektorClient;
    eventTo: string;
    now: () => number;
    timer: Timer;
    log: Logger;
  };
  #cancel: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #anewAt = Number.NEGATIVE_INFINITY;
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

  /** Every subscription is gone: the Konnektor has restarted, or it did not answer for a time. */
  renewAll(): void {
    this.#anewAt = Number.NEGATIVE_INFINITY;
    this.#soon(0);
  }

  /** Resolves when nothing is on its way; for tests. */
  settled(): Promise<void> {
    return this.#running;
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

  #soon(ms: number): void {
    this.#cancel();
    if (this.#stopped) return;
    this.#cancel = this.#o.timer(ms, () => {
      this.#running = this.#running.then(() => this.#turn());
    });
  }

  async #turn(): Promise<void> {
    if (this.#stopped) return;
    try {
      const firstEnd = await this.#keep();
      this.#soon(Math.max(1_000, Math.min(CHECK_MS, firstEnd - RENEW_BEFORE_MS - this.#o.now())));
    } catch (thrown) {
      this.#failed(thrown);
      this.#soon(AFTER_FAILURE_MS);
    }
  }

  /** GetSubscription, compare, renew ours, subscribe what is absent, end the doubles. Answers when the first one ends. */
  async #keep(): Promise<number> {
    const { client, eventTo, now } = this.#o;
    const there = (await getSubscriptions(client, { mandantWide: false })).filter((one) => one.eventTo === eventTo);
    const anew = now() >= this.#anewAt;
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
    if (anew) this.#anewAt = now() + ANEW_MS;
    const count = absent.length + renewed.length + ended.length;
    if (count > 0) this.#o.log.info('konnektor subscribed', { konnektor: client.access.id, count });
    return Math.min(...ends);
  }

  #failed(thrown: unknown): void {
    const { code } = asGatewayError(thrown);
    this.#o.log.warn('konnektor not subscribed', { konnektor: this.#o.client.access.id, code });
  }
}
