// The benchmark's command with a small budget: it prints the shape of api.md section 6. Its figures are not judged here, a busy
// machine must not break the suite; docs/bench.md has them.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeWithSchemas } from '../support/schemas.ts';
import { median, percentile } from './measure.ts';

const positive = z.number().positive();
const speeds = {
  buildMBps: positive,
  buildMBpsFhir: positive,
  buildRatio: positive,
  parseMBps: positive,
  parseMBpsFhir: positive,
  parseRatio: positive,
};
const input = z.strictObject({ bytes: positive, entries: positive, ...speeds });
const printed = z.strictObject({
  versions: z.strictObject({ node: z.string(), product: z.string(), fhir: z.string() }),
  machine: z.strictObject({ cpus: positive, model: z.string() }),
  rounds: z.literal(1),
  concurrency: positive,
  mio: z.strictObject({
    ...speeds,
    inputs: z.strictObject({ real: input, large: input, glucose: input }),
    peakRssMb: z.strictObject({
      parse: positive,
      parseFhir: positive,
      parseShare: positive,
      build: positive,
      buildFhir: positive,
      buildShare: positive,
    }),
    validateMsPer60kB: positive,
    validate22MBSeconds: positive,
    whileServing: z.strictObject({
      seconds: positive,
      requests: positive,
      p50ms: positive,
      p99ms: positive,
    }),
  }),
});

/** Of one export the operating system may have counted nothing: it counts in steps of 10 ms. */
const ticks = z.number().nonnegative();
const run = {
  n: positive,
  perSecond: positive,
  p50ms: positive,
  p99ms: positive,
  gatewayCpuMsPerExport: ticks,
  simulatorCpuMsPerExport: ticks,
  loadCpuMsPerExport: ticks,
  gatewayPeakRssMb: positive,
};
const exported = z.looseObject({
  concurrency: z.literal(16),
  exports: z.strictObject({
    ...run,
    n: z.literal(25),
    // All that its exports cost the card: a login at each record system, made before.
    cardSignatures: z.literal(0),
    signOnSignatures: z.literal(4),
    documentBytes: z.number().min(55_000).max(65_000),
    insured: z.literal(200),
    signDelayMs: z.literal(300),
  }),
  // Two signatures for its one export.
  loginPerExport: z.strictObject({ ...run, n: z.literal(1), cardSignatures: z.literal(2) }),
  speedup: positive,
});

const small = z.strictObject({ n: positive, p50ms: positive, p99ms: positive });
const large = z.strictObject({
  bytes: positive,
  seconds: positive,
  floorRatio: positive,
  baseRssMb: positive,
  peakRssMb: positive,
  atOnce: z.strictObject({
    n: z.literal(2),
    seconds: positive,
    peakRssMb: positive,
    small,
    smallAlone: small,
    gatewayCpuSeconds: positive,
    simulatorCpuSeconds: positive,
  }),
});

const rest = z.looseObject({
  floor: z.strictObject({
    bytes: z.literal(60_364),
    perSecond: positive,
    documentsPerSecond: positive,
    ratio: positive,
  }),
  store: z.strictObject({
    acceptedPerSecond: z.strictObject({ simple2kB: positive, document60kB: positive }),
    scaleOut: z
      .strictObject({
        serviceMs: z.literal(50),
        perSecond: z.array(z.strictObject({ channels: positive, processes: positive, perSecond: positive })).length(1),
      })
      .optional(),
  }),
  restart: z.strictObject({ open: z.literal(20), seconds: positive }),
});

function bench(...args: string[]) {
  const root = resolve(import.meta.dirname, '../..');
  return spawnSync(process.execPath, [join(root, 'test/bench/run.ts'), ...args], { cwd: root, encoding: 'utf8' });
}

describeWithSchemas('npm run bench', () => {
  test('prints one JSON object of the agreed shape', { timeout: 120_000 }, () => {
    const { stdout, stderr, status } = bench('--json', '--only', 'mio', '--rounds', '1', '--megabytes', '0.15');
    expect(status, stderr).toBe(0);
    const { mio } = printed.parse(JSON.parse(stdout));
    expect(mio.inputs.real.bytes).toBe(60_364);
    for (const one of [mio.inputs.large, mio.inputs.glucose]) {
      expect(one.bytes).toBeGreaterThan(100_000);
      expect(one.bytes).toBeLessThan(160_000);
    }
  });

  test('prints large documents alone, and at once beside small ones', { timeout: 120_000 }, () => {
    const sizes = ['--megabytes', '1.2', '--at-once', '2', '--exports', '4'];
    const { stdout, stderr, status } = bench('--json', '--only', 'large', '--rounds', '1', ...sizes);
    expect(status, stderr).toBe(0);
    const figures = large.parse((JSON.parse(stdout) as { large: unknown }).large);
    expect(figures.bytes).toBeGreaterThan(1_000_000);
    expect(figures.atOnce.smallAlone.n).toBe(4);
  });

  test('prints the floor, what the store takes, and a restart', { timeout: 240_000 }, () => {
    const parts = ['floor', 'store', 'restart'].flatMap((part) => ['--only', part]);
    const { stdout, stderr, status } = bench('--json', ...parts, '--rounds', '1', '--exports', '2', '--scales', '1');
    expect(status, stderr).toBe(0);
    rest.parse(JSON.parse(stdout));
  });

  test.each([
    ['a part that does not exist', ['--only', 'nothing']],
    ['more than a document may have', ['--megabytes', '25']],
    ['no rounds', ['--rounds', '0']],
    ['half an export', ['--exports', '0.5']],
    ['none at once', ['--at-once', '0']],
    ['a size that is no number', ['--megabytes', 'x']],
  ])('refuses %s before it measures', (_name, args) => {
    const { status, stdout, stderr } = bench('--json', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('parts: exports, floor, large, mio, store, restart');
  });
});

test('npm run bench prints what pooled sessions are worth beside a login for each export', { timeout: 180_000 }, () => {
  const { stdout, stderr, status } = bench('--json', '--only', 'exports', '--rounds', '1', '--exports', '25');
  expect(status, stderr).toBe(0);
  exported.parse(JSON.parse(stdout));
});

test('a median is of the middle, a percentile of the rank above it', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(percentile([3, 1, 2, 4], 0.99)).toBe(4);
  expect(median([])).toBeNaN();
});
