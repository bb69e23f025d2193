// A brainpool Konnektor does not kill the gateway (SEC-04, SEC-05): the program itself, as a child, signs on and writes over
// TLS 1.2 alone and TLS 1.3 alone. And mutual TLS is what it says: a wrong name, a wrong CA, a client certificate the other
// side does not know or none at all are refused, each by its code (KON-03, KON-04, SEC-01).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../certs/mint.ts';
import type { Simulator } from '../connector-sim/main.ts';
import { demoDocument } from '../demo/document.ts';
import { createEgress, EgressError } from '../gateway/egress.ts';
import { startCountedSimulator } from './support/counted-simulator.ts';
import { exportBody, TestWorld } from './support/world.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const folder = mkdtempSync(join(tmpdir(), 'epa-brainpool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Line = { msg?: string; step?: string; code?: string; export?: string; check?: string };

/** `epa-gateway serve --json` against this simulator; its log is read line by line. */
async function startChild(sim: Simulator, name: string) {
  const config = join(folder, `${name}.json`);
  writeFileSync(config, JSON.stringify(sim.settings()));
  const cli = fileURLToPath(new URL('../gateway/cli.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [cli, 'serve', '--json'], {
    env: { EPA_GATEWAY_CONFIG: config, EPA_GATEWAY_DATA: join(folder, name) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes');
  const log = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const ready = JSON.parse(String(line)) as { gateway: string; apiKey: string };
  /** The next log line of this kind. */
  const logged = async (fits: (line: Line) => boolean): Promise<Line> => {
    for (;;) {
      const { value, done } = await log.next();
      if (done === true) throw new Error(`the gateway ended: ${child.exitCode ?? child.signalCode}`);
      const read = JSON.parse(value) as Line;
      if (fits(read)) return read;
    }
  };
  return { child, exited, ready, logged };
}

describe.each(VERSIONS)('a Konnektor that speaks %s alone', (version) => {
  let sim: Simulator;
  beforeAll(async () => {
    sim = await startCountedSimulator();
    sim.faults.add({ at: 'konnektor.tls', kind: 'tls-version', params: { version } });
  });
  afterAll(() => sim.stop());

  test('the gateway process finds the card, has it sign, writes, and ends when it is told to', async () => {
    const { child, exited, ready, logged } = await startChild(sim, version);
    try {
      const kvnr = sim.ready.insured[0] ?? '';
      const answer = await fetch(`${ready.gateway}/v1/exports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ready.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(exportBody(kvnr, demoDocument(kvnr, 1, new Date()))),
      });
      const { id } = (await answer.json()) as { id: string };
      expect(await logged((line) => line.msg === 'export settled' && line.export === id)).toMatchObject({
        step: 'written',
      });
      expect(sim.operations()).toMatchObject({ ExternalAuthenticate: 2, 'ITI-41': 1 });
      // By the export and by the watch over cards, which may both be the first.
      expect([1, 2]).toContain(sim.operations().ReadCardCertificate);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      process.stdout.write(`brainpool Konnektor over ${version}: written, process ${child.pid} alive\n`);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
  });

  test('no client certificate: the Konnektor ends the handshake', async () => {
    const [k] = sim.settings().konnektors;
    const ca = readFileSync(k?.caFile ?? '', 'utf8');
    const origin = sim.ready.konnektor;
    const egress = createEgress({
      environment: 'SIM',
      purposes: { konnektor: [{ origin, ca, servername: 'konnektor.konlan' }] },
    });
    const asked = egress.request('konnektor', {
      url: `${origin}/connector.sds`,
      method: 'GET',
      timeoutMs: 10_000,
      maxResponseBytes: 100_000,
    });
    const error: unknown = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EgressError);
    expect(error).toMatchObject({ code: 'TLS_UNTRUSTED' });
    await egress.close();
  });
});

describe('mutual TLS by the settings', () => {
  type Settings = ReturnType<Simulator['settings']>;
  let change = (settings: Settings): Settings => settings;
  let world: TestWorld;
  let next = 25_000;
  beforeAll(async () => {
    world = await TestWorld.start({ settings: (settings) => ({ ...change(settings as Settings) }) });
  });
  afterAll(() => world.stop());

  const konnektor =
    (with_: (settings: Settings) => Partial<Settings['konnektors'][number]>) =>
    (settings: Settings): Settings => ({
      ...settings,
      konnektors: settings.konnektors.map((one) => ({ ...one, ...with_(settings) })),
    });
  /** A client certificate of a CA the Konnektor does not know. */
  const stranger = () => {
    const leaf = mintLeaf(mintRoot('Stranger'), { commonName: 'c1', extendedKeyUsage: ['clientAuth'] });
    writeFileSync(join(folder, 'stranger.pem'), leaf.certPem);
    writeFileSync(join(folder, 'stranger.key'), leaf.keyPem, { mode: 0o600 });
    return { clientCertificate: join(folder, 'stranger.pem'), clientKey: join(folder, 'stranger.key') };
  };
  const rows: [what: string, change: (settings: Settings) => Settings, reason: string, never: string][] = [
    [
      'another name than the Konnektor’s',
      konnektor(() => ({ serverName: 'other.konlan' })),
      'KONNEKTOR_TLS_UNTRUSTED egress.tls_untrusted',
      'connector.sds',
    ],
    [
      'another CA than the Konnektor’s',
      konnektor(({ trust }) => ({ caFile: trust.rootsFile })),
      'KONNEKTOR_TLS_UNTRUSTED egress.tls_untrusted',
      'connector.sds',
    ],
    [
      // Node's server ends such a connection without an alert; the message of that code names this cause, too.
      'a client certificate the Konnektor does not know',
      konnektor(stranger),
      'KONNEKTOR_UNREACHABLE egress.reset',
      'connector.sds',
    ],
    [
      'another CA than the record systems’',
      (s) => ({ ...s, recordSystems: s.recordSystems.map((r) => ({ ...r, caFile: s.konnektors[0]?.caFile ?? '' })) }),
      'RECORD_SYSTEM_TLS_UNTRUSTED egress.tls_untrusted',
      'information.ehr',
    ],
    [
      'another CA than the IDP’s',
      (s) => ({ ...s, idp: { ...s.idp, caFile: s.konnektors[0]?.caFile ?? '' } }),
      'IDP_UNTRUSTED egress.tls_untrusted',
      'idp.discovery',
    ],
  ];
  test.each(rows)('with %s nothing is asked, and nothing is written', async (what, settings, reason, never) => {
    change = settings;
    await world.stopGateway();
    await world.control('POST', '/sim/reset', {});
    await world.startGateway();
    const kvnr = await world.newInsured(next++, 'epa-as-1');
    const accepted = await world.post(exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
    const ended = await world.tried(accepted.id);
    expect(`${ended.reason?.code} ${ended.reason?.check}`).toBe(reason);
    expect(ended.attempts).toBe(0);
    expect(world.sim.operations()[never]).toBeUndefined();
    expect(world.sim.operations()['ITI-41']).toBeUndefined();
    process.stdout.write(`${what}: ${ended.status}, ${reason}\n`);

    // The right settings, and the same export gets written.
    change = (same) => same;
    await world.stopGateway();
    await world.startGateway();
    if (ended.status === 'waiting')
      expect((await world.call('POST', `/v1/exports/${ended.id}/retry`)).status).toBe(202);
    expect(await world.settled(ended.id, new Set(['written', 'failed', 'refused']))).toMatchObject({
      status: 'written',
    });
  });

  test('a Konnektor without a client certificate in the settings is no setting at all', async () => {
    change = (settings) => ({
      ...settings,
      konnektors: settings.konnektors.map(({ clientCertificate: _, ...one }) => one as Settings['konnektors'][number]),
    });
    await world.stopGateway();
    await expect(world.startGateway()).rejects.toThrow(/konnektors\[0\]\.clientCertificate/);
    change = (same) => same;
    await world.startGateway();
  });
});
