// The `large` part of the benchmark (api.md section 6, aims in issue 6): a MIO of 24 MB from a form to the record, alone and twenty
// at once at both record systems, while four clients export documents of 60 kB one after another. Gateway and simulator are
// processes of their own; memory is the operating system's.
import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { startWorld } from '../../demo/processes.ts';
import { byClients } from '../support/clients.ts';
import { controlOf, exportOf, insure, OPEN, type View } from './exports.ts';
import { startFloor } from './floor-server.ts';
import { largeInput, realInput } from './inputs.ts';
import { median, percentile, rounded } from './measure.ts';
import { cpuMs, peakRssMb, rssMb } from './process-figures.ts';

/** Clients with small exports, one after another. */
const CLIENTS = 4;
/** The KVNR in the published example. */
const EXAMPLE_KVNR = 'A123456789';

export type LargeOptions = {
  schemas: string;
  megabytes: number;
  rounds: number;
  /** How many large ones at once, and how many small ones at least beside them. */
  atOnce: number;
  small: number;
  newId: () => string;
  say: (line: string) => void;
};

/** Small exports from POST to `written`. */
type Small = { n: number; p50ms: number; p99ms: number };

/** MB are 1,000,000 bytes; of the single one medians of the rounds, `baseRssMb` is before it. */
export type LargeFigures = {
  bytes: number;
  seconds: number;
  /** How many times as long it takes as the same bytes by bare POST (floor-child.ts). */
  floorRatio: number;
  baseRssMb: number;
  peakRssMb: number;
  atOnce: {
    n: number;
    seconds: number;
    peakRssMb: number;
    small: Small;
    /** The same small exports with nothing beside them. */
    smallAlone: Small;
    gatewayCpuSeconds: number;
    simulatorCpuSeconds: number;
  };
};

export async function largeFigures(o: LargeOptions): Promise<LargeFigures> {
  const [large, real] = [largeInput(o.schemas, o.megabytes, o.newId), realInput(o.schemas)];
  // D19's limit is for a client that has lost its way, not for these.
  const settings = { limits: { requestsPerSecond: 100_000 } };
  const [world, floor] = await Promise.all([
    startWorld({ portBase: 0, tls: false, settings, signal: AbortSignal.timeout(3_600_000) }),
    startFloor(),
  ]);
  try {
    const insured = await insure(controlOf(world), world, o.atOnce + CLIENTS);
    const { gateway, pids } = world.gateway;
    const [own, simulator] = [pids.gateway, world.simulator.pids.simulator];
    let series = 0;
    const post = async (of: typeof formOf, xml: string, kvnr: string): Promise<number> => {
      series += 1;
      const request = of(ownOf(xml, kvnr, o.newId), kvnr, `s-${series}`);
      const start = performance.now();
      await written(gateway, world.gateway.apiKey, request);
      return performance.now() - start;
    };
    const postLarge = (kvnr: string) => post(formOf, large.xml, kvnr);
    const postSmall = (kvnr: string) => post(jsonOf, real.xml, kvnr);
    const clients = insured.slice(o.atOnce);
    const smallOnes = async (n: number) =>
      byClients(CLIENTS, Array.from({ length: n }), (_, client) => postSmall(clients[client] ?? ''));

    o.say('small exports to warm up');
    await smallOnes(Math.min(o.small, 100));
    const bare = async () => {
      const start = performance.now();
      await floor.post(Buffer.from(large.xml));
      return (performance.now() - start) / 1000;
    };
    await bare();
    const rounds: { seconds: number; floor: number; base: number; peak: number }[] = [];
    for (let round = 0; round < o.rounds; round += 1) {
      o.say(`one of ${large.bytes} bytes, round ${round + 1} of ${o.rounds}`);
      const base = rssMb(own);
      resetPeak(own);
      const seconds = (await postLarge(insured[round % o.atOnce] ?? '')) / 1000;
      rounds.push({ seconds, floor: await bare(), base, peak: peakRssMb(own) });
    }
    o.say(`${o.small} small exports alone`);
    const alone = await smallOnes(o.small);
    o.say(`${o.atOnce} large ones at once, small ones beside them`);
    resetPeak(own);
    const [start, cpu] = [performance.now(), [cpuMs(own), cpuMs(simulator)] as const];
    let going = true;
    const all = Promise.all(insured.slice(0, o.atOnce).map(postLarge)).finally(() => {
      going = false;
    });
    const beside: number[] = [];
    const client = async (kvnr: string) => {
      while (going) beside.push(await postSmall(kvnr));
    };
    await Promise.all([all, ...clients.map(client)]);
    const middle = (of: (round: (typeof rounds)[number]) => number) => rounded(median(rounds.map(of)));
    return {
      bytes: large.bytes,
      seconds: middle((round) => round.seconds),
      floorRatio: rounded(median(rounds.map((round) => round.seconds)) / median(rounds.map((round) => round.floor))),
      baseRssMb: middle((round) => round.base),
      peakRssMb: middle((round) => round.peak),
      atOnce: {
        n: o.atOnce,
        seconds: rounded((performance.now() - start) / 1000),
        peakRssMb: rounded(peakRssMb(own)),
        small: smallOf(beside),
        smallAlone: smallOf(alone),
        gatewayCpuSeconds: rounded((cpuMs(own) - cpu[0]) / 1000),
        simulatorCpuSeconds: rounded((cpuMs(simulator) - cpu[1]) / 1000),
      },
    };
  } finally {
    await floor.stop();
    await world.stop();
  }
}

const smallOf = (times: readonly number[]): Small => ({
  n: times.length,
  p50ms: rounded(median(times)),
  p99ms: rounded(percentile(times, 0.99)),
});

/** VmHWM is the most from here on (proc(5)). */
const resetPeak = (pid: number) => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** A document about this insured that no record has yet: with an id of its own in the place of the first. */
export function ownOf(xml: string, kvnr: string, newId: () => string): string {
  const [id = ''] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(xml) ?? [];
  return xml.replaceAll(EXAMPLE_KVNR, kvnr).replaceAll(id, newId());
}

const order = (kvnr: string, series: string, base64?: string) =>
  exportOf(
    kvnr,
    { mode: 'document', mimeType: 'application/fhir+xml', ...(base64 !== undefined && { base64 }) },
    series,
  );

function formOf(xml: string, kvnr: string, series: string): RequestInit {
  const body = new FormData();
  body.set('export', new Blob([order(kvnr, series)], { type: 'application/json' }));
  body.set('document', new Blob([xml], { type: 'application/fhir+xml' }));
  return { body };
}

/** An export of a document in JSON. */
export const documentOf = (xml: string, kvnr: string, series: string): string =>
  order(kvnr, series, Buffer.from(xml).toString('base64'));

export const jsonOf = (xml: string, kvnr: string, series: string): RequestInit => ({
  body: documentOf(xml, kvnr, series),
  headers: { 'content-type': 'application/json' },
});

/** Posts until accepted and waits until written; whoever is told to come again does (429). */
export async function written(gateway: string, apiKey: string, request: RequestInit): Promise<void> {
  const ask = async (path: string, more: RequestInit): Promise<View | undefined> => {
    const headers = { ...more.headers, authorization: `Bearer ${apiKey}`, prefer: 'wait=30' };
    const answer = await fetch(`${gateway}${path}`, { ...more, headers });
    const text = await answer.text();
    if (answer.status === 429) {
      const seconds = Number(answer.headers.get('retry-after') ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      return undefined;
    }
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${text.slice(0, 300)}`);
    return JSON.parse(text) as View;
  };
  let view: View | undefined;
  while (view === undefined) view = await ask('/v1/exports', { ...request, method: 'POST' });
  const { id } = view;
  while (view === undefined || OPEN.has(view.status)) view = await ask(`/v1/exports/${id}`, {});
  if (view.status !== 'written') throw new Error(`an export is ${view.status} (${view.reason?.code ?? 'no reason'})`);
}

export const largeDefaults = { megabytes: 24, atOnce: 20, small: 300 };
