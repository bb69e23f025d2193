// Starts simulator and gateway as two processes of their own, reads their ready lines, and stops them again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { lean, leanFlags } from '../bin/launch.js';

const root = resolve(import.meta.dirname, '..');
const START_LIMIT_MS = 60_000;

export type SimulatorReady = {
  ready: true;
  environment: 'SIM';
  konnektor: string;
  recordSystems: string[];
  idp: string;
  control: string;
  caFile: string;
  diga: string;
  telematikId: string;
  insured: string[];
  pids: { simulator: number };
};
export type GatewayReady = {
  ready: true;
  environment: 'SIM';
  gateway: string;
  admin: string;
  apiKey: string;
  operatorKey: string;
  diga: string;
  telematikId: string;
  pids: { gateway: number };
};
export type World = {
  simulator: SimulatorReady;
  gateway: GatewayReady;
  logs: string;
  /** One more gateway at the same simulator, with a data directory of its own and these settings changed. */
  addGateway: (name: string, change: Settings) => Promise<GatewayReady>;
  /** Resolves when these of its processes have ended. */
  ended: (pids: readonly number[]) => Promise<void>;
  stop: () => Promise<void>;
};
/** Members that replace those of the settings the simulator gives. */
export type Settings = Record<string, unknown>;

/** Starts `script serve --json …` and answers with its ready line; stderr and later stdout go to `log`. */
async function start<Ready>(
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  log: string,
  signal: AbortSignal,
): Promise<[Ready, ChildProcess]> {
  const flags = script === 'gateway/cli.ts' ? leanFlags : [];
  const child = spawn(process.execPath, [...flags, join(root, script), 'serve', '--json', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  child.on('error', () => {}); // an abort: the exit event follows
  const file = createWriteStream(log);
  child.stderr.pipe(file);
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise<Ready>((done, fail) => {
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`${script} was not ready after ${START_LIMIT_MS / 1000} s, see ${log}`));
    }, START_LIMIT_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      fail(new Error(`${script} ended (${signal ?? code}) before it was ready, see ${log}`));
    });
    lines.on('line', (line) => {
      const parsed = line.startsWith('{') ? (JSON.parse(line) as { ready?: boolean }) : undefined;
      if (parsed?.ready === true) {
        clearTimeout(limit);
        child.removeAllListeners('exit');
        done(parsed as Ready);
      } else file.write(`${line}\n`);
    });
  });
  return [ready, child];
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(limit);
}

export type StartOptions = {
  portBase: number;
  dataDirectory?: string;
  tls: boolean;
  seed?: number;
  settings?: Settings;
  signal: AbortSignal;
};

/** Both processes with a configuration from the simulator; the data directory is temporary unless one is named. */
export async function startWorld(options: StartOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'epa-demo-'));
  const simArgs = ['--port-base', String(options.portBase)];
  if (options.seed !== undefined) simArgs.push('--seed', String(options.seed));
  if (options.dataDirectory !== undefined) {
    // A data directory that stays needs a master key that stays; it lies beside it, as a real key does not lie in it (SEC-06).
    const keys = `${resolve(options.dataDirectory)}.keys`;
    await mkdir(keys, { recursive: true, mode: 0o700 });
    simArgs.push('--master-key', join(keys, 'master.key'));
  }
  const children: ChildProcess[] = [];
  const stopAll = async () => {
    for (const child of children.toReversed()) await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [simulator, simChild] = await start<SimulatorReady>(
      'connector-sim/cli.ts',
      simArgs,
      {},
      join(folder, 'simulator.log'),
      options.signal,
    );
    children.push(simChild);
    const answer = await fetch(`${simulator.control}/sim/settings${options.tls ? '?tls=true' : ''}`);
    if (!answer.ok) throw new Error(`the simulator refused its settings: HTTP ${answer.status}`);
    const given = (await answer.json()) as Settings;
    const startGateway = async (name: string, change: Settings, data: string): Promise<GatewayReady> => {
      const config = join(folder, `${name}.json`);
      await writeFile(config, JSON.stringify({ ...given, ...change }), { mode: 0o600 });
      await mkdir(data, { recursive: true, mode: 0o700 });
      const env = { ...lean(process.env), EPA_GATEWAY_CONFIG: config, EPA_GATEWAY_DATA: data };
      const log = join(folder, `${name}.log`);
      const [ready, child] = await start<GatewayReady>('gateway/cli.ts', [], env, log, options.signal);
      children.push(child);
      return ready;
    };
    const data = options.dataDirectory ?? join(folder, 'data');
    const gateway = await startGateway('gateway', options.settings ?? {}, data);
    const addGateway = (name: string, change: Settings) => startGateway(name, change, join(folder, `${name}-data`));
    const ended = async (pids: readonly number[]) => {
      const going = children.filter((child) => pids.includes(child.pid ?? 0) && !hasEnded(child));
      await Promise.all(going.map((child) => once(child, 'exit')));
    };
    return { simulator, gateway, logs: folder, addGateway, ended, stop: stopAll };
  } catch (cause) {
    for (const child of children.toReversed()) await stop(child);
    throw cause;
  }
}
