// EventService 7.2.0, the subscriptions (konnektor.md 2.1, 5): Subscribe, RenewSubscriptions, Unsubscribe,
// GetSubscription. What is sent to whom afterwards is in cetp-out.ts.
import { type Markup, type XmlElement, xml } from '../../wire/xml.ts';
import { type CallContext, checkAccess, readContext } from './context.ts';
import { readFilter } from './event-filter.ts';
import { KonnektorFault, status } from './konnektor-fault.ts';
import { booleanAttribute, dateTimeOf, must, one, readSequence, simpleText } from './message.ts';
import { declare, NS } from './namespaces.ts';
import { defineOperation, type OperationCall } from './soap-endpoint.ts';
import { liveSubscriptions, renew, type Subscription, sameContext, subscribe, unsubscribe } from './subscriptions.ts';

/** Not in any source we could read: the code for a subscription nobody has. */
const UNKNOWN_SUBSCRIPTION = 4102;

const readId = (e: XmlElement) => simpleText(e, { maxLength: 64 });

/** Any address of the scheme is one by the schema; where it names no host and port, no event arrives. */
const readEventTo = (e: XmlElement) => simpleText(e, { pattern: /^cetp:\/\/.*$/, token: true });

const subscribeOperation = defineOperation({
  name: 'Subscribe',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context', 'EVT:Subscription']);
    const wanted = readSequence(must(found, 'Subscription'), [
      'EVT:SubscriptionID?',
      'EVT:TerminationTime?',
      'EVT:EventTo',
      'EVT:Topic',
      'EVT:Filter?',
    ]);
    // Both are the Konnektor's to give; their types are checked, their values mean nothing here.
    const [id, ends] = [one(wanted, 'SubscriptionID'), one(wanted, 'TerminationTime')];
    if (id !== undefined) readId(id);
    if (ends !== undefined) dateTimeOf(ends);
    const filter = one(wanted, 'Filter');
    return {
      context: readContext(must(found, 'Context')),
      eventTo: readEventTo(must(wanted, 'EventTo')),
      topic: simpleText(must(wanted, 'Topic'), { maxLength: 1024 }),
      filter: filter === undefined ? undefined : simpleText(filter, { maxLength: 1024 }),
    };
  },
  run({ context, eventTo, topic, filter }, { konnektor, world }) {
    checkAccess(konnektor, context);
    const read = filter === undefined ? undefined : { source: filter, holds: readFilter(filter) };
    const subscription = subscribe(
      konnektor,
      { context, eventTo, topic, filter: read },
      { now: world.now(), again: world.choices.subscribeAgain },
    );
    return xml('EVT:SubscribeResponse', declare('EVT', 'CONN'), status(), ...idAndEnd(subscription));
  },
});

const renewSubscriptions = defineOperation({
  name: 'RenewSubscriptions',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context', 'EVT:SubscriptionID+']);
    const ids = (found.get('SubscriptionID') ?? []).map(readId);
    if (ids.length > 1000) throw new KonnektorFault(4000, 'more than 1000 SubscriptionIDs');
    return { context: readContext(must(found, 'Context')), ids };
  },
  run({ context, ids }, call) {
    const own = ownSubscriptions(context, call);
    // All or none: a Konnektor that renewed some of them would have to say which.
    const named = ids.map((id) => own.find((subscription) => subscription.id === id));
    const known = named.filter((subscription) => subscription !== undefined);
    if (known.length < named.length) throw new KonnektorFault(UNKNOWN_SUBSCRIPTION);
    for (const subscription of known) renew(subscription, call.world.now());
    return xml(
      'EVT:RenewSubscriptionsResponse',
      declare('EVT', 'CONN'),
      status(),
      xml(
        'EVT:SubscribeRenewals',
        {},
        ...known.map((subscription) => xml('EVT:SubscriptionRenewal', {}, ...idAndEnd(subscription))),
      ),
    );
  },
});

const unsubscribeOperation = defineOperation({
  name: 'Unsubscribe',
  ns: NS.EVT,
  read(body) {
    const byAddress = body.children[1]?.name === 'EventTo';
    const found = readSequence(body, ['CCTX:Context', byAddress ? 'EVT:EventTo' : 'EVT:SubscriptionID']);
    return {
      context: readContext(must(found, 'Context')),
      by: byAddress ? { eventTo: readEventTo(must(found, 'EventTo')) } : { id: readId(must(found, 'SubscriptionID')) },
    };
  },
  run({ context, by }, call) {
    const meant = ownSubscriptions(context, call).filter((subscription) =>
      'id' in by ? subscription.id === by.id : subscription.eventTo === by.eventTo,
    );
    if (meant.length === 0) throw new KonnektorFault(UNKNOWN_SUBSCRIPTION);
    for (const subscription of meant) unsubscribe(call.konnektor, subscription);
    return xml('EVT:UnsubscribeResponse', declare('EVT', 'CONN'), status());
  },
});

const getSubscription = defineOperation({
  name: 'GetSubscription',
  ns: NS.EVT,
  read(body) {
    const found = readSequence(body, ['CCTX:Context', 'EVT:SubscriptionID?'], ['mandant-wide']);
    const id = one(found, 'SubscriptionID');
    return {
      context: readContext(must(found, 'Context')),
      id: id === undefined ? undefined : readId(id),
      mandantWide: booleanAttribute(body, 'mandant-wide', false),
    };
  },
  run({ context, id, mandantWide }, call) {
    checkAccess(call.konnektor, context, mandantWide);
    const shown = liveSubscriptions(call.konnektor, call.world.now()).filter(
      (subscription) =>
        subscription.context.mandantId === context.mandantId &&
        (mandantWide || sameContext(subscription.context, context)) &&
        (id === undefined || subscription.id === id),
    );
    return xml(
      'EVT:GetSubscriptionResponse',
      declare('EVT', 'CONN'),
      status(),
      xml('EVT:Subscriptions', {}, ...shown.map(subscriptionMarkup)),
    );
  },
});

/** Those of this call context; another ClientSystem's are not to be touched. */
function ownSubscriptions(context: CallContext, { konnektor, world }: OperationCall): Subscription[] {
  checkAccess(konnektor, context);
  return liveSubscriptions(konnektor, world.now()).filter((one) => sameContext(one.context, context));
}

function idAndEnd(subscription: Subscription): Markup[] {
  return [
    xml('EVT:SubscriptionID', {}, subscription.id),
    xml('EVT:TerminationTime', {}, new Date(subscription.endsAt).toISOString()),
  ];
}

function subscriptionMarkup(subscription: Subscription): Markup {
  return xml(
    'EVT:Subscription',
    {},
    ...idAndEnd(subscription),
    xml('EVT:EventTo', {}, subscription.eventTo),
    xml('EVT:Topic', {}, subscription.topic),
    subscription.filter === undefined ? undefined : xml('EVT:Filter', {}, subscription.filter.source),
  );
}

export const subscriptionOperations = [subscribeOperation, renewSubscriptions, unsubscribeOperation, getSubscription];
