// Followers of the simulated clock (D17): a move waits for each that lives, and for none that is gone.
import { describe, expect, test } from 'vitest';
import { ACKNOWLEDGE_MS, createFollowers, FOLLOW_MS } from '../../../connector-sim/followers.ts';
import { handClock } from '../../support/hand-clock.ts';

function bench() {
  const clock = handClock();
  return { followers: createFollowers(clock.timer), pass: clock.passed };
}
/** Whether it has resolved by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol();
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  return (await Promise.race([promise, Promise.resolve(open)])) !== open;
}

test('a move nobody follows is over at once', async () => {
  expect(await bench().followers.moved()).toEqual({ acknowledged: 0, missing: 0 });
});

test('a move is over when the follower asks for the one after', async () => {
  const { followers } = bench();
  expect(await followers.follow('a', -1)).toBe(0);
  const held = followers.follow('a', 0);
  expect(await settled(held)).toBe(false);
  const moved = followers.moved();
  expect(await held).toBe(1);
  // Told is not acknowledged.
  expect(await settled(moved)).toBe(false);
  void followers.follow('a', 1);
  expect(await moved).toEqual({ acknowledged: 1, missing: 0 });
});

test('one that is just between two questions is waited for, too', async () => {
  const { followers } = bench();
  await followers.follow('a', -1);
  const moved = followers.moved();
  expect(await followers.follow('a', 0)).toBe(1);
  void followers.follow('a', 1);
  expect(await moved).toMatchObject({ acknowledged: 1 });
});

test('one that is gone is waited for a few seconds, then forgotten', async () => {
  const { followers, pass } = bench();
  void followers.follow('gone', 0);
  void followers.follow('here', 0);
  const moved = followers.moved();
  expect(await settled(moved)).toBe(false);
  void followers.follow('here', 1);
  // A move waits its turn before it waits for anybody.
  expect(await settled(moved)).toBe(false);
  pass(ACKNOWLEDGE_MS - 1);
  expect(await settled(moved)).toBe(false);
  pass(1);
  expect(await moved).toEqual({ acknowledged: 1, missing: 1 });
  expect(followers.count()).toBe(1);
  const next = followers.moved();
  void followers.follow('here', 2);
  expect(await next).toEqual({ acknowledged: 1, missing: 0 });
});

test('one that leaves is waited for no more, also by a move that waits for it', async () => {
  const { followers } = bench();
  void followers.follow('a', 0);
  const moved = followers.moved();
  expect(await settled(moved)).toBe(false);
  followers.leave('a');
  expect(await moved).toEqual({ acknowledged: 0, missing: 1 });
  followers.leave('nobody');
  expect([followers.count(), await followers.moved()]).toEqual([0, { acknowledged: 0, missing: 0 }]);
});

test('without a move the follower is answered all the same, to ask again', async () => {
  const { followers, pass } = bench();
  const held = followers.follow('a', 0);
  pass(FOLLOW_MS);
  expect(await held).toBe(0);
});

test('moves in a row are each acknowledged', async () => {
  const { followers } = bench();
  void followers.follow('a', 0);
  const [first, second] = [followers.moved(), followers.moved()];
  void followers.follow('a', 2);
  expect(await Promise.all([first, second])).toEqual([
    { acknowledged: 1, missing: 0 },
    { acknowledged: 1, missing: 0 },
  ]);
});

describe('a follower that asks twice at once', () => {
  test('is answered both times, and acknowledges once', async () => {
    const { followers } = bench();
    const [before, now] = [followers.follow('a', 0), followers.follow('a', 0)];
    expect(await before).toBe(0);
    const moved = followers.moved();
    expect(await now).toBe(1);
    void followers.follow('a', 1);
    expect(await moved).toEqual({ acknowledged: 1, missing: 0 });
  });
});
