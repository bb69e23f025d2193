// OPS-06: the doctor walks the whole way, and names each first-contact fault that is planted on it, with its step. The table is
// printed at the end. Planted in the settings, in the simulator, or in our clock.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
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
import { controlOf } from './support/simulator-control.ts';

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

const control = (...call: [method: string, path: string, body: object]) => controlOf<unknown>(sim, call);

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

test('the clock of the simulator moves, ours does not: the step clock says by how much, and it can be rehearsed', async () => {
  const other = await startCountedSimulator({ seed: 3, pinEntryMs: 0 });
  try {
    const moved = await fetch(`${other.ready.control}/sim/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ advance: 'PT1H' }),
    });
    expect(moved.status).toBe(200);
    const read = parseSettings({ ...other.settings({ ocsp: true }), dataDirectory: join(directory, 'data') });
    if (!read.ok) throw new Error('settings');
    const report = await doctor({ settings: read.settings, now: Date.now, timer: systemTimer });
    expect(report.failed).toMatchObject({ step: 'clock', fault: 'clock.off', code: 'CLOCK_WRONG' });
    expect(report.failed?.message).toMatch(/our clock is 3[56]\d\d s behind the Konnektor's/);
  } finally {
    await other.stop();
  }
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

/** Answers every connection with these bytes, and ends it. */
const speaking = (bytes: string) =>
  new Promise<number>((resolve) => {
    const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(bytes)));
    others.push(server);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
const others: Server[] = [];
afterAll(() => {
  for (const server of others) server.close();
});
const nobody = { clientCertificate: undefined, clientKey: undefined };
const inSettings = (change: (raw: Raw) => object) => () => ({ settings: (raw: Raw) => ({ ...raw, ...change(raw) }) });
const kops: [string, string, object] = ['PATCH', '/sim/konnektors/k1', { profile: 'kops' }];

/** `says`: in its message or its remedy, what somebody needs to go on. */
const PLANTED: [
  what: string,
  step: string,
  fault: string,
  planted: () => Planted | Promise<Planted>,
  ...says: RegExp[],
][] = [
  [
    'a Konnektor that hangs',
    'konnektor-tls',
    'konnektor-tls.silent',
    () => ({ control: ['PATCH', '/sim/konnektors/k1', { hanging: true }] }),
    /accepts the connection .* restart/,
  ],
  [
    'a Konnektor that hangs after TLS',
    'connector-sds',
    'connector-sds.silent',
    () => ({ control: ['POST', '/sim/faults', { at: 'konnektor.connector.sds', kind: 'hang' }] }),
    /accepts the connection .* restart/,
  ],
  [
    'a port that ends what is not HTTP',
    'konnektor-tls',
    'konnektor-tls.connection-ended',
    () => ({ settings: konnektor({ url: `https://${new URL(sim.ready.control).host}` }) }),
    /speaks no TLS/,
  ],
  [
    'a port that answers in plain HTTP',
    'konnektor-tls',
    'konnektor-tls.no-tls',
    async () => ({
      settings: konnektor({ url: `https://127.0.0.1:${await speaking('HTTP/1.1 400 Bad Request\r\n\r\n')}` }),
    }),
    /not in TLS/,
  ],
  [
    'no client certificate in the settings',
    'client-certificate',
    'client-certificate.none',
    () => ({ settings: konnektor(nobody) }),
    /no client certificate is set/,
  ],
  [
    'a password where a certificate is wanted',
    'client-certificate',
    'client-certificate.password',
    () => ({
      settings: konnektor({
        ...nobody,
        basicAuthentication: { user: 'somebody', passwordFile: file('password', 'no password of it') },
      }),
    }),
    /basicAuthentication/,
  ],
  [
    'a web server in the place of the proxy',
    'proxy',
    'proxy.no-proxy',
    () => ({ settings: konnektor({ proxy: { url: sim.ready.control } }) }),
    /answers at proxy\.url, but not as a proxy/,
  ],
  [
    'a proxy that says it is a web server',
    'proxy',
    'proxy.no-proxy',
    async () => ({
      settings: konnektor({
        proxy: { url: `http://127.0.0.1:${await speaking('HTTP/1.1 405 Method Not Allowed\r\n\r\n')}` },
      }),
    }),
    /not as a proxy/,
  ],
  [
    'a proxy that cannot reach the Konnektor',
    'proxy',
    'proxy.target-unreachable',
    async () => ({
      settings: konnektor({
        proxy: { url: `http://127.0.0.1:${await speaking('HTTP/1.1 502 Bad Gateway\r\n\r\n')}` },
      }),
    }),
    /cannot reach the Konnektor itself/,
  ],
  [
    'the IDP in the place of a record system',
    'vau',
    'vau.other-service',
    inSettings((raw) => ({
      recordSystems: raw.recordSystems.map((one, i) => (i === 0 ? { ...one, url: sim.ready.idp } : one)),
    })),
    /is this the record system's address/,
  ],
  [
    'the clock of the responder an hour ahead of ours',
    'ocsp',
    'ocsp.clock',
    () => ({
      settings: (raw) => ({ ...raw, clock: sim.ready.control }),
      now: () => Date.now() - 3_600_000,
    }),
    /made in the future, 3[56]\d\d s ahead of our clock/,
  ],
  [
    'an OCSP address with another path',
    'ocsp',
    'ocsp.unreachable',
    inSettings((raw) => ({ trust: { ...raw.trust, ocsp: { url: `${sim.ocsp}/nowhere` } } })),
    /answers 404/,
    /trust\.ocsp\.url with its path/,
  ],
  [
    'roots of another PKI',
    'role',
    'role.untrusted',
    inSettings((raw) => ({
      trust: {
        rootsFile: strangers(),
        intermediatesFile: sim.settings().trust.intermediatesFile,
        ocspSignersFile: sim.settings().trust.ocspSignersFile,
        ocsp: raw.trust.ocsp,
      },
    })),
    /trust\.rootsFile/,
  ],
  [
    'another CA for the IDP',
    'idp',
    'idp.tls-untrusted',
    inSettings((raw) => ({ idp: { ...raw.idp, caFile: strangers() } })),
    /idp\.caFile/,
  ],
  [
    'another CA for a record system',
    'vau',
    'vau.tls-untrusted',
    inSettings((raw) => ({ recordSystems: raw.recordSystems.map((one) => ({ ...one, caFile: strangers() })) })),
    /recordSystems\[\]\.caFile/,
  ],
  [
    'a Telematik-ID that no card has',
    'card',
    'card.not-found',
    inSettings((raw) => ({ digas: raw.digas.map((diga) => ({ ...diga, telematikId: '9-SOMEBODY-ELSE' })) })),
    /\d{20} is 9-(?!SOMEBODY).*wanted 9-SOMEBODY-ELSE/,
    /digas\[\]\.telematikId/,
  ],
  [
    'a Mandant that it does not know, and which it is',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ mandant: 'nobody' }) }),
    /does not know the mandant of/,
  ],
  [
    'a Clientsystem that a KOPS does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ clientSystem: 'cX' }), control: kops }),
    /does not know the clientSystem of/,
  ],
  [
    'a Workplace that a KOPS does not know',
    'context',
    'context.refused',
    () => ({ settings: konnektor({ workplace: 'w9' }), control: kops }),
    /does not know the workplace of/,
  ],
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
  test.each(PLANTED)('%s', async (what, step, fault, planted, ...says) => {
    const report = await run(await planted());
    table.push(
      `${what.padEnd(42)} ${`${report.failed?.step ?? 'none'}`.padEnd(19)} ${report.failed?.fault ?? '-'} (${report.failed?.code ?? '-'})`,
    );
    expect(report.ok).toBe(false);
    expect(report.failed?.step).toBe(step);
    expect(report.failed?.fault.startsWith(fault)).toBe(true);
    expect(report.failed?.remedy.de).not.toBe('');
    for (const words of says) expect(`${report.failed?.message} / ${report.failed?.remedy.en}`).toMatch(words);
    // What is not on the way stands in no report: the Konnektor has an address, and a proxy or none.
    const passed = report.steps.filter(({ state }) => state === 'ok').map((one) => one.step);
    expect(passed).not.toContain(step === 'vau' ? 'record' : step);
    for (const name of ['dns', 'proxy']) expect(passed).not.toContain(name);
    // It stops there.
    expect(report.steps.at(-1)).toMatchObject({ step, state: 'failed' });
    expect(report.steps.filter(({ state }) => state === 'failed')).toHaveLength(1);
  });
  afterAll(() => {
    process.stdout.write(`${table.join('\n')}\n`);
  });
});
