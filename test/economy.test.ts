// What many exports cost: one login (two card signatures) and one handshake per record system, however many wait (SES-02).
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
afterEach(() => world.stop());

async function insuredOnBoth(count: number): Promise<string[]> {
  const list: string[] = [];
  for (let index = 0; index < count; index++)
    list.push(await world.newInsured(100 + index, index % 2 === 0 ? 'epa-as-1' : 'epa-as-2'));
  return list;
}
const write = (kvnr: string) => world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));

async function expectCost(insured: string[]): Promise<void> {
  const {
    ExternalAuthenticate,
    'vau.handshake': handshakes,
    send_authcode_sc,
    'ITI-41': writes,
  } = world.sim.operations();
  process.stdout.write(
    `${insured.length} exports: ${ExternalAuthenticate} card signatures, ${handshakes} handshakes, ${send_authcode_sc} logins, ${writes} ITI-41\n`,
  );
  expect({ ExternalAuthenticate, handshakes, send_authcode_sc, writes }).toEqual({
    ExternalAuthenticate: 4,
    handshakes: 2,
    send_authcode_sc: 2,
    writes: insured.length,
  });
  for (const kvnr of insured) expect(await world.documents(kvnr)).toHaveLength(1);
}

test('50 exports for 50 insured on two record systems, one after another, cost exactly 4 card signatures and 2 handshakes', async () => {
  world = await TestWorld.start();
  const insured = await insuredOnBoth(50);
  for (const kvnr of insured) expect(await write(kvnr)).toMatchObject({ status: 'written', attempts: 1 });
  await expectCost(insured);
});

test('so do 100 posted at once on a cold gateway', async () => {
  world = await TestWorld.start();
  const insured = await insuredOnBoth(100);
  const written = await Promise.all(insured.map(write));
  expect(written.filter((one) => one.status !== 'written' || one.attempts !== 1)).toEqual([]);
  await expectCost(insured);
});

test('a restarted gateway signs on anew, and only once', async () => {
  world = await TestWorld.start();
  const [first, second] = await insuredOnBoth(4);
  await write(first ?? '');
  await world.stopGateway();
  await world.startGateway();
  await write(second ?? '');
  await write(world.insured(0));
  expect(world.sim.operations().send_authcode_sc).toBe(3);
});

test('a session near its end is renewed beside the exports, once, and the gateway is idle only when that is done', async () => {
  let clock: SimulatedClock | undefined;
  world = await TestWorld.start({
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
  // 17 of 18 minutes: without an answer for this long, VAU-Status is asked first.
  await write(world.insured(0));
  clock?.advanceTo(clock.now() + 17 * 60_000);
  expect(world.sim.operations().send_authcode_sc).toBe(1);
  await write(await world.newInsured(7, 'epa-as-1'));
  await world.gateway.idle();
  expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 2, 'vau.handshake': 2, 'ITI-41': 2 });
  await write(await world.newInsured(8, 'epa-as-1'));
  expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 2, 'vau.handshake': 2, 'ITI-41': 3 });
});
