// What the commands of `epa-gateway` share in what they print: tables, refusals of the admin listener, spans of time. In English, as
// all of the command line; JSON is what the listener answered.
import { catalogue, type ErrorCode } from './errors.ts';

/** What to print and the exit code: 0 well, 1 not well or refused. A refusal for people is no report: it goes to stderr. */
export type Printed = { text: string; code: 0 | 1; refused?: true };
type Json = Record<string, unknown>;

export const printJson = (json: unknown, code: 0 | 1): Printed => ({ text: `${JSON.stringify(json)}\n`, code });

/** Columns as wide as their longest value. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [head, ...rows];
  const widths = head.map((_, n) => Math.max(...all.map((row) => (row[n] ?? '').length)));
  const line = (row: readonly string[]) => row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ');
  return all.map((row) => `${line(row).trimEnd()}\n`).join('');
}

export const remedyOf = (code: string): string =>
  Object.hasOwn(catalogue, code) ? catalogue[code as ErrorCode].remedy.en : '';

/** The problem document of a refusal: what, what to do, and where each finding lies. */
export function refusal(json: Json, asJson: boolean): Printed {
  if (asJson) return printJson(json, 1);
  const findings = (json.findings ?? []) as { path: string; message: string }[];
  const lines = [
    `${json.code}: ${json.detail}`,
    ...findings.map(({ path, message }) => `  ${path}: ${message}`),
    `  ${json.remedy}`,
    ...(json.code === 'UNAUTHENTICATED' || json.code === 'FORBIDDEN' ? [`  ${KEY}`] : []),
  ];
  return { text: `${lines.join('\n')}\n`, code: 1, refused: true };
}

const KEY =
  'The key is that of --key-file FILE, or of the first operator in the settings with the role for it (--certificate FILE for a client certificate).';

/** `40 s`, `12 min`, `5 h`, `3 d`, `2.1 y`. */
export function spanOf(seconds: number): string {
  const units = [
    [60, 1, 's'],
    [3600, 60, 'min'],
    [172_800, 3600, 'h'],
    [63_072_000, 86_400, 'd'],
  ] as const;
  for (const [below, by, unit] of units) if (seconds < below) return `${Math.floor(seconds / by)} ${unit}`;
  return `${(seconds / 31_557_600).toFixed(1)} y`;
}
