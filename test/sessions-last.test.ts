// Many exports over sessions that live a minute and channels that the servers drop at random (SES-01, SES-02, D12): what they
// cost in card signatures and logins, and that nothing is lost or doubled. The full form: EPA_SESSIONS=2000.
import { afterEach, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { byClients } from './support/clients.ts';
import { SimulatedClock } from './support/simulated-clock.ts';
import { exportBody, type StoredDocument, TestWorld } from './support/world.ts';

const EXPORTS = Number(process.env.EPA_SESSIONS ?? '250');
const FULL = EXPORTS >= 2000;
const VERSIONS = 5;
const CLIENTS = 16;
const LIFE_MS = 60_000;
/** Ten lives of a session, whatever the number of exports. */
const STEP_MS = Math.round((10 * LIFE_MS) / EXPORTS);
const BYTES = FULL ? 60_000 : 0;
/** Of each frame, before and after it has acted. */
const DROPPED = FULL ? 0.01 : 0.02;
const SYSTEMS = ['epa-as-1', 'epa-as-2'] as const;

let world: TestWorld;
afterEach(() => world.stop());

/** A document of that version, with a comment that makes it as large as wanted. */
function documentOf(kvnr: string, version: number, at: number): Uint8Array {
  const document = Buffer.from(demoDocument(kvnr, version, new Date(at)));
  const missing = BYTES - document.length - '<!---->'.length;
  return missing > 0 ? Buffer.concat([document, Buffer.from(`<!--${'x'.repeat(missing)}-->`)]) : document;
}

test(`${EXPORTS} exports over ten lives of a session, with channels dropped at random, cost two signatures per login and a login per life or drop`, {
  timeout: FULL ? 1_800_000 : 240_000,
}, async () => {
  let simulated: SimulatedClock | undefined;
  world = await TestWorld.start({
    settings: (s) => ({ ...s, limits: { requestsPerSecond: 100_000 } }),
    dependencies: (sim) => {
      sim.world.choices.sessionLifeMs = LIFE_MS;
      simulated = new SimulatedClock(sim.world);
      return { now: simulated.now, timer: simulated.timer };
    },
  });
  const clock = simulated ?? expect.unreachable('no clock');
  const insured = await byClients(
    CLIENTS,
    Array.from({ length: EXPORTS / VERSIONS }, (_, n) => n),
    (n) => world.newInsured(40_000 + n, SYSTEMS[n % 2] ?? 'epa-as-1'),
  );
  for (const when of ['before', 'after'])
    await world.control('POST', '/sim/faults', {
      ...{ at: 'vau.data', kind: 'drop-channel', probability: DROPPED, params: { when } },
    });

  const began = clock.now();
  const work = Array.from({ length: VERSIONS }, (_, n) => n + 1).flatMap((version) =>
    insured.map((kvnr) => ({ kvnr, version })),
  );
  const ids = await byClients(CLIENTS, work, async ({ kvnr, version }) => {
    const body = exportBody(kvnr, documentOf(kvnr, version, clock.now()), { queue: 'all' });
    const { id } = await world.post(body);
    await world.settled(id, WRITTEN_OR_UNCLEAR);
    clock.advanceTo(clock.now() + STEP_MS);
    return id;
  });
  for (const id of ids) await settledAtLast(id, clock);
  const elapsed = clock.now() - began;

  const { ExternalAuthenticate = 0, 'ITI-41': writes } = world.sim.operations();
  const drops = (id: string) => world.sim.faults.list().reduce((sum, fault) => sum + (fault.struckAt[id] ?? 0), 0);
  const figures = SYSTEMS.map((id) => ({
    id,
    // Also those that were dropped on their way: from here on they cost signatures.
    logins: world.sim.journal.seen(id).send_authorization_request_sc ?? 0,
    handshakes: world.sim.journal.seen(id)['vau.handshake'] ?? 0,
    drops: drops(id),
    allowed: Math.ceil(elapsed / LIFE_MS) + drops(id) + 2,
  }));
  const logins = figures.reduce((sum, one) => sum + one.logins, 0);
  process.stdout.write(
    `${EXPORTS} exports of ${insured.length} insured in ${(elapsed / LIFE_MS).toFixed(1)} lives of a session: ` +
      `${ExternalAuthenticate} card signatures for ${logins} logins, ${writes} ITI-41\n` +
      figures
        .map(
          (f) =>
            `${f.id}: ${f.logins} logins (at most ${f.allowed}), ${f.drops} drops, ${f.handshakes} handshake messages\n`,
        )
        .join(''),
  );
  expect(ExternalAuthenticate).toBeLessThanOrEqual(2 * logins);
  for (const { id, logins: made, allowed, drops: dropped } of figures) {
    expect(dropped, `drops at ${id}`).toBeGreaterThan(0);
    expect(made, `logins at ${id}`).toBeLessThanOrEqual(allowed);
  }
  for (const kvnr of insured) expectChain(await world.documents(kvnr, true));
});

const WRITTEN_OR_UNCLEAR = new Set(['written', 'unclear']);

/** An answer that was lost is asked for again by the schedule of D22, which the test's clock brings forward. */
async function settledAtLast(id: string, clock: SimulatedClock): Promise<void> {
  for (;;) {
    const { status } = await world.settled(id, WRITTEN_OR_UNCLEAR);
    if (status === 'written') return;
    const ended = world.settled(id, new Set(['written']));
    clock.advanceTo(clock.now() + 2000);
    await ended;
  }
}

/** Every version once, each replacing the one before, the last one in force. */
function expectChain(documents: readonly StoredDocument[]): void {
  expect(documents).toHaveLength(VERSIONS);
  expect(new Set(documents.map((one) => one.sha256)).size).toBe(VERSIONS);
  const byId = new Map(documents.map((one) => [one.entryUuid, one]));
  let [newest] = documents.filter((one) => one.status === 'Approved');
  for (let n = 0; n < VERSIONS; n++) {
    expect(newest, `version ${VERSIONS - n}`).toBeDefined();
    newest = byId.get(newest?.replaces ?? '');
  }
  expect(newest).toBeUndefined();
}
