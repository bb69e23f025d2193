// Subscriptions of one Konnektor (EventService 7.2, konnektor.md 5): 25 hours from Subscribe or Renew by the simulated
// clock, gone with Unsubscribe, with a restart, and after EVT_MAX_TRY deliveries in a row that failed.
import { randomUUID } from 'node:crypto';
import { type CallContext, sees } from './context.ts';
import type { EventFilter, FilterNode } from './event-filter.ts';
import type { KonnektorEvent } from './events.ts';
import type { KonnektorState } from './model.ts';

export type Subscription = {
  id: string;
  eventTo: string;
  topic: string;
  filter: { source: string; holds: EventFilter } | undefined;
  context: CallContext;
  endsAt: number;
  /** Deliveries in a row that failed. */
  failures: number;
};

export const SUBSCRIPTION_LIFE_MS = 25 * 3_600_000;
/** Real values are not established. */
export const EVT_MAX_TRY = 3;

/** Those that live, oldest first; what has ended is forgotten here. */
export function liveSubscriptions(state: KonnektorState, now: number): Subscription[] {
  const { subscriptions } = state.events;
  for (const one of subscriptions.values()) if (one.endsAt <= now) subscriptions.delete(one.id);
  return [...subscriptions.values()];
}

export function sameContext(a: CallContext, b: CallContext): boolean {
  return a.mandantId === b.mandantId && a.clientSystemId === b.clientSystemId && a.workplaceId === b.workplaceId;
}

/** The same address, topic, filter and context is the subscription there is (BCH FR-012). */
export function subscribe(
  state: KonnektorState,
  wanted: Pick<Subscription, 'eventTo' | 'topic' | 'filter' | 'context'>,
  o: { now: number; again: 'renews' | 'keeps' },
): Subscription {
  state.events.sinks.add(wanted.eventTo);
  const known = liveSubscriptions(state, o.now).find(
    (one) =>
      one.eventTo === wanted.eventTo &&
      one.topic.toUpperCase() === wanted.topic.toUpperCase() &&
      one.filter?.source === wanted.filter?.source &&
      sameContext(one.context, wanted.context),
  );
  if (known !== undefined) {
    if (o.again === 'renews') renew(known, o.now);
    return known;
  }
  const made = { ...wanted, id: randomUUID(), endsAt: o.now + SUBSCRIPTION_LIFE_MS, failures: 0 };
  state.events.subscriptions.set(made.id, made);
  return made;
}

export function renew(subscription: Subscription, now: number): void {
  subscription.endsAt = now + SUBSCRIPTION_LIFE_MS;
}

/** Ends it; an address nobody subscribes any more is not remembered either. */
export function unsubscribe(state: KonnektorState, subscription: Subscription): void {
  const { subscriptions, sinks } = state.events;
  subscriptions.delete(subscription.id);
  if (![...subscriptions.values()].some((one) => one.eventTo === subscription.eventTo)) {
    sinks.delete(subscription.eventTo);
  }
}

/** Counts a failed delivery. After EVT_MAX_TRY in a row the subscription is given up. */
export function deliveryFailed(state: KonnektorState, subscription: Subscription): void {
  subscription.failures += 1;
  if (subscription.failures >= EVT_MAX_TRY) unsubscribe(state, subscription);
}

/** A topic is subscribed by itself or by what it begins with, whatever the case (ILF shows both); an empty one begins them all. */
export function topicFits(subscribed: string, topic: string): boolean {
  if (subscribed === '') return true;
  const [prefix, whole] = [subscribed.toUpperCase().replace(/\/$/, ''), topic.toUpperCase()];
  return whole.startsWith(prefix) && ['', '/', '('].includes(whole.charAt(prefix.length));
}

/** Who hears of an event: the topic fits, the filter holds, and the call context of then still reaches what it is about. */
export function audience(o: {
  state: KonnektorState;
  event: KonnektorEvent;
  asNode: (subscriptionId: string) => FilterNode;
  now: number;
}): Subscription[] {
  return liveSubscriptions(o.state, o.now).filter(
    (one) =>
      topicFits(one.topic, o.event.topic) &&
      sees(o.state, one.context, o.event.about) &&
      (one.filter?.holds(o.asNode(one.id)) ?? true),
  );
}
