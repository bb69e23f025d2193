// Subscriptions of the simulated Konnektor (EventService 7.2, konnektor.md 5): life by the simulated clock, whose they are, what
// ends them. What is sent is in cetp-out.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restartKonnektor } from '../../../../connector-sim/konnektor/cards.ts';
import { topicFits } from '../../../../connector-sim/konnektor/subscriptions.ts';
import {
  addClientSystem,
  type BenchAnswer,
  context,
  find,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { EVENT_TO, subscriptionOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
  const { model } = bench.world.konnektor;
  const [m1] = model.mandants;
  if (m1 === undefined) throw new Error('no Mandant');
  addClientSystem(bench.world.konnektor);
  model.mandants.push({ ...m1, id: 'm2' });
});
afterEach(() => bench.stop());

const HOUR = 3_600_000;
const subscribe = (o: { eventTo?: string; topic?: string; filter?: string; ctx?: string } = {}) =>
  bench.call('Subscribe', `${o.ctx ?? context()}${subscriptionOf(o.eventTo ?? EVENT_TO, o.topic ?? 'CARD', o.filter)}`);
const idOf = (answer: BenchAnswer) => findText(answer.soap.body, 'SubscriptionID') ?? '';
const endOf = (answer: BenchAnswer) => Date.parse(findText(answer.soap.body, 'TerminationTime') ?? '');
const one = (id: string) => `<EVT:SubscriptionID>${id}</EVT:SubscriptionID>`;
const shown = async (ctx = context(), wide = false) => {
  const answer = await bench.call('GetSubscription', ctx, wide ? ' mandant-wide="true"' : '');
  return (find(answer.soap.body, 'Subscriptions')?.children ?? []).map((s) => findText(s, 'SubscriptionID'));
};

test('it lives 25 hours, and is shown as it was made', async () => {
  const made = await subscribe({ topic: 'CARD/INSERTED', filter: '/Event' });
  expect(endOf(made) - bench.world.now()).toBeGreaterThan(25 * HOUR - 60_000);
  expect(endOf(made) - bench.world.now()).toBeLessThanOrEqual(25 * HOUR);
  const answer = await bench.call('GetSubscription', context());
  const [subscription] = find(answer.soap.body, 'Subscriptions')?.children ?? [];
  expect(subscription?.children.map((e) => e.text)).toEqual([
    idOf(made),
    new Date(endOf(made)).toISOString(),
    EVENT_TO,
    'CARD/INSERTED',
    '/Event',
  ]);
  bench.world.advance(25 * HOUR - 60_000);
  expect(await shown()).toEqual([idOf(made)]);
  bench.world.advance(60_000);
  expect(await shown()).toEqual([]);
  expect((await bench.call('RenewSubscriptions', `${context()}${one(idOf(made))}`)).code).toBe(4102);
});

test('RenewSubscriptions gives 25 hours anew, all of them or none', async () => {
  const ids = [idOf(await subscribe()), idOf(await subscribe({ topic: 'CT' }))];
  bench.world.advance(24 * HOUR);
  expect((await bench.call('RenewSubscriptions', `${context()}${ids.map(one).join('')}${one('none')}`)).code).toBe(
    4102,
  );
  const answer = await bench.call('RenewSubscriptions', `${context()}${ids.map(one).join('')}`);
  const renewals = find(answer.soap.body, 'SubscribeRenewals')?.children ?? [];
  expect(renewals.map((r) => findText(r, 'SubscriptionID'))).toEqual(ids);
  bench.world.advance(24 * HOUR);
  expect(await shown()).toEqual(ids);
});

test.each(['renews', 'keeps'] as const)('the same again answers the ID there is; its life: %s', async (again) => {
  bench.world.choices.subscribeAgain = again;
  const first = await subscribe();
  bench.world.advance(HOUR);
  const second = await subscribe({ topic: 'card' });
  expect(idOf(second)).toBe(idOf(first));
  expect(endOf(second) > endOf(first)).toBe(again === 'renews');
});

test.each([
  ['another address', { eventTo: 'cetp://127.0.0.1:10' }],
  ['another topic', { topic: 'CT' }],
  ['a filter', { filter: '/Event' }],
  ['another ClientSystem', { ctx: context('m1', 'c2') }],
  ['another Mandant', { ctx: context('m2') }],
])('with %s it is another subscription', async (_what, other) => {
  expect(idOf(await subscribe(other))).not.toBe(idOf(await subscribe()));
});

test('each call context sees its own, mandant-wide those of the Mandant', async () => {
  const own = idOf(await subscribe());
  const ofSystem = idOf(await subscribe({ ctx: context('m1', 'c2') }));
  const ofMandant = idOf(await subscribe({ ctx: context('m2') }));
  expect(await shown()).toEqual([own]);
  expect(await shown(context('m1', 'c2'))).toEqual([ofSystem]);
  expect(await shown(context('m1', 'elsewhere', 'elsewhere'), true)).toEqual([own, ofSystem]);
  expect(await shown(context('m2'), true)).toEqual([ofMandant]);
});

test('GetSubscription by ID shows that one, of an unknown one nothing', async () => {
  const id = idOf(await subscribe());
  await subscribe({ topic: 'CT' });
  const by = async (wanted: string) => {
    const answer = await bench.call('GetSubscription', `${context()}${one(wanted)}`);
    return find(answer.soap.body, 'Subscriptions')?.children.length;
  };
  expect([await by(id), await by('none')]).toEqual([1, 0]);
});

describe('Unsubscribe', () => {
  test('ends one by its ID, and ends it once', async () => {
    const [first, second] = [idOf(await subscribe()), idOf(await subscribe({ topic: 'CT' }))];
    expect((await bench.call('Unsubscribe', `${context()}${one(first)}`)).code).toBeNull();
    expect(await shown()).toEqual([second]);
    expect((await bench.call('Unsubscribe', `${context()}${one(first)}`)).code).toBe(4102);
  });

  test('ends every one of an address', async () => {
    await subscribe();
    await subscribe({ topic: 'CT' });
    const other = idOf(await subscribe({ eventTo: 'cetp://127.0.0.1:10' }));
    expect((await bench.call('Unsubscribe', `${context()}<EVT:EventTo>${EVENT_TO}</EVT:EventTo>`)).code).toBeNull();
    expect(await shown()).toEqual([other]);
    expect([...bench.world.konnektor.events.sinks]).toEqual(['cetp://127.0.0.1:10']);
  });

  test('does not reach another call context’s', async () => {
    const foreign = idOf(await subscribe({ ctx: context('m1', 'c2') }));
    expect((await bench.call('Unsubscribe', `${context()}${one(foreign)}`)).code).toBe(4102);
    expect((await bench.call('RenewSubscriptions', `${context()}${one(foreign)}`)).code).toBe(4102);
    expect(await shown(context('m1', 'c2'))).toEqual([foreign]);
  });
});

test('a restart ends all of them, and keeps the addresses', async () => {
  await subscribe();
  restartKonnektor(bench.world.konnektor, bench.world.now());
  expect(await shown()).toEqual([]);
  expect([...bench.world.konnektor.events.sinks]).toEqual([EVENT_TO]);
});

test('a filter that cannot be evaluated is 4095, and subscribes nothing', async () => {
  expect((await subscribe({ filter: '//Parameter[1]' })).code).toBe(4095);
  expect([await shown(), bench.world.konnektor.events.sinks.size]).toEqual([[], 0]);
});

test.each([
  ['CARD', 'CARD/INSERTED', true],
  ['card/inserted', 'CARD/INSERTED', true],
  ['Card/', 'CARD/PIN/VERIFY_STARTED', true],
  ['CARD/INSERTED', 'CARD/INSERTED', true],
  ['OPERATIONAL_STATE/EC_CardTerminal_Not_Available', 'OPERATIONAL_STATE/EC_CardTerminal_Not_Available(CT_1)', true],
  ['CARD/INSERTED', 'CARD/REMOVED', false],
  ['CAR', 'CARD/INSERTED', false],
  ['CT', 'CERT/CARD/EXPIRATION', false],
  ['CARD/INSERTED/NOW', 'CARD/INSERTED', false],
  ['INSERTED', 'CARD/INSERTED', false],
])('topic %s and event %s: %s', (subscribed, topic, fits) => expect(topicFits(subscribed, topic)).toBe(fits));
