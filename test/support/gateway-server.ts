// A whole gateway for tests of its listeners: real settings, store and listeners on free ports, the outside as fakes.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { type Issued, mintLeaf, mintRoot } from '../../certs/mint.ts';
import { parseSettings, type Settings } from '../../gateway/config.ts';
import type { Timer } from '../../gateway/exports/worker.ts';
import type { Logger } from '../../gateway/log.ts';
import { silentLogger } from '../../gateway/log.ts';
import { type Gateway, startGateway } from '../../gateway/main.ts';
import { FakeOutside } from './fake-outside.ts';
import { KVNR, mioBundle, secretFile, standingClock, temporaryDirectory } from './gateway-fakes.ts';
import { dropStores, storeOf } from './stores.ts';

export const WRITER_KEY = 'writer-key-0123456789';
export const READER_KEY = 'reader-key-0123456789';
export const SECOND_KEY = 'second-key-0123456789';
export const OPERATOR_KEY = 'operator-key-0123456789';
export const MONITOR_KEY = 'monitor-key-0123456789';

/** What the settings name for the Konnektor is read by the rules, so it must be real. */
let konnektorFiles: { root: Issued; client: Issued } | undefined;

/** An anchor of each environment's PKI, told by its name (OPS-05); a productive one is any public root. */
const ANCHORS = {
  SIM: () => mintRoot('root').certPem,
  RU: () => mintLeaf(mintRoot('x'), { commonName: 'root', organization: 'gematik GmbH NOT-VALID' }).certPem,
  TU: () => mintLeaf(mintRoot('x'), { commonName: 'root', organization: 'gematik GmbH NOT-VALID' }).certPem,
  PU: () => rootCertificates[0] ?? '',
};
const anchors = new Map<string, string>();

/** A complete settings object whose files exist in `directory`: of SIM, with the anchors of `anchorsOf`. */
export function rawSettings(directory: string, anchorsOf: keyof typeof ANCHORS = 'SIM') {
  const file = (name: string, content: string | Uint8Array) => secretFile(directory, name, content);
  const pem = file(`anchor-${anchorsOf}.pem`, anchors.getOrInsertComputed(anchorsOf, ANCHORS[anchorsOf]));
  if (konnektorFiles === undefined) {
    const root = mintRoot('Konnektor root of tests');
    konnektorFiles = { root, client: mintLeaf(root, { commonName: 'gateway' }) };
  }
  const { root, client } = konnektorFiles;
  return {
    environment: 'SIM',
    dataDirectory: join(directory, 'data'),
    masterKeyFile: file('master.key', randomBytes(32)),
    userAgent: 'EPAGATEWAYSIM0000001/0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    trust: { rootsFile: pem, intermediatesFile: pem, ocspSignersFile: pem },
    konnektors: [
      {
        id: 'k1',
        url: 'https://127.0.0.1:18082',
        caFile: file('konnektor-ca.pem', root.certPem),
        clientCertificate: file('konnektor-client.pem', client.certPem),
        clientKey: file('konnektor-client.key', client.keyPem),
        mandant: 'm1',
        clientSystem: 'c1',
        workplace: 'w1',
      },
    ],
    idp: { issuer: 'https://127.0.0.1:18085', caFile: pem },
    recordSystems: [{ id: 'epa-as-1', url: 'https://127.0.0.1:18083', caFile: pem }],
    digas: [
      {
        id: 'demo',
        name: 'Demo DiGA',
        manufacturer: 'Demo GmbH',
        telematikId: '9-DEMO-DIGA-0001',
        konnektors: ['k1'],
        app: {
          veId: 'DEMO-0001',
          pzn: '00000017',
          versions: [{ name: 'Softwareversion', value: '1.0' }],
          manufacturer: { url: 'https://demo-diga.example' },
        },
      },
      { id: 'second', name: 'Second', manufacturer: 'Second GmbH', telematikId: '9-SECOND-0002', konnektors: ['k1'] },
    ],
    clients: [
      {
        id: 'backend',
        diga: 'demo',
        roles: ['writer', 'reader', 'monitor'],
        keyFile: file('writer.key', `${WRITER_KEY}\n`),
      },
      { id: 'dashboard', diga: 'demo', roles: ['reader'], keyFile: file('reader.key', READER_KEY) },
      { id: 'other', diga: 'second', roles: ['writer', 'reader'], keyFile: file('second.key', SECOND_KEY) },
    ],
    operators: [
      { id: 'op', roles: ['operator', 'security', 'monitor'], keyFile: file('operator.key', OPERATOR_KEY) },
      { id: 'mon', roles: ['monitor'], keyFile: file('monitor.key', MONITOR_KEY) },
    ],
  };
}

export type TestGateway = {
  gateway: Gateway;
  outside: FakeOutside;
  clock: ReturnType<typeof standingClock>;
  /** Resolves once the gateway has set a timer of `ms`; timers never fire by themselves. */
  timerOf(ms: number): Promise<HandTimer>;
  settings: Settings;
  call(
    path: string,
    o?: {
      method?: string;
      key?: string | null;
      headers?: Record<string, string>;
      body?: unknown;
      signal?: AbortSignal;
    },
  ): Promise<Answer>;
  admin(path: string, key?: string, method?: string): Promise<Answer>;
  close(): Promise<void>;
};
export type Answer = { status: number; headers: Headers; text: string; json: Record<string, unknown> };

export async function testGateway(
  change: (raw: ReturnType<typeof rawSettings>) => object = (raw) => raw,
  log: Logger = silentLogger,
  timer?: Timer,
): Promise<TestGateway> {
  const directory = temporaryDirectory();
  const postgres = storeOf(directory.path);
  const raw = { ...change(rawSettings(directory.path)), ...(postgres !== undefined && { store: { postgres } }) };
  const read = parseSettings(raw);
  if (!read.ok) throw new Error(`settings: ${JSON.stringify(read.faults)}`);
  const clock = standingClock();
  const outside = new FakeOutside(clock.now);
  const timers = handTimers();
  const gateway = await startGateway(read.settings, {
    now: clock.now,
    log,
    random: () => 0,
    timer: timer ?? timers.timer,
    outside: () => ({ ...outside, close: async () => {} }),
  });
  const ask = async (url: string, init: RequestInit): Promise<Answer> => {
    const answer = await fetch(url, init);
    const text = await answer.text();
    const json = /[/+]json\b/.test(answer.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : {};
    return { status: answer.status, headers: answer.headers, text, json };
  };
  return {
    gateway,
    outside,
    clock,
    settings: read.settings,
    timerOf: timers.timerOf,
    call: (path, o = {}) => {
      const key = o.key === undefined ? WRITER_KEY : o.key;
      const raw = typeof o.body === 'string' || o.body instanceof Uint8Array;
      return ask(`${gateway.address}${path}`, {
        method: o.method ?? (o.body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(o.body !== undefined && { 'content-type': 'application/json' }),
          ...o.headers,
        },
        ...(o.signal !== undefined && { signal: o.signal }),
        ...(o.body !== undefined && { body: raw ? (o.body as string) : JSON.stringify(o.body) }),
      });
    },
    admin: (path, key = OPERATOR_KEY, method = 'GET') =>
      ask(`${gateway.adminAddress}${path}`, { method, headers: { authorization: `Bearer ${key}` } }),
    close: async () => {
      await gateway.stop();
      await dropStores(directory.path);
      directory.remove();
    },
  };
}

/** `takenBack` resolves when nobody waits for it any more. */
export type HandTimer = { ms: number; fire: () => void; takenBack: Promise<void> };

/** Timers that tests fire. */
function handTimers() {
  const set = new Set<HandTimer>();
  const asked = new Set<{ ms: number; resolve: (timer: HandTimer) => void }>();
  return {
    timer: (ms: number, fire: () => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = { ms, fire, takenBack: promise };
      set.add(timer);
      for (const a of asked)
        if (a.ms === ms) {
          asked.delete(a);
          a.resolve(timer);
        }
      return () => {
        set.delete(timer);
        resolve();
      };
    },
    timerOf: (ms: number) =>
      new Promise<HandTimer>((resolve) => {
        const known = [...set].find((t) => t.ms === ms);
        if (known === undefined) asked.add({ ms, resolve });
        else resolve(known);
      }),
  };
}

/** A right body of `POST /v1/exports`. */
export function exportBody(change: Record<string, unknown> = {}) {
  return {
    reference: 'user-1',
    kvnr: KVNR,
    kvnrSource: { issuer: 'https://idp.kasse.example', authenticatedAt: '2026-11-20T08:00:00Z' },
    consent: { id: 'c-4711', version: '2026-05', grantedAt: '2026-10-01T08:00:00Z' },
    prescriptionEnds: '2026-12-31',
    content: { mode: 'document', mimeType: 'application/fhir+xml', base64: mioBundle('one').toString('base64') },
    ...change,
  };
}
