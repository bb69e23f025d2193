// One writer per data directory (D9), told across processes and freed by any death of the holder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDirectory } from '../../../../gateway/vault/data-directory.ts';
import { temporaryDirectory } from '../../../support/gateway-fakes.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const inUse = expect.objectContaining({ code: 'DATA_DIRECTORY_IN_USE' });

test('a second opening is refused until the first lets go', () => {
  const first = openDataDirectory(directory.path);
  expect(() => openDataDirectory(directory.path)).toThrow(inUse);
  first.release();
  openDataDirectory(directory.path).release();
});

test('another process that holds it is noticed, and its kill -9 frees it', async () => {
  const module = new URL('../../../../gateway/vault/data-directory.ts', import.meta.url).href;
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { openDataDirectory } = await import(${JSON.stringify(module)});
     globalThis.held = openDataDirectory(${JSON.stringify(directory.path)});
     process.stdout.write('held');
     process.stdin.resume();`,
  ]);
  await once(holder.stdout, 'data');
  expect(() => openDataDirectory(directory.path)).toThrow(inUse);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  openDataDirectory(directory.path).release();
});
