// Two gateways on one PostgreSQL in the reduced form: few kills, one after so many accepted exports, and two sleeps past the
// lease, before and after the export is marked sent. In full, one killed every 2 s for a minute: npm run several.
import { expect, inject, test } from 'vitest';
import { severalGateways, severalText } from './crash/several.ts';
import { dropStore } from './support/schemas-of-tests.ts';
import { newSchema } from './support/stores.ts';

const ACCEPTED_BETWEEN_KILLS = 4;

test.runIf(inject('postgresUrl') !== undefined)(
  'one gateway is killed again and again, the other sleeps past its lease: nothing is lost and nothing is doubled (EXP-03, EXP-07)',
  async () => {
    const postgres = newSchema();
    const result = await severalGateways({
      postgres,
      seed: 1,
      series: 3,
      kills: 3,
      nextKill: async (accepted) => {
        for (let n = 0; n < ACCEPTED_BETWEEN_KILLS; n++) await accepted();
      },
      pausedAt: ['sent.before', 'sent.committed'],
    });
    process.stdout.write(severalText(result));
    expect(result).toMatchObject({ kills: 3, pauses: 2, recovered: 2, lost: 0, doubled: 0, faults: [] });
    expect(result.written).toBe(result.accepted);
    expect(result.accepted).toBeGreaterThan(3 * ACCEPTED_BETWEEN_KILLS);
    await dropStore(postgres);
  },
  240_000,
);
