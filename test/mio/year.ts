// npm run mio:year: a year of glucose values at 288 a day, exported in full, and again a day later: parts, sizes, seconds (of the
// clock and of the processor), peak memory, and which parts differ. Ends with 1 unless only the newest does.
// Options: --days N (default 364), --first DAY, --limit BYTES.
import '../../wire/tls.ts';
import { parseArgs } from 'node:util';
import { exportAll, sensorValues, VALUES_A_DAY, type YearRecord } from '../support/mio-year.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '364' },
    first: { type: 'string', default: '2025-01-01' },
    limit: { type: 'string' },
  },
});
const days = Number(values.days);
const limit = values.limit === undefined ? undefined : Number(values.limit);
const record: YearRecord = new Map();
const say = (line: string) => process.stdout.write(`${line}\n`);
const differing: (string | null)[][] = [];

for (const later of [0, 1]) {
  const entries = sensorValues(values.first, days + later);
  say(`\n${days + later} days, ${entries.length} values at ${VALUES_A_DAY} a day`);
  const [clock, processor] = [performance.now(), process.cpuUsage()];
  const changed: (string | null)[] = [];
  let bytes = 0;
  const before = new Map([...record].map(([name, { sha256 }]) => [name, sha256]));
  const now = Temporal.PlainDate.from(values.first).add({ days: days + later });
  for (const part of exportAll(entries, { record, now: `${now}T05:00:00Z`, limit })) {
    const same = before.get(part.name) === part.sha256;
    if (!same) changed.push(part.name);
    bytes += part.bytes;
    say(
      `${(part.name ?? '(first)').padEnd(12)}${String(part.bytes).padStart(12)} bytes  ${same ? 'as before' : 'differs'}`,
    );
    if (part.unchanged !== same) throw new Error('a part is not what it is said to be');
  }
  differing.push(changed);
  const { user, system } = process.cpuUsage(processor);
  const memory = [...record.values()].reduce((sum, one) => sum + one.memory.length, 0);
  say(
    `${record.size} parts, ${bytes} bytes, ${((performance.now() - clock) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor, peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB, remembered ${memory} bytes`,
  );
}
const only = differing[1]?.length === 1 && differing[1][0] === [...record.keys()].filter(Boolean).sort().at(-1);
say(only ? '\na day later only the newest part differs' : '\na day later not only the newest part differs');
process.exit(only ? 0 : 1);
