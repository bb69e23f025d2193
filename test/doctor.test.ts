// OPS-06: the doctor walks the whole way, and names each first-contact fault that is planted on it, with its step. The table is
// printed at the end. Planted in the settings, in the simulator, or in our clock.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { parseSettings } from '../gateway/config.ts';
import { doctorText } from '../gateway/doctor/doctor.ts';
import { doctor } from '../gateway/doctor/run.ts';
import { systemTimer } from '../gateway/followed-clock.ts';
import { startCountedSimulator } from './support/counted-simulator.ts';
import { dataDirectory, run, simulator, useDoctorBench } from './support/doctor-bench.ts';
import { AT_THE_KONNEKTOR_AND_BEYOND } from './tables/doctor-faults-beyond.ts';
import { ON_THE_WAY_TO_THE_KONNEKTOR } from './tables/doctor-faults-konnektor.ts';

useDoctorBench();

test('the clock of the simulator moves, ours does not: the step clock says by how much, and it can be rehearsed', async () => {
  const other = await startCountedSimulator({ seed: 3, pinEntryMs: 0 });
  try {
    const moved = await fetch(`${other.ready.control}/sim/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ advance: 'PT1H' }),
    });
    expect(moved.status).toBe(200);
    const read = parseSettings({ ...other.settings({ ocsp: true }), dataDirectory: dataDirectory() });
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
  expect(text).not.toContain(simulator().ready.insured[0]);
  expect(text).not.toContain(dataDirectory());
  for (const path of [simulator().settings().konnektors[0]?.clientKey, simulator().settings().masterKeyFile])
    expect(text).not.toContain(readFileSync(path ?? '', 'latin1').slice(0, 64));
});

describe('each planted fault is named (OPS-06)', () => {
  const table: string[] = [];
  test.each([...ON_THE_WAY_TO_THE_KONNEKTOR, ...AT_THE_KONNEKTOR_AND_BEYOND])(
    '%s',
    async (what, step, fault, planted, ...says) => {
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
    },
  );
  afterAll(() => {
    process.stdout.write(`${table.join('\n')}\n`);
  });
});
