// The whole way on a trust-service list instead of files (CRT-05): an export is written by what the list says, and each list that
// is not the TI's stops it before a card signs.
import { afterEach, describe, expect, test } from 'vitest';
import type { Simulator } from '../connector-sim/main.ts';
import { demoDocument } from '../demo/document.ts';
import { REFRESH_MS } from '../gateway/trust-list.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { checkOf, securityEvents } from './support/trust-table.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
let clock: SimulatedClock;
let next = 30_000;
afterEach(() => world.stop());

async function begin(fault?: object): Promise<void> {
  let simulator: Simulator | undefined;
  world = await TestWorld.start({
    dependencies: (sim) => {
      simulator = sim;
      if (fault !== undefined) sim.faults.add(fault);
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
    settings: (raw) => ({ ...raw, trust: simulator?.settings({ tsl: true }).trust }),
  });
  await world.logged(fault === undefined ? 'trust-service list in force' : 'trust-service list not taken');
}
async function post(): Promise<string> {
  const kvnr = await world.newInsured(next++, 'epa-as-1');
  return (await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))).id;
}

test('an export is written by the list alone, and by a newer one with the same CAs without another login (CRT-05)', async () => {
  await begin();
  expect(await world.settled(await post())).toMatchObject({ status: 'written', attempts: 1 });
  const lists = world.sim.operations().tsl ?? 0;
  expect(lists).toBeGreaterThan(0);
  clock.advanceTo(clock.now() + REFRESH_MS);
  expect(await world.settled(await post())).toMatchObject({ status: 'written' });
  expect(securityEvents(world, 0)).toEqual([]);
});

describe.each<[string, object, string, boolean]>([
  ['changed', { kind: 'wrong-signature' }, 'tsl.signature', true],
  ['signed under another root', { kind: 'wrong-certificate', params: { which: 'root' } }, 'tsl.signer', true],
  [
    'signed by something else of the right CA',
    { kind: 'wrong-certificate', params: { which: 'role' } },
    'tsl.signer',
    true,
  ],
  ['no XML', { kind: 'garbage', params: { inBody: true } }, 'tsl.unreadable', true],
  ['past its NextUpdate', { kind: 'expired' }, 'tsl.expired', false],
  ['not to be had', { kind: 'http-status' }, 'tsl.unreachable', false],
])('a first list that is %s', (_what, fault, check, event) => {
  test('stops every export before a card signs, and lets it go on when the right one is there', async () => {
    await begin({ at: 'tsl', ...fault });
    const id = await post();
    const ended = await world.tried(id);
    expect({ status: ended.status, code: ended.reason?.code, check: checkOf(ended), attempts: ended.attempts }).toEqual(
      {
        status: 'waiting',
        code: 'TRUST_LIST_UNUSABLE',
        check,
        attempts: 0,
      },
    );
    expect(securityEvents(world, 0)).toEqual(event ? [`TRUST_LIST_UNUSABLE ${check}`] : []);
    expect(world.sim.operations()).not.toHaveProperty('ExternalAuthenticate');
    expect(world.sim.operations()).not.toHaveProperty('ITI-41');

    await world.control('DELETE', '/sim/faults');
    clock.advanceTo(clock.now() + REFRESH_MS);
    await world.logged('trust-service list in force');
    await world.call('POST', `/v1/exports/${id}/retry`);
    expect(await world.settled(id, new Set(['written', 'failed']))).toMatchObject({ status: 'written' });
  });
});

test('an older list is not taken, and exports go on by the one before', async () => {
  await begin();
  await world.control('POST', '/sim/faults', { at: 'tsl', kind: 'stale' });
  clock.advanceTo(clock.now() + REFRESH_MS);
  await world.logged('trust-service list not taken');
  expect(securityEvents(world, 0)).toEqual(['TRUST_LIST_UNUSABLE tsl.sequence']);
  expect(await world.settled(await post())).toMatchObject({ status: 'written' });
});

test('a CA that the list no longer has in force is trusted by nobody, whatever the VAU sends along', async () => {
  await begin();
  expect(await world.settled(await post())).toMatchObject({ status: 'written' });
  const from = world.logs.length;
  await world.control('POST', '/sim/faults', { at: 'tsl', kind: 'revoked' });
  clock.advanceTo(clock.now() + REFRESH_MS);
  // The CA of the VAU is gone, and with it the sessions that stood on it.
  await world.logged('trust anchors changed', from);
  const ended = await world.tried(await post());
  expect({ code: ended.reason?.code, check: checkOf(ended) }).toEqual({
    code: 'VAU_SERVER_UNTRUSTED',
    check: 'vau.chain',
  });
  expect(securityEvents(world, from)).toEqual(['VAU_SERVER_UNTRUSTED vau.chain']);
  expect(world.sim.operations()).toMatchObject({ 'ITI-41': 1, send_authcode_sc: 1 });
});
