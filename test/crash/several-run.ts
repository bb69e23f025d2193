// npm run several: two gateways on one PostgreSQL in full, one killed every 2 s for a minute, the other put to sleep past its
// lease. Prints the figures; ends with 1 when a version was lost or doubled, or anything else is not as it must be.
// Options: --seconds N, --series N, --seed N. PostgreSQL: EPA_TEST_POSTGRES, else one of its own.
import '../../wire/tls.ts';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.ts';
import { dropStore, schemaOn } from '../support/schemas-of-tests.ts';
import { severalGateways, severalText } from './several.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    series: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
  },
});
const EVERY_MS = 2000;
const server = await startPostgres();
if (server === undefined) throw new Error('there is no PostgreSQL here');
const postgres = schemaOn(server.url);
const result = await severalGateways({
  postgres,
  seed: Number(values.seed),
  series: Number(values.series),
  kills: Math.ceil((Number(values.seconds) * 1000) / EVERY_MS),
  nextKill: () => setTimeout(EVERY_MS),
  pausedAt: ['sent.before', 'sent.committed', 'write.answered', 'claim.committed', 'settle.committing'],
});
process.stdout.write(severalText(result));
await dropStore(postgres);
await server.stop();
process.exit(result.lost + result.doubled + result.faults.length === 0 ? 0 : 1);
