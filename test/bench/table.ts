// The figures of the benchmark for people, each beside what issue 5 aims at.
import type { MioFigures } from './mio.ts';

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
