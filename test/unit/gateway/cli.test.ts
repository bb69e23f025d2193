// The program itself, as a process: ready line, exit codes, the lock of its data directory, a graceful end (api.md section 1).
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mintRoot } from '../../../certs/mint.ts';
import { TABLES_FOLDER } from '../../../mio/tables.ts';
import { mioBundle, temporaryDirectory } from '../../support/gateway-fakes.ts';
import { OPERATOR_KEY, rawSettings, WRITER_KEY } from '../../support/gateway-server.ts';

const cli = fileURLToPath(new URL('../../../gateway/cli.ts', import.meta.url));
let directory: ReturnType<typeof temporaryDirectory>;
let config: string;
const running: ChildProcess[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  const { dataDirectory: _dropped, ...raw } = rawSettings(directory.path);
  // The Konnektor of these settings is not there: the gateway must start and say so.
  const root = mintRoot('TEST-ONLY root');
  const pem = join(directory.path, 'some.pem');
  writeFileSync(pem, root.certPem);
  const key = join(directory.path, 'client.key');
  writeFileSync(key, root.keyPem, { mode: 0o600 });
  const konnektors = raw.konnektors.map((k) => ({
    ...k,
    url: 'https://127.0.0.1:9',
    clientCertificate: pem,
    clientKey: key,
  }));
  config = join(directory.path, 'settings.json');
  writeFileSync(config, JSON.stringify({ ...raw, konnektors }));
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  directory.remove();
});

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { EPA_GATEWAY_CONFIG: config, EPA_GATEWAY_DATA: join(directory.path, 'data'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  return { child, exited: once(child, 'exit'), stderr: text(child.stderr) };
}

test('serve --json prints the ready line alone on stdout, holds its data directory, and ends gracefully on SIGTERM', async () => {
  const first = start(['serve', '--json']);
  const [line] = await once(first.child.stdout, 'data');
  const ready = JSON.parse(String(line));
  expect(ready).toMatchObject({
    ready: true,
    environment: 'SIM',
    apiKey: WRITER_KEY,
    operatorKey: OPERATOR_KEY,
    diga: 'demo',
    telematikId: '9-DEMO-DIGA-0001',
    pids: { gateway: first.child.pid },
  });
  expect((await fetch(`${ready.gateway}/livez`)).status).toBe(200);
  expect((await fetch(`${ready.admin}/metrics`)).status).toBe(401);

  const second = start(['serve']);
  expect(await second.exited).toEqual([1, null]);
  expect(await second.stderr).toContain('DATA_DIRECTORY_IN_USE');

  first.child.kill('SIGTERM');
  expect(await first.exited).toEqual([0, null]);
  const log = await first.stderr;
  expect(log).toContain('"msg":"gateway ready"');
  for (const secret of [WRITER_KEY, OPERATOR_KEY]) expect(log).not.toContain(secret);
});

test('wrong settings are listed, each by its key, and end with exit code 2', async () => {
  writeFileSync(config, 'environment: NOWHERE\nuserAgent: 5\nnonsense: true\n');
  const { exited, stderr } = start(['serve']);
  expect(await exited).toEqual([2, null]);
  const said = await stderr;
  for (const key of ['CONFIG_INVALID', 'environment', 'userAgent', 'nonsense', 'masterKeyFile', 'konnektors'])
    expect(said).toContain(key);
});

test('an address that is taken ends the start with a plain word', async () => {
  const first = start(['serve', '--json']);
  const [line] = await once(first.child.stdout, 'data');
  const { port } = new URL(JSON.parse(String(line)).gateway);
  const second = start(['serve'], { EPA_GATEWAY_LISTEN_PORT: port, EPA_GATEWAY_DATA: join(directory.path, 'other') });
  expect(await second.exited).toEqual([2, null]);
  expect(await second.stderr).toContain('EADDRINUSE');
});

test.each<[string[], string, string]>([
  [[], 'no command is named', 'serve [--json]'],
  [['dance'], 'there is no command "dance"', 'serve [--json]'],
  [['serve', '--loud'], "Unknown option '--loud'", 'serve [--json]'],
  [['serve', 'twice'], 'serve takes no "twice"', 'serve [--json]'],
  [['serve', '--confirm'], 'serve takes no --confirm', 'serve [--json]'],
  [['audit'], 'audit needs one of: verify', 'audit verify [--json]'],
  [['audit', 'repair'], 'audit has no "repair", only: verify', 'audit verify [--json]'],
  [['keys', 'lose'], 'keys takes no "lose"; it has rotate', 'keys [--json]'],
  [['pin', 'verify'], 'pin verify needs the ICCSN of a card', 'pin verify ICCSN'],
  [['pin', 'verify', '123'], '"123" is no ICCSN: it has 20 digits', 'pin verify ICCSN'],
  [['pin', 'guess', '1'], 'pin has no "guess", only: verify, change, unblock', 'pin verify ICCSN'],
  [['mio', 'build'], 'mio build needs a FILE', 'mio validate FILE'],
])('of the arguments %j the fault is named, with the usage of that command alone', async (args, fault, usage) => {
  const { exited, stderr } = start(args);
  expect(await exited).toEqual([2, null]);
  const said = await stderr;
  expect(said).toContain(`epa-gateway: ${fault}`);
  expect(said).toContain(`usage: epa-gateway ${usage}`);
  if (args[0] !== undefined && args[0] !== 'dance' && args[0] !== 'serve')
    expect(said).not.toContain('epa-gateway serve');
});

test('--help of a command is about it alone, and says what its exit codes mean', async () => {
  for (const [word, code] of [
    ['alarms', 'Exit code of test 1'],
    ['certificates', 'Exit code 1: one has ended'],
    ['cards', 'a DiGA has no card that can sign'],
  ] as const) {
    const { child, exited } = start([word, '--help']);
    const said = await text(child.stdout);
    expect(await exited).toEqual([0, null]);
    expect(said).toContain(code);
    expect(said).not.toContain('epa-gateway serve');
  }
});

test('audit verify reads beside a running gateway and after it, and tells 0, 1 and 2 apart (SEC-09, D9)', async () => {
  const verify = async (...more: string[]) => {
    const { child, exited, stderr } = start(['audit', 'verify', ...more]);
    const stdout = await text(child.stdout);
    const [code] = await exited;
    return { code, stdout, stderr: await stderr };
  };
  expect(await verify()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('STORE_BROKEN') });

  const gateway = start(['serve', '--json']);
  await once(gateway.child.stdout, 'data');
  const running = await verify('--json');
  expect(running.code).toBe(0);
  expect(JSON.parse(running.stdout)).toMatchObject({ ok: true, entries: 2, covered: 2, findings: [] });
  gateway.child.kill('SIGTERM');
  await gateway.exited;

  const whole = await verify();
  expect(whole.code).toBe(0);
  expect(whole.stdout).toMatch(
    /^3 entries, newest 3 with hash [0-9a-f]{64}\n2 checkpoints in the store, 2 in the file/,
  );
  expect(whole.stdout).toMatch(/-----BEGIN PUBLIC KEY-----[\s\S]*\nok: the audit trail is whole\n$/);

  const store = new DatabaseSync(join(directory.path, 'data/gateway.db'));
  store.exec("DROP TRIGGER audit_no_update; UPDATE audit SET action = 'gateway.started' WHERE seq = 3");
  store.close();
  const broken = await verify();
  expect(broken).toMatchObject({ code: 1, stderr: '' });
  expect(broken.stdout).toMatch(/\n {2}changed: entry 3 was changed\n[\s\S]*\nBROKEN: first at entry 3\n$/);
  expect(JSON.parse((await verify('--json')).stdout)).toMatchObject({ ok: false, firstBroken: 3 });

  writeFileSync(join(directory.path, 'master.key'), randomBytes(32));
  const otherKey = await verify();
  expect(otherKey).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('STORE_BROKEN') });
});

test('keys asks the running gateway, rotate orders new ones, and a refusal is told with its remedy (D9)', async () => {
  const keys = async (...more: string[]) => {
    const { child, exited, stderr } = start(['keys', ...more]);
    const stdout = await text(child.stdout);
    const [code] = await exited;
    return { code, stdout, stderr: await stderr };
  };
  const gateway = start(['serve', '--json']);
  const [line] = await once(gateway.child.stdout, 'data');
  const admin = ['--admin', JSON.parse(String(line)).admin as string];
  expect(await keys(...admin)).toEqual({
    code: 0,
    stdout: 'demo: generation 1\nsecond: generation 1\nnever rotated\n',
    stderr: '',
  });
  const rotated = await keys('rotate', '--diga', 'demo', '--json', ...admin);
  expect(rotated.code).toBe(0);
  expect(JSON.parse(rotated.stdout)).toMatchObject({ digas: ['demo'], startedBy: 'op', unreadable: 0 });
  expect((await keys(...admin)).stdout).toMatch(
    /^demo: generation 2\nsecond: generation 1\nrotation of demo from 2.*: ended, 0 data keys wrapped anew\n$/,
  );
  const unknown = await keys('rotate', '--diga', 'nobody', ...admin);
  expect(unknown).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^CALL_INVALID: .*\n {2}\?diga: names no DiGA of the settings\n/),
  });
  const stranger = await keys(...admin, '--key-file', join(directory.path, 'reader.key'));
  expect(stranger).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^UNAUTHENTICATED: /) });
  gateway.child.kill('SIGTERM');
  await gateway.exited;
  for (const [more, said] of [
    [admin, 'ADMIN_UNREACHABLE: http://127.0.0.1:'],
    [[...admin, '--ca', 'nowhere'], 'ARGUMENT_INVALID: --ca: nowhere cannot be read (ENOENT)'],
    [['--admin', 'https://127.0.0.1:9'], 'ARGUMENT_INVALID: https://127.0.0.1:9: https needs --ca FILE'],
  ] as const)
    expect(await keys(...more)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(said) });
});

test('mio works by the settings where there are some: tables, version, limit, app (D25)', async () => {
  const settings = JSON.parse(readFileSync(config, 'utf8'));
  const tables = join(directory.path, 'tables');
  cpSync(TABLES_FOLDER, tables, { recursive: true });
  cpSync(join(tables, '1.1.0'), join(tables, '1.2.0'), { recursive: true });
  const [first, second] = settings.digas;
  const digas = [
    { ...first, mioVersions: ['1.1.0'] },
    { ...second, mioVersions: ['1.2.0'] },
  ];
  writeFileSync(config, JSON.stringify({ ...settings, digas, mioTables: tables, limits: { documentBytes: 2000 } }));
  const xml = join(directory.path, 'a.xml');
  writeFileSync(xml, mioBundle('a'));
  const mio = async (args: string[], env: Record<string, string> = {}) => {
    const { child, exited, stderr } = start(['mio', ...args, '--json'], env);
    const out = await text(child.stdout);
    return { code: (await exited)[0], read: out === '' ? undefined : JSON.parse(out), said: await stderr };
  };
  const own = await mio(['validate', xml]);
  expect([own.code, own.read.version]).toEqual([1, '1.1.0']);
  expect(own.read.files[0].findings).toMatchObject([{ code: 'MIO_TOO_LARGE' }]);
  expect((await mio(['validate', xml, '--diga', 'second'])).read.version).toBe('1.2.0');
  expect((await mio(['validate', xml, '--mio-version', '1.2.0'])).read.version).toBe('1.2.0');
  const json = join(directory.path, 'b.json');
  writeFileSync(json, JSON.stringify({ mode: 'simple', entries: [] }));
  expect((await mio(['build', json, '--diga', 'second'])).read).toMatchObject({ ok: false, version: '1.2.0' });
  const unknown = await mio(['validate', xml, '--diga', 'third']);
  expect([unknown.code, unknown.read, unknown.said]).toEqual([2, undefined, expect.stringContaining('--diga')]);
  writeFileSync(config, JSON.stringify({ ...settings, mioTables: directory.path }));
  const faulty = await mio(['validate', xml]);
  expect([faulty.code, faulty.read, faulty.said]).toEqual([2, undefined, expect.stringContaining('mioTables')]);
});

test.each([
  ['--diga', 'nope', /^--diga names no DiGA of the settings, which are: demo, second\n$/],
  ['--konnektor', 'k9', /^--konnektor names no Konnektor of the DiGA demo, which are: k1\n$/],
  ['--insured-file', '/nowhere', /^--insured-file: cannot be read\n$/],
])('doctor with a wrong %s says so, and speaks of no settings to correct', async (name, value, words) => {
  const run = start(['doctor', name, value]);
  const out = text(run.child.stdout);
  const [code] = await run.exited;
  expect([code, await out]).toEqual([2, '']);
  expect(await run.stderr).toMatch(words);
  const json = start(['doctor', name, value, '--json']);
  const told = JSON.parse(await text(json.child.stdout));
  expect(told).toMatchObject({ ok: false, code: 'ARGUMENT_INVALID' });
});

test('doctor --json with wrong settings answers in JSON, on stdout', async () => {
  const raw = JSON.parse(readFileSync(config, 'utf8'));
  writeFileSync(config, JSON.stringify({ ...raw, userAgent: 5 }));
  const run = start(['doctor', '--json']);
  const out = text(run.child.stdout);
  const [code] = await run.exited;
  expect([code, await run.stderr]).toEqual([2, '']);
  expect(JSON.parse(await out)).toEqual({
    ok: false,
    code: 'CONFIG_INVALID',
    faults: [{ key: 'userAgent', message: 'is missing or not of type text' }],
  });
});
