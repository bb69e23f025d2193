// The `store` part of the benchmark (api.md section 6): how many exports a second are accepted, that is on disk and answered with 202,
// of small JSON and of documents of 60 kB; and on PostgreSQL how many are written with more channels and with more gateways, where a record
// system takes 50 ms for each document. Medians of the rounds.
import { performance } from 'node:perf_hooks';
import { type GatewayReady, startWorld, type World } from '../../demo/processes.ts';
import { byClients } from '../support/clients.ts';
import { simple } from '../support/mio-build.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { dropStore, schemaOn } from '../support/schemas-of-tests.ts';
import { CLIENTS, controlOf, entriesOf, exportOf, finished, insure } from './exports.ts';
import { realInput } from './inputs.ts';
import { documentOf, ownOf } from './large.ts';
import { median, rounded } from './measure.ts';

export type StoreOptions = {
  schemas: string;
  rounds: number;
  exports: number;
  insured: number;
  /** How many of SCALES. */
  scales: number;
  newId: () => string;
  say: (line: string) => void;
};
export type ScaleOut = { channels: number; processes: number; perSecond: number };
export type StoreFigures = {
  acceptedPerSecond: { simple2kB: number; document60kB: number };
  /** Absent where there is no PostgreSQL. */
  scaleOut?: { serviceMs: number; perSecond: ScaleOut[] };
};

const SERVICE_MS = 50;
/** Of 2 kB of JSON. */
const SMALL_ENTRIES = 15;
export const SCALES = [
  { channels: 1, processes: 1 },
  { channels: 2, processes: 1 },
  { channels: 4, processes: 1 },
  { channels: 1, processes: 2 },
  { channels: 2, processes: 2 },
  { channels: 4, processes: 2 },
];
/** Enough that more channels have something to do at the same time. */
const SCALE_CLIENTS = 32;

export async function storeFigures(o: StoreOptions): Promise<StoreFigures> {
  const settings = { limits: { requestsPerSecond: 100_000 } };
  const world = await startWorld({ portBase: 0, tls: false, settings, signal: AbortSignal.timeout(3_600_000) });
  try {
    const insured = await insure(controlOf(world), world, o.insured);
    const acceptedPerSecond = await accepted(world.gateway, insured, o);
    const scaleOut = await scaleOuts(world, insured, o);
    return { acceptedPerSecond, ...(scaleOut && { scaleOut }) };
  } finally {
    await world.stop();
  }
}

/** Exports for tomorrow, so that nothing else is done with them meanwhile. */
async function accepted(gateway: GatewayReady, insured: readonly string[], o: StoreOptions) {
  const real = realInput(o.schemas);
  const notBefore = new Date(Date.now() + 86_400_000).toISOString();
  let n = 0;
  const bodies = {
    simple2kB: (kvnr: string, series: string) => exportOf(kvnr, simple(...entriesOf(SMALL_ENTRIES, n)), series),
    document60kB: (kvnr: string, series: string) => documentOf(ownOf(real.xml, kvnr, o.newId), kvnr, series),
  };
  const round = async (body: (kvnr: string, series: string) => string, count: number) => {
    const work = Array.from({ length: count }, () => {
      n += 1;
      const order = JSON.parse(body(insured[n % insured.length] ?? '', `a-${n}`)) as object;
      return JSON.stringify({ ...order, notBefore });
    });
    const start = performance.now();
    await byClients(CLIENTS, work, (text) => post(gateway, text));
    return (1000 * count) / (performance.now() - start);
  };
  const seen = { simple2kB: [] as number[], document60kB: [] as number[] };
  for (let index = -1; index < o.rounds; index += 1) {
    o.say(index < 0 ? 'store: warming up' : `store: accepting, round ${index + 1} of ${o.rounds}`);
    for (const name of ['simple2kB', 'document60kB'] as const) {
      const perSecond = await round(bodies[name], o.exports);
      if (index >= 0) seen[name].push(perSecond);
    }
  }
  return { simple2kB: rounded(median(seen.simple2kB)), document60kB: rounded(median(seen.document60kB)) };
}

async function post({ gateway, apiKey }: GatewayReady, body: string): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const answer = await fetch(`${gateway}/v1/exports`, { method: 'POST', headers, body });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`the gateway answered ${answer.status}: ${text.slice(0, 300)}`);
}

async function scaleOuts(world: World, insured: readonly string[], o: StoreOptions): Promise<StoreFigures['scaleOut']> {
  const server = await startPostgres();
  if (server === undefined) return undefined;
  const control = controlOf(world);
  const given = await control<{ session?: object }>('GET', '/sim/settings');
  const perSecond: ScaleOut[] = [];
  let version = 1_000_000;
  try {
    await control('POST', '/sim/faults', { at: 'xds.iti41', kind: 'delay', params: { ms: SERVICE_MS } });
    for (const { channels, processes } of SCALES.slice(0, o.scales)) {
      o.say(`store: ${channels} channels, ${processes} gateways on PostgreSQL`);
      const postgres = schemaOn(server.url);
      const gateways: GatewayReady[] = [];
      for (let one = 0; one < processes; one += 1) {
        const change = {
          limits: { requestsPerSecond: 100_000 },
          session: { ...given.session, channels },
          store: { postgres },
          worker: { concurrency: SCALE_CLIENTS },
        };
        gateways.push(await world.addGateway(`scale-${channels}-${processes}-${one}`, change));
      }
      const round = async (count: number) => {
        version += count;
        const work = Array.from({ length: count }, (_, index) => ({ n: version + index, at: index % processes }));
        const start = performance.now();
        await byClients(SCALE_CLIENTS, work, async ({ n, at }) => {
          const body = exportOf(insured[n % insured.length] ?? '', simple(...entriesOf(SMALL_ENTRIES, n)), `c-${n}`);
          const gateway = gateways[at];
          const done = gateway && (await finished(gateway, body));
          if (done?.status !== 'written') throw new Error(`an export is ${done?.status}`);
        });
        return (1000 * count) / (performance.now() - start);
      };
      await round(Math.min(100, o.exports));
      const rates: number[] = [];
      for (let index = 0; index < o.rounds; index += 1) rates.push(await round(o.exports));
      perSecond.push({ channels, processes, perSecond: rounded(median(rates)) });
      for (const { pids } of gateways) process.kill(pids.gateway, 'SIGTERM');
      await world.ended(gateways.map(({ pids }) => pids.gateway));
      await dropStore(postgres);
    }
  } finally {
    await server.stop();
  }
  return { serviceMs: SERVICE_MS, perSecond };
}
