// Events as they arrive at a sink (konnektor.md 5): what is told of cards, terminals, PIN entries and restarts, to whom, in which
// form; and every fault at `cetp`. The sink is the test's own.
import type { TlsOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import {
  restartKonnektor,
  setConnected,
  setInserted,
  setPinStatus,
} from '../../../../connector-sim/konnektor/cards.ts';
import { bootupComplete, emit } from '../../../../connector-sim/konnektor/events.ts';
import { EVT_MAX_TRY } from '../../../../connector-sim/konnektor/subscriptions.ts';
import { chainPem } from '../../../../connector-sim/settings.ts';
import { serverTlsOptions } from '../../../../wire/tls.ts';
import { type CetpSink, openCetpSink } from '../../../support/cetp-sink.ts';
import { context, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';
import { messageOf, subscriptionOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
let sink: CetpSink;
beforeEach(async () => {
  bench = await startKonnektorBench();
  bench.world.konnektor.cetp = 'tcp';
  Object.assign(bench.world.choices, {
    topicSpelling: 'capitals',
    removedTypeKey: 'CardType',
    cetpPieces: 'whole',
    cetpConnection: 'one-each',
  });
  sink = await openCetpSink();
});
afterEach(async () => {
  await bench.stop();
  await sink.stop();
});

const konnektor = () => bench.world.konnektor;
const card = () => {
  const found = konnektor().cards.get(bench.pki.smcb.iccsn);
  if (found === undefined) throw new Error('no SMC-B in the world');
  return found;
};
const terminal = () => {
  const [found] = konnektor().terminals.values();
  if (found === undefined) throw new Error('no terminal in the world');
  return found;
};
const subscribe = async (topic = 'CARD', o: { filter?: string; ctx?: string; eventTo?: string } = {}) => {
  const answer = await bench.call(
    'Subscribe',
    `${o.ctx ?? context()}${subscriptionOf(o.eventTo ?? sink.eventTo, topic, o.filter)}`,
  );
  return findText(answer.soap.body, 'SubscriptionID') ?? '';
};
const pull = () => setInserted(konnektor(), card(), false, bench.world.now());
const plug = () => setInserted(konnektor(), card(), true, bench.world.now());

describe('what is told', () => {
  test('a card pulled and plugged: the handle it had, and the new one', async () => {
    const id = await subscribe();
    const before = bench.cardHandle();
    pull();
    plug();
    const [removed, inserted] = await sink.frames(2);
    expect([removed?.topic, inserted?.topic]).toEqual(['CARD/REMOVED', 'CARD/INSERTED']);
    expect(removed?.parameters).toMatchObject({
      CardHandle: before,
      CardType: 'SMC-B',
      ICCSN: card().iccsn,
      CtID: card().ctId,
      SlotID: '1',
      KVNR: '',
    });
    expect(inserted?.parameters.CardHandle).toBe(bench.cardHandle());
    expect(inserted?.parameters.CertExpirationDate).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(inserted?.event.children.map((e) => [e.name, e.text]).slice(0, 4)).toEqual([
      ['Topic', 'CARD/INSERTED'],
      ['Type', 'Operation'],
      ['Severity', 'Info'],
      ['SubscriptionID', id],
    ]);
  });

  test('a terminal unplugged: its cards, itself, and the operating state; and back again', async () => {
    await subscribe('CARD');
    await subscribe('CT');
    await subscribe('OPERATIONAL_STATE');
    setConnected(konnektor(), terminal(), false, bench.world.now());
    const off = await sink.frames(4);
    const state = `OPERATIONAL_STATE/EC_CardTerminal_Not_Available(${terminal().ctId})`;
    expect(off.map((one) => one.topic).sort()).toEqual(
      ['CARD/REMOVED', 'CARD/REMOVED', 'CT/DISCONNECTED', state].sort(),
    );
    expect(off.find((one) => one.topic === state)?.parameters).toMatchObject({ Value: 'true', CtID: terminal().ctId });
    setConnected(konnektor(), terminal(), true, bench.world.now());
    const on = (await sink.frames(8)).slice(4);
    expect(on.map((one) => one.topic).sort()).toEqual(['CARD/INSERTED', 'CARD/INSERTED', 'CT/CONNECTED', state].sort());
    expect(on.find((one) => one.topic === state)?.parameters.Value).toBe('false');
  });

  test.each(['VerifyPin', 'ChangePin', 'UnblockPin'] as const)(
    '%s: that somebody is asked, and how it ended',
    async (operation) => {
      setPinStatus(konnektor(), card(), operation === 'UnblockPin' ? 'BLOCKED' : 'VERIFIABLE');
      await subscribe('CARD/PIN');
      card().enteredPin = 'wrong';
      await bench.call(operation, messageOf(bench, operation));
      const [started, finished] = await sink.frames(2);
      const action = operation.replace('Pin', '').toUpperCase();
      expect([started?.topic, finished?.topic]).toEqual([`CARD/PIN/${action}_STARTED`, `CARD/PIN/${action}_FINISHED`]);
      expect(started?.parameters).toEqual({
        CardHandle: bench.cardHandle(),
        CardType: 'SMC-B',
        ICCSN: card().iccsn,
        CtID: card().ctId,
        SlotID: '1',
        PinRef: 'PIN.SMC',
        PinInputCtID: card().ctId,
      });
      expect(finished?.parameters.Result).toBe('REJECTED');
    },
  );

  test('an entry that is refused before anybody is asked tells nothing', async () => {
    setPinStatus(konnektor(), card(), 'BLOCKED');
    await subscribe('CARD');
    await bench.call('VerifyPin', messageOf(bench, 'VerifyPin'));
    pull();
    expect((await sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/REMOVED']);
  });

  test('a restart: BOOTUP_COMPLETE with no subscription to the remembered address, once for two subscriptions', async () => {
    await subscribe('CARD');
    await subscribe('CT');
    restartKonnektor(konnektor(), bench.world.now());
    emit(konnektor(), bootupComplete());
    await bench.cetp.idle();
    const [first, ...more] = await sink.frames(1);
    expect([first?.topic, more.length]).toEqual(['BOOTUP/BOOTUP_COMPLETE', 0]);
    expect(first?.event.children.find((e) => e.name === 'SubscriptionID')?.text).toBe('');
    pull();
    await bench.cetp.idle();
    expect(sink.received).toHaveLength(1);
  });
});

describe('to whom', () => {
  test('a topic nobody subscribed is told to nobody', async () => {
    await subscribe('CT');
    pull();
    plug();
    setConnected(konnektor(), terminal(), false, bench.world.now());
    await bench.cetp.idle();
    expect((await sink.frames(1)).map((one) => one.topic)).toEqual(['CT/DISCONNECTED']);
  });

  test('only where the filter holds', async () => {
    await subscribe('CARD', { filter: '/Event/Message/Parameter[Key="SlotID" and Value="4"]' });
    setConnected(konnektor(), terminal(), false, bench.world.now());
    await bench.cetp.idle();
    expect((await sink.frames(1)).map((one) => one.parameters.CardType)).toEqual(['SMC-KT']);
  });

  test('not to a call context that does not manage the SM-B, nor one that does not reach the terminal', async () => {
    const { model } = konnektor();
    const [m1] = model.mandants;
    if (m1 === undefined) throw new Error('no Mandant');
    model.mandants.push({ ...m1, id: 'm2', smbs: [] });
    m1.workplaces.push('w3');
    model.workplaces.set('w3', { local: [], remote: [] });
    model.clientSystems.get('c1')?.push('w3');
    await subscribe('CARD', { ctx: context('m2') });
    await subscribe('CARD', { ctx: context('m1', 'c1', 'w3') });
    pull();
    await bench.cetp.idle();
    expect(sink.received).toEqual([]);
  });

  test('not after its 25 hours', async () => {
    await subscribe();
    bench.world.advance(25 * 3_600_000);
    pull();
    await bench.cetp.idle();
    expect(sink.received).toEqual([]);
  });

  test('not after Unsubscribe', async () => {
    const id = await subscribe();
    await bench.call('Unsubscribe', `${context()}<EVT:SubscriptionID>${id}</EVT:SubscriptionID>`);
    pull();
    await bench.cetp.idle();
    expect(sink.received).toEqual([]);
  });

  test('each of two sinks has its own subscription’s ID', async () => {
    const second = await openCetpSink();
    const ids = [await subscribe(), await subscribe('CARD', { eventTo: second.eventTo })];
    pull();
    const frames = [...(await sink.frames(1)), ...(await second.frames(1))];
    expect(frames.map((one) => one.event.children[3]?.text)).toEqual(ids);
    await second.stop();
  });
});

describe('what cannot be delivered', () => {
  const gone = async () => {
    const dead = await openCetpSink();
    await dead.stop();
    return dead.eventTo;
  };

  test(`a subscription is given up after ${EVT_MAX_TRY} in a row`, async () => {
    await subscribe('CARD', { eventTo: await gone() });
    await subscribe('CARD');
    for (let i = 1; i < EVT_MAX_TRY; i += 1) {
      if (i % 2 === 1) pull();
      else plug();
      await bench.cetp.idle();
    }
    expect(konnektor().events.subscriptions.size).toBe(2);
    if (card().inserted) pull();
    else plug();
    await bench.cetp.idle();
    expect([...konnektor().events.subscriptions.values()].map((one) => one.eventTo)).toEqual([sink.eventTo]);
    expect([...konnektor().events.sinks]).toEqual([sink.eventTo]);
    expect(bench.sent.filter((one) => !one.delivered)).toHaveLength(EVT_MAX_TRY);
  });

  test('one that arrives in between begins the count anew', async () => {
    await subscribe();
    const [subscription] = konnektor().events.subscriptions.values();
    if (subscription === undefined) throw new Error('no subscription');
    subscription.failures = EVT_MAX_TRY - 1;
    pull();
    await bench.cetp.idle();
    expect([subscription.failures, konnektor().events.subscriptions.size]).toEqual([0, 1]);
  });
});

describe('over TLS', () => {
  const tls = (o: { issuer?: 'konnektor' | 'stranger'; ask?: boolean } = {}): TlsOptions => {
    const { clientCertificate, konnektorCa, konnektorRoot } = bench.pki;
    const stranger = mintRoot('Stranger Root CA', { curve: 'P-256' });
    const foreign = mintLeaf(stranger, { commonName: 'sink', curve: 'P-256', extendedKeyUsage: ['serverAuth'] });
    const [leaf, ca] = o.issuer === 'stranger' ? [foreign, stranger] : [clientCertificate, konnektorCa];
    return serverTlsOptions({
      cert: chainPem(leaf, ca),
      key: leaf.keyPem,
      ...(o.ask === true ? { clientCa: konnektorRoot.certPem } : {}),
    });
  };
  const open = async (options: TlsOptions) => {
    await sink.stop();
    sink = await openCetpSink(options);
    konnektor().cetp = 'tls';
    await subscribe();
    pull();
  };

  test('the certificate that the Konnektor issued to its client is good enough for the sink', async () => {
    await open(tls());
    expect((await sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/REMOVED']);
    expect(sink.peer).toBeUndefined();
  });

  test('the Konnektor shows ID.AK.AUT when it is asked', async () => {
    await open(tls({ ask: true }));
    await sink.frames(1);
    expect(sink.peer).toMatch(/CN=\d{20}-sim/);
  });

  test('a certificate of another CA is refused, and nothing is told', async () => {
    await open(tls({ issuer: 'stranger' }));
    await bench.cetp.idle();
    expect([sink.received, bench.sent.map((one) => one.delivered)]).toEqual([[], [false]]);
  });

  test('a sink without TLS is told nothing', async () => {
    konnektor().cetp = 'tls';
    await subscribe();
    pull();
    await bench.cetp.idle();
    expect([sink.received, bench.sent.map((one) => one.delivered)]).toEqual([[], [false]]);
  });
});

describe('in which form', () => {
  test('frames in pieces are the same frames', async () => {
    bench.world.choices.cetpPieces = 'pieces';
    await subscribe();
    pull();
    const [removed] = await sink.frames(1);
    expect(removed?.parameters.ICCSN).toBe(card().iccsn);
    expect(sink.reads).toBeGreaterThan(2);
  });

  test.each([
    ['shared', 1],
    ['one-each', 4],
  ] as const)('four events at once on connections %s: %i', async (connection, connections) => {
    bench.world.choices.cetpConnection = connection;
    await subscribe('CARD');
    await subscribe('CT');
    await subscribe('OPERATIONAL_STATE');
    setConnected(konnektor(), terminal(), false, bench.world.now());
    await sink.frames(4);
    expect(new Set(sink.received.map((one) => one.connection)).size).toBe(connections);
  });

  test('topics in another spelling, and Type for a card that was removed', async () => {
    Object.assign(bench.world.choices, { topicSpelling: 'mixed', removedTypeKey: 'Type' });
    await subscribe('CARD');
    await subscribe('OPERATIONAL_STATE');
    setConnected(konnektor(), terminal(), false, bench.world.now());
    const frames = await sink.frames(3);
    expect(new Set(frames.map((one) => one.topic))).toEqual(
      new Set(['Card/Removed', `OPERATIONAL_STATE/EC_CardTerminal_Not_Available(${terminal().ctId})`]),
    );
    const removed = frames.find((one) => one.topic === 'Card/Removed');
    expect([removed?.parameters.Type !== undefined, removed?.parameters.CardType]).toEqual([true, undefined]);
  });
});

describe('faults at cetp', () => {
  const play = async (fault: { kind: string; params?: Record<string, unknown> }) => {
    bench.faults.add({ at: 'cetp', times: 1, ...fault });
    await subscribe();
    pull();
    await bench.cetp.idle();
    plug();
    await bench.cetp.idle();
  };

  test('drop-request: the frame is lost and nobody notices', async () => {
    await play({ kind: 'drop-request' });
    expect((await sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/INSERTED']);
    expect(bench.sent.map((one) => [one.delivered, one.fault])).toEqual([
      [true, 'drop-request'],
      [true, null],
    ]);
  });

  test('delay: it comes late', async () => {
    await play({ kind: 'delay', params: { ms: 1 } });
    expect((await sink.frames(2)).map((one) => one.topic)).toEqual(['CARD/REMOVED', 'CARD/INSERTED']);
  });

  test.each([
    ['garbage', undefined, 64],
    ['garbage', 'length', undefined],
    ['truncate', undefined, undefined],
    ['reset', undefined, undefined],
  ] as const)('%s %s: no frame, and the next one is whole', async (kind, what, bytes) => {
    await play({ kind, ...(what === undefined ? {} : { params: { what } }) });
    await sink.frames(1);
    await sink.ended(2);
    expect(sink.received.map((one) => one.topic)).toEqual(['CARD/INSERTED']);
    if (bytes !== undefined) expect(sink.garbage.map((one) => one.length)).toEqual([bytes]);
    else if (kind !== 'reset') expect(sink.garbage).toHaveLength(1);
  });

  test.each([
    ['xml', (message: string) => !message.endsWith('</EVT:Event>')],
    ['doctype', (message: string) => message.startsWith('<!DOCTYPE')],
    ['schema', (message: string) => message.includes('Seriousness')],
  ] as const)('garbage %s: a frame with a message that must be refused', async (what, wrong) => {
    await play({ kind: 'garbage', params: { what } });
    const [first, second] = await sink.frames(2);
    expect(wrong(first?.message ?? '')).toBe(true);
    expect(wrong(second?.message ?? '')).toBe(false);
  });

  test('hang: a connection without a byte, and the next frame on another', async () => {
    await play({ kind: 'hang' });
    expect((await sink.frames(1)).map((one) => [one.topic, one.connection])).toEqual([['CARD/INSERTED', 2]]);
  });

  test('match narrows to a card, and another Konnektor’s fault does not strike', async () => {
    bench.faults.add({ at: 'cetp', kind: 'drop-request', match: { iccsn: bench.pki.smcktIccsn } });
    bench.faults.add({ at: 'cetp', kind: 'drop-request', match: { konnektor: 'k2' } });
    await subscribe();
    setConnected(konnektor(), terminal(), false, bench.world.now());
    await bench.cetp.idle();
    expect((await sink.frames(1)).map((one) => one.parameters.CardType)).toEqual(['SMC-B']);
  });
});

test('the journal holds every frame, and the operations count them', async () => {
  await subscribe();
  pull();
  await sink.frames(1);
  await bench.cetp.idle();
  const [entry] = bench.journal.entries({ service: 'cetp' });
  expect(entry).toMatchObject({ operation: 'CARD/REMOVED', konnektor: 'k1', response: null, rule: null, fault: null });
  expect(entry?.request).toMatchObject({ method: 'CETP', path: sink.eventTo });
  expect(Buffer.from(entry?.request.body ?? '', 'base64').toString()).toContain('<EVT:Topic>CARD/REMOVED</EVT:Topic>');
  expect(bench.journal.operations()).toMatchObject({ Subscribe: 1, CETP: 1 });
});
