// Attacks with genuine means, and attacks in pairs (issue 6): the first check in the client's order decides alone, its security
// event is the only one, nothing is written, and what must not be reached after it is not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { begin, checkOf, playTrustTable, reachedOperations, securityEvents } from './support/trust-table.ts';
import { exportBody, TestWorld } from './support/world.ts';
import { ACROSS, GENUINE, type Pair, WITHIN } from './tables/attack-rows.ts';
import { ALL_GROUPS } from './tables/trust-rows.ts';

playTrustTable(GENUINE, 26_000);

const alone = [...ALL_GROUPS, ...GENUINE].flatMap((group) => group.rows.filter((row) => row.quiet !== true));

test('at least sixty attacks alone, and as many in pairs', () => {
  process.stdout.write(`attacks: alone ${alone.length}, pairs ${ACROSS.length + WITHIN.length}\n`);
  expect(alone.length).toBeGreaterThanOrEqual(60);
  expect(ACROSS.length + WITHIN.length).toBeGreaterThanOrEqual(60);
  const names = [...ACROSS, ...WITHIN].map((pair) => JSON.stringify(pair.faults));
  expect(new Set(names).size).toBe(names.length);
});

describe.each([
  ['at two places', ACROSS],
  ['within M2', WITHIN],
])('pairs %s', (_title, pairs) => {
  let world: TestWorld;
  let next = pairs === ACROSS ? 27_000 : 28_000;
  beforeAll(async () => {
    world = await TestWorld.start();
  });
  afterAll(() => world.stop());

  test.each(pairs.map((pair): [string, string, Pair] => [pair.first.what, pair.second, pair]))(
    '%s, and %s',
    async (_first, _second, { first, faults, never }) => {
      await begin(world, ...faults);
      const from = world.logs.length;
      const kvnr = await world.newInsured(next++, next % 2 === 0 ? 'epa-as-1' : 'epa-as-2');
      const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
      const ended = await world.tried(accepted.id);
      const reached = reachedOperations(world);

      expect({ code: ended.reason?.code, check: checkOf(ended) }).toEqual({ code: first.code, check: first.check });
      expect(securityEvents(world, from)).toEqual([`${first.code} ${first.check}`]);
      expect({ status: ['waiting', 'queued'].includes(ended.status), attempts: ended.attempts }).toEqual({
        status: true,
        attempts: 0,
      });
      expect(never.filter((operation) => reached.has(operation))).toEqual([]);
      expect(world.sim.operations()['ITI-41']).toBeUndefined();
      expect(await world.documents(kvnr)).toEqual([]);
      // The next pair's gateway would take it up again.
      expect((await world.call('POST', `/v1/exports/${accepted.id}/cancel`)).status).toBe(200);
    },
  );
});
