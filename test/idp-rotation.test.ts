// The IDP changes its keys, the signer of its discovery document or its paths while exports run on sessions that end (SES-05,
// D28): no export fails, nothing is restarted, and a login costs two card signatures; one more where only the IDP's refusal of a
// signed answer tells that what the gateway holds is outdated.
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, TestWorld } from './support/world.ts';

const MINUTE = 60_000;
const AT_ONCE = 6;

let world: TestWorld;
let clock: SimulatedClock;
let next = 25_000;
afterEach(() => world.stop());

async function begin(): Promise<void> {
  world = await TestWorld.start({
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
}

/** Exports at once on both record systems, whose sessions have ended before: a login at each. */
async function round(pause = 19 * MINUTE): Promise<void> {
  clock.advanceTo(clock.now() + pause);
  const insured = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => world.newInsured(next++, n % 2 === 0 ? 'epa-as-1' : 'epa-as-2')),
  );
  const ended = await Promise.all(
    insured.map((kvnr) => world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())))),
  );
  expect(ended.map(({ status, attempts }) => ({ status, attempts }))).toEqual(
    new Array(AT_ONCE).fill({ status: 'written', attempts: 1 }),
  );
}

const switchOn = (params: object) =>
  world.control<{ id: string }>('POST', '/sim/faults', { at: 'idp.discovery', kind: 'rotate', params });

function expectTwoSignaturesEach(logins: number, more = 0): void {
  const { ExternalAuthenticate, send_authcode_sc } = world.sim.operations();
  expect({ ExternalAuthenticate, send_authcode_sc }).toEqual({
    ExternalAuthenticate: 2 * logins + more,
    send_authcode_sc: logins,
  });
}

const whats = ['keys', 'discovery', 'paths'] as const;

test.each(whats)('a hard change of %s costs no export and no restart (SES-05)', async (what) => {
  await begin();
  await round();
  await switchOn({ what });
  // With what was read before the change, then with the document of the next day.
  await round();
  await round();
  await round(25 * 60 * MINUTE);
  // The answer went to where the IDP no longer is, once at each of the two record systems.
  expectTwoSignaturesEach(8, what === 'paths' ? 2 : 0);
  expect(world.logs.filter((line) => line.event === 'security event')).toEqual([]);
});

test.each(whats)('a change of %s with an overlap costs nothing either (SES-05)', async (what) => {
  await begin();
  await round();
  const { id } = await switchOn({ what, overlap: true });
  await round();
  // A day later the document has been read anew, and what it announces is known.
  await round(25 * 60 * MINUTE);
  await world.control('DELETE', `/sim/faults/${id}`);
  await round();
  await round(25 * 60 * MINUTE);
  expectTwoSignaturesEach(10);
  expect(world.logs.filter((line) => line.event === 'security event')).toEqual([]);
});

test('an announced key is used without reading the document again', async () => {
  await begin();
  const { id } = await switchOn({ what: 'keys', overlap: true });
  await round();
  const read = world.sim.operations()['idp.discovery'];
  await world.control('DELETE', `/sim/faults/${id}`);
  await round();
  expect(world.sim.operations()['idp.discovery']).toBe(read);
});

test('keys that change between challenge and answer cost that login one signature more, and no export', async () => {
  await begin();
  await round();
  clock.advanceTo(clock.now() + 19 * MINUTE);
  await switchOn({ what: 'keys', when: 'idp.auth' });
  const kvnr = await world.newInsured(next++, 'epa-as-1');
  const ended = await world.write(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  expect(ended).toMatchObject({ status: 'written', attempts: 1 });
  // The IDP cannot open what was encrypted to its old key: a new challenge, signed anew.
  expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 3, ExternalAuthenticate: 7 });
});
