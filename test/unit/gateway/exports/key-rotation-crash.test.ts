// A rotation of the keys that dies at any point (D7, SEC-07): nothing is lost, and the next start finishes what it left behind.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckpointName } from '../../../../gateway/exports/checkpoints.ts';
import { readKvnr } from '../../../../gateway/exports/key-store.ts';
import { KVNR, mioBundle, type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import { BOTH, keyRotationBench } from '../../../support/key-rotation-bench.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(() => h.close());

const { rotationOf, anotherVault, keyNames, underOf, contentOf } = keyRotationBench(() => h);

describe('a crash', () => {
  class Crash extends Error {}
  const POINTS: [CheckpointName, number][] = (
    ['rotate.before', 'rotate.committing', 'rotate.committed'] as const
  ).flatMap((point) => [1, 2, 3, 4].map((time): [CheckpointName, number] => [point, time]));
  test.each(POINTS)('at %s for the time %i loses nothing and the next start goes on', async (point, time) => {
    const id = await h.accept();
    let passed = 0;
    const dying = rotationOf(h.vault, (name) => {
      if (name === point && ++passed === time) throw new Crash();
    });
    const begun = await dying.start(BOTH).then(
      () => true,
      (thrown) => {
        expect(thrown).toBeInstanceOf(Crash);
        return false;
      },
    );
    await dying.idle();
    expect(passed).toBe(time);
    const vault = await anotherVault();
    expect((await contentOf(vault, id)).equals(mioBundle('one'))).toBe(true);
    const next = rotationOf(vault);
    await next.resume();
    await next.idle();
    const latest = await next.latest();
    if (begun || point === 'rotate.committed') expect(latest?.finishedAt).toBe(h.clock.now());
    else expect(latest).toBeNull();
    const generation = latest === null ? 'diga/demo' : 'diga/demo/2';
    expect((await keyNames()).filter((name) => name.startsWith('diga/demo'))).toEqual([generation]);
    expect(await underOf()).toEqual([generation, generation]);
    expect((await contentOf(vault, id)).equals(mioBundle('one'))).toBe(true);
    expect(await readKvnr(h.db, vault, (await h.read(id)).row)).toBe(KVNR);
  });

  test('is taken up by whoever is asked to rotate again, too', async () => {
    await h.accept();
    const dying = rotationOf(h.vault, (name) => {
      if (name === 'rotate.before') throw new Crash();
    });
    await h.db
      .insertInto('key_rotations')
      .values({
        open: 1,
        digas: '["demo"]',
        started_by: 'op',
        started_at: 0,
        rewrapped: 0,
        unreadable: 0,
        finished_at: null,
      })
      .execute();
    await expect(dying.start(BOTH)).rejects.toBeInstanceOf(Crash);
    const other = rotationOf(await anotherVault());
    await expect(other.start(BOTH)).rejects.toMatchObject({ code: 'KEY_ROTATION_RUNNING' });
    await other.idle();
    expect((await other.latest())?.finishedAt).toBe(h.clock.now());
  });
});
