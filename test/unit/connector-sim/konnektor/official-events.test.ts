// The official schema judges every event that a simulated Konnektor can send, in each spelling (style.md B3, EventService.xsd).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setConnected, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { bootupComplete, emit } from '../../../../connector-sim/konnektor/events.ts';
import { setCondition } from '../../../../connector-sim/konnektor/operating-state.ts';
import { CONDITIONS } from '../../../../connector-sim/tables/operating-states.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { context, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { EVENT_TO, messageOf, subscriptionOf } from '../../../support/konnektor-messages.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

describeWithSchemas('every event of the simulated Konnektor by the official files', (dir) => {
  let bench: KonnektorBench;
  let judge: XsdJudge;
  beforeAll(async () => {
    bench = await startKonnektorBench();
    judge = new XsdJudge(dir);
    for (const topic of ['CARD', 'CT', 'OPERATIONAL_STATE', 'NETWORK', 'BOOTUP'])
      await bench.call('Subscribe', `${context()}${subscriptionOf(EVENT_TO, topic)}`);
  });
  afterAll(async () => {
    judge.dispose();
    await bench.stop();
  });

  test.each([
    ['capitals', 'CardType'],
    ['mixed', 'Type'],
  ] as const)('%s, the card’s type as %s', async (topicSpelling, removedTypeKey) => {
    const { konnektor, choices, now } = bench.world;
    const [terminal] = konnektor.terminals.values();
    const card = konnektor.cards.get(bench.pki.smcb.iccsn);
    if (terminal === undefined || card === undefined) throw new Error('no terminal, or no SMC-B');
    Object.assign(choices, { topicSpelling, removedTypeKey });
    // Nobody listens; the subscriptions shall outlive it.
    for (const one of konnektor.events.subscriptions.values()) one.failures = Number.NEGATIVE_INFINITY;
    bench.sent.length = 0;
    for (const connected of [false, true]) setConnected(konnektor, terminal, connected, now());
    for (const holds of [true, false])
      for (const name of Object.keys(CONDITIONS)) setCondition(konnektor, name, { holds, now: now() });
    for (const operation of ['VerifyPin', 'ChangePin', 'UnblockPin'] as const) {
      setPinStatus(konnektor, card, operation === 'UnblockPin' ? 'BLOCKED' : 'VERIFIABLE');
      await bench.call(operation, messageOf(bench, operation));
    }
    emit(konnektor, bootupComplete());
    await bench.cetp.idle();
    const topics = new Set(bench.sent.map((one) => one.topic.split('(')[0]));
    // cards 2, PINs 6, terminals 3, VPN 2, restart 1
    expect(topics.size).toBe(Object.keys(CONDITIONS).length + 14);
    for (const { topic, message } of bench.sent) expect([topic, ...judge.judge(message).faults]).toEqual([topic]);
  });
});
