// Events as they arrive at a sink (konnektor.md 5): what is told of cards, terminals, PIN entries and restarts, to whom and in which
// form. What goes wrong on the way is in cetp-faults.test.ts. The sink is the test's own.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restartKonnektor, setConnected, setPinStatus } from '../../../../connector-sim/konnektor/cards.ts';
import { bootupComplete, emit } from '../../../../connector-sim/konnektor/events.ts';
import { type CetpBench, startCetpBench } from '../../../support/cetp-bench.ts';
import { openCetpSink } from '../../../support/cetp-sink.ts';
import { context } from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

let events: CetpBench;
beforeEach(async () => {
  events = await startCetpBench();
});
afterEach(() => events.stop());

describe('what is told', () => {
  test('a card pulled and plugged: the handle it had, and the new one', async () => {
    const id = await events.subscribe();
    const before = events.bench.cardHandle();
    events.pull();
    events.plug();
    const [removed, inserted] = await events.sink.frames(2);
    expect([removed?.topic, inserted?.topic]).toEqual(['CARD/REMOVED', 'CARD/INSERTED']);
    expect(removed?.parameters).toMatchObject({
      CardHandle: before,
      CardType: 'SMC-B',
      ICCSN: events.card().iccsn,
      CtID: events.card().ctId,
      SlotID: '1',
      KVNR: '',
    });
    expect(inserted?.parameters.CardHandle).toBe(events.bench.cardHandle());
    expect(inserted?.parameters.CertExpirationDate).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(inserted?.event.children.map((e) => [e.name, e.text]).slice(0, 4)).toEqual([
      ['Topic', 'CARD/INSERTED'],
      ['Type', 'Operation'],
      ['Severity', 'Info'],
      ['SubscriptionID', id],
    ]);
  });

  test('a terminal unplugged: its cards, itself, and the operating state; and back again', async () => {
    await events.subscribe('CARD');
    await events.subscribe('CT');
    await events.subscribe('OPERATIONAL_STATE');
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    const off = await events.sink.frames(4);
    const state = `OPERATIONAL_STATE/EC_CardTerminal_Not_Available(${events.terminal().ctId})`;
    expect(off.map((one) => one.topic).sort()).toEqual(
      ['CARD/REMOVED', 'CARD/REMOVED', 'CT/DISCONNECTED', state].sort(),
    );
    expect(off.find((one) => one.topic === state)?.parameters).toMatchObject({
      Value: 'true',
      CtID: events.terminal().ctId,
    });
    setConnected(events.konnektor(), events.terminal(), true, events.bench.world.now());
    const on = (await events.sink.frames(8)).slice(4);
    expect(on.map((one) => one.topic).sort()).toEqual(['CARD/INSERTED', 'CARD/INSERTED', 'CT/CONNECTED', state].sort());
    expect(on.find((one) => one.topic === state)?.parameters.Value).toBe('false');
  });

  test.each(['VerifyPin', 'ChangePin', 'UnblockPin'] as const)(
    '%s: that somebody is asked, and how it ended',
    async (operation) => {
      setPinStatus(events.konnektor(), events.card(), operation === 'UnblockPin' ? 'BLOCKED' : 'VERIFIABLE');
      await events.subscribe('CARD/PIN');
      events.card().enteredPin = 'wrong';
      await events.bench.call(operation, messageOf(events.bench, operation));
      const [started, finished] = await events.sink.frames(2);
      const action = operation.replace('Pin', '').toUpperCase();
      expect([started?.topic, finished?.topic]).toEqual([`CARD/PIN/${action}_STARTED`, `CARD/PIN/${action}_FINISHED`]);
      expect(started?.parameters).toEqual({
        CardHandle: events.bench.cardHandle(),
        CardType: 'SMC-B',
        ICCSN: events.card().iccsn,
        CtID: events.card().ctId,
        SlotID: '1',
        PinRef: 'PIN.SMC',
        PinInputCtID: events.card().ctId,
      });
      expect(finished?.parameters.Result).toBe('REJECTED');
    },
  );

  test('an entry that is refused before anybody is asked tells nothing', async () => {
    setPinStatus(events.konnektor(), events.card(), 'BLOCKED');
    await events.subscribe('CARD');
    await events.bench.call('VerifyPin', messageOf(events.bench, 'VerifyPin'));
    events.pull();
    expect((await events.sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/REMOVED']);
  });

  test('a restart: BOOTUP_COMPLETE with no subscription to the remembered address, once for two subscriptions', async () => {
    await events.subscribe('CARD');
    await events.subscribe('CT');
    restartKonnektor(events.konnektor(), events.bench.world.now());
    emit(events.konnektor(), bootupComplete());
    await events.bench.cetp.idle();
    const [first, ...more] = await events.sink.frames(1);
    expect([first?.topic, more.length]).toEqual(['BOOTUP/BOOTUP_COMPLETE', 0]);
    expect(first?.event.children.find((e) => e.name === 'SubscriptionID')?.text).toBe('');
    events.pull();
    await events.bench.cetp.idle();
    expect(events.sink.received).toHaveLength(1);
  });
});

describe('to whom', () => {
  test('a topic nobody subscribed is told to nobody', async () => {
    await events.subscribe('CT');
    events.pull();
    events.plug();
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    await events.bench.cetp.idle();
    expect((await events.sink.frames(1)).map((one) => one.topic)).toEqual(['CT/DISCONNECTED']);
  });

  test('only where the filter holds', async () => {
    await events.subscribe('CARD', { filter: '/Event/Message/Parameter[Key="SlotID" and Value="4"]' });
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    await events.bench.cetp.idle();
    expect((await events.sink.frames(1)).map((one) => one.parameters.CardType)).toEqual(['SMC-KT']);
  });

  test('not to a call context that does not manage the SM-B, nor one that does not reach the terminal', async () => {
    const { model } = events.konnektor();
    const [m1] = model.mandants;
    if (m1 === undefined) throw new Error('no Mandant');
    model.mandants.push({ ...m1, id: 'm2', smbs: [] });
    m1.workplaces.push('w3');
    model.workplaces.set('w3', { local: [], remote: [] });
    model.clientSystems.get('c1')?.push('w3');
    await events.subscribe('CARD', { ctx: context('m2') });
    await events.subscribe('CARD', { ctx: context('m1', 'c1', 'w3') });
    events.pull();
    await events.bench.cetp.idle();
    expect(events.sink.received).toEqual([]);
  });

  test('not after its 25 hours', async () => {
    await events.subscribe();
    events.bench.world.advance(25 * 3_600_000);
    events.pull();
    await events.bench.cetp.idle();
    expect(events.sink.received).toEqual([]);
  });

  test('not after Unsubscribe', async () => {
    const id = await events.subscribe();
    await events.bench.call('Unsubscribe', `${context()}<EVT:SubscriptionID>${id}</EVT:SubscriptionID>`);
    events.pull();
    await events.bench.cetp.idle();
    expect(events.sink.received).toEqual([]);
  });

  test('each of two sinks has its own subscription’s ID', async () => {
    const second = await openCetpSink();
    const ids = [await events.subscribe(), await events.subscribe('CARD', { eventTo: second.eventTo })];
    events.pull();
    const frames = [...(await events.sink.frames(1)), ...(await second.frames(1))];
    expect(frames.map((one) => one.event.children[3]?.text)).toEqual(ids);
    await second.stop();
  });
});

describe('in which form', () => {
  test('frames in pieces are the same frames', async () => {
    events.bench.world.choices.cetpPieces = 'pieces';
    await events.subscribe();
    events.pull();
    const [removed] = await events.sink.frames(1);
    expect(removed?.parameters.ICCSN).toBe(events.card().iccsn);
    expect(events.sink.reads).toBeGreaterThan(2);
  });

  test.each([
    ['shared', 1],
    ['one-each', 4],
  ] as const)('four events at once on connections %s: %i', async (connection, connections) => {
    events.bench.world.choices.cetpConnection = connection;
    await events.subscribe('CARD');
    await events.subscribe('CT');
    await events.subscribe('OPERATIONAL_STATE');
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    await events.sink.frames(4);
    expect(new Set(events.sink.received.map((one) => one.connection)).size).toBe(connections);
  });

  test('topics in another spelling, and Type for a card that was removed', async () => {
    Object.assign(events.bench.world.choices, { topicSpelling: 'mixed', removedTypeKey: 'Type' });
    await events.subscribe('CARD');
    await events.subscribe('OPERATIONAL_STATE');
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    const frames = await events.sink.frames(3);
    expect(new Set(frames.map((one) => one.topic))).toEqual(
      new Set(['Card/Removed', `OPERATIONAL_STATE/EC_CardTerminal_Not_Available(${events.terminal().ctId})`]),
    );
    const removed = frames.find((one) => one.topic === 'Card/Removed');
    expect([removed?.parameters.Type !== undefined, removed?.parameters.CardType]).toEqual([true, undefined]);
  });
});
