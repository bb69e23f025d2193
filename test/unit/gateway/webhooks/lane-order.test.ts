// In which order the targets of webhooks are told (MON-06): in order within a series, side by side across them, whatever fails.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TestHouse, testHouse } from '../../../support/gateway-fakes.ts';
import type { Receiver, Told } from '../../../support/webhook-bench.ts';
import { DAY, HOUR, seqsOf, seriesOf, state, webhookLanes } from '../../../support/webhook-lanes.ts';

let h: TestHouse;
beforeEach(async () => {
  h = await testHouse();
});
afterEach(async () => {
  await close();
  await h.close();
});

const { close, bench, exportsOf } = webhookLanes(() => h);

describe('order', () => {
  test('in a series the next waits for the one before; eight series go side by side, the ninth waits for a place', async () => {
    const gates = new Map<number, PromiseWithResolvers<number>>();
    const arrived: Told[] = [];
    let wanted = 8;
    let enough = Promise.withResolvers<void>();
    const b = await bench(
      { a: {} },
      {
        a: (told) => {
          const gate = Promise.withResolvers<number>();
          gates.set(told.body.seq, gate);
          arrived.push(told);
          if (arrived.length === wanted) enough.resolve();
          return gate.promise;
        },
      },
    );
    await exportsOf([...'ABCDEFGHI'], 2);
    b.bell.ring();
    await enough.promise;
    expect(arrived.map(seriesOf).sort()).toEqual([...'ABCDEFGH']);
    wanted = 9;
    enough = Promise.withResolvers();
    gates.get(1)?.resolve(204);
    await enough.promise;
    // A's second is due since then, but I has waited longer.
    expect(arrived.map(seriesOf).sort()).toEqual([...'ABCDEFGHI']);
    b.receivers.a = () => 204;
    for (const gate of gates.values()) gate.resolve(204);
    await b.rest();
    for (const series of 'ABCDEFGHI') expect(seqsOf(b.told.filter((one) => seriesOf(one) === series))).toHaveLength(2);
  });

  test('under failures by chance: no event of a series overtakes another, none is left out, ids stay', async () => {
    let chance = 7;
    const random = () => {
      chance = (chance * 16_807) % 2_147_483_647;
      return chance / 2_147_483_647;
    };
    const taken: Told[] = [];
    const fates: Receiver = (told) => {
      const fate = random();
      if (fate < 0.3) return fate < 0.15 ? 500 : 'RESET';
      taken.push(told);
      // Taken, but the answer is lost: it comes again.
      return fate < 0.4 ? 'TIMEOUT' : 200;
    };
    const b = await bench({ a: {} }, { a: fates });
    await exportsOf([...'ABCDEF'], 10);
    await b.rest();
    for (let n = 0; n < 400 && (await state(b))?.backlog !== 0; n++) await b.pass(HOUR);
    expect((await state(b))?.backlog).toBe(0);
    expect(b.told.length).toBeGreaterThan(75);
    for (const series of 'ABCDEF') {
      const mine = taken.filter((one) => seriesOf(one) === series);
      const firsts = [...new Map(mine.map((one) => [one.webhookId, one.body.seq])).values()];
      expect(firsts).toEqual([...firsts].sort((x, y) => x - y));
      expect(firsts).toHaveLength(10);
      // A repeat comes before anything newer of its series.
      expect(mine.map((one) => one.body.seq)).toEqual(mine.map((one) => one.body.seq).sort((x, y) => x - y));
    }
  });

  test('a message that is always refused holds up its series alone', async () => {
    const b = await bench({ a: {} }, { a: (told) => (told.body.seq === 1 ? 500 : 204) });
    await exportsOf(['bad', 'good'], 3);
    await b.rest();
    await b.pass(DAY);
    expect([...new Set(seqsOf(b.told))].sort()).toEqual([1, 2, 4, 6]);
    expect(await state(b)).toMatchObject({ backlog: 3 });
    b.receivers.a = () => 204;
    await b.pass(13 * HOUR);
    expect(seqsOf(b.told.filter((one) => seriesOf(one) === 'bad')).slice(-3)).toEqual([1, 3, 5]);
    expect(await state(b)).toMatchObject({ state: 'ok', backlog: 0 });
  });
});
