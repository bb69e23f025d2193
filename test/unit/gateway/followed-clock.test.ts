// The followed clock (D17) over a real control listener: what is due fires by the simulated time, and nothing by a time that was
// not told.

import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Simulator } from '../../../connector-sim/main.ts';
import { type Clock, followClock } from '../../../gateway/followed-clock.ts';
import { silentLogger } from '../../../gateway/log.ts';
import { startCountedSimulator } from '../../support/counted-simulator.ts';
import { listen } from '../../support/https-server.ts';

const DAY = 86_400_000;
let sim: Simulator;
const clocks: Clock[] = [];
beforeEach(async () => {
  sim = await startCountedSimulator({ seed: 1 });
});
afterEach(async () => {
  for (const clock of clocks.splice(0)) await clock.stop();
  await sim.stop();
});
const follow = async (log = silentLogger) => {
  const clock = await followClock({ url: sim.ready.control, log });
  clocks.push(clock);
  return clock;
};
const advance = async (by: string) => {
  const answer = await fetch(`${sim.ready.control}/sim/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance: by }),
  });
  return (await answer.json()) as { now: string; followers: { acknowledged: number; missing: number } };
};

test('a move is answered when it is in force here', async () => {
  const clock = await follow();
  const before = clock.now();
  const { now, followers } = await advance('P30D');
  expect(followers).toEqual({ acknowledged: 1, missing: 0 });
  expect(clock.now() - before).toBeGreaterThanOrEqual(30 * DAY);
  expect(Math.abs(clock.now() - Date.parse(now))).toBeLessThan(5_000);
});

test('one that comes later has the time of then at once', async () => {
  await advance('P2D');
  const clock = await follow();
  expect(clock.now() - Date.now()).toBeGreaterThan(2 * DAY - 1000);
});

test('several followers are all in time when it is answered', async () => {
  const [a, b] = [await follow(), await follow()];
  expect((await advance('P1D')).followers).toEqual({ acknowledged: 2, missing: 0 });
  expect(Math.abs(a.now() - b.now())).toBeLessThan(5);
});

describe('timers', () => {
  test('due by the move have fired when it is answered, the earliest first; others wait', async () => {
    const clock = await follow();
    const fired: string[] = [];
    clock.timer(2 * DAY, () => fired.push('two days'));
    clock.timer(DAY, () => fired.push('one day'));
    clock.timer(40 * DAY, () => fired.push('forty days'));
    const cancel = clock.timer(DAY, () => fired.push('taken back'));
    cancel();
    await advance('P3D');
    expect(fired).toEqual(['one day', 'two days']);
    await advance('P37D');
    expect(fired).toEqual(['one day', 'two days', 'forty days']);
  });
  test('fire by real time, too, once', async () => {
    const clock = await follow();
    let fired = 0;
    await new Promise<void>((resolve) =>
      clock.timer(5, () => {
        fired += 1;
        resolve();
      }),
    );
    await advance('P1D');
    expect(fired).toBe(1);
  });
  test('one that takes back another that is due, too, is obeyed', async () => {
    const clock = await follow();
    const fired: string[] = [];
    let cancel = () => {};
    clock.timer(DAY, () => {
      fired.push('first');
      cancel();
    });
    cancel = clock.timer(DAY + 1, () => fired.push('second'));
    await advance('P2D');
    expect(fired).toEqual(['first']);
  });
});

test('a follower that has ended holds up no later move', async () => {
  const clock = await follow();
  await clock.stop();
  expect((await advance('P1D')).followers).toEqual({ acknowledged: 0, missing: 0 });
});

test('a simulator that ends is told in the log, and the time goes on from what was told last', async () => {
  const lost = Promise.withResolvers<void>();
  const clock = await follow({
    ...silentLogger,
    error: (event) => {
      if (event === 'clock not followed') lost.resolve();
    },
  });
  await advance('P10D');
  const before = clock.now();
  await sim.stop();
  await lost.promise;
  expect(clock.now()).toBeGreaterThanOrEqual(before);
});

describe('refused at the start:', () => {
  const refused = (url: string) =>
    expect(followClock({ url, log: silentLogger })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  test('nobody there', () => refused('http://127.0.0.1:9'));
  test('a host that is not loopback', () => refused('http://192.0.2.1:18086'));
  test.each([
    ['an error', 500, '{}'],
    ['no JSON', 200, '<html>'],
    ['another JSON', 200, '{"now":1}'],
    ['a time that runs behind', 200, '{"offsetMs":-1,"version":0}'],
  ])('somebody who answers %s', async (_what, status, body) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    const port = await listen(server);
    await refused(`http://127.0.0.1:${port}`);
    server.close();
  });
});
