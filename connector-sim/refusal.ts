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
  const findings = findingsOf(checked.error);
  const message = findings.map((f) => `${f.pointer || '/'}: ${f.message}`).join('; ');
  throw new Refusal({ status: 422, code: 'BODY_INVALID', message, findings });
}
