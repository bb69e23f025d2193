// The `floor` part of the benchmark (api.md section 6): finished documents of 60 kB through the gateway, from POST to `written` with a
// card that answers at once, beside the same bytes by bare POST over TLS (floor-child.ts). In turn, medians of the rounds.
import { performance } from 'node:perf_hooks';
import { startWorld } from '../../demo/processes.ts';
import { byClients } from '../support/clients.ts';
import { CLIENTS, controlOf, insure } from './exports.ts';
import { startFloor } from './floor-server.ts';
import { realInput } from './inputs.ts';
import { jsonOf, ownOf, written } from './large.ts';
import { median, rounded } from './measure.ts';

export type FloorOptions = {
  schemas: string;
  rounds: number;
  /** Documents of a round through the gateway; the floor gets four times as many. */
  documents: number;
  insured: number;
  newId: () => string;
  say: (line: string) => void;
};

/** Documents a second; `ratio` is how many times as many the floor takes. */
export type FloorFigures = { bytes: number; perSecond: number; documentsPerSecond: number; ratio: number };

const FLOOR_TIMES = 4;

export async function floorFigures(o: FloorOptions): Promise<FloorFigures> {
  const real = realInput(o.schemas);
  const settings = { limits: { requestsPerSecond: 100_000 } };
  const [world, floor] = await Promise.all([
    startWorld({ portBase: 0, tls: false, settings, signal: AbortSignal.timeout(3_600_000) }),
    startFloor(),
  ]);
  try {
    const insured = await insure(controlOf(world), world, o.insured);
    let series = 0;
    const document = async (kvnr: string) => {
      series += 1;
      const body = jsonOf(ownOf(real.xml, kvnr, o.newId), kvnr, `s-${series}`);
      await written(world.gateway.gateway, world.gateway.apiKey, body);
    };
    const documents = (n: number) => perSecond(n, (index) => document(insured[index % insured.length] ?? ''));
    const bare = (n: number) => perSecond(n, () => floor.post(Buffer.from(real.xml)));
    o.say('floor: warming up');
    await documents(Math.min(o.documents, 200));
    await bare(Math.min(o.documents, 200));
    const seen = { documents: [] as number[], bare: [] as number[] };
    for (let round = 0; round < o.rounds; round += 1) {
      o.say(`floor: round ${round + 1} of ${o.rounds}, ${o.documents} documents`);
      seen.documents.push(await documents(o.documents));
      seen.bare.push(await bare(FLOOR_TIMES * o.documents));
    }
    const [through, alone] = [median(seen.documents), median(seen.bare)];
    return {
      bytes: real.bytes,
      perSecond: rounded(alone),
      documentsPerSecond: rounded(through),
      ratio: rounded(alone / through),
    };
  } finally {
    await floor.stop();
    await world.stop();
  }
}

async function perSecond(n: number, run: (index: number) => Promise<void>): Promise<number> {
  const start = performance.now();
  await byClients(
    CLIENTS,
    Array.from({ length: n }, (_, index) => index),
    (index) => run(index),
  );
  return (1000 * n) / (performance.now() - start);
}
