// The suite's share of `npm run seeds`: what that command would run, and the core of the product's promise under three seeds and
// pairs of vendors other than everywhere else in the suite.
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { demoDocument } from '../../demo/document.ts';
import { startCountedSimulator } from '../support/counted-simulator.ts';
import { exportBody, TestWorld } from '../support/world.ts';
import { lineOf, PAIRS, readDone, runsOf, systemTests } from './plan.ts';

/** All but unclear, in which these exports stay for two seconds. */
const KNOWN = new Set(['written', 'failed', 'refused', 'waiting', 'cancelled']);
const AT = new Date('2026-11-20T08:00:00Z');

describe('what is run', () => {
  test('every test file that starts a simulator, directly or through what it imports', () => {
    const files = systemTests(resolve(import.meta.dirname, '../..'));
    for (const file of ['test/journey.test.ts', 'test/economy.test.ts', 'test/persons.test.ts'])
      expect(files).toContain(file);
    // Its simulator is started by test/lost-answers/matrix.ts, through test/support/world.ts.
    expect(files).toContain('test/lost-answers/lost-answers.test.ts');
    for (const file of ['test/architecture.test.ts', 'test/docs.test.ts', 'test/seeds/seeds.test.ts'])
      expect(files).not.toContain(file);
    expect(files.length).toBeGreaterThan(15);
  });

  test('one pair of vendors per seed in turn, or each seed at every pair', () => {
    expect(PAIRS).toEqual(['ibm+ibm', 'ibm+rise', 'rise+ibm', 'rise+rise']);
    expect(new Set(runsOf({ from: 1, to: 4 }).map((run) => run.pair)).size).toBe(4);
    expect(runsOf({ from: 1, to: 50 })).toHaveLength(50);
    expect(runsOf({ from: 1, to: 50, vendors: 'all' })).toHaveLength(200);
    expect(runsOf({ from: 7, to: 7, vendors: 'rise+ibm' })).toEqual([{ seed: 7, pair: 'rise+ibm' }]);
    expect(runsOf({ from: 2, to: 1 })).toEqual([]);
    expect(() => runsOf({ from: 1, to: 1, vendors: 'ibm+other' })).toThrow(RangeError);
  });

  test('what was done before is read back, and a line cut off is not', () => {
    const one = { seed: 3, pair: 'ibm+ibm', passed: 2, failed: ['a test'], seconds: 1.4 };
    expect(readDone(`${JSON.stringify(one)}\n{"seed": 4, "pa`)).toEqual([one]);
    expect(lineOf(one)).toBe('seed 3  ibm+ibm  2 passed, 1 failed, 1 s\n  FAILED  a test\n');
  });
});

describe('a simulator started by a test', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('gets seed and vendors of the run, and keeps vendors it names itself', async () => {
    vi.stubEnv('EPA_SIM_SEED', '17');
    vi.stubEnv('EPA_SIM_VENDORS', 'rise+ibm');
    for (const [own, expected] of [
      [undefined, 'rise'],
      [{ 'epa-as-1': 'ibm' }, 'ibm'],
    ] as const) {
      const sim = await startCountedSimulator({ seed: 1, ...(own && { recordSystems: own }) });
      expect([sim.world.seed, sim.world.vendors['epa-as-1']]).toEqual([17, expected]);
      await sim.stop();
    }
  });
});

describe.each([
  [11, { 'epa-as-1': 'rise', 'epa-as-2': 'ibm' }],
  [12, { 'epa-as-1': 'ibm', 'epa-as-2': 'ibm' }],
  [13, { 'epa-as-1': 'rise', 'epa-as-2': 'rise' }],
] as const)('under seed %i at %o', (seed, recordSystems) => {
  let world: TestWorld;
  beforeAll(async () => {
    world = await TestWorld.start({ seed, recordSystems });
  });
  afterAll(() => world.stop());

  test('two versions in both record systems, over one login each (EXP-01)', async () => {
    for (const [index, recordSystem] of (['epa-as-1', 'epa-as-2'] as const).entries()) {
      const kvnr = world.insured(index);
      const versions = [1, 2].map((version) => exportBody(kvnr, demoDocument(kvnr, version, AT)));
      for (const body of versions)
        expect(await world.write(body)).toMatchObject({ status: 'written', document: { recordSystem } });
      expect((await world.documents(kvnr)).map((one) => one.status)).toEqual(['Deprecated', 'Approved']);
    }
    expect(world.sim.operations()).toMatchObject({ send_authcode_sc: 2, ExternalAuthenticate: 4 });
  });

  test('an answer lost before or after the record system acted is found out, and nothing written twice (EXP-05)', async () => {
    const lost = ['drop-response', 'drop-request'].flatMap((kind) =>
      (['epa-as-1', 'epa-as-2'] as const).map((recordSystem) => ({ kind, recordSystem })),
    );
    // Side by side: each repeat waits two seconds of real time (D22).
    const ends = lost.map(async ({ kind, recordSystem }, index) => {
      const kvnr = await world.newInsured(10 + index, recordSystem);
      for (const version of [1, 2]) {
        await world.control('POST', '/sim/faults', { at: 'xds.iti41', kind, times: 1, match: { kvnr } });
        const written = await world.write(exportBody(kvnr, demoDocument(kvnr, version, AT)), KNOWN);
        expect([kind, version, written.status]).toEqual([kind, version, 'written']);
        expect(await world.documents(kvnr)).toHaveLength(version);
      }
    });
    await Promise.all(ends);
    expect(world.sim.faults.list()).toEqual([]);
  });
});
