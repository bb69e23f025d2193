// The keeper of subscriptions (konnektor.md 5): what it does when it is told again and again that the Konnektor has restarted, as anybody
// who reaches the receiver can tell it, and with a Konnektor that ends every subscription at once.
import { describe, expect, test } from 'vitest';
import { SubscriptionKeeper, TOPICS } from '../../../../gateway/konnektor/subscriptions.ts';
import { silentLogger } from '../../../../gateway/log.ts';
import { handClock } from '../../../support/hand-clock.ts';
import { type Asked, envelope, fault, ScriptedKonnektor } from './scripted-konnektor.ts';

const TO = 'cetp://gateway:1';
const HOUR = 3_600_000;

/** A Konnektor that keeps subscriptions, each for `livesMs` by its own clock. */
function bench(livesMs = 25 * HOUR) {
  const clock = handClock();
  const subscriptions = new Map<string, { topic: string; end: number }>();
  let made = 0;
  const end = () => clock.now() + livesMs;
  const about = (id: string, at: number) =>
    `<e:SubscriptionID>${id}</e:SubscriptionID><e:TerminationTime>${new Date(at).toISOString()}</e:TerminationTime>`;
  const answer = (operation: string, content: string) =>
    envelope(
      `<e:${operation}Response xmlns:e="http://ws.gematik.de/conn/EventService/v7.2"><c:Status xmlns:c="http://ws.gematik.de/conn/ConnectorCommon/v5.0"><c:Result>OK</c:Result></c:Status>${content}</e:${operation}Response>`,
    );
  const named = ({ body }: Asked) => [...body.matchAll(/SubscriptionID>([^<]+)</g)].map(([, id = '']) => id);
  const konnektor = new ScriptedKonnektor({
    GetSubscription: () =>
      answer(
        'GetSubscription',
        `<e:Subscriptions>${[...subscriptions]
          .map(
            ([id, { topic, end: at }]) =>
              `<e:Subscription>${about(id, at)}<e:EventTo>${TO}</e:EventTo><e:Topic>${topic}</e:Topic></e:Subscription>`,
          )
          .join('')}</e:Subscriptions>`,
      ),
    Subscribe: ({ body }) => {
      made += 1;
      const id = `s${made}`;
      subscriptions.set(id, { topic: /Topic>([^<]+)</.exec(body)?.[1] ?? '', end: end() });
      return answer('Subscribe', about(id, end()));
    },
    RenewSubscriptions: (asked) =>
      answer(
        'RenewSubscriptions',
        `<e:SubscribeRenewals>${named(asked)
          .map((id) => `<e:SubscriptionRenewal>${about(id, end())}</e:SubscriptionRenewal>`)
          .join('')}</e:SubscribeRenewals>`,
      ),
    Unsubscribe: (asked) => {
      for (const id of named(asked)) subscriptions.delete(id);
      return answer('Unsubscribe', '');
    },
  });
  const keeper = new SubscriptionKeeper({
    client: konnektor.client(),
    eventTo: TO,
    now: clock.now,
    timer: clock.timer,
    log: silentLogger,
  });
  const passed = async (ms: number) => {
    clock.passed(ms);
    await keeper.settled();
  };
  /** The Konnektor's run ends, and with it every subscription. */
  const restarted = () => subscriptions.clear();
  const topics = () => [...subscriptions.values()].map(({ topic }) => topic).sort();
  return { clock, konnektor, keeper, passed, restarted, topics };
}
const ALL = [...TOPICS].sort();

describe('told that the Konnektor has restarted', () => {
  test('it subscribes anew at once, also right after the start', async () => {
    const { keeper, passed, restarted, topics } = bench();
    keeper.start();
    await passed(0);
    restarted();
    keeper.renewAll();
    await passed(0);
    expect(topics()).toEqual(ALL);
  });

  test('by a thousand events in a minute: once at once and once when the minute is over, and no more', async () => {
    const { clock, konnektor, keeper, passed, restarted, topics } = bench();
    keeper.start();
    await passed(0);
    const asked = () => konnektor.count('GetSubscription');
    expect(asked()).toBe(1);
    for (let n = 0; n < 1_000; n++) {
      keeper.renewAll();
      await passed(50);
    }
    expect([asked(), clock.waiting()]).toEqual([2, 1]);
    // What was told within the minute is not lost: the Konnektor may have restarted once more.
    restarted();
    await passed(10_000);
    expect([asked(), topics()]).toEqual([3, ALL]);
    await passed(60_000);
    expect(asked()).toBe(3);
  });

  test('while it is subscribing: one turn more, however often it was told', async () => {
    const { konnektor, keeper, passed, clock } = bench();
    keeper.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { GetSubscription: answered } = konnektor.script;
    konnektor.script.GetSubscription = async (one) => {
      await promise;
      if (typeof answered !== 'function') throw new Error('no script');
      return answered(one);
    };
    clock.passed(0);
    for (let n = 0; n < 100; n++) {
      keeper.renewAll();
      clock.passed(0);
    }
    resolve();
    await passed(0);
    const before = konnektor.count('Subscribe');
    await keeper.settled();
    expect([konnektor.count('GetSubscription'), konnektor.count('Subscribe'), before]).toEqual([2, 12, 12]);
    await passed(60_000);
    expect(konnektor.count('GetSubscription')).toBe(3);
  });

  test('by a try that failed: it is tried again, with all of them anew', async () => {
    const { konnektor, keeper, passed, restarted, topics } = bench();
    keeper.start();
    await passed(0);
    restarted();
    const { GetSubscription: answered = [] } = konnektor.script;
    konnektor.script.GetSubscription = fault(4002);
    keeper.renewAll();
    await passed(0);
    expect(topics()).toEqual([]);
    konnektor.script.GetSubscription = answered;
    await passed(60_000);
    expect(topics()).toEqual(ALL);
  });
});

test('a Konnektor whose clock ends every subscription at once is asked once a minute', async () => {
  const { konnektor, keeper, passed } = bench(-HOUR);
  keeper.start();
  for (let second = 0; second < 600; second++) await passed(1_000);
  expect(konnektor.count('GetSubscription')).toBeLessThanOrEqual(10);
});
