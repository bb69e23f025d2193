// Several gateways on one PostgreSQL (issue 4 Build 5; D9, D22): two processes share the work of one simulator under load with
// `queue: all`. One is killed (SIGKILL) and started again and again; the other stops itself (SIGSTOP) in the middle of a try,
// sleeps past its lease until the first has taken its exports up, and is woken (SIGCONT). Clients repeat what was not answered,
// with its Idempotency-Key, at either. Then the record is compared, version by version.
import { createHash } from 'node:crypto';
import type { Simulator } from '../../connector-sim/main.ts';
import { demoDocument } from '../../demo/document.ts';
import type { PostgresSettings } from '../../gateway/config.ts';
import type { CheckpointName } from '../../gateway/exports/checkpoints.ts';
import { startCountedSimulator } from '../support/counted-simulator.ts';
import { type ExportView, exportBody, inventedKvnr } from '../support/world.ts';
import { eventFaults, eventsOf, judge, type Posted, type Verdict, type Written } from './judge.ts';
import { MortalGateway } from './mortal-gateway.ts';

export type SeveralOptions = {
  postgres: PostgresSettings;
  seed: number;
  series: number;
  kills: number;
  /** Resolves when the next kill is due; `accepted` resolves with the next export that is accepted. */
  nextKill: (accepted: () => Promise<void>) => Promise<void>;
  /** Where the second gateway falls asleep, one after another, spread over the kills. */
  pausedAt: readonly CheckpointName[];
};
export type SeveralResult = Verdict & { kills: number; pauses: number; recovered: number; repeated: number };

const LEASE_SECONDS = 2;

/** Runs until every kill and pause has been, and everything accepted is at its end. */
export async function severalGateways(o: SeveralOptions): Promise<SeveralResult> {
  const sim = await startCountedSimulator({ seed: o.seed, pinEntryMs: 0 });
  const settings = { ...sim.settings(), store: { postgres: o.postgres }, worker: { leaseSeconds: LEASE_SECONDS } };
  const mortal = new MortalGateway(settings);
  const sleeper = new MortalGateway(settings);
  const both = [mortal, sleeper] as const;
  try {
    for (const gateway of both) gateway.start();
    await Promise.all(both.map((gateway) => gateway.door));
    const insured = await Promise.all(Array.from({ length: o.series }, (_, n) => newInsured(sim, n)));
    let accepted = Promise.withResolvers<void>();
    let over = false;
    const load = insured.map(async (kvnr, n) => {
      const posted: Posted[] = [];
      // To the end of the last kill, and one more that meets nobody dying.
      for (let version = 1, last = false; !last; version++) {
        last = over;
        posted.push(await postOne(both, { kvnr, version, first: (n + version) % 2 }));
        accepted.resolve();
        accepted = Promise.withResolvers();
      }
      return posted;
    });
    const result = { kills: 0, pauses: 0, recovered: 0, repeated: 0 };
    const pauses = [...o.pausedAt];
    const every = Math.max(1, Math.floor(o.kills / (pauses.length + 1)));
    while (result.kills < o.kills || pauses.length > 0) {
      if (result.kills < o.kills) {
        await o.nextKill(() => accepted.promise);
        await mortal.kill();
        mortal.start();
        result.kills++;
      }
      if (result.kills < o.kills && result.kills % every !== 0) continue;
      const point = pauses.shift();
      if (point === undefined) continue;
      await mortal.door;
      result.recovered += await sleepPastLease(sleeper, mortal, point);
      result.pauses++;
    }
    over = true;
    const posted = (await Promise.all(load)).flat();
    await mortal.door;
    const verdict: Verdict = { accepted: 0, written: 0, lost: 0, doubled: 0, faults: [] };
    const written: Written[] = [];
    for (const one of posted) {
      const again = await attempt(both, 0, one);
      if (again.id !== one.id) verdict.faults.push(`version ${one.version}: its key names another export now`);
      written.push({ ...one, view: await atRest(sleeper, one.id) });
    }
    const told = await eventsOf((path) => sleeper.call('GET', path));
    for (const one of written) verdict.faults.push(...eventFaults(told, one));
    if (told.some((event, n) => event.seq <= (told[n - 1]?.seq ?? 0))) verdict.faults.push('event numbers do not rise');
    for (const kvnr of insured) {
      const series = written.filter((one) => one.kvnr === kvnr);
      await judge(sim, series, verdict);
    }
    return { ...verdict, ...result, repeated: posted.reduce((sum, one) => sum + one.repeats, 0) };
  } finally {
    for (const gateway of both) await gateway.end();
    await sim.stop();
  }
}

/** Asleep at `point` until the other has taken up what it held; how many times the other did. */
async function sleepPastLease(sleeper: MortalGateway, other: MortalGateway, point: CheckpointName): Promise<number> {
  const recovered = other.recovering();
  await sleeper.arm({ point, time: 1, stop: true });
  await sleeper.reached;
  // Only what is not renewed any more is taken up: this is past the lease.
  await recovered;
  sleeper.wake();
  return 1;
}

async function newInsured(sim: Simulator, n: number): Promise<string> {
  const kvnr = inventedKvnr(7000 + n);
  const answer = await fetch(`${sim.ready.control}/sim/records/${kvnr}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({
      recordSystem: n % 2 === 0 ? 'epa-as-1' : 'epa-as-2',
      status: 'ACTIVATED',
      entitled: [sim.ready.telematikId],
    }),
  });
  if (!answer.ok) throw new Error(`a new insured was refused: ${answer.status}`);
  return kvnr;
}

type Both = readonly [MortalGateway, MortalGateway];

async function postOne(both: Both, o: { kvnr: string; version: number; first: number }): Promise<Posted> {
  const { kvnr, version } = o;
  const document = demoDocument(kvnr, version, new Date());
  const sha256 = createHash('sha256').update(document).digest('hex');
  const body = exportBody(kvnr, document, { queue: 'all' });
  const one = { kvnr, version, key: `${kvnr}-${version}`, body, sha256 };
  return { ...one, ...(await attempt(both, o.first, one)) };
}

/** Posts at one, and when its answer is lost at the other, until there is an answer. */
async function attempt(both: Both, first: number, o: { key: string; body: object }) {
  for (let repeats = 0; ; repeats++) {
    const gateway = both[(first + repeats) % 2] ?? both[0];
    const answer = await gateway.once<ExportView>('POST', '/v1/exports', o.body, { 'idempotency-key': o.key });
    if (answer === undefined) continue;
    if (answer.status !== 202 && answer.status !== 503 && answer.status !== 409)
      throw new Error(`POST /v1/exports answered ${answer.status}`);
    if (answer.status === 202) return { id: answer.body.id, repeats };
  }
}

const OPEN = new Set(['queued', 'running', 'waiting', 'unclear']);

/** The export once it has its end: the gateway itself waits for it, whoever of the two ends it. */
async function atRest(gateway: MortalGateway, id: string): Promise<ExportView> {
  for (;;) {
    const { body } = await gateway.call<ExportView>('GET', `/v1/exports/${id}`, undefined, { prefer: 'wait=30' });
    if (!OPEN.has(body.status) || ['insured', 'operator', 'backend'].includes(body.reason?.who ?? '')) return body;
  }
}

export function severalText(r: SeveralResult): string {
  const figures = [
    `${r.kills} kills`,
    `${r.pauses} sleeps past the lease, each taken up by the other`,
    `${r.accepted} accepted`,
    `${r.repeated} posts repeated`,
    `${r.written} written`,
    `${r.lost} lost`,
    `${r.doubled} doubled`,
    `${r.faults.length} faults`,
  ];
  return `two gateways on one PostgreSQL: ${figures.join(', ')}\n${r.faults.map((fault) => `  ${fault}\n`).join('')}`;
}
