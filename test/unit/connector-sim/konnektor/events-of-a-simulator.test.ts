// Events of a whole simulator, seen from a sink: a Konnektor restarted, switched off and on by the control API tells its sinks when
// it is up again (konnektor.md 5), each Konnektor of several for itself.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setInserted } from '../../../../connector-sim/konnektor/cards.ts';
import { subscribe as subscribeTo } from '../../../../connector-sim/konnektor/subscriptions.ts';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import { chainPem } from '../../../../connector-sim/settings.ts';
import { serverTlsOptions } from '../../../../wire/tls.ts';
import { type CetpSink, openCetpSink } from '../../../support/cetp-sink.ts';

let sim: Simulator;
let sink: CetpSink;
beforeEach(async () => {
  sim = await startSimulator({ seed: 1, pinEntryMs: 0 });
  sink = await openCetpSink();
});
afterEach(async () => {
  await sim.stop();
  await sink.stop();
});

const control = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(`${sim.ready.control}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.status === 204 ? undefined : answer.json();
};
/** As an operation would have done it. */
const subscribed = (id: string, topic: string) => {
  const konnektor = sim.world.konnektors.get(id);
  if (konnektor === undefined) throw new Error('no such Konnektor');
  const context = { mandantId: 'm1', clientSystemId: 'c1', workplaceId: 'w1', userId: '' };
  subscribeTo(
    konnektor,
    { eventTo: sink.eventTo, topic, filter: undefined, context },
    { now: sim.world.now(), again: 'keeps' },
  );
};

test('restarted, and switched off and on: BOOTUP_COMPLETE each time, subscriptions gone', async () => {
  await control('PATCH', '/sim/konnektors/k1', { cetp: 'tcp' });
  subscribed('k1', 'CARD');
  const { subscriptions } = (await control('PATCH', '/sim/konnektors/k1', {})) as {
    subscriptions: { eventTo: string }[];
  };
  expect(subscriptions.map((one) => one.eventTo)).toEqual([sink.eventTo]);
  await control('PATCH', '/sim/konnektors/k1', { restart: true });
  await sink.frames(1);
  await control('PATCH', '/sim/konnektors/k1', { running: false });
  await control('PATCH', '/sim/konnektors/k1', { running: true });
  const told = await sink.frames(2);
  expect(told.map((one) => one.topic.toUpperCase())).toEqual(['BOOTUP/BOOTUP_COMPLETE', 'BOOTUP/BOOTUP_COMPLETE']);
  const after = (await control('PATCH', '/sim/konnektors/k1', {})) as { subscriptions: unknown[] };
  expect(after.subscriptions).toEqual([]);
});

test('over TLS it shows the certificate that it has now', async () => {
  const { clientCertificate, konnektorCa, konnektorRoot } = sim.world.pki;
  const own = await openCetpSink(
    serverTlsOptions({
      cert: chainPem(clientCertificate, konnektorCa),
      key: clientCertificate.keyPem,
      clientCa: konnektorRoot.certPem,
    }),
  );
  const shown = () => sim.konnektors.identity('k1')?.leaves[0]?.certificate;
  const konnektor = sim.world.konnektor;
  const context = { mandantId: 'm1', clientSystemId: 'c1', workplaceId: 'w1', userId: '' };
  const told = async (frames: number) => {
    const subscription = { eventTo: own.eventTo, topic: 'KSR', filter: undefined, context };
    subscribeTo(konnektor, subscription, { now: sim.world.now(), again: 'keeps' });
    await control('POST', '/sim/konnektors/k1/events', { topic: 'KSR/UPDATES_AVAILABLE' });
    await own.frames(frames);
    return own.peerSerial;
  };
  expect(await told(1)).toBe(shown()?.serialNumber);
  const before = shown();
  await control('PATCH', '/sim/konnektors/k1', { renewCertificate: true });
  expect(shown()?.serialNumber).not.toBe(before?.serialNumber);
  expect(await told(2)).toBe(shown()?.serialNumber);
  expect(shown()?.commonName).toBe(before?.commonName); // the gSMC-K is the same, and so is its ICCSN
  await own.stop();
});

test('a card plugged at one Konnektor is told by that one alone', async () => {
  await control('POST', '/sim/konnektors', { id: 'k2' });
  for (const id of ['k1', 'k2']) {
    await control('PATCH', `/sim/konnektors/${id}`, { cetp: 'tcp' });
    subscribed(id, 'CARD');
  }
  const card = (await control('POST', '/sim/cards', { konnektor: 'k2', cardType: 'SMC-B', telematikId: '9-X' })) as {
    iccsn: string;
  };
  const [told] = await sink.frames(1);
  expect(told?.parameters.ICCSN).toBe(card.iccsn);
  const journal = (await control('GET', '/sim/journal?service=cetp')) as { konnektor: string }[];
  expect(journal.map((one) => one.konnektor)).toEqual(['k2']);
});

test('two Konnektors with one sink: each tells its own, at the same moment, in its own way', async () => {
  await control('POST', '/sim/konnektors', { id: 'k2' });
  for (const id of ['k1', 'k2']) subscribed(id, 'CARD');
  await control('PATCH', '/sim/konnektors/k1', { cetp: 'tcp' });
  const cards = (await control('GET', '/sim/cards')) as { konnektor: string; iccsn: string; cardType: string }[];
  const smcbs = cards.filter((one) => one.cardType === 'SMC-B');
  expect(smcbs.map((one) => one.konnektor)).toEqual(['k1', 'k2']);
  for (const { iccsn, konnektor } of smcbs) {
    const state = sim.world.konnektors.get(konnektor);
    const card = state?.cards.get(iccsn);
    if (state !== undefined && card !== undefined) setInserted(state, card, false, sim.world.now());
  }
  const [told] = await sink.frames(1);
  expect(told?.parameters.ICCSN).toBe(smcbs[0]?.iccsn);
  const journal = async () =>
    (await control('GET', '/sim/journal?service=cetp')) as { konnektor: string; rule: string | null }[];
  // The other one speaks TLS, which this sink does not.
  await expect.poll(async () => (await journal()).length).toBe(2);
  expect((await journal()).map((one) => [one.konnektor, one.rule]).sort()).toEqual([
    ['k1', null],
    ['k2', 'cetp: not delivered'],
  ]);
});
