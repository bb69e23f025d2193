// What the doctor's tests share (OPS-06): one simulator, reset after each test, and what is planted in settings, simulator or clock.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { mintCa, mintLeaf, mintRoot } from '../../certs/mint.ts';
import type { Simulator } from '../../connector-sim/main.ts';
import { parseSettings } from '../../gateway/config.ts';
import type { DoctorReport } from '../../gateway/doctor/doctor.ts';
import { doctor } from '../../gateway/doctor/run.ts';
import { systemTimer } from '../../gateway/followed-clock.ts';
import { startCountedSimulator } from './counted-simulator.ts';
import { secretFile } from './gateway-fakes.ts';
import { controlOf } from './simulator-control.ts';

export type Raw = ReturnType<Simulator['settings']>;
export type Planted = {
  settings?: (raw: Raw) => object;
  /** A call of the control API; its undoing is a reset. */
  control?: [method: string, path: string, body: object];
  now?: () => number;
};

/** `says`: in its message or its remedy, what somebody needs to go on. */
export type PlantedFault = [
  what: string,
  step: string,
  fault: string,
  planted: () => Planted | Promise<Planted>,
  ...says: RegExp[],
];

let sim: Simulator;
const directory = mkdtempSync(join(tmpdir(), 'epa-doctor-test-'));
const others: Server[] = [];

/** Called once by a test file: registers what starts and ends the simulator. */
export function useDoctorBench(): void {
  beforeAll(async () => {
    sim = await startCountedSimulator({ seed: 3, pinEntryMs: 0 });
  }, 60_000);
  afterEach(() => control('POST', '/sim/reset', {}));
  afterAll(async () => {
    for (const server of others) server.close();
    await sim.stop();
    rmSync(directory, { recursive: true, force: true });
  });
}

export const simulator = () => sim;
export const file = (name: string, content: string) => secretFile(directory, name, content);
export const dataDirectory = () => join(directory, 'data');
const control = (...call: [method: string, path: string, body: object]) => controlOf<unknown>(sim, call);

export async function run({
  settings = (raw) => raw,
  control: call,
  now = Date.now,
}: Planted = {}): Promise<DoctorReport> {
  if (call !== undefined) await control(...call);
  const read = parseSettings({
    ...settings(sim.settings({ ocsp: true, tsl: true })),
    dataDirectory: dataDirectory(),
    doctor: { insuredFile: file('insured', sim.ready.insured[0] ?? '') },
  });
  if (!read.ok) throw new Error(read.faults.map(({ key, message }) => `${key} ${message}`).join('; '));
  return doctor({ settings: read.settings, now, timer: systemTimer });
}

export const konnektor = (change: object) => (raw: Raw) => ({
  ...raw,
  konnektors: raw.konnektors.map((one) => ({ ...one, ...change })),
});
const stranger = mintRoot('Another root');
export const strangers = () => file('stranger.pem', stranger.certPem);
export const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const at = server.address();
      server.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0));
    });
  });

export const iccsn = () => sim.world.pki.smcb.iccsn;
export const clientOf = (end: Date) => {
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
export const strangerClient = () => {
  const leaf = mintLeaf(mintCa(stranger, 'Another CA'), {
    commonName: 'c1',
    curve: 'P-256',
    extendedKeyUsage: ['clientAuth'],
  });
  return { clientCertificate: file('other.pem', leaf.certPem), clientKey: file('other-key.pem', leaf.keyPem) };
};

/** Answers every connection with these bytes, and ends it. */
export const speaking = (bytes: string) =>
  new Promise<number>((resolve) => {
    const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(bytes)));
    others.push(server);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
export const nobody = { clientCertificate: undefined, clientKey: undefined };
export const inSettings = (change: (raw: Raw) => object) => () => ({
  settings: (raw: Raw) => ({ ...raw, ...change(raw) }),
});
export const kops: [string, string, object] = ['PATCH', '/sim/konnektors/k1', { profile: 'kops' }];
