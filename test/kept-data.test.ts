// A data directory that stays (`npm run demo -- --keep --data DIR`): the gateway killed and started again on it knows what it
// wrote and finishes what was open, alone against `GET /sim/settings` as with a whole new demo.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { demoDocument } from '../demo/document.ts';
import { type ExportView, exportBody } from './support/world.ts';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'epa-kept-'));
const portBase = String(24_000 + (process.pid % 400) * 10);
const children: ChildProcess[] = [];

type Ready = { gateway: string; control: string; apiKey: string; insured: string[]; pids: { gateway: number } };

async function start(script: string, args: string[], env: Record<string, string> = {}): Promise<Ready> {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return JSON.parse(line) as Ready;
}
async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
const call = async (ready: Ready, method: string, path: string, body?: object): Promise<ExportView> => {
  const answer = await fetch(`${ready.gateway}${path}`, {
    method,
    headers: { authorization: `Bearer ${ready.apiKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as ExportView;
};

afterAll(async () => {
  for (const child of children.toReversed()) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

test('a gateway killed on it goes on alone, and a new demo opens it again', { timeout: 90_000 }, async () => {
  const data = join(folder, 'data');
  const demo = await start('demo/demo.ts', ['--keep', '--json', '--port-base', portBase, '--data', data]);
  const kvnr = demo.insured[2] ?? '';
  const accepted = await call(demo, 'POST', '/v1/exports', exportBody(kvnr, demoDocument(kvnr, 1, new Date())));
  // The 202 shows the export as it stands by then: its first try may have begun.
  expect(['queued', 'running']).toContain(accepted.status);
  process.kill(demo.pids.gateway, 'SIGKILL');

  const settings = join(folder, 'gateway.json');
  const answer = await fetch(`${demo.control}/sim/settings`);
  writeFileSync(settings, await answer.text(), { mode: 0o600 });
  const env = { EPA_GATEWAY_CONFIG: settings, EPA_GATEWAY_DATA: data };
  const again = { ...demo, ...(await start('gateway/cli.ts', ['serve', '--json'], env)) };
  expect(await call(again, 'GET', `/v1/exports/${accepted.id}`)).toMatchObject({
    id: accepted.id,
    document: accepted.document && { sha256: accepted.document.sha256 },
  });

  for (const child of children.splice(0).toReversed()) await end(child);
  const anew = await start('demo/demo.ts', ['--keep', '--json', '--port-base', portBase, '--data', data]);
  expect(await call(anew, 'GET', `/v1/exports/${accepted.id}`)).toMatchObject({ id: accepted.id });
});
