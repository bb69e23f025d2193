// A record that moves to the other record system while the gateway still remembers where it was (EXP-22), with entryUUIDs kept
// or made anew by the move (D2); and an own repeat whose first try may have arrived at the old place: nothing is doubled (D1).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, TestWorld } from './support/world.ts';

let world: TestWorld;
let clock: SimulatedClock;
beforeEach(async () => {
  world = await TestWorld.start({
    dependencies: (sim) => {
      clock = new SimulatedClock(sim.world);
      return { now: clock.now, timer: clock.timer };
    },
  });
});
afterEach(() => world.stop());

const bodyOf = (kvnr: string, version: number, more: object = {}) =>
  exportBody(kvnr, demoDocument(kvnr, version, new Date(clock.now())), { ...more });
const moves = (kvnr: string, keepIds: boolean) =>
  world.control('PUT', `/sim/records/${kvnr}`, { recordSystem: 'epa-as-2', keepIds });

describe('under a remembered place', () => {
  test('the next version finds the record and replaces the one before, where its id was kept', async () => {
    const kvnr = await world.newInsured(1, 'epa-as-1');
    const first = await world.write(bodyOf(kvnr, 1));
    await moves(kvnr, true);
    const second = await world.write(bodyOf(kvnr, 2));
    expect(second).toMatchObject({
      status: 'written',
      document: { recordSystem: 'epa-as-2', replaces: first.document.entryUuid, version: 2 },
    });
    expect((await world.documents(kvnr)).map(({ status }) => status).sort()).toEqual(['Approved', 'Deprecated']);
    // Remembered again: the third asks nobody where the record is.
    const asked = world.sim.operations()['information.ehr'];
    expect((await world.write(bodyOf(kvnr, 3))).document.recordSystem).toBe('epa-as-2');
    expect(world.sim.operations()['information.ehr']).toBe(asked);
  });

  test.each([
    ['fail', 'refused', 1],
    ['create-new', 'written', 2],
  ])('the target is gone where its id was not kept: onTargetGone %s, %s', async (onTargetGone, status, copies) => {
    const kvnr = await world.newInsured(2, 'epa-as-1');
    await world.write(bodyOf(kvnr, 1));
    await moves(kvnr, false);
    const second = await world.write(bodyOf(kvnr, 2, { onTargetGone }));
    expect([second.status, (await world.documents(kvnr)).length]).toEqual([status, copies]);
  });
});

describe('an own repeat', () => {
  /** An export whose document arrived at epa-as-1 and whose answer was lost. */
  async function unanswered(index: number) {
    const kvnr = await world.newInsured(index, 'epa-as-1');
    await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'drop-response', times: 1 });
    const { id } = await world.post(bodyOf(kvnr, 1));
    expect(await world.tried(id)).toMatchObject({ status: 'unclear', document: { recordSystem: 'epa-as-1' } });
    expect(await world.documents(kvnr)).toHaveLength(1);
    return { kvnr, id };
  }
  const repeated = async (id: string) => {
    clock.advanceTo(clock.now() + 2000);
    return world.settled(id, new Set(['written', 'refused', 'failed']));
  };

  test.each([true, false])(
    'that meets no record at the old place follows it, moved with keepIds %s: written, once',
    async (keepIds) => {
      const { kvnr, id } = await unanswered(10);
      await moves(kvnr, keepIds);
      expect(await repeated(id)).toMatchObject({
        status: 'written',
        attempts: 3,
        document: { recordSystem: 'epa-as-2' },
      });
      expect(await world.documents(kvnr)).toHaveLength(1);
    },
  );

  test('goes to the place of its first try while that one cannot say where the record is', async () => {
    const { kvnr, id } = await unanswered(11);
    // The other one would take it: the record system where it lies is asked first, and knows it.
    await world.control('POST', '/sim/faults', {
      at: 'information.ehr',
      kind: 'http-status',
      match: { recordSystem: 'epa-as-1' },
      params: { status: 500 },
    });
    await world.stopGateway();
    await world.startGateway();
    const ended = await world.settled(id, new Set(['written', 'unclear']));
    expect(ended.document.recordSystem).toBe('epa-as-1');
    expect(await world.documents(kvnr)).toHaveLength(1);
  });
});
