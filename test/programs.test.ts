// The programs as their users start them (api.md section 1): the ready lines member by member, and a gateway alone from what
// GET /sim/settings answered, before and after a reset (section 4).
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { mintLeaf, mintRoot } from '../certs/mint.ts';

type Ready = Record<string, unknown> & { pids: Record<string, number> };
const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'epa-programs-'));
const running: ChildProcess[] = [];
/** Emits `export` when any started gateway logs that an export has come to rest, `certificates` when it has read new ones. */
const settled = new EventEmitter();
afterEach(async () => {
  for (const child of running.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a program through the launcher, as the npm scripts do, and reads its first line of stdout. */
async function start(args: string[], env: Record<string, string> = {}): Promise<Ready> {
  const child = spawn(process.execPath, ['bin/launch.js', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  createInterface({ input: child.stderr }).on('line', (text) => {
    if (text.includes('"msg":"export settled"')) settled.emit('export');
    if (text.includes('"msg":"own certificates read anew"')) settled.emit('certificates');
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return JSON.parse(String(line)) as Ready;
}

const GATEWAY = ['ready', 'environment', 'gateway', 'admin', 'apiKey', 'operatorKey', 'diga', 'telematikId', 'pids'];
const SIMULATOR = [
  ...['ready', 'environment', 'konnektor', 'recordSystems', 'idp', 'control', 'caFile'],
  ...['diga', 'telematikId', 'insured', 'pids'],
];
const DEMO = [...new Set([...GATEWAY, ...SIMULATOR])];
const members = (ready: Ready) => Object.keys(ready).sort();
const control = async (ready: Ready, method: string, path: string, body?: object) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${ready.control}${path}`, { method, headers, body: body && JSON.stringify(body) });
  expect(answer.status, `${method} ${path}`).toBeLessThan(300);
  return (await answer.json()) as Record<string, unknown>;
};

/** Posts a PDF for an insured and waits for the end. */
async function statusOf(gateway: Ready, kvnr: string): Promise<unknown> {
  const pdf = Buffer.from(`%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\nstartxref\n0\n%%EOF ${kvnr}\n%%EOF\n`);
  const headers = { authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json' };
  const rest = once(settled, 'export');
  const accepted = await fetch(`${gateway.gateway}/v1/exports`, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      kvnr,
      kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: '2026-11-20T08:00:00Z' },
      consent: { id: 'c-1', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
      prescriptionEnds: '2199-12-31',
      content: { mode: 'document', mimeType: 'application/pdf', base64: pdf.toString('base64') },
    }),
  });
  const { id } = (await accepted.json()) as { id?: string };
  await rest;
  return ((await (await fetch(`${gateway.gateway}/v1/exports/${id}`, { headers })).json()) as { status?: string })
    .status;
}

test('the simulator with a forward proxy beside it says where, and the Konnektor is reached through it', async () => {
  const args = ['bin/launch.js', 'connector-sim/cli.ts', 'serve', '--port-base', '0', '--proxy', '0'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const found: Record<string, URL> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, url] = /^ {2}(Konnektor|forward proxy) +(http\S+)/.exec(line) ?? [];
    if (name !== undefined && url !== undefined) found[name] = new URL(url);
    if (/^ {2}seed/.test(line)) break;
  }
  const socket = connect(Number(found['forward proxy']?.port), '127.0.0.1');
  const authority = found.Konnektor?.host;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
});

describe('the simulator alone, and a gateway alone from its settings', () => {
  test('each prints its own part of the ready line, and an export is written, also after a reset', async () => {
    const sim = await start(['connector-sim/cli.ts', 'serve', '--json', '--port-base', '0', '--seed', '11']);
    expect(members(sim)).toEqual(SIMULATOR.toSorted());
    expect(Object.keys(sim.pids)).toEqual(['simulator']);
    for (const round of ['fresh', 'after-reset']) {
      const seed = round === 'fresh' ? undefined : 12;
      const { insured } = seed === undefined ? sim : await control(sim, 'POST', '/sim/reset', { seed });
      const config = join(folder, `${round}.json`);
      writeFileSync(config, JSON.stringify(await control(sim, 'GET', '/sim/settings')));
      const env = { EPA_GATEWAY_CONFIG: config, EPA_GATEWAY_DATA: join(folder, round) };
      const gateway = await start(['gateway/cli.ts', 'serve', '--json'], env);
      expect(members(gateway)).toEqual(GATEWAY.toSorted());
      expect(Object.keys(gateway.pids)).toEqual(['gateway']);
      expect(await statusOf(gateway, (insured as string[])[1] ?? '')).toBe('written');
      const child = running.pop();
      child?.kill('SIGTERM');
      if (child !== undefined) expect(await once(child, 'exit')).toEqual([0, null]);
    }
    const counts = await control(sim, 'GET', '/sim/operations');
    expect(counts).toMatchObject({ ExternalAuthenticate: 2, 'vau.handshake': 1, send_authcode_sc: 1, 'ITI-41': 1 });
  });
});

test('SIGHUP has the certificates of the listeners read anew, and ends nothing (CRT-11)', async () => {
  const sim = await start(['connector-sim/cli.ts', 'serve', '--json', '--port-base', '0']);
  const ca = mintRoot('own root');
  const tls = { certFile: join(folder, 'own.pem'), keyFile: join(folder, 'own.key') };
  const put = (commonName: string) => {
    const notAfter = new Date(Date.now() + 100 * 86_400_000);
    const { certPem, keyPem } = mintLeaf(ca, { commonName, curve: 'P-256', notAfter, dns: ['localhost'] });
    writeFileSync(tls.certFile, certPem);
    writeFileSync(tls.keyFile, keyPem, { mode: 0o600 });
  };
  put('first');
  const settings = await control(sim, 'GET', '/sim/settings');
  const config = join(folder, 'own-tls.json');
  writeFileSync(config, JSON.stringify({ ...settings, listen: { ...(settings.listen as object), tls } }));
  const env = { EPA_GATEWAY_CONFIG: config, EPA_GATEWAY_DATA: join(folder, 'own-tls') };
  const gateway = await start(['gateway/cli.ts', 'serve', '--json'], env);
  const { hostname, port } = new URL(String(gateway.gateway));
  const shown = async () => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const subject = socket.getPeerX509Certificate()?.subject;
    socket.destroy();
    return subject;
  };
  put('second');
  expect(await shown()).toContain('first');
  const read = once(settled, 'certificates');
  process.kill(gateway.pids.gateway as number, 'SIGHUP');
  await read;
  expect(await shown()).toContain('second');
});

/** A base with eight free ports from it on: the demo wants them by number. */
async function freeBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const doors = Array.from({ length: 8 }, () => createServer());
    const opened = await Promise.all(
      doors.map((door, i) =>
        once(door.listen(base + i, '127.0.0.1'), 'listening').then(
          () => true,
          () => false,
        ),
      ),
    );
    for (const [i, door] of doors.entries()) if (opened[i] === true) await once(door.close(), 'close');
    if (opened.every(Boolean)) return base;
  }
}

test('the demo stays up with every member of the ready line, over TLS under caFile, and ends on SIGTERM', async () => {
  const ready = await start(['demo/demo.ts', '--keep', '--json', '--tls', '--port-base', String(await freeBase())]);
  expect(members(ready)).toEqual(DEMO.toSorted());
  expect(Object.keys(ready.pids).sort()).toEqual(['gateway', 'simulator']);
  const agent = new Agent({ ca: readFileSync(String(ready.caFile)), ecdhCurve: 'brainpoolP256r1:prime256v1' });
  for (const address of [`${ready.gateway}/livez`, `${ready.admin}/`]) {
    const [answer] = await once(get(address, { agent }), 'response');
    answer.resume();
    expect(answer.statusCode, address).toBeLessThan(500);
  }
  agent.destroy();
  const [child] = running.splice(0);
  child?.kill('SIGTERM');
  if (child !== undefined) expect(await once(child, 'exit')).toEqual([0, null]);
});

test('the demo tells its story once and ends with 0: every step as told, the record asked after each (TST-01)', async () => {
  const args = ['bin/launch.js', 'demo/demo.ts', '--once', '--json', '--port-base', String(await freeBase())];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  running.push(child);
  const lines = createInterface({ input: child.stdout });
  let last = '';
  lines.on('line', (line) => {
    last = line;
  });
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  const told = JSON.parse(last) as {
    ok: boolean;
    steps: { name: string; ok: boolean }[];
    exports: { status: string; version: number }[];
  };
  expect([code, told.ok]).toEqual([0, true]);
  expect(told.steps.map((step) => [step.name, step.ok])).toEqual(
    ['first-export', 'second-version', 'other-record-system', 'approval', 'pin-lost', 'lost-answer'].map((name) => [
      name,
      true,
    ]),
  );
  // Of the six that ran while the record systems restarted, three each for two insured, each is the first of its series.
  expect(told.exports.map((one) => [one.status, one.version])).toEqual(
    [1, 2, 1, 1, ...Array.from({ length: 6 }, () => 1), 2].map((n) => ['written', n]),
  );
});
