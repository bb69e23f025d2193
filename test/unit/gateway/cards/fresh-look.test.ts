// Looks that are asked for by many (`?fresh=true`): one for all, not before the pause is over, and never one of before the question.
import { expect, test } from 'vitest';
import { freshLooks } from '../../../../gateway/cards/fresh-look.ts';
import { handClock } from '../../../support/hand-clock.ts';

function bench() {
  const clock = handClock();
  const looks: PromiseWithResolvers<void>[] = [];
  const fresh = freshLooks({
    look: () => {
      const look = Promise.withResolvers<void>();
      looks.push(look);
      return look.promise;
    },
    now: clock.now,
    timer: clock.timer,
    everyMs: 2_000,
  });
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { clock, looks, fresh, settled };
}

test('the first begins at once; a hundred that ask meanwhile share one behind it, after the pause', async () => {
  const { clock, looks, fresh, settled } = bench();
  const first = fresh();
  await settled();
  expect(looks).toHaveLength(1);
  let done = 0;
  const many = Array.from({ length: 100 }, () => fresh().then(() => done++));
  looks[0]?.resolve();
  await first;
  clock.passed(1_999);
  await settled();
  expect([looks.length, done]).toEqual([1, 0]);
  clock.passed(1);
  await settled();
  expect([looks.length, done]).toEqual([2, 0]);
  looks[1]?.resolve();
  await Promise.all(many);
  expect([looks.length, done]).toEqual([2, 100]);
});

test('who asks later than the pause does not wait for it', async () => {
  const { clock, looks, fresh, settled } = bench();
  void fresh();
  await settled();
  looks[0]?.resolve();
  clock.passed(2_000);
  void fresh();
  await settled();
  expect(looks).toHaveLength(2);
});

test('one that hangs or fails keeps nobody from the next', async () => {
  const { clock, looks, fresh, settled } = bench();
  const first = fresh();
  await settled();
  const second = fresh();
  clock.passed(10_000);
  await settled();
  expect(looks).toHaveLength(1);
  looks[0]?.reject(new Error('x'));
  await expect(first).rejects.toThrow('x');
  await settled();
  looks[1]?.resolve();
  await second;
  expect(looks).toHaveLength(2);
});
