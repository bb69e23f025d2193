// Events from the simulated Konnektor to the gateway, both halves as they are (konnektor.md 5): the gateway subscribes over TLS and
// TCP, hears of a card pulled and plugged long before it would look by itself, and subscribes anew after a restart.
import { afterEach, expect, test } from 'vitest';
import { TestWorld } from './support/world.ts';

let world: TestWorld;
afterEach(() => world.stop());

/** Turns of the event loop, by the simulator's own state: neither half tells a test more. */
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((turn) => setImmediate(turn));
};
const konnektor = () => world.sim.world.konnektor;
const looked = () => world.sim.operations().GetCards ?? 0;
const subscribed = () => konnektor().events.subscriptions.size > 0;

/** By itself the gateway would look again after an hour. */
const start = (cetp: 'tls' | 'tcp') =>
  TestWorld.start({
    settingsFlags: { events: true },
    settings: (s) => {
      const { konnektors, ...rest } = s as { konnektors: { events: { listen: { tls?: object } } }[] };
      if (cetp === 'tcp') for (const one of konnektors) delete one.events.listen.tls;
      return { ...rest, konnektors, cards: { pollSeconds: 3600 } };
    },
  });

test.each(['tls', 'tcp'] as const)('over %s: a card pulled and plugged is seen at once', async (cetp) => {
  world = await start(cetp);
  konnektor().cetp = cetp;
  await until(subscribed);
  const iccsn = world.sim.world.pki.smcb.iccsn;
  for (const inserted of [false, true]) {
    const before = looked();
    await world.control('PATCH', `/sim/cards/${iccsn}`, { inserted });
    await until(() => looked() > before);
  }
  expect(world.sim.journal.entries({ service: 'cetp' }).map((one) => one.rule)).not.toContain('cetp: not delivered');
  expect(world.sim.operations().CETP).toBeGreaterThanOrEqual(2);
});

test('a Konnektor restarted says so, and is subscribed anew', async () => {
  world = await start('tls');
  await until(subscribed);
  const [before] = konnektor().events.subscriptions.keys();
  await world.control('PATCH', '/sim/konnektors/k1', { restart: true });
  await until(subscribed);
  expect([...konnektor().events.subscriptions.keys()]).not.toContain(before);
  // Told when its last piece has left, which may be after the gateway has acted upon it.
  await until(() => world.sim.journal.entries({ service: 'cetp' }).some((one) => /BOOTUP/i.test(one.operation)));
});
