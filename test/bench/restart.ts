// The `restart` part of the benchmark (api.md section 6): a gateway with many open exports is killed (SIGKILL) and started again; from
// the start of its process to the first export that is written. While they were accepted no record system opened a channel.
import { performance } from 'node:perf_hooks';
import { type GatewayReady, startWorld } from '../../demo/processes.ts';
import { openStream } from '../support/event-stream.ts';
import { simple } from '../support/mio-build.ts';
import { controlOf, entriesOf, exportOf, insure } from './exports.ts';
import { rounded } from './measure.ts';

export type RestartOptions = { open: number; insured: number; say: (line: string) => void };
export type RestartFigures = { open: number; seconds: number };

const BATCH = 500;

export async function restartFigures(o: RestartOptions): Promise<RestartFigures> {
  const settings = { limits: { requestsPerSecond: 100_000 } };
  const world = await startWorld({ portBase: 0, tls: false, settings, signal: AbortSignal.timeout(3_600_000) });
  try {
    const control = controlOf(world);
    const insured = await insure(control, world, o.insured);
    const before = await world.addGateway('restarted', settings);
    await control('POST', '/sim/faults', { at: 'vau.handshake', kind: 'http-status', params: { status: 503 } });
    o.say(`restart: ${o.open} exports are accepted`);
    for (let from = 0; from < o.open; from += BATCH) {
      const lines = Array.from({ length: Math.min(BATCH, o.open - from) }, (_, index) => {
        const n = from + index;
        return exportOf(insured[n % insured.length] ?? '', simple(...entriesOf(4, n)), `s-${n}`);
      });
      await batch(before, lines);
    }
    process.kill(before.pids.gateway, 'SIGKILL');
    await world.ended([before.pids.gateway]);
    await control('DELETE', '/sim/faults');
    o.say('restart: started again');
    const start = performance.now();
    const after = await world.addGateway('restarted', settings);
    await firstWritten(after);
    return { open: o.open, seconds: rounded((performance.now() - start) / 1000) };
  } finally {
    await world.stop();
  }
}

const headersOf = ({ apiKey }: GatewayReady, more: Record<string, string> = {}) => ({
  authorization: `Bearer ${apiKey}`,
  ...more,
});

async function batch(gateway: GatewayReady, lines: readonly string[]): Promise<void> {
  const answer = await fetch(`${gateway.gateway}/v1/exports/batch`, {
    method: 'POST',
    headers: headersOf(gateway, { 'content-type': 'application/x-ndjson' }),
    body: `${lines.join('\n')}\n`,
  });
  const results = (await answer.text()).split('\n').filter((line) => line !== '');
  const refused = results.filter((line) => (JSON.parse(line) as { status: number }).status !== 202);
  if (results.length !== lines.length || refused.length > 0)
    throw new Error(`${results.length - refused.length} of ${lines.length} accepted: ${refused[0]?.slice(0, 300)}`);
}

/** Told by the gateway's own events, from those of before the restart on. */
async function firstWritten(gateway: GatewayReady): Promise<void> {
  const over = new AbortController();
  const { answer, piece } = await openStream(gateway.gateway, { signal: over.signal, key: gateway.apiKey });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  for (let one = await piece(); !one?.includes('event: export.written'); one = await piece())
    if (one === undefined) throw new Error('the stream of events has ended');
  over.abort();
}
