// OPS-06: what works for the gateway is no fault for its doctor: an old card beside the one that follows it (KON-09), a Konnektor that lists
// no terminal (KON-14), and a login over the Konnektor that was named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Simulator } from '../connector-sim/main.ts';
import { DEMO_TELEMATIK_ID } from '../connector-sim/world.ts';
import { parseSettings } from '../gateway/config.ts';
import { farthest, type StepAct } from '../gateway/doctor/card-steps.ts';
import type { DoctorReport } from '../gateway/doctor/doctor.ts';
import { doctor } from '../gateway/doctor/run.ts';
import { systemTimer } from '../gateway/followed-clock.ts';
import { startCountedSimulator } from './support/counted-simulator.ts';
import { controlOf } from './support/simulator-control.ts';

type SimCard = { iccsn: string; cardType: string; certificateExpires: string };

let sim: Simulator;
const directory = mkdtempSync(join(tmpdir(), 'epa-doctor-cards-'));
beforeAll(async () => {
  sim = await startCountedSimulator({ seed: 3, pinEntryMs: 0 });
}, 60_000);
afterEach(() => control('POST', '/sim/reset', {}));
afterAll(async () => {
  await sim.stop();
  rmSync(directory, { recursive: true, force: true });
});

const control = <T>(...call: [method: string, path: string, body?: object]) => controlOf<T>(sim, call);

async function run(konnektor?: string): Promise<DoctorReport> {
  const read = parseSettings({ ...sim.settings({ ocsp: true, tsl: true }), dataDirectory: join(directory, 'data') });
  if (!read.ok) throw new Error(read.faults.map(({ key, message }) => `${key} ${message}`).join('; '));
  const diga = read.settings.digas.map((one) => ({ ...one, konnektors: read.settings.konnektors.map(({ id }) => id) }));
  return doctor({ settings: { ...read.settings, digas: diga }, konnektor, now: Date.now, timer: systemTimer });
}
const detailOf = ({ steps }: DoctorReport, step: string) => steps.find((one) => one.step === step)?.detail;
const old = () => sim.world.pki.smcb.iccsn;
const expired = (iccsn: string) =>
  control('POST', '/sim/faults', {
    at: 'konnektor.ReadCardCertificate',
    kind: 'wrong-certificate',
    params: { which: 'expired' },
    match: { iccsn },
  });
const plug = (card: object) =>
  control<SimCard>('POST', '/sim/cards', { cardType: 'SMC-B', telematikId: DEMO_TELEMATIK_ID, ...card });

describe('several cards of the DiGA', () => {
  test('an old one that has ended hides not the one that follows it', async () => {
    const next = await plug({ pinStatus: 'VERIFIED' });
    await expired(old());
    const report = await run();
    expect(report.failed).toBeNull();
    expect(detailOf(report, 'card')).toContain(old());
    expect(detailOf(report, 'role')).toContain(next.iccsn);
  });

  test('one whose PIN nobody has entered hides not the one in use', async () => {
    await plug({ pinStatus: 'VERIFIABLE' });
    const report = await run();
    expect([report.failed, detailOf(report, 'role')]).toEqual([null, expect.stringContaining(old())]);
  });

  test('none works: what the one lacks that comes farthest is said, once', async () => {
    await plug({ pinStatus: 'TRANSPORT_PIN' });
    await expired(old());
    const report = await run();
    expect(report.failed).toMatchObject({ step: 'pin', fault: 'pin.transport' });
    expect(report.steps.filter(({ state }) => state === 'failed')).toHaveLength(1);
  });

  test('of equals the first is said, and a single one is not tried twice', async () => {
    let tries = 0;
    const steps = (card: string): ['pin', StepAct][] => [
      [
        'pin',
        async () => {
          tries += 1;
          throw new Error(card);
        },
      ],
    ];
    expect(await farthest(['a', 'b'], steps)).toBe('a');
    tries = 0;
    expect([await farthest(['a'], steps), await farthest([], steps), tries]).toEqual(['a', undefined, 0]);
  });
});

describe('a Konnektor that tells of no terminal', () => {
  const NS = 'http://ws.gematik.de/conn';
  const NONE = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><EVT:GetCardTerminalsResponse
    xmlns:EVT="${NS}/EventService/v7.2" xmlns:CONN="${NS}/ConnectorCommon/v5.0" xmlns:CTI="${NS}/CardTerminalInfo/v8.0"
    ><CONN:Status><CONN:Result>OK</CONN:Result></CONN:Status><CTI:CardTerminals/></EVT:GetCardTerminalsResponse></s:Body></s:Envelope>`;
  const lists = (fault: object) => control('POST', '/sim/faults', { at: 'konnektor.GetCardTerminals', ...fault });
  const empty = { kind: 'http-status', params: { status: 200, type: 'text/xml; charset=utf-8', body: NONE } };

  test.each([
    ['an empty list', empty],
    ['a refusal', { kind: 'soap-fault', params: { code: 4001 } }],
  ])('%s is no fault where the card is there (KON-14)', async (_what, fault) => {
    await lists(fault);
    const report = await run();
    expect(report.failed).toBeNull();
    expect(report.steps.find(({ step }) => step === 'terminal')).toMatchObject({ state: 'skipped' });
  });

  test('with no card either it is the fault', async () => {
    await lists(empty);
    await control('PATCH', `/sim/cards/${old()}`, { inserted: false });
    expect((await run()).failed).toMatchObject({ step: 'terminal', fault: 'terminal.offline' });
  });
});

describe('the Konnektor that is named', () => {
  type Konnektor = { id: string; operations: Record<string, number>; cards: string[] };
  const konnektors = () => control<Konnektor[]>('GET', '/sim/konnektors');
  /** Signatures at k1 and k2 while this runs. */
  async function signatures(act: () => Promise<unknown>): Promise<number[]> {
    const count = async () => (await konnektors()).map(({ operations }) => operations.ExternalAuthenticate ?? 0);
    const before = await count();
    await act();
    return (await count()).map((after, n) => after - (before[n] ?? 0));
  }
  const second = async (card: object) => {
    await control('POST', '/sim/konnektors', { id: 'k2' });
    for (const iccsn of (await konnektors())[1]?.cards ?? []) await control('PATCH', `/sim/cards/${iccsn}`, card);
  };

  test('signs the login alone, also where another one comes first', async () => {
    await second({});
    let report: DoctorReport | undefined;
    const counted = await signatures(async () => {
      report = await run('k2');
    });
    expect(report?.failed).toBeNull();
    expect(counted).toEqual([0, 4]);
  });

  test('its card does not sign: the login is not made with another', async () => {
    await second({ inserted: false });
    let report: DoctorReport | undefined;
    const counted = await signatures(async () => {
      report = await run('k2');
    });
    expect(report?.ok).toBe(false);
    expect(counted).toEqual([0, 0]);
  });
});
