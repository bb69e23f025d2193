// OPS-06: the doctor walks the whole way, and names each first-contact fault that is planted on it, with its step. The table is
// printed at the end. Planted in the settings, in the simulator, or in our clock.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../certs/mint.ts';
import type { Simulator } from '../connector-sim/main.ts';
import { parseSettings } from '../gateway/config.ts';
import { type DoctorReport, doctorText } from '../gateway/doctor/doctor.ts';
import { doctor } from '../gateway/doctor/run.ts';
import { systemTimer } from '../gateway/followed-clock.ts';
import { startCountedSimulator } from './support/counted-simulator.ts';
import { secretFile } from './support/gateway-fakes.ts';

type Raw = ReturnType<Simulator['settings']>;
type Planted = {
  settings?: (raw: Raw) => object;
  /** A call of the control API; its undoing is a reset. */
  control?: [method: string, path: string, body: object];
  now?: () => number;
};

let sim: Simulator;
const directory = mkdtempSync(join(tmpdir(), 'epa-doctor-test-'));
const file = (name: string, content: string) => secretFile(directory, name, content);
beforeAll(async () => {
  sim = await startCountedSimulator({ seed: 3, pinEntryMs: 0 });
}, 60_000);
afterEach(() => control('POST', '/sim/reset', {}));
afterAll(async () => {
  await sim.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function control(method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(`${sim.ready.control}${path}`, {
    method,
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

async function run({ settings = (raw) => raw, control: call, now = Date.now }: Planted = {}): Promise<DoctorReport> {
  if (call !== undefined) await control(...call);
  const read = parseSettings({
    ...settings(sim.settings({ ocsp: true, tsl: true })),
    dataDirectory: join(directory, 'data'),
    doctor: { insuredFile: file('insured', sim.ready.insured[0] ?? '') },
  });
  if (!read.ok) throw new Error(read.faults.map(({ key, message }) => `${key} ${message}`).join('; '));
  return doctor({ settings: read.settings, now, timer: systemTimer });
}

const konnektor = (change: object) => (raw: Raw) => ({
  ...raw,
  konnektors: raw.konnektors.map((one) => ({ ...one, ...change })),
});
const stranger = mintRoot('Another root');
const strangers = () => file('stranger.pem', stranger.certPem);
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const at = server.address();
      server.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0));
    });
  });

test('the whole way is walked, and the report holds no secret', async () => {
  const report = await run();
  expect(report.failed).toBeNull();
  expect(report.steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
    'trust-list ok',
    'connector-sds ok',
    'clock ok',
    'context ok',
    'terminal ok',
    'card ok',
    'role ok',
    'certificate ok',
    'pin ok',
    'ocsp ok',
    'idp ok',
    'vau ok',
    'vau ok',
    'record ok',
  ]);
  const text = JSON.stringify(report) + doctorText(report, 'de');
  expect(text).not.toContain(sim.ready.insured[0]);
  expect(text).not.toContain(directory);
  for (const path of [sim.settings().konnektors[0]?.clientKey, sim.settings().masterKeyFile])
    expect(text).not.toContain(readFileSync(path ?? '', 'latin1').slice(0, 64));
});

const iccsn = () => sim.world.pki.smcb.iccsn;
const clientOf = (end: Date) => {
  const { konnektorCa } = sim.world.pki;
  const leaf = mintLeaf(konnektorCa, {
    commonName: 'c1',
    curve: 'P-256',
    notBefore: new Date(Date.now() - 20 * 86_400_000),
    notAfter: end,
    extendedKeyUsage: ['clientAuth'],
  });
  return {
    clientCertificate: file('client.pem', `${leaf.certPem.trimEnd()}\n${konnektorCa.certPem}`),
    clientKey: file('client-key.pem', leaf.keyPem),
  };
};
const strangerClient = () => {
  const leaf = mintLeaf(mintCa(stranger, 'Another CA'), {
    commonName: 'c1',
    curve: 'P-256',
    extendedKeyUsage: ['clientAuth'],
  });
  return { clientCertificate: file('other.pem', leaf.certPem), clientKey: file('other-key.pem', leaf.keyPem) };
};

const PLANTED: [what: string, step: string, fault: string, planted: () => Planted | Promise<Planted>][] = [
  [
    'a name that nobody knows',
    'dns',
    'dns.unknown-name',
    () => ({ settings: konnektor({ url: 'https://konnektor.invalid:443' }) }),
  ],
  [
    'a proxy that is not there',
    'proxy',
    'proxy.unreachable',
    async () => ({ settings: konnektor({ proxy: { url: `http://127.0.0.1:${await freePort()}` } }) }),
  ],
  [
    'nobody at the port',
    'konnektor-tcp',
    'konnektor-tcp.unreachable',
    async () => ({ settings: konnektor({ url: `https://127.0.0.1:${await freePort()}` }) }),
  ],
  [
    'an anchor that is not its own',
    'konnektor-tls',
    'konnektor-tls.untrusted',
    () => ({ settings: konnektor({ caFile: strangers() }) }),
  ],
  [
    'another name in its certificate',
    'konnektor-tls',
    'konnektor-tls.name',
    () => ({ settings: konnektor({ serverName: 'konnektor.example' }) }),
  ],
  [
    'pins that it does not meet',
    'konnektor-tls',
    'konnektor-tls.pin',
    () => ({
      settings: konnektor({ pins: [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')] }),
    }),
  ],
  [
    'an expired certificate of the Konnektor',
    'konnektor-tls',
    'konnektor-tls.ended',
    () => ({ control: ['POST', '/sim/faults', { at: 'konnektor.tls', kind: 'expired' }] }),
  ],
  [
    'a client certificate of somebody else',
    'client-certificate',
    'client-certificate',
    () => ({ settings: konnektor(strangerClient()) }),
  ],
  [
    'a client certificate that has ended',
    'client-certificate',
    'client-certificate',
    () => ({ settings: konnektor(clientOf(new Date(Date.now() - 86_400_000))) }),
  ],
  [
    'no connector.sds there',
    'connector-sds',
    'connector-sds.unreadable',
    () => ({
      control: ['POST', '/sim/faults', { at: 'konnektor.connector.sds', kind: 'http-status', params: { status: 404 } }],
    }),
  ],
  ['our clock an hour ahead', 'clock', 'clock.off', () => ({ now: () => Date.now() + 3_600_000 })],
  ['our clock an hour behind', 'clock', 'clock.off', () => ({ now: () => Date.now() - 3_600_000 })],
  [
    'a Mandant that it does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ mandant: 'nobody' }) }),
  ],
  [
    'a Workplace that is not assigned',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ workplace: 'w9' }) }),
  ],
  [
    'the terminal off the network',
    'terminal',
    'terminal.offline',
    () => ({
      control: ['PATCH', `/sim/terminals/${[...sim.world.konnektor.terminals.keys()][0]}`, { connected: false }],
    }),
  ],
  ['no card', 'card', 'card.not-found', () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { inserted: false }] })],
  [
    'the Telematik-ID of another card',
    'card',
    'card.not-found',
    () => ({
      settings: (raw) => ({ ...raw, digas: raw.digas.map((diga) => ({ ...diga, telematikId: '9-SOMEBODY-ELSE' })) }),
    }),
  ],
  [
    'a card of a practice',
    'role',
    'role.wrong',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'role' } },
      ],
    }),
  ],
  [
    'a card of another PKI',
    'role',
    'role.untrusted',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'root' } },
      ],
    }),
  ],
  [
    'a card that has ended',
    'certificate',
    'certificate.ended',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'konnektor.ReadCardCertificate', kind: 'wrong-certificate', params: { which: 'expired' } },
      ],
    }),
  ],
  [
    'a PIN that nobody has entered',
    'pin',
    'pin.not-verified',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'VERIFIABLE' }] }),
  ],
  [
    'a PIN that is blocked',
    'pin',
    'pin.blocked',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'BLOCKED' }] }),
  ],
  [
    'a transport PIN',
    'pin',
    'pin.transport',
    () => ({ control: ['PATCH', `/sim/cards/${iccsn()}`, { pinStatus: 'TRANSPORT_PIN' }] }),
  ],
  [
    'a card that is revoked',
    'ocsp',
    'ocsp.revoked',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'revoked' }] }),
  ],
  [
    'a card that is not released yet',
    'ocsp',
    'ocsp.unknown',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'unknown' }] }),
  ],
  [
    'a responder that is no responder',
    'ocsp',
    'ocsp.unreachable',
    () => ({ control: ['POST', '/sim/faults', { at: 'ocsp', kind: 'wrong-certificate' }] }),
  ],
  [
    'no responder',
    'ocsp',
    'ocsp.unreachable',
    async () => {
      const port = await freePort();
      return { settings: (raw) => ({ ...raw, trust: { ...raw.trust, ocsp: { url: `http://127.0.0.1:${port}` } } }) };
    },
  ],
  [
    'no trust-service list',
    'trust-list',
    'trust-list.unusable',
    () => ({ control: ['POST', '/sim/faults', { at: 'tsl', kind: 'wrong-signature' }] }),
  ],
  [
    'no IDP',
    'idp',
    'idp.unreachable',
    async () => {
      const port = await freePort();
      return { settings: (raw) => ({ ...raw, idp: { ...raw.idp, issuer: `https://127.0.0.1:${port}` } }) };
    },
  ],
  [
    'an IDP that is another',
    'idp',
    'idp.untrusted',
    () => ({ control: ['POST', '/sim/faults', { at: 'idp.discovery', kind: 'wrong-signature' }] }),
  ],
  [
    'a record system that is away',
    'vau',
    'vau.unreachable',
    () => ({
      control: [
        'POST',
        '/sim/faults',
        { at: 'record-system.tls', kind: 'refuse', match: { recordSystem: 'epa-as-2' } },
      ],
    }),
  ],
  [
    'a VAU that is another',
    'vau',
    'vau.untrusted',
    () => ({ control: ['POST', '/sim/faults', { at: 'certdata', kind: 'wrong-certificate' }] }),
  ],
  [
    'an insured without a record',
    'record',
    'record.not-found',
    () => ({ control: ['PUT', `/sim/records/${sim.ready.insured[0]}`, { status: 'UNKNOWN' }] }),
  ],
];

describe('each planted fault is named (OPS-06)', () => {
  const table: string[] = [];
  test.each(PLANTED)('%s', async (what, step, fault, planted) => {
    const report = await run(await planted());
    table.push(
      `${what.padEnd(42)} ${`${report.failed?.step ?? 'none'}`.padEnd(19)} ${report.failed?.fault ?? '-'} (${report.failed?.code ?? '-'})`,
    );
    expect(report.ok).toBe(false);
    expect(report.failed?.step).toBe(step);
    expect(report.failed?.fault.startsWith(fault)).toBe(true);
    expect(report.failed?.remedy.de).not.toBe('');
    // It stops there.
    expect(report.steps.at(-1)).toMatchObject({ step, state: 'failed' });
    expect(report.steps.filter(({ state }) => state === 'failed')).toHaveLength(1);
  });
  afterAll(() => {
    process.stdout.write(`${table.join('\n')}\n`);
  });
});
