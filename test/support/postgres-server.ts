// PostgreSQL for the tests: the one that EPA_TEST_POSTGRES names, else one of our own where its programs are installed (as an
// unprivileged user, for it refuses root), else none: then run.ts says so in one line.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';
import { madeShape } from './used-schemas.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string | undefined;
    madeShape: string | undefined;
  }
}

export type PostgresServer = { url: string; stop(): Promise<void> };

const PACKAGED = '/usr/lib/postgresql';
const NOBODY = 65_534;

/** Where `initdb` and `postgres` lie, the newest first; undefined where there are none. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(PACKAGED)) return undefined;
  return readdirSync(PACKAGED)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(PACKAGED, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
}

/** Whether tests can have a PostgreSQL here. */
export const hasPostgres = (): boolean =>
  (process.env.EPA_TEST_POSTGRES ?? '') !== '' || postgresPrograms() !== undefined;

/** One to use, or undefined. `options`: settings of the server (`-c` lines), with which it is one of our own. */
export async function startPostgres(
  options: readonly string[] = [],
  files: (folder: string) => void = () => {},
): Promise<PostgresServer | undefined> {
  const given = process.env.EPA_TEST_POSTGRES ?? '';
  if (given !== '' && options.length === 0) return { url: given, stop: async () => {} };
  const programs = postgresPrograms();
  if (programs === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'epa-postgres-'));
  const root = process.getuid?.() === 0;
  const as = root ? { uid: NOBODY, gid: NOBODY } : {};
  if (root) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, 'data');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8'], {
    ...as,
    stdio: 'ignore',
  });
  files(data);
  const port = await freePort();
  const listening = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, 'fsync=off'];
  const args = [...listening, ...options].flatMap((line) => ['-c', line]);
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...args], {
    ...as,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(child);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      // SIGINT is its fast stop: it does not wait for clients.
      child.kill('SIGINT');
      if (child.exitCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  const { stderr } = child;
  if (stderr === null) throw new Error('the server has no output');
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`PostgreSQL ended: ${said.join(' ')}`)));
    createInterface({ input: stderr }).on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** vitest's global set-up: one server for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = hasPostgres() ? await startPostgres() : undefined;
  project.provide('postgresUrl', server?.url);
  project.provide('madeShape', server && (await madeShape(server.url)));
  return async () => server?.stop();
}
