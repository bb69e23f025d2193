// `content` of mode "simple" (mio-diga.md section 13): its schema and its faults, all at once.
import { z } from 'zod';
import type { Finding } from '../error.ts';
import type { ToolkitTables } from '../tables.ts';
import { codeListsOf } from './code-lists.ts';
import { entryFaults } from './entries.ts';
import { findingAt, findingsOf } from './findings.ts';
import { because, instant } from './inputs.ts';
import type { Entry } from './kind.ts';
import { KINDS } from './kinds.ts';
import { type PatientInput, patientInput } from './patient.ts';

export type SimpleContent = {
  mode: 'simple';
  mioVersion?: string | undefined;
  patient?: PatientInput | undefined;
  /** Betrachtungszeitraum; left out, it is what the entries span. */
  period?: { start: string; end: string } | undefined;
  entries: Entry[];
};

const schemas = new WeakMap<ToolkitTables, z.ZodType<SimpleContent>>();

/** For one version of the toolkit, as its lists of codes are in it. Nothing is changed by it: what comes out is what came in. */
export function simpleContent(tables: ToolkitTables): z.ZodType<SimpleContent> {
  const known = schemas.get(tables) ?? contentSchema(tables);
  schemas.set(tables, known);
  return known;
}

function contentSchema(tables: ToolkitTables): z.ZodType<SimpleContent> {
  const lists = codeListsOf(tables);
  const [first, ...others] = KINDS.map((kind) => kind.schema(lists));
  if (first === undefined) throw new TypeError('there are no kinds');
  const entry = z.discriminatedUnion('kind', [first, ...others]);
  const schema = z
    .strictObject({
      mode: z.literal('simple'),
      mioVersion: z.literal(tables.index.version).optional(),
      patient: patientInput(lists).optional(),
      period: z
        .strictObject({ start: instant, end: instant })
        .refine(({ start, end }) => Date.parse(start) <= Date.parse(end), {
          message: because('PERIOD_REVERSED', 'ends before it starts'),
          path: ['end'],
        })
        .optional(),
      entries: z.array(entry).min(1),
    })
    .superRefine(({ entries }, context) => {
      for (const { path, code, message } of entryFaults(entries as Entry[])) {
        context.addIssue({ code: 'custom', path, message: because(code, message) });
      }
    });
  return schema as z.ZodType<SimpleContent>;
}

/** The content, or every fault of it; pointers are below `content`. */
export function readSimple(value: unknown, tables: ToolkitTables): { content?: SimpleContent; findings: Finding[] } {
  const parsed = simpleContent(tables).safeParse(value, { reportInput: true });
  if (parsed.success) return { content: parsed.data, findings: [] };
  const findings = findingsOf(parsed.error);
  // zod compares entries only where each of them is sound; the sound ones beside others deserve the same.
  const unsound = new Set(parsed.error.issues.map(({ path }) => (path[0] === 'entries' ? path[1] : undefined)));
  const entries = typeof value === 'object' && value !== null && 'entries' in value ? value.entries : [];
  const known = new Set(findings.map(({ pointer, code }) => `${pointer} ${code}`));
  for (const { path, code, message } of Array.isArray(entries) ? entryFaults(entries, unsound) : []) {
    const one = findingAt(path, code, message);
    if (!known.has(`${one.pointer} ${code}`)) findings.push(one);
  }
  return { findings };
}
