// The figures of the benchmark for people, each beside what issue 5 or 6 aims at.
import type { ExportsFigures, Run } from './exports.ts';
import type { FloorFigures } from './floor.ts';
import type { LargeFigures } from './large.ts';
import type { MioFigures } from './mio.ts';
import type { RestartFigures } from './restart.ts';
import type { StoreFigures } from './store.ts';

export function mioTable(figures: MioFigures): string {
  const { inputs, peakRssMb: peak, whileServing: serving } = figures;
  const speeds = Object.entries(inputs).flatMap(([name, one]) => [
    [
      `write ${name}`,
      size(one.bytes),
      `${one.buildMBps} MB/s`,
      `${one.buildMBpsFhir} MB/s`,
      `${one.buildRatio} × (10)`,
    ],
    [`read ${name}`, size(one.bytes), `${one.parseMBps} MB/s`, `${one.parseMBpsFhir} MB/s`, `${one.parseRatio} × (5)`],
  ]);
  const large = size(inputs.large.bytes);
  const rows = [
    ['mio', 'input', 'ours', 'fhir', 'ratio (aim)'],
    ...speeds,
    ['memory, reading', large, `${peak.parse} MB`, `${peak.parseFhir} MB`, `${peak.parseShare} (0.25)`],
    ['memory, writing', large, `${peak.build} MB`, `${peak.buildFhir} MB`, `${peak.buildShare} (0.25)`],
    ['validate', '60 kB', `${figures.validateMsPer60kB} ms`, '', '(5 ms)'],
    ['validate', large, `${figures.validate22MBSeconds} s`, '', '(2 s)'],
    ['… while serving', large, `${serving.seconds} s`, '', '(2 s)'],
    ['answers meanwhile', `${serving.requests}`, `p99 ${serving.p99ms} ms`, '', '(50 ms)'],
  ];
  return aligned(rows);
}

/** Empty where that part was not measured. */
export function exportsTable({ exports, loginPerExport, speedup }: Partial<ExportsFigures>): string {
  if (exports === undefined || loginPerExport === undefined) return '';
  const line = (name: string, of: (run: Run) => string) => [name, of(exports), of(loginPerExport)];
  return aligned([
    ['exports', 'pooled', 'login each', 'ratio (aim)'],
    [...line('per second', (run) => `${run.perSecond}`), `${speedup} × (50)`],
    line('p50', (run) => `${run.p50ms} ms`),
    line('p99', (run) => `${run.p99ms} ms`),
    line('exports a round', (run) => `${run.n}`),
    line('card signatures a round', (run) => `${run.cardSignatures}`),
    ['… before, to sign on', `${exports.signOnSignatures}`],
    line('gateway CPU an export', (run) => `${run.gatewayCpuMsPerExport} ms`),
    line('simulator CPU', (run) => `${run.simulatorCpuMsPerExport} ms`),
    line('load CPU', (run) => `${run.loadCpuMsPerExport} ms`),
    line('gateway peak memory', (run) => `${run.gatewayPeakRssMb} MB`),
    ['document', size(exports.documentBytes), `for ${exports.insured} insured`],
    ['a card signature takes', `${exports.signDelayMs} ms`],
  ]);
}

/** Empty where that part was not measured. */
export function largeTable({ large }: { large?: LargeFigures }): string {
  if (large === undefined) return '';
  const { atOnce } = large;
  const small = (name: string, { n, p50ms, p99ms }: LargeFigures['atOnce']['small'], aim: string) => [
    name,
    `${n}`,
    `p50 ${p50ms} ms, p99 ${p99ms} ms`,
    aim,
  ];
  return aligned([
    ['large', 'exports', 'seen', 'aim'],
    [size(large.bytes), '1', `${large.seconds} s`, ''],
    ['… beside a bare POST', '', `${large.floorRatio} ×`, ''],
    ['… gateway memory', '', `${large.baseRssMb} MB before, peak ${large.peakRssMb} MB`, '300 MB'],
    ['… at once', `${atOnce.n}`, `${atOnce.seconds} s`, ''],
    ['… gateway memory', '', `peak ${atOnce.peakRssMb} MB`, '600 MB'],
    ['… CPU', '', `gateway ${atOnce.gatewayCpuSeconds} s, simulator ${atOnce.simulatorCpuSeconds} s`, ''],
    small('60 kB beside them', atOnce.small, 'p99 2,000 ms'),
    small('60 kB alone', atOnce.smallAlone, ''),
  ]);
}

export function floorTable({ floor }: { floor?: FloorFigures }): string {
  if (floor === undefined) return '';
  return aligned([
    ['floor', 'bare POST', 'through the gateway', 'ratio'],
    [`${size(floor.bytes)} a second`, `${floor.perSecond}`, `${floor.documentsPerSecond}`, `${floor.ratio} ×`],
  ]);
}

export function storeTable({ store }: { store?: StoreFigures }): string {
  if (store === undefined) return '';
  const { acceptedPerSecond: accepted, scaleOut } = store;
  return aligned([
    ['store', 'a second'],
    ['accepted, 2 kB of entries', `${accepted.simple2kB}`],
    ['accepted, documents of 60 kB', `${accepted.document60kB}`],
    ...(scaleOut === undefined
      ? [['no PostgreSQL here: no figures of several gateways']]
      : scaleOut.perSecond.map((one) => [
          `written, ${one.channels} channels, ${one.processes} gateways`,
          `${one.perSecond}`,
        ])),
  ]);
}

export const restartTable = ({ restart }: { restart?: RestartFigures }): string =>
  restart === undefined
    ? ''
    : `restart with ${restart.open} open exports: the first is written after ${restart.seconds} s`;

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
