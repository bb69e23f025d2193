// `content` of mode "simple" (mio-diga.md section 13): its schema and its faults, all at once.
import { z } from 'zod';
import type { Finding } from '../error.ts';
import { Decimal } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { codeListsOf } from './code-lists.ts';
import { entryFaults } from './entries.ts';
import { findingAt, findingsOf, limited, MAX_FINDINGS } from './findings.ts';
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

type Schemas = {
  content: z.ZodType<SimpleContent>;
  /** With any entries. */
  head: z.ZodType<Omit<SimpleContent, 'entries'>>;
  entry: z.ZodType<Entry>;
};
const schemas = new WeakMap<ToolkitTables, Schemas>();

/** For one version of the toolkit, as its lists of codes are in it. Nothing is changed by it: what comes out is what came in. */
export function simpleContent(tables: ToolkitTables): z.ZodType<SimpleContent> {
  return schemasOf(tables).content;
}

function schemasOf(tables: ToolkitTables): Schemas {
  const known = schemas.get(tables) ?? makeSchemas(tables);
  schemas.set(tables, known);
  return known;
}

function makeSchemas(tables: ToolkitTables): Schemas {
  const lists = codeListsOf(tables);
  const [first, ...others] = KINDS.map((kind) => kind.schema(lists));
  if (first === undefined) throw new TypeError('there are no kinds');
  const entry = z.discriminatedUnion('kind', [first, ...others]);
  const contentOf = <Item extends z.ZodType>(item: Item) =>
    z.strictObject({
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
      entries: z.array(item).min(1),
    });
  return {
    content: contentOf(entry) as z.ZodType<SimpleContent>,
    head: contentOf(z.unknown()) as z.ZodType<SimpleContent>,
    entry: entry as z.ZodType<Entry>,
  };
}

/** Members and items of one entry, or of everything else: a questionnaire of 500 questions has 3,000. */
const MAX_SIZE = 20_000;
const TOO_LARGE = ['TOO_BIG', `has more than ${MAX_SIZE} members and items of lists`] as const;

/**
 * The content, or every fault of it up to MAX_FINDINGS; pointers are below `content`. Entries are read one after the other: zod
 * makes an object of a kilobyte of each fault, and a small body can have a million.
 */
export function readSimple(value: unknown, tables: ToolkitTables): { content?: SimpleContent; findings: Finding[] } {
  const { head, entry } = schemasOf(tables);
  const given = isRecord(value) && Array.isArray(value.entries) ? value.entries : [];
  const rest = isRecord(value) && given.length > 0 ? { ...value, entries: [null] } : value;
  if (sizeOf(rest, MAX_SIZE) > MAX_SIZE) return { findings: [findingAt([], ...TOO_LARGE)] };
  const read = head.safeParse(rest, { reportInput: true });
  const findings = read.success ? [] : findingsOf(read.error);
  const entries: Entry[] = [];
  const unsound = new Set<number>();
  for (const [index, one] of given.entries()) {
    if (findings.length > MAX_FINDINGS) return { findings: limited(findings) };
    const at = ['entries', index];
    const faults =
      sizeOf(one, MAX_SIZE) > MAX_SIZE ? [findingAt(at, ...TOO_LARGE)] : faultsOf(one, { entry, at, entries });
    if (faults.length > 0) unsound.add(index);
    findings.push(...faults);
  }
  const known = new Set(findings.map(({ pointer, code }) => `${pointer} ${code}`));
  for (const { path, code, message } of entryFaults(given, unsound)) {
    const one = findingAt(path, code, message);
    if (!known.has(`${one.pointer} ${code}`)) findings.push(one);
  }
  if (findings.length > 0 || !read.success) return { findings: limited(findings) };
  return { content: { ...read.data, entries }, findings: [] };
}

/** A sound one is added to the others. */
function faultsOf(
  one: unknown,
  { entry, at, entries }: { entry: Schemas['entry']; at: (string | number)[]; entries: Entry[] },
): Finding[] {
  const parsed = entry.safeParse(one, { reportInput: true });
  if (!parsed.success) return findingsOf(parsed.error, at);
  entries.push(parsed.data);
  return [];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members and items at all depths, counted no further than just beyond `limit`. */
function sizeOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || value instanceof Decimal) return 0;
  let size = 0;
  for (const one of Array.isArray(value) ? value : Object.values(value)) {
    size += 1;
    if (size <= limit) size += sizeOf(one, limit - size);
    if (size > limit) break;
  }
  return size;
}
