// An authority that is taken out of the trust anchors is trusted by nobody from then on, sessions that stand on it end, and all
// goes on when it is back: without a restart (CRT-05).
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintRoot } from '../certs/mint.ts';
import { demoDocument } from '../demo/document.ts';
import { LOOK_EVERY_MS } from '../gateway/trust-anchors.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, TestWorld } from './support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'epa-anchors-'));
const rootsFile = join(folder, 'roots.pem');
let world: TestWorld;
let clock: SimulatedClock;
let next = 29_000;
let trueRoots = '';

beforeAll(async () => {
  world = await TestWorld.start({
    settings: (raw) => {
      const trust = raw.trust as { rootsFile: string };
      trueRoots = trust.rootsFile;
      copyFileSync(trueRoots, rootsFile);
      return { ...raw, trust: { ...trust, rootsFile } };
    },
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

/** Puts other roots in the place of those, and lets the time pass in which that is noticed. */
function replaceRoots(write: (path: string) => void): void {
  write(`${rootsFile}.new`);
  renameSync(`${rootsFile}.new`, rootsFile);
  clock.advanceTo(clock.now() + LOOK_EVERY_MS);
}
async function post() {
  const kvnr = await world.newInsured(next++, 'epa-as-1');
  return world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
}

test('a root that is taken out ends the sessions under it, and comes back without a restart (CRT-05)', async () => {
  expect(await world.settled((await post()).id)).toMatchObject({ status: 'written' });
  expect(world.sim.operations().send_authcode_sc).toBe(1);

  replaceRoots((path) => writeFileSync(path, mintRoot('TI Root CA').certPem));
  const refused = await post();
  expect(await world.tried(refused.id)).toMatchObject({
    status: 'waiting',
    attempts: 0,
    reason: { code: 'SMCB_UNTRUSTED', check: 'smcb.chain' },
  });
  expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 1, 'ITI-41': 1 });
  const events = world.logs.filter((line) => line.event === 'security event').map(({ fields }) => fields.check);
  expect(new Set(events)).toEqual(new Set(['smcb.chain']));

  replaceRoots((path) => copyFileSync(trueRoots, path));
  expect((await world.call('POST', `/v1/exports/${refused.id}/retry`)).status).toBe(202);
  expect(await world.settled(refused.id, new Set(['written', 'failed']))).toMatchObject({ status: 'written' });
  expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 2, 'ITI-41': 2 });
});
