// The whole simulator as a program (api.md section 1): the ready line, its listeners, its files, its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPem } from '../../../certs/certificate.ts';
import { isKvnr } from '../../../connector-sim/kvnr.ts';
import { LENIENT_STOPS_CHECKING } from '../../../connector-sim/leniencies.ts';
import { type Simulator, startSimulator } from '../../../connector-sim/main.ts';
import { clientTlsOptions } from '../../../wire/tls.ts';

const cli = resolve(import.meta.dirname, '../../../connector-sim/cli.ts');

describe('startSimulator', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ seed: 11 });
  });
  afterAll(() => simulator.stop());

  test('the ready line is the simulator’s part of the contract, and nothing else', () => {
    expect(simulator.ready).toEqual({
      ready: true,
      environment: 'SIM',
      konnektor: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
      recordSystems: [expect.stringMatching(/^https:/), expect.stringMatching(/^https:/)],
      idp: expect.stringMatching(/^https:/),
      control: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      caFile: expect.stringMatching(/^\//),
      diga: 'demo',
      telematikId: '9-DEMO-DIGA-0001',
      insured: [expect.any(String), expect.any(String), expect.any(String)],
      pids: { simulator: process.pid },
    });
    expect(simulator.ready.insured.every(isKvnr)).toBe(true);
  });

  test('every file of the settings exists, for its owner alone', () => {
    const paths = [...JSON.stringify(simulator.settings({ tls: true })).matchAll(/"(\/[^"]+)"/g)].map(
      (m) => m[1] ?? '',
    );
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) expect(statSync(path).mode & 0o777, path).toBe(0o600);
    expect(statSync(dirname(paths[0] ?? '')).mode & 0o777).toBe(0o700);
    expect(readFileSync(simulator.settings().masterKeyFile)).toHaveLength(32);
  });

  test('caFile holds every root, of the TI, of the Konnektor and of the gateway’s own listeners', () => {
    const roots = readPem(readFileSync(simulator.ready.caFile, 'utf8'));
    expect(roots.map((root) => root.subject === root.issuer && root.isCa)).toEqual([true, true, true]);
    const threeYears = 3 * 365 * 86_400_000;
    expect(roots.every((root) => Date.now() - root.notBefore.getTime() >= threeYears - 60_000)).toBe(true);
  });

  test('record systems, IDP and control answer under it; the Konnektor does not without a client certificate', async () => {
    const ca = readFileSync(simulator.ready.caFile, 'utf8');
    const dispatcher = new Agent({ connect: clientTlsOptions({ ca }) });
    const { recordSystems, idp, konnektor, control } = simulator.ready;
    const answer = async (url: string) => {
      const { statusCode, body } = await request(url, { dispatcher });
      await body.dump();
      return statusCode;
    };
    for (const url of [...recordSystems, idp]) expect(await answer(`${url}/nothing-here`)).toBeGreaterThanOrEqual(400);
    expect(await answer(`${control}/sim/operations`)).toBe(200);
    await expect(answer(`${konnektor}/connector.sds`)).rejects.toThrow();
    await dispatcher.destroy();
  });

  test('a port in use ends the start and leaves no file behind', async () => {
    const { port } = new URL(simulator.ready.idp);
    await expect(startSimulator({ portBase: Number(port) - 5 })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('epa-sim', () => {
  const start = (...args: string[]) => spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = async (child: ChildProcess) => {
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk) => (out += chunk));
    child.stderr?.on('data', (chunk) => (err += chunk));
    const [code] = await once(child, 'close');
    return { code, out, err };
  };

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'serve --json prints one line, and %s ends it with 0 and without files',
    async (signal) => {
      const child = start('serve', '--json', '--port-base', '0', '--seed', '3');
      const end = ended(child);
      if (child.stdout === null) throw new Error('no stdout');
      const [line] = await once(child.stdout, 'data');
      const ready = JSON.parse(String(line));
      expect(ready).toMatchObject({ ready: true, pids: { simulator: child.pid } });
      expect(existsSync(ready.caFile)).toBe(true);
      child.kill(signal);
      expect(await end).toMatchObject({ code: 0, out: `${JSON.stringify(ready)}\n`, err: '' });
      expect(existsSync(dirname(ready.caFile))).toBe(false);
    },
  );

  test('--lenient says what it stops checking; --scenario names the insured', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'epa-sim-test-'));
    const file = join(folder, 'scenario.yaml');
    writeFileSync(file, 'seed: 4\ninsured:\n  - kvnr: X110411675\n    recordSystem: epa-as-2\n');
    const child = start('serve', '--port-base', '0', '--lenient', '--scenario', file);
    const end = ended(child);
    if (child.stdout === null) throw new Error('no stdout');
    const [text] = await once(child.stdout, 'data');
    expect(String(text)).toMatch(/seed\s+4\n/);
    // Whose each system is, for people.
    expect(String(text)).toMatch(/epa-as-1, (ibm|rise)\).*epa-as-2, (ibm|rise)\)/);
    expect(String(text)).toMatch(/Konnektor +https:\S+ +\(\S.*mutual TLS/);
    const control = /http:\/\/127\.0\.0\.1:\d+/.exec(String(text))?.[0] ?? '';
    const state = (await (await request(`${control}/sim/state`)).body.json()) as { insured: string[]; strict: boolean };
    expect(state).toMatchObject({ insured: ['X110411675'], strict: false });
    child.kill('SIGTERM');
    const { err } = await end;
    for (const leniency of LENIENT_STOPS_CHECKING) expect(err).toContain(leniency);
    rmSync(folder, { recursive: true });
  });

  test('a usage error ends with 2 and says how it is called', async () => {
    const { code, out, err } = await ended(start('run'));
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('usage: epa-sim serve');
  });

  test('a bad scenario, or none, is said in words', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'epa-sim-test-'));
    const file = join(folder, 'scenario.yaml');
    writeFileSync(file, 'seeds: 4\ninsured: []\n');
    const bad = await ended(start('serve', '--scenario', file));
    expect([bad.code, bad.err]).toEqual([1, expect.stringMatching(/\/seeds: unknown member/)]);
    expect(bad.err).toMatch(/\/insured/);
    const none = await ended(start('serve', '--scenario', join(folder, 'none.yaml')));
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('ENOENT')]);
    rmSync(folder, { recursive: true });
  });

  test('scenario ends with its last step: 0, 1 when one has failed or there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'epa-sim-test-'));
    const file = join(folder, 'scenario.yaml');
    const play = (text: string) => {
      writeFileSync(file, text);
      return ended(start('scenario', file, '--port-base', '0', '--json'));
    };
    const good = await play('steps: [{do: {"PATCH /sim/terminals/CT_SIM_0001": {connected: false}}}]');
    expect([good.code, good.out.trim().split('\n').length]).toEqual([0, 3]);
    expect(good.out).toContain('{"done":true,"passed":1,"failed":0,"skipped":0}');
    const bad = await play('steps: [{do: {"POST /sim/nothing": {}}}]');
    expect([bad.code, bad.out]).toEqual([1, expect.stringContaining('"failed":1')]);
    const none = await play('seed: 1');
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('no steps')]);
    rmSync(folder, { recursive: true });
  });

  test('a port in use is said in words', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { code, err } = await ended(start('serve', '--port-base', String(address.port - 6)));
    holder.close();
    expect([code, err]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });
});
