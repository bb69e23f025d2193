// EventService 7.2, the subscriptions (konnektor.md 2.1, 5): which events the Konnektor sends to our CETP receiver. One lives
// 25 h from Subscribe or Renew and dies with the Konnektor's run, so the state is asked for, never assumed (ILF 4.1.4.5).
import { childrenOf, type Markup, requireChild, textOf, type XmlElement, xml } from '../../wire/xml.ts';
import { nonEmpty, optional, optionalText } from './event-service.ts';
import { answerInvalid } from './faults.ts';
import type { KonnektorAnswer, KonnektorClient } from './soap-client.ts';
import { declare, NS } from './tables/namespaces.ts';
import { readDateTime } from './xsd-values.ts';

/** What to be told of: a topic takes all topics below it; the filter is an XPath over the Event. */
export type Wanted = { eventTo: string; topic: string; filter?: string };
export type Subscribed = { subscriptionId: string; terminationTime: Date };
export type Subscription = Subscribed & Wanted;

/** Request body; order of the XSD: Context, Subscription (EventTo, Topic, Filter). */
export function subscribeRequest(context: Markup, { eventTo, topic, filter }: Wanted): Markup {
  return xml(
    'EVT:Subscribe',
    declare('EVT', 'CONN', 'CCTX'),
    context,
    xml(
      'EVT:Subscription',
      {},
      xml('EVT:EventTo', {}, eventTo),
      xml('EVT:Topic', {}, topic),
      optional('EVT:Filter', filter),
    ),
  );
}

export function renewSubscriptionsRequest(context: Markup, ids: readonly string[]): Markup {
  return xml(
    'EVT:RenewSubscriptions',
    declare('EVT', 'CONN', 'CCTX'),
    context,
    ...ids.map((id) => xml('EVT:SubscriptionID', {}, id)),
  );
}

/** One subscription by its ID, or every one to an address. */
export type Ended = { subscriptionId: string } | { eventTo: string };

export function unsubscribeRequest(context: Markup, ended: Ended): Markup {
  return xml(
    'EVT:Unsubscribe',
    declare('EVT', 'CONN', 'CCTX'),
    context,
    'subscriptionId' in ended
      ? xml('EVT:SubscriptionID', {}, ended.subscriptionId)
      : xml('EVT:EventTo', {}, ended.eventTo),
  );
}

export function getSubscriptionRequest(context: Markup, mandantWide: boolean): Markup {
  return xml(
    'EVT:GetSubscription',
    { ...declare('EVT', 'CONN', 'CCTX'), 'mandant-wide': String(mandantWide) },
    context,
  );
}

/** Repeated after a lost connection: the same address, topic and context give the same subscription (BCH FR-012). */
export async function subscribe(client: KonnektorClient, wanted: Wanted): Promise<Subscribed> {
  const { response } = await ask(client, 'Subscribe', subscribeRequest(client.context(), wanted));
  return client.reading('Subscribe', () => readSubscribed(response));
}

/** The new ends; one that the answer leaves out is not renewed. */
export async function renewSubscriptions(client: KonnektorClient, ids: readonly string[]): Promise<Subscribed[]> {
  const renewed: Subscribed[] = [];
  for (let from = 0; from < ids.length; from += MAX_RENEWALS) {
    const some = ids.slice(from, from + MAX_RENEWALS);
    const body = renewSubscriptionsRequest(client.context(), some);
    const { response } = await ask(client, 'RenewSubscriptions', body);
    renewed.push(...client.reading('RenewSubscriptions', () => readRenewals(response, some)));
  }
  return renewed;
}

function readRenewals(response: XmlElement, asked: readonly string[]): Subscribed[] {
  const list = requireChild(response, NS.EVT, 'SubscribeRenewals');
  const renewals = childrenOf(list, NS.EVT, 'SubscriptionRenewal').map(readSubscribed);
  if (renewals.some(({ subscriptionId }) => !asked.includes(subscriptionId)))
    throw answerInvalid('a subscription is renewed that was not asked for');
  return renewals;
}

export async function unsubscribe(client: KonnektorClient, ended: Ended): Promise<void> {
  await ask(client, 'Unsubscribe', unsubscribeRequest(client.context(), ended));
}

/** Those of this client system and workplace, or with `mandantWide` of the whole Mandant. */
export async function getSubscriptions(
  client: KonnektorClient,
  { mandantWide }: { mandantWide: boolean },
): Promise<Subscription[]> {
  const { response } = await ask(client, 'GetSubscription', getSubscriptionRequest(client.context(), mandantWide));
  return client.reading('GetSubscription', () =>
    childrenOf(requireChild(response, NS.EVT, 'Subscriptions'), NS.EVT, 'Subscription').map((one) => {
      const filter = optionalText(one, NS.EVT, 'Filter');
      return {
        ...readSubscribed(one),
        eventTo: textOf(one, NS.EVT, 'EventTo'),
        topic: textOf(one, NS.EVT, 'Topic'),
        ...(filter !== undefined && { filter }),
      };
    }),
  );
}

function readSubscribed(element: XmlElement): Subscribed {
  return {
    subscriptionId: nonEmpty(textOf(element, NS.EVT, 'SubscriptionID'), 'SubscriptionID'),
    terminationTime: readDateTime(textOf(element, NS.EVT, 'TerminationTime')),
  };
}

function ask(client: KonnektorClient, operation: string, body: Markup): Promise<KonnektorAnswer> {
  return client.call({ service: 'EventService', operation, body, limit: 'short', repeat: true });
}

/** SubscriptionID of RenewSubscriptions stands at most so often (XSD). */
const MAX_RENEWALS = 1000;
