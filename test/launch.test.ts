// How the programs end when they are told to: by a signal to npm that its shell swallows, and by a signal that comes twice,
// as Ctrl-C does. Nothing may go on running, and no key of the simulation may stay on disk.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { lean } from '../bin/launch.js';

const root = resolve(import.meta.dirname, '..');
const launcher = join(root, 'bin/launch.js');
const simulator = join(root, 'connector-sim/cli.ts');
const serve = ['serve', '--json', '--port-base', '0'];
let child: ChildProcess | undefined;
let pid: number | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
});

/** Starts it and reads the ready line: folder of its keys, and a promise that everybody who held its stdout has ended. */
async function start(program: string, args: string[], env: NodeJS.ProcessEnv) {
  const started = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child = started;
  const closed = once(started, 'close');
  for await (const line of createInterface({ input: started.stdout })) {
    if (!line.startsWith('{')) continue;
    const ready = JSON.parse(line) as { caFile: string; pids: { simulator: number } };
    pid = ready.pids.simulator;
    return { started, closed, folder: dirname(ready.caFile) };
  }
  throw new Error('it ended before it was ready');
}

test('who stops npm stops what it started: the launcher notices that its shell is gone', async () => {
  // As npm does it: a shell that waits for the command and hands no signal on.
  const command = `"${process.execPath}" "${launcher}" connector-sim/cli.ts ${serve.join(' ')}; exit $?`;
  const { started, closed, folder } = await start('sh', ['-c', command], { npm_lifecycle_event: 'sim' });
  expect(existsSync(folder)).toBe(true);
  started.kill('SIGTERM');
  await closed;
  expect(existsSync(folder)).toBe(false);
});

test.each(['SIGTERM', 'SIGINT'] as const)('a second %s does not cut the orderly end short', async (signal) => {
  const { started, closed, folder } = await start(process.execPath, [simulator, ...serve], {});
  // The system joins signals that wait, so it takes many to be sure that two arrive.
  for (let n = 0; n < 500 && started.exitCode === null && started.signalCode === null; n++) {
    started.kill(signal);
    await new Promise(setImmediate);
  }
  await closed;
  expect(existsSync(folder)).toBe(false);
});

test('compiled sources are kept where that is possible, and nowhere else', () => {
  const kept = (env: object, folder?: string) => {
    const call = `import { compiled } from ${JSON.stringify(launcher)};
      console.log(JSON.stringify(compiled(${JSON.stringify(env)}, ${JSON.stringify(folder)})))`;
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', call], { encoding: 'utf8' });
    return JSON.parse(done.stdout) as { NODE_COMPILE_CACHE?: string };
  };
  const folder = mkdtempSync(join(tmpdir(), 'epa-launch-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(kept({}, join(folder, 'a', 'b'))).toEqual({ NODE_COMPILE_CACHE: join(folder, 'a', 'b') });
    expect(existsSync(join(folder, 'a', 'b'))).toBe(true);
    expect(kept({}, join(file, 'b'))).toEqual({});
    expect(kept({ NODE_COMPILE_CACHE: '/elsewhere' }, join(folder, 'c'))).toEqual({});
    expect(kept({ NODE_COMPILE_CACHE: '' }, join(folder, 'c'))).toEqual({});
    expect(existsSync(join(folder, 'c'))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the gateway gets little memory for short-lived objects and buffers, unless somebody has said how much', () => {
  expect(lean({})).toEqual({
    NODE_OPTIONS: '--max-semi-space-size=8 --expose-gc',
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '131072',
  });
  expect(lean({ NODE_OPTIONS: '--use-openssl-ca', MALLOC_ARENA_MAX: '8' })).toMatchObject({
    NODE_OPTIONS: '--use-openssl-ca --max-semi-space-size=8 --expose-gc',
    MALLOC_ARENA_MAX: '8',
  });
  expect(lean({ NODE_OPTIONS: '--max-semi-space-size=32 --expose-gc' })).toMatchObject({
    NODE_OPTIONS: '--max-semi-space-size=32 --expose-gc',
  });
});
