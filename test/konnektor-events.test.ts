// Events of the Konnektor over the whole way (CETP, konnektor.md 5): a card pulled and plugged is seen at once although nobody polls; a restart
// ends every subscription and the gateway makes them anew; they are renewed before their end, doubles are ended, and a stop leaves none.
import { afterEach, describe, expect, test } from 'vitest';
import { TOPICS } from '../gateway/konnektor/subscriptions.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { type LogLine, TestWorld } from './support/world.ts';

type Konnektor = {
  id: string;
  subscriptions: { id: string; topic: string; eventTo: string; terminationTime: string }[];
};
type SimCard = { iccsn: string; cardType: string };
type Configured = { clientCertificate: string; clientKey: string };

let world: TestWorld;
afterEach(() => world.stop());

/** Nobody polls: what is seen, an event has told. */
async function start(o: { tls?: boolean; dependencies?: Parameters<typeof TestWorld.start>[0] } = {}): Promise<void> {
  world = await TestWorld.start({
    ...o.dependencies,
    settings: (settings) => {
      const [first] = settings.konnektors as Configured[];
      // The certificate that the Konnektor has issued to us does for the receiver as well.
      const tls = first && { certFile: first.clientCertificate, keyFile: first.clientKey };
      const listen = { host: '127.0.0.1', port: 0, ...(o.tls && { tls }) };
      const cards = { pollSeconds: 3600, probeSeconds: 300 };
      return { ...settings, cards, konnektors: [{ ...first, events: { listen } }] };
    },
  });
  await world.control('PATCH', '/sim/konnektors/k1', { cetp: o.tls ? 'tls' : 'tcp' });
  await world.logged('konnektor subscribed');
}
const subscriptions = async () => (await world.control<Konnektor[]>('GET', '/sim/konnektors'))[0]?.subscriptions ?? [];
const topics = async () => (await subscriptions()).map(({ topic }) => topic).sort();
const smcb = async () =>
  (await world.control<SimCard[]>('GET', '/sim/cards')).find(({ cardType }) => cardType === 'SMC-B')?.iccsn ?? '';

async function seen(event: string, from: number, holds: (line: LogLine) => boolean = () => true): Promise<LogLine> {
  for (;;) {
    const line = await world.logged(event, from);
    if (holds(line)) return line;
    from = world.logs.indexOf(line) + 1;
  }
}

describe.each([false, true])('with TLS: %s', (tls) => {
  test('a card pulled and plugged is seen at once', async () => {
    await start({ tls });
    expect(await topics()).toEqual([...TOPICS].sort());
    const iccsn = await smcb();
    let line = world.logs.length;
    await world.control('PATCH', `/sim/cards/${iccsn}`, { inserted: false });
    await seen('konnektor event', line, ({ fields }) => fields.name === 'CARD/REMOVED');
    expect((await seen('card not usable', line)).fields.code).toBe('SMCB_NOT_FOUND');
    line = world.logs.length;
    await world.control('PATCH', `/sim/cards/${iccsn}`, { inserted: true, pinStatus: 'VERIFIED' });
    await seen('card usable', line);
  });
});

test('after a restart of the Konnektor it is subscribed anew, and events come again', async () => {
  await start();
  const before = (await subscriptions()).map(({ id }) => id);
  let line = world.logs.length;
  await world.control('PATCH', '/sim/konnektors/k1', { restart: true });
  await seen('konnektor event', line, ({ fields }) => fields.name === 'BOOTUP/BOOTUP_COMPLETE');
  await seen('konnektor subscribed', line);
  const after = await subscriptions();
  expect(after.map(({ topic }) => topic).sort()).toEqual([...TOPICS].sort());
  expect(after.filter(({ id }) => before.includes(id))).toEqual([]);
  line = world.logs.length;
  await world.control('PATCH', `/sim/cards/${await smcb()}`, { inserted: false });
  await seen('konnektor event', line, ({ fields }) => fields.name === 'CARD/REMOVED');
});

test('subscriptions are renewed or made anew before their end, for days, and a stop ends them', async () => {
  let clock: SimulatedClock | undefined;
  await start({
    dependencies: {
      dependencies: (sim) => {
        clock = new SimulatedClock(sim.world);
        return { now: clock.now, timer: clock.timer };
      },
    },
  });
  const time = clock ?? expect.unreachable('no clock');
  for (let hours = 0; hours < 60; hours += 2) {
    const asked = () => world.sim.operations().GetSubscription ?? 0;
    const count = asked();
    time.advanceTo(time.now() + 2 * 3_600_000);
    await expect.poll(asked).toBeGreaterThan(count);
    await expect.poll(topics).toEqual([...TOPICS].sort());
    for (const { terminationTime } of await subscriptions())
      expect(Date.parse(terminationTime) - time.now()).toBeGreaterThan(10 * 60_000);
  }
  await world.stopGateway();
  expect(await subscriptions()).toEqual([]);
});

test('without an answer of the Konnektor the gateway starts, and subscribes when it is there', async () => {
  await start();
  await world.stopGateway();
  await world.control('PATCH', '/sim/konnektors/k1', { running: false });
  const line = world.logs.length;
  await world.startGateway();
  await seen('konnektor not subscribed', line);
  await world.control('PATCH', '/sim/konnektors/k1', { running: true });
  const later = world.logs.length;
  expect((await world.call('GET', '/admin/v1/konnektors?fresh=true', { admin: true })).status).toBe(200);
  await seen('konnektor subscribed', later);
  expect(await topics()).toEqual([...TOPICS].sort());
});
