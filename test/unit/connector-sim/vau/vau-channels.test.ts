// Dead channels of a simulated VAU go by themselves: a day old, a handshake never finished, silent for too long.
import { describe, expect, test } from 'vitest';
import { createTestSim, jsonOf } from '../../../support/sim-services.ts';
import { finishHandshake, openChannel, startHandshake } from '../../../support/vau-test-client.ts';
import { errorOf, innerGet } from '../../../support/vau-test-judge.ts';

const HOUR = 3_600_000;

function created(sessionLifeMs: number) {
  const sim = createTestSim();
  sim.world.choices.sessionLifeMs = sessionLifeMs;
  return { sim, held: () => sim.recordSystem.view?.().channels };
}

describe('a channel', () => {
  test('of a handshake that was never finished is gone after ten minutes', async () => {
    const { sim, held } = created(20 * 60_000);
    const started = await startHandshake(sim.recordSystem);
    sim.advance(10 * 60_000 + 1);
    await expect(finishHandshake(sim.recordSystem, started)).rejects.toMatchObject({ answer: { status: 403 } });
    expect(held()).toBe(0);
  });

  test('nobody speaks on is gone an hour after its session must be over', async () => {
    const { sim } = created(20 * 60_000);
    const channel = await openChannel(sim.recordSystem);
    sim.advance(80 * 60_000);
    expect((await channel.exchange({ path: '/VAU-Status' })).response.status).toBe(200);
    sim.advance(80 * 60_000 + 1);
    const answer = await channel.send(await channel.frame(innerGet('/VAU-Status')));
    expect(errorOf(answer)).toMatchObject({ code: 9, rule: 'vau.unknown-cid' });
  });

  test('in use lives a day and no longer', async () => {
    const { sim } = created(48 * HOUR);
    const channel = await openChannel(sim.recordSystem);
    sim.advance(24 * HOUR);
    expect(jsonOf((await channel.exchange({ path: '/VAU-Status' })).response)).toMatchObject({ 'VAU-Type': 'epa' });
    sim.advance(1);
    expect(errorOf(await channel.send(await channel.frame(innerGet('/VAU-Status'))))).toMatchObject({ code: 9 });
  });

  test('that is dead goes although nobody asks for it again', async () => {
    const { sim, held } = created(20 * 60_000);
    for (let n = 0; n < 20; n += 1) await startHandshake(sim.recordSystem);
    for (let n = 0; n < 5; n += 1) await openChannel(sim.recordSystem);
    expect(held()).toBe(25);
    sim.advance(11 * 60_000);
    await openChannel(sim.recordSystem);
    expect(held()).toBe(6);
    sim.advance(81 * 60_000);
    await openChannel(sim.recordSystem);
    expect(held()).toBe(1);
  });
});
