// The receiver that docs/webhooks.md shows, as its own process: started from the very text.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { codeBlocks } from './markdown.ts';

/** `lines`: what it printed since it listens. */
export async function startExampleReceiver(secret: string) {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/webhooks.md'), 'utf8');
  const [program, ...more] = codeBlocks(page, 'js');
  if (program === undefined || more.length > 0) throw new Error('docs/webhooks.md has one program');
  const folder = mkdtempSync(join(tmpdir(), 'epa-receiver-'));
  writeFileSync(join(folder, 'receiver.mjs'), program);
  const child = spawn(process.execPath, [join(folder, 'receiver.mjs')], {
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  const [first] = (await once(output, 'line')) as [string];
  output.on('line', (line) => lines.push(line));
  return {
    origin: `http://127.0.0.1:${first.replace('listening ', '')}`,
    lines,
    /** Resolves with the next line, or with the one that came already. */
    line: async (n: number): Promise<string> => {
      while (lines[n] === undefined) await once(output, 'line');
      return lines[n];
    },
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
