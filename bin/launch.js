#!/usr/bin/env node
// Starts one of our TypeScript programs on the pinned Node (docs/decisions.md), on a machine that has only git, npm and
// any Node >= 20: plain JavaScript, because Node 20 stops at the first .ts file. Installs what the lockfile names when
// node_modules is missing or belongs to another lockfile, then re-starts itself with the Node that came with it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, existsSync, mkdirSync, constants as modes, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wantedMajor = 26;
const localNode = join(root, 'node_modules', '.bin', 'node');
const stamp = join(root, 'node_modules', '.lockfile-hash');

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

function install() {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(localNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  process.stderr.write('Installing the packages of package-lock.json (first use, about half a minute) …\n');
  // No install scripts: every package we use works without, and none is trusted with our machine.
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) fail('npm ci failed; see the lines above.');
  writeFileSync(stamp, hash);
}

/**
 * Where Node keeps what it made of our TypeScript: 20 MB less memory and half the processor time for starting the gateway. A folder
 * that somebody has set stays; without one that can be written, programs start as slowly as the first time.
 */
export function compiled(env, folder = join(root, 'node_modules', '.cache', 'node-compile')) {
  if (env.NODE_COMPILE_CACHE !== undefined) return {};
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, modes.W_OK);
    return { NODE_COMPILE_CACHE: folder };
  } catch {
    return {};
  }
}

/**
 * What keeps the gateway's memory small beside documents of 24 MB (docs/bench.md): a small space for short-lived objects, a way to have
 * them collected (gateway/vault/dead-buffers.ts), and buffers that glibc gives back at once instead of keeping them for each thread. What somebody has set stays. The Dockerfile says the same.
 */
export function lean(env) {
  const options = env.NODE_OPTIONS ?? '';
  const missing = ['--max-semi-space-size=8', '--expose-gc'].filter(
    (one) => !options.includes(one.split('=')[0] ?? one),
  );
  return {
    NODE_OPTIONS: [options, ...missing].filter((one) => one !== '').join(' '),
    MALLOC_ARENA_MAX: env.MALLOC_ARENA_MAX ?? '1',
    MALLOC_MMAP_THRESHOLD_: env.MALLOC_MMAP_THRESHOLD_ ?? '131072',
  };
}

/**
 * Without it V8 keeps all memory of a thread that has ended for the next one: 120 MB after a document of 24 MB. Node takes it on the
 * command line alone, and only the pinned one surely knows it.
 */
export const leanFlags = ['--no-memory-pool-share-memory-on-teardown'];

/** Runs `script` of this project with `args` on the pinned Node and ends as it ends. */
export function launch(script, args) {
  if (existsSync(join(root, 'package-lock.json'))) install();
  const ours = Number(process.versions.node.split('.')[0]) >= wantedMajor;
  const node = existsSync(localNode) ? localNode : ours ? process.execPath : undefined;
  if (node === undefined) fail(`This program needs Node >= ${wantedMajor}; found ${process.versions.node}.`);
  const gateway = script === 'gateway/cli.ts';
  const memory = gateway ? lean(process.env) : {};
  const flags = gateway && node === localNode ? leanFlags : [];
  const child = spawn(node, [...flags, join(root, script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...compiled(process.env), ...memory, PATH: `${dirname(localNode)}:${process.env.PATH}` },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // Who stops `npm run …` by a signal stops npm and its shell, and the shell hands nothing on: being orphaned is the only sign.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent || process.env.npm_lifecycle_event === undefined) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, 250).unref();
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) fail('usage: launch.js SCRIPT.ts [ARGUMENT …]');
  launch(script, args);
}
