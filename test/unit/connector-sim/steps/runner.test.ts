// Timed steps of a scenario against a running simulator: done through its own control API, in order, by its clock.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../../connector-sim/main.ts';
import type { Refusal } from '../../../../connector-sim/refusal.ts';
import { checkScenario, readScenario } from '../../../../connector-sim/scenario.ts';
import { runSteps } from '../../../../connector-sim/steps/report.ts';

let sim: Simulator | undefined;
afterEach(async () => {
  await sim?.stop();
  sim = undefined;
});

async function run(steps: object[], more: object = {}): Promise<Simulator> {
  sim = await startSimulator({ seed: 1, scenario: checkScenario({ ...more, steps }) });
  return sim;
}
const control = async (method: string, path: string, body?: object) => {
  const answer = await fetch(`${sim?.ready.control}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  return { status: answer.status, json: await answer.json() };
};
const states = (of: Simulator) => of.steps.views().map((view) => view.state);

describe('steps', () => {
  test('are done in order, and what they expect is waited for', async () => {
    const { steps, world } = await run([
      { do: { 'PATCH /sim/cards/{smcb}': { inserted: false } } },
      {
        expect: { 'GET /sim/cards': [{ inserted: false, cardType: 'SMC-B' }], 'GET /sim/operations': { VerifyPin: 0 } },
      },
    ]);
    await steps.ended;
    expect(steps.views()).toMatchObject([
      { step: 1, at: 'PT0S', state: 'passed', findings: [] },
      { step: 2, at: 'PT0S', state: 'passed', findings: [] },
    ]);
    expect([...world.konnektor.cards.values()].some((card) => !card.inserted)).toBe(true);
  });

  test('are due by the simulated clock, whoever moves it', async () => {
    const { steps } = await run([
      { at: 'P30D', do: { 'PATCH /sim/terminals/CT_SIM_0001': { connected: false } } },
      { at: 'P60D', expect: { 'GET /sim/terminals': [{ connected: false }] } },
    ]);
    expect(states(sim as Simulator)).toEqual(['waiting', 'waiting']);
    await control('POST', '/sim/clock', { advance: 'P29D' });
    expect((await control('GET', '/sim/terminals')).json).toMatchObject([{ connected: true }]);
    await control('POST', '/sim/clock', { advance: 'P31D' });
    await steps.ended;
    expect(states(sim as Simulator)).toEqual(['passed', 'passed']);
    expect((await control('GET', '/sim/state')).json).toMatchObject({ steps: steps.views() });
  });

  test('name what is drawn anew at every start', async () => {
    const { steps, world } = await run(
      [
        { do: { 'PUT /sim/records/{insured:1}': { hidden: true } } },
        { do: { 'PATCH /sim/cards/{smcb:9-second}': { leftTries: 2 } } },
      ],
      { cards: [{ telematikId: '9-second', organization: 'Second' }] },
    );
    await steps.ended;
    expect(states(sim as Simulator)).toEqual(['passed', 'passed']);
    expect(world.records.get(world.insured[0] ?? '')?.hidden).toBe(true);
    const tries = [...world.konnektor.cards.values()].find((card) => card.telematikId === '9-second')?.leftTries;
    expect(tries).toBe(2);
  });

  test.each<[string, object, RegExp]>([
    ['a call that is refused', { do: { 'PATCH /sim/terminals/CT_SIM_0001': { connected: 1 } } }, /^422 .*connected/],
    ['a call there is not', { do: { 'POST /sim/nothing': {} } }, /^404 /],
    ['a card there is not', { do: { 'PATCH /sim/cards/{smcb:9-other}': {} } }, /\{smcb:9-other\} stands for nothing/],
    ['an insured there is not', { do: { 'PUT /sim/records/{insured:99}': {} } }, /\{insured:99\} stands for nothing/],
    ['a name nobody knows', { do: { 'PATCH /sim/cards/{card}': {} } }, /\{card\} stands for nothing/],
    ['a view there is not', { expect: { 'GET /sim/nothing': {} }, within: 'PT0S' }, /^404 /],
    ['what does not come', { expect: { 'GET /sim/operations': { VerifyPin: '>= 1' } }, within: 'PT0.2S' }, /is 0/],
  ])('%s ends the run, and the rest is skipped', async (_what, step, message) => {
    const { steps } = await run([step, { do: { 'PATCH /sim/terminals/CT_SIM_0001': { connected: false } } }]);
    await steps.ended;
    expect(states(sim as Simulator)).toEqual(['failed', 'skipped']);
    expect(steps.views()[0]?.findings[0]?.message).toMatch(message);
    expect((await control('GET', '/sim/terminals')).json).toMatchObject([{ connected: true }]);
  });

  test('of a scenario before are given up by a reset, and those of the new one begin', async () => {
    const { steps } = await run([{ at: 'P1D', do: { 'PATCH /sim/terminals/CT_SIM_0001': { connected: false } } }]);
    const scenario = { steps: [{ at: 'P2D', expect: { 'GET /sim/terminals': [{ connected: true }] } }] };
    expect((await control('POST', '/sim/reset', { scenario })).status).toBe(200);
    await control('POST', '/sim/clock', { advance: 'P3D' });
    await steps.ended;
    expect(steps.views()).toMatchObject([{ at: 'P2D', state: 'passed' }]);
    await control('POST', '/sim/reset', {});
    expect(steps.views()).toEqual([]);
  });

  test('a reset that is refused leaves those that run alone', async () => {
    const { steps } = await run([{ at: 'P1D', expect: { 'GET /sim/terminals': [] } }]);
    expect((await control('POST', '/sim/reset', { scenario: { steps: [{}] } })).status).toBe(422);
    await control('POST', '/sim/clock', { advance: 'P2D' });
    await steps.ended;
    expect(states(sim as Simulator)).toEqual(['passed']);
  });

  test('are reported as they end, also those that ended before', async () => {
    const simulator = await run([{ do: { 'POST /sim/nothing': {} } }, { at: 'PT1H', do: { 'POST /sim/nothing': {} } }]);
    const lines: string[] = [];
    const stopAsked = new Promise<void>(() => {});
    expect(await runSteps(simulator, { json: true, stopAsked, print: (text) => lines.push(text) })).toBe(2);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { step: 1, state: 'failed' },
      { step: 2, state: 'skipped' },
      { done: true, passed: 0, failed: 1, skipped: 1 },
    ]);
  });
});

describe('a file with bad steps', () => {
  const findings = (text: string): string[] => {
    try {
      readScenario(text);
    } catch (error) {
      return (error as Refusal).findings.map((one) => one.pointer);
    }
    return [];
  };
  let bad: string[] = [];
  beforeAll(() => {
    bad = findings(`steps:
  - at: soon
    do: { GET /sim/cards: {} }
  - { at: PT1H, expect: { PATCH /sim/cards/1: {} } }
  - { within: PT1S }
  - { do: { POST /sim/reset: {} } }
  - { expect: { GET /sim/clock: {} } }
  - { do: { PATCH https://elsewhere/sim: {} }, then: 1 }
  - { do: {}, within: PT1S }
`);
  });

  test('is refused with every fault at once', () => {
    expect(bad).toEqual(
      expect.arrayContaining(['/steps/0/at', '/steps/2', '/steps/2/within', '/steps/5/then', '/steps/6/within']),
    );
    expect(bad.filter((one) => one.startsWith('/steps/0/do'))).toHaveLength(1);
    for (const step of [1, 3, 4, 5]) expect(bad.some((one) => one.startsWith(`/steps/${step}/`))).toBe(true);
  });

  test('is refused where a step stands before the one above it, or there is none', () => {
    expect(findings('steps: [{at: PT2S, do: {POST /sim/x: {}}}, {at: PT1S, do: {POST /sim/x: {}}}]')).toEqual([
      '/steps/1/at',
    ]);
    expect(findings('steps: []')).toEqual(['/steps']);
  });
});

test('the example of the documentation is one', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../../docs/examples/card-pulled.yaml'), 'utf8');
  expect(readScenario(text).steps).toHaveLength(3);
});
