// The `exports` part of the benchmark (api.md section 6): what pooled sessions are worth. The same exports by two gateways at one
// simulator, in turn: one keeps its sessions, the other makes a handshake and a login for each (`session.reuse: false`), as
// other clients do. Accepted over REST until written, by 16 clients, for 200 insured at both record systems.
import { performance } from 'node:perf_hooks';
import { type GatewayReady, startWorld, type World } from '../../demo/processes.ts';
import { writeXml } from '../../mio/xml-write.ts';
import { byClients } from '../support/clients.ts';
import { build, simple, tables } from '../support/mio-build.ts';
import { inventedKvnr } from '../support/world.ts';
import { median, percentile, rounded } from './measure.ts';
import { cpuMs, peakRssMb } from './process-figures.ts';

export const CLIENTS = 16;
const DOCUMENT_BYTES = 60_000;
const SIGN_DELAY_MS = 300;
/** Each gateway writes some before that do not count: code is compiled, and the pooled one has signed on. */
const WARM = { exports: 200, loginPerExport: 4 };

export type ExportsOptions = {
  rounds: number;
  /** How many exports a round has, of either gateway. */
  exports: number;
  logins: number;
  insured: number;
  say: (line: string) => void;
};

/** Medians of the rounds; `cardSignatures` and `n` of one round; CPU per export of the gateway, the simulator, and of us. */
export type Run = {
  n: number;
  perSecond: number;
  p50ms: number;
  p99ms: number;
  cardSignatures: number;
  gatewayCpuMsPerExport: number;
  simulatorCpuMsPerExport: number;
  loadCpuMsPerExport: number;
  gatewayPeakRssMb: number;
};
export type ExportsFigures = {
  /** `signOnSignatures` were made before the first round: what all rounds together cost. */
  exports: Run & { documentBytes: number; insured: number; signDelayMs: number; signOnSignatures: number };
  loginPerExport: Run;
  speedup: number;
};

type Round = Omit<Run, 'n' | 'gatewayPeakRssMb'>;
/** One of the two: what it writes has its own series of numbers, so that no content comes twice. */
type Side = { gateway: GatewayReady; n: number; warm: number; version: number; rounds: Round[] };

export async function exportsFigures(o: ExportsOptions): Promise<ExportsFigures> {
  // D19's limit is for a client that has lost its way, not for these.
  const settings = { limits: { requestsPerSecond: 100_000 } };
  const world = await startWorld({ portBase: 0, tls: false, settings, signal: AbortSignal.timeout(3_600_000) });
  try {
    const control = controlOf(world);
    const given = await control<{ session?: object }>('GET', '/sim/settings');
    const single = await world.addGateway('login-per-export', {
      ...settings,
      session: { ...given.session, reuse: false },
    });
    for (const { iccsn } of await control<{ iccsn: string; cardType: string }[]>('GET', '/sim/cards').then(onlySmcb))
      await control('PATCH', `/sim/cards/${iccsn}`, { signDelayMs: SIGN_DELAY_MS });
    const insured = await insure(control, world, o.insured);
    const entries = entriesFor(DOCUMENT_BYTES);
    const sides: Record<'exports' | 'loginPerExport', Side> = {
      exports: { gateway: world.gateway, n: o.exports, warm: WARM.exports, version: 0, rounds: [] },
      loginPerExport: { gateway: single, n: o.logins, warm: WARM.loginPerExport, version: 0, rounds: [] },
    };
    let [documentBytes, signOnSignatures] = [0, 0];
    for (let round = -1; round < o.rounds; round += 1) {
      for (const [name, side] of Object.entries(sides)) {
        const n = round < 0 ? Math.min(side.warm, side.n) : side.n;
        o.say(round < 0 ? `${name}: warming up` : `${name}: round ${round + 1} of ${o.rounds}, ${n} exports`);
        const pids = { gateway: side.gateway.pids.gateway, simulator: world.simulator.pids.simulator };
        const measured = await measure({ control, pids, n }, () => write(side, { n, insured, entries }));
        documentBytes = measured.documentBytes;
        if (round >= 0) side.rounds.push(measured.round);
        else if (name === 'exports') signOnSignatures = measured.round.cardSignatures;
      }
    }
    const [exports, loginPerExport] = [runOf(sides.exports), runOf(sides.loginPerExport)];
    return {
      exports: { ...exports, documentBytes, insured: insured.length, signDelayMs: SIGN_DELAY_MS, signOnSignatures },
      loginPerExport,
      speedup: rounded(exports.perSecond / loginPerExport.perSecond),
    };
  } finally {
    await world.stop();
  }
}

function runOf({ gateway, n, rounds }: Side): Run {
  const middle = (of: (round: Round) => number) => rounded(median(rounds.map(of)));
  return {
    n,
    perSecond: middle((round) => round.perSecond),
    p50ms: middle((round) => round.p50ms),
    p99ms: middle((round) => round.p99ms),
    cardSignatures: middle((round) => round.cardSignatures),
    gatewayCpuMsPerExport: middle((round) => round.gatewayCpuMsPerExport),
    simulatorCpuMsPerExport: middle((round) => round.simulatorCpuMsPerExport),
    loadCpuMsPerExport: middle((round) => round.loadCpuMsPerExport),
    gatewayPeakRssMb: rounded(peakRssMb(gateway.pids.gateway)),
  };
}

type Control = <Answer>(method: string, path: string, body?: object) => Promise<Answer>;

const onlySmcb = <Card extends { cardType: string }>(cards: Card[]) => cards.filter((one) => one.cardType === 'SMC-B');

export function controlOf(world: World): Control {
  return async <Answer>(method: string, path: string, body?: object) => {
    const answer = await fetch(`${world.simulator.control}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status} to ${method} ${path.split('/')[2]}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
}

export async function insure(control: Control, world: World, count: number): Promise<string[]> {
  const kvnrs = Array.from({ length: count }, (_, index) => inventedKvnr(70_000 + index));
  for (const [index, kvnr] of kvnrs.entries()) {
    await control('PUT', `/sim/records/${kvnr}`, {
      recordSystem: index % 2 === 0 ? 'epa-as-1' : 'epa-as-2',
      status: 'ACTIVATED',
      entitled: [world.simulator.telematikId],
    });
  }
  return kvnrs;
}

async function measure(
  o: { control: Control; pids: { gateway: number; simulator: number }; n: number },
  run: () => Promise<{ ms: number; bytes: number }[]>,
): Promise<{ round: Round; documentBytes: number }> {
  const signatures = async () =>
    (await o.control<Record<string, number>>('GET', '/sim/operations')).ExternalAuthenticate ?? 0;
  const spent = () => [cpuMs(o.pids.gateway), cpuMs(o.pids.simulator), cpuMs(process.pid)] as const;
  const [signed, before, start] = [await signatures(), spent(), performance.now()];
  const written = await run();
  const seconds = (performance.now() - start) / 1000;
  const cpu = spent().map((ms, index) => (ms - (before[index] ?? 0)) / o.n);
  const times = written.map(({ ms }) => ms);
  const [gatewayCpuMsPerExport = 0, simulatorCpuMsPerExport = 0, loadCpuMsPerExport = 0] = cpu;
  const round = {
    perSecond: o.n / seconds,
    p50ms: median(times),
    p99ms: percentile(times, 0.99),
    cardSignatures: (await signatures()) - signed,
    gatewayCpuMsPerExport,
    simulatorCpuMsPerExport,
    loadCpuMsPerExport,
  };
  return { round, documentBytes: median(written.map(({ bytes }) => bytes)) };
}

/** Each client with one export after another, each for the next insured; throws unless every single one is written. */
function write(side: Side, o: { n: number; insured: readonly string[]; entries: number }) {
  const work = Array.from({ length: o.n }, (_, index) => ({
    kvnr: o.insured[index % o.insured.length] ?? '',
    version: side.version + Math.floor(index / o.insured.length),
  }));
  side.version += Math.ceil(o.n / o.insured.length);
  return byClients(CLIENTS, work, async ({ kvnr, version }) => {
    const body = exportOf(kvnr, simple(...entriesOf(o.entries, version)));
    const start = performance.now();
    const done = await finished(side.gateway, body);
    if (done.status !== 'written') throw new Error(`an export is ${done.status} (${done.reason?.code ?? 'no reason'})`);
    return { ms: performance.now() - start, bytes: done.document.bytes };
  });
}

export type View = { id: string; status: string; reason: { code: string } | null; document: { bytes: number } };
export const OPEN = new Set(['queued', 'running', 'waiting', 'unclear']);

export async function finished({ gateway, apiKey }: GatewayReady, body: string): Promise<View> {
  const ask = async (path: string, more: RequestInit): Promise<View> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', prefer: 'wait=30' };
    const answer = await fetch(`${gateway}${path}`, { ...more, headers });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    return (await answer.json()) as View;
  };
  let view = await ask('/v1/exports', { method: 'POST', body });
  while (OPEN.has(view.status)) view = await ask(`/v1/exports/${view.id}`, {});
  return view;
}

export function exportOf(kvnr: string, content: object, series?: string): string {
  return JSON.stringify({
    kvnr,
    kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: new Date(Date.now() - 60_000).toISOString() },
    consent: { id: 'c-bench', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
    prescriptionEnds: new Date(Date.now() + 60 * 86_400_000).toISOString().slice(0, 10),
    content,
    ...(series !== undefined && { series }),
  });
}

const DAY_MS = 86_400_000;

/** What a diary of weight, blood pressure, steps and words holds; the words tell one version from the next. */
export function entriesOf(count: number, version: number) {
  return Array.from({ length: count }, (_, index) => {
    const day = Math.floor(index / 4);
    const at = new Date(Date.UTC(2026, 0, 1, 7) + day * DAY_MS).toISOString();
    const id = `${at.slice(0, 10)}-${index % 4}`;
    const four: { kind: string; id: string; at: string; [member: string]: unknown }[] = [
      { kind: 'bodyWeight', id, at, value: 72.5 - (day % 50) / 10, unit: 'kg' },
      { kind: 'bloodPressure', id, at, systolic: 128 - (day % 20), diastolic: 82 },
      { kind: 'diary', id, at, text: `Erfundener Eintrag ${version}: ${20 + day} Minuten spazieren gegangen.` },
      { kind: 'observation', id, at, code: { text: 'Schritte' }, value: 8123 + day, unit: '1' },
    ];
    return four[index % 4] as (typeof four)[number];
  });
}

/** So many that the document has about this size: what one takes is found out with forty. */
function entriesFor(bytes: number): number {
  const size = (count: number) =>
    Buffer.byteLength(writeXml(build(simple(...entriesOf(count, 0))).bundle, tables.core.shapes));
  const [few, more] = [size(4), size(44)];
  return Math.max(4, 4 + Math.round(((bytes - few) * 40) / (more - few)));
}
