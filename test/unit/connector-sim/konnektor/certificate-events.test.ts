// Events about certificates on cards, and those that are sent on command (konnektor.md 5).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setInserted } from '../../../../connector-sim/konnektor/cards.ts';
import { onDemand } from '../../../../connector-sim/konnektor/certificate-events.ts';
import { emit, type KonnektorEvent } from '../../../../connector-sim/konnektor/events.ts';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import { EVENTS_ON_DEMAND } from '../../../../connector-sim/tables/events-on-demand.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { context, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { EVENT_TO, subscriptionOf } from '../../../support/konnektor-messages.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

let sim: Simulator;
let told: KonnektorEvent[];
beforeEach(async () => {
  sim = await startSimulator({ seed: 1 });
  told = [];
  sim.world.konnektor.events.listeners.add((event) => told.push(event));
});
afterEach(() => sim.stop());

const smcb = () => sim.world.konnektor.cards.get(sim.world.pki.smcb.iccsn);
const control = async (path: string, body: object) => {
  const answer = await fetch(`${sim.ready.control}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as { findings?: { pointer: string }[] } };
};
const expirations = () => told.filter((one) => one.topic === 'CERT/CARD/EXPIRATION');
const to = (daysBeforeEnd: number) => {
  const end = smcb()?.certificates.get('C.AUT')?.certificate.notAfter.getTime() ?? 0;
  return control('/sim/clock', { now: new Date(end - daysBeforeEnd * 86_400_000).toISOString(), renew: false });
};

describe('CERT/CARD/EXPIRATION', () => {
  test('comes once a day from 90 days before the end', async () => {
    await to(91);
    expect(expirations()).toEqual([]);
    await to(90);
    expect(expirations()).toMatchObject([{ type: 'Operation', severity: 'Warning' }]);
    expect(Object.fromEntries(expirations()[0]?.parameters ?? [])).toMatchObject({
      CARD_TYPE: 'SMC-B',
      ICCSN: smcb()?.iccsn,
      CARD_HANDLE: smcb()?.cardHandle,
    });
    await control('/sim/clock', { advance: 'PT1S' });
    expect(expirations()).toHaveLength(1);
    for (const advance of ['P1D', 'P1D']) await control('/sim/clock', { advance, renew: false });
    expect(expirations()).toHaveLength(3);
  });

  test('does not come of a card that is not there, nor of a terminal’s own', async () => {
    const card = smcb();
    if (card === undefined) throw new Error('no SMC-B');
    setInserted(sim.world.konnektor, card, false, sim.world.now());
    await to(10);
    expect(expirations()).toEqual([]);
  });
});

describe('POST /sim/konnektors/{id}/events', () => {
  test.each(Object.keys(EVENTS_ON_DEMAND))('%s is sent', async (topic) => {
    const ofCard = EVENTS_ON_DEMAND[topic]?.ofCard !== false;
    const body = { topic, ...(ofCard && { iccsn: smcb()?.iccsn }), parameters: { Extra: 'x' } };
    const { status, json } = await control('/sim/konnektors/k1/events', body);
    expect([status, json]).toMatchObject([200, { topic, parameters: { Extra: 'x' } }]);
    expect(told.map((one) => [one.topic, one.about?.iccsn])).toEqual([[topic, ofCard ? smcb()?.iccsn : undefined]]);
  });

  test.each<[string, object, number, string[]]>([
    [
      'everything wrong at once',
      { topic: 'CARD/LOST', iccsn: '', parameters: { '': 1 }, x: 1 },
      422,
      ['/iccsn', '/topic', '/x'],
    ],
    ['a card not named', { topic: 'CERT/CARD/STATUS' }, 422, ['/iccsn']],
    ['a card where none belongs', { topic: 'KSR/UPDATES_AVAILABLE', iccsn: '1' }, 422, ['/iccsn']],
    ['a card it does not have', { topic: 'CERT/CARD/STATUS', iccsn: '1' }, 409, []],
  ])('refuses %s, and sends nothing', async (_what, body, status, places) => {
    const answer = await control('/sim/konnektors/k1/events', body);
    const found = (answer.json.findings ?? []).map((one) => one.pointer);
    expect([answer.status, places.filter((place) => !found.includes(place))]).toEqual([status, []]);
    expect(told).toEqual([]);
  });

  test('refuses a Konnektor there is not', async () => {
    expect((await control('/sim/konnektors/k9/events', { topic: 'KSR/UPDATES_AVAILABLE' })).status).toBe(404);
  });
});

describeWithSchemas('these events by the official files', (dir) => {
  let bench: KonnektorBench;
  const judge = new XsdJudge(dir);
  beforeEach(async () => {
    bench = await startKonnektorBench();
  });
  afterEach(() => bench.stop());

  test.each(Object.keys(EVENTS_ON_DEMAND))('%s is valid', async (topic) => {
    await bench.call('Subscribe', `${context()}${subscriptionOf(EVENT_TO, topic.split('/')[0] ?? '')}`);
    emit(bench.world.konnektor, onDemand(topic, bench.world.konnektor.cards.get(bench.pki.smcb.iccsn)));
    await bench.cetp.idle();
    expect(bench.sent.map((one) => judge.judge(one.message).faults)).toEqual([[]]);
  });
});
