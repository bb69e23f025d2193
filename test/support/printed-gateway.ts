// A gateway as its own process on a running simulator, with every byte that it prints kept: what a logger really writes, not
// what it was handed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export type PrintedGateway = {
  address: string;
  admin: string;
  apiKey: string;
  operatorKey: string;
  dataDirectory: string;
  /** stdout and stderr so far. */
  printed(): string;
  /** Resolves with the next line that holds all of these texts. */
  line(...texts: string[]): Promise<void>;
  stop(): Promise<void>;
};

export async function startPrintedGateway(settings: object): Promise<PrintedGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'epa-printed-'));
  const file = join(folder, 'gateway.json');
  const dataDirectory = join(folder, 'data');
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../gateway/cli.ts'), 'serve', '--json'], {
    env: { ...process.env, EPA_GATEWAY_CONFIG: file, EPA_GATEWAY_DATA: dataDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  const waiting = new Set<{ texts: string[]; resolve: () => void }>();
  const ready = Promise.withResolvers<{ gateway: string; admin: string; apiKey: string; operatorKey: string }>();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line);
      if (line.startsWith('{"ready":true')) ready.resolve(JSON.parse(line));
      for (const one of waiting) if (one.texts.every((text) => line.includes(text))) one.resolve();
    });
  child.once('exit', () => ready.reject(new Error(`the gateway ended: ${printed.join('\n')}`)));
  const { gateway, ...rest } = await ready.promise;
  return {
    ...rest,
    address: gateway,
    dataDirectory,
    printed: () => printed.join('\n'),
    line: async (...texts) => {
      const { promise, resolve: done } = Promise.withResolvers<void>();
      const one = { texts, resolve: done };
      waiting.add(one);
      if (printed.some((line) => texts.every((text) => line.includes(text)))) done();
      await promise;
      waiting.delete(one);
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
