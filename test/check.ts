// npm run check: types, lint and format, import directions; every finding of all three, then one exit code.
import '../wire/tls.ts';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const BUILD_INFO = join(root, 'node_modules/.cache/tsc.tsbuildinfo');
const steps: [name: string, program: string, ...args: string[]][] = [
  // Beside the packages, so that a second check reads only what changed.
  ['types', join(root, 'node_modules/.bin/tsc'), '-p', '.', '--incremental', '--tsBuildInfoFile', BUILD_INFO],
  ['lint and format', join(root, 'node_modules/.bin/biome'), 'check', '.'],
  ['import directions and file sizes', process.execPath, join(root, 'test/run.ts'), 'test/architecture.test.ts'],
];

let bad = 0;
for (const [name, program, ...args] of steps) {
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  const ok = done.status === 0;
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${name}\n`);
  if (!ok) bad += 1;
}
process.exit(bad === 0 ? 0 : 1);
