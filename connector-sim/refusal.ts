// A request the control API or a scenario does not accept: every fault at once, each with its place (RFC 9457).
import type { z } from 'zod';

export type Finding = { pointer: string; code: string; message: string };

export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly findings: Finding[];

  constructor(o: { status: number; code: string; message: string; findings?: Finding[] }) {
    super(o.message);
    this.name = 'Refusal';
    this.status = o.status;
    this.code = o.code;
    this.findings = o.findings ?? [];
  }
}

/** Findings of a failed zod check; an unknown member is named at its own place. */
export function findingsOf(error: z.ZodError): Finding[] {
  return error.issues.flatMap((issue) => {
    const at = (path: PropertyKey[]) =>
      path.map((p) => `/${String(p).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: at([...issue.path, key]),
        code: 'unknown-member',
        message: 'unknown member',
      }));
    }
    return [{ pointer: at(issue.path), code: issue.code, message: issue.message }];
  });
}

/** The checked value, or a Refusal 422 with all findings. */
export function accept<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw refusalOf(findingsOf(checked.error));
}

/** What can be read of a body whose other members may not fit. */
export type Readable<T> = { [K in keyof T]?: T[K] };

/**
 * Schema and meaning judged side by side, so that a body with faults of both kinds is told all of them: `meaning` sees the members
 * that fit the schema. A Refusal 422 with all findings; of one member the schema's come first and hide what follows from them.
 */
export function acceptMeant<T extends Record<string, unknown>>(
  schema: z.ZodType<T> & { shape: Readonly<Record<string, z.ZodType>> },
  value: unknown,
  meaning: (readable: Readable<T>) => Finding[],
  refuse: (findings: Finding[]) => Refusal = refusalOf,
): T {
  const checked = schema.safeParse(value);
  const formal = checked.success ? [] : findingsOf(checked.error);
  const known = (pointer: string) => formal.some((one) => one.pointer === pointer || one.pointer === '');
  const findings = [...formal, ...meaning(readableOf(schema.shape, value)).filter((one) => !known(one.pointer))];
  if (checked.success && findings.length === 0) return checked.data;
  throw refuse(findings);
}

function readableOf<T>(shape: Readonly<Record<string, z.ZodType>>, value: unknown): Readable<T> {
  if (typeof value !== 'object' || value === null) return {};
  const fitting = Object.entries(value).flatMap(([member, given]) => {
    const checked = Object.hasOwn(shape, member) ? shape[member]?.safeParse(given) : undefined;
    return checked?.success === true && checked.data !== undefined ? [[member, checked.data] as const] : [];
  });
  return Object.fromEntries(fitting) as Readable<T>;
}

/** 422, its message made of all findings. */
export function refusalOf(findings: Finding[], code = 'BODY_INVALID'): Refusal {
  const message = findings.map((f) => `${f.pointer || '/'}: ${f.message}`).join('; ');
  return new Refusal({ status: 422, code, message, findings });
}
