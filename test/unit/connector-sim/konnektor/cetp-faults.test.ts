// What goes wrong on an event's way to its sink (konnektor.md 5): nobody listens, TLS that is not trusted, every fault at `cetp`; and
// what the journal holds of it.
import type { TlsOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../../../../certs/mint.ts';
import { setConnected } from '../../../../connector-sim/konnektor/cards.ts';
import { EVT_MAX_TRY } from '../../../../connector-sim/konnektor/subscriptions.ts';
import { chainPem } from '../../../../connector-sim/settings.ts';
import { serverTlsOptions } from '../../../../wire/tls.ts';
import { type CetpBench, startCetpBench } from '../../../support/cetp-bench.ts';
import { openCetpSink } from '../../../support/cetp-sink.ts';

let events: CetpBench;
beforeEach(async () => {
  events = await startCetpBench();
});
afterEach(() => events.stop());

describe('what cannot be delivered', () => {
  const gone = async () => {
    const dead = await openCetpSink();
    await dead.stop();
    return dead.eventTo;
  };

  test(`a subscription is given up after ${EVT_MAX_TRY} in a row`, async () => {
    await events.subscribe('CARD', { eventTo: await gone() });
    await events.subscribe('CARD');
    for (let i = 1; i < EVT_MAX_TRY; i += 1) {
      if (i % 2 === 1) events.pull();
      else events.plug();
      await events.bench.cetp.idle();
    }
    expect(events.konnektor().events.subscriptions.size).toBe(2);
    if (events.card().inserted) events.pull();
    else events.plug();
    await events.bench.cetp.idle();
    expect([...events.konnektor().events.subscriptions.values()].map((one) => one.eventTo)).toEqual([
      events.sink.eventTo,
    ]);
    expect([...events.konnektor().events.sinks]).toEqual([events.sink.eventTo]);
    expect(events.bench.sent.filter((one) => !one.delivered)).toHaveLength(EVT_MAX_TRY);
  });

  test('one that arrives in between begins the count anew', async () => {
    await events.subscribe();
    const [subscription] = events.konnektor().events.subscriptions.values();
    if (subscription === undefined) throw new Error('no subscription');
    subscription.failures = EVT_MAX_TRY - 1;
    events.pull();
    await events.bench.cetp.idle();
    expect([subscription.failures, events.konnektor().events.subscriptions.size]).toEqual([0, 1]);
  });
});

describe('over TLS', () => {
  const tls = (o: { issuer?: 'konnektor' | 'stranger'; ask?: boolean } = {}): TlsOptions => {
    const { clientCertificate, konnektorCa, konnektorRoot } = events.bench.pki;
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
    await events.openSink(options);
    events.konnektor().cetp = 'tls';
    await events.subscribe();
    events.pull();
  };

  test('the certificate that the Konnektor issued to its client is good enough for the sink', async () => {
    await open(tls());
    expect((await events.sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/REMOVED']);
    expect(events.sink.peer).toBeUndefined();
  });

  test('the Konnektor shows ID.AK.AUT when it is asked', async () => {
    await open(tls({ ask: true }));
    await events.sink.frames(1);
    expect(events.sink.peer).toMatch(/CN=\d{20}-sim/);
  });

  test('a certificate of another CA is refused, and nothing is told', async () => {
    await open(tls({ issuer: 'stranger' }));
    await events.bench.cetp.idle();
    expect([events.sink.received, events.bench.sent.map((one) => one.delivered)]).toEqual([[], [false]]);
  });

  test('a sink without TLS is told nothing', async () => {
    events.konnektor().cetp = 'tls';
    await events.subscribe();
    events.pull();
    await events.bench.cetp.idle();
    expect([events.sink.received, events.bench.sent.map((one) => one.delivered)]).toEqual([[], [false]]);
  });
});

describe('faults at cetp', () => {
  const play = async (fault: { kind: string; params?: Record<string, unknown> }) => {
    events.bench.faults.add({ at: 'cetp', times: 1, ...fault });
    await events.subscribe();
    events.pull();
    await events.bench.cetp.idle();
    events.plug();
    await events.bench.cetp.idle();
  };

  test('drop-request: the frame is lost and nobody notices', async () => {
    await play({ kind: 'drop-request' });
    expect((await events.sink.frames(1)).map((one) => one.topic)).toEqual(['CARD/INSERTED']);
    expect(events.bench.sent.map((one) => [one.delivered, one.fault])).toEqual([
      [true, 'drop-request'],
      [true, null],
    ]);
  });

  test('delay: it comes late', async () => {
    await play({ kind: 'delay', params: { ms: 1 } });
    expect((await events.sink.frames(2)).map((one) => one.topic)).toEqual(['CARD/REMOVED', 'CARD/INSERTED']);
  });

  test.each([
    ['garbage', undefined, 64],
    ['garbage', 'length', undefined],
    ['truncate', undefined, undefined],
    ['reset', undefined, undefined],
  ] as const)('%s %s: no frame, and the next one is whole', async (kind, what, bytes) => {
    await play({ kind, ...(what === undefined ? {} : { params: { what } }) });
    await events.sink.frames(1);
    await events.sink.ended(2);
    expect(events.sink.received.map((one) => one.topic)).toEqual(['CARD/INSERTED']);
    if (bytes !== undefined) expect(events.sink.garbage.map((one) => one.length)).toEqual([bytes]);
    else if (kind !== 'reset') expect(events.sink.garbage).toHaveLength(1);
  });

  test.each([
    ['xml', (message: string) => !message.endsWith('</EVT:Event>')],
    ['doctype', (message: string) => message.startsWith('<!DOCTYPE')],
    ['schema', (message: string) => message.includes('Seriousness')],
  ] as const)('garbage %s: a frame with a message that must be refused', async (what, wrong) => {
    await play({ kind: 'garbage', params: { what } });
    const [first, second] = await events.sink.frames(2);
    expect(wrong(first?.message ?? '')).toBe(true);
    expect(wrong(second?.message ?? '')).toBe(false);
  });

  test('hang: a connection without a byte, and the next frame on another', async () => {
    await play({ kind: 'hang' });
    expect((await events.sink.frames(1)).map((one) => [one.topic, one.connection])).toEqual([['CARD/INSERTED', 2]]);
  });

  test('match narrows to a card, and another Konnektor’s fault does not strike', async () => {
    events.bench.faults.add({ at: 'cetp', kind: 'drop-request', match: { iccsn: events.bench.pki.smcktIccsn } });
    events.bench.world.addKonnektor({ id: 'k2' });
    events.bench.faults.add({ at: 'cetp', kind: 'drop-request', match: { konnektor: 'k2' } });
    await events.subscribe();
    setConnected(events.konnektor(), events.terminal(), false, events.bench.world.now());
    await events.bench.cetp.idle();
    expect((await events.sink.frames(1)).map((one) => one.parameters.CardType)).toEqual(['SMC-B']);
  });
});

test('the journal holds every frame, and the operations count them', async () => {
  await events.subscribe();
  events.pull();
  await events.sink.frames(1);
  await events.bench.cetp.idle();
  const [entry] = events.bench.journal.entries({ service: 'cetp' });
  expect(entry).toMatchObject({ operation: 'CARD/REMOVED', konnektor: 'k1', response: null, rule: null, fault: null });
  expect(entry?.request).toMatchObject({ method: 'CETP', path: events.sink.eventTo });
  expect(Buffer.from(entry?.request.body ?? '', 'base64').toString()).toContain('<EVT:Topic>CARD/REMOVED</EVT:Topic>');
  expect(events.bench.journal.operations()).toMatchObject({ Subscribe: 1, CETP: 1 });
});
