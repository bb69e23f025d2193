// The body of `POST /v1/exports` (api.md section 2): a strict schema, unknown members are errors, every fault at once with
// its place and no value. The KVNR comes in its own field only, with where it comes from (EXP-20); consent and the end of
// the prescription are mandatory (EXP-15, EXP-17).
import { z } from 'zod';
import { startOfDay } from '../exports/calendar.ts';
import type { Finding } from '../exports/finding.ts';
import { isKvnr } from '../exports/kvnr.ts';
import { maskPersonal } from '../log.ts';
import { RequestError } from './problem.ts';

/** Finding codes travel through zod as the message of a custom check. */
export const because = (code: string, text: string) => `${code}: ${text}`;
export const isDay = (text: string) => {
  try {
    startOfDay(text);
    return text.length === 10;
  } catch {
    return false;
  }
};

/** `Date.parse` alone takes the 30th of February for the 2nd of March. */
const isInstant = (text: string) => {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return false;
  try {
    Temporal.Instant.from(text);
    return !Number.isNaN(Date.parse(text));
  } catch {
    return false;
  }
};

export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // Half a surrogate pair is stored as U+FFFD: two different series would become one.
    .refine((t) => t.isWellFormed(), because('TEXT_INVALID', 'must be well-formed Unicode'))
    .refine((t) => !/\p{Cc}/u.test(t), because('TEXT_CONTROL', 'must not contain control characters'))
    // It would come back in answers and stay after the KVNR is erased (EXP-20, D15).
    .refine((t) => maskPersonal(t) === t, because('TEXT_PERSONAL', 'must not contain a KVNR or a credential'))
    .meta({ pattern: '^\\P{Cc}*$', description: 'no control characters, no KVNR, no credential' });
// The patterns are for the description; what a calendar knows better is said by the checks.
const DAY = '\\d{4}-\\d{2}-\\d{2}';
const INSTANT = `${DAY}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})`;
export const instant = z
  .string()
  .max(40)
  .refine(isInstant, because('TIME_INVALID', 'must be a time with offset, e.g. 2026-11-20T08:00:00Z'))
  .meta({ pattern: `^${INSTANT}$`, description: 'a time with offset, e.g. 2026-11-20T08:00:00Z' });
const day = z
  .string()
  .max(40)
  .refine(isDay, because('DAY_INVALID', 'must be a day, e.g. 2026-12-31'))
  .meta({ pattern: `^${DAY}$`, description: 'a day, e.g. 2026-12-31' });
const dayOrInstant = z
  .string()
  .max(40)
  .refine((t) => isDay(t) || isInstant(t), because('TIME_INVALID', 'must be a day or a time with offset'))
  .meta({ pattern: `^(${DAY}|${INSTANT})$`, description: 'a day (Europe/Berlin) or a time with offset' });
/** In `kvnr` only; nowhere else may one stand (EXP-20). */
export const kvnr = z
  .string()
  .refine(isKvnr, because('KVNR_INVALID', 'must be a letter and nine digits with a right check digit'))
  .meta({ pattern: '^[A-Z][0-9]{9}$', description: 'with a right check digit' });

const terms = {
  diga: text(64).optional(),
  reference: text(64).optional(),
  kvnr,
  kvnrSource: z.strictObject({
    issuer: text(512)
      .refine(
        (t) => {
          const url = URL.parse(t);
          return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '';
        },
        because('URL_INVALID', 'must be an https URL without credentials'),
      )
      .meta({
        pattern: '^[Hh][Tt][Tt][Pp][Ss]:\\P{Cc}*$',
        description: 'an https URL without credentials; never fetched',
      }),
    authenticatedAt: instant,
  }),
  series: text(64).default('main'),
  queue: z.enum(['latest', 'all']).default('latest'),
  priority: z.enum(['user', 'batch']).default('user'),
  consent: z.strictObject({ id: text(128), version: text(64), grantedAt: instant }),
  prescriptionEnds: day,
  notBefore: dayOrInstant.nullable().default(null),
  notAfter: dayOrInstant.nullable().default(null),
  onTargetGone: z.enum(['fail', 'create-new']).default('fail'),
};

const mimeType = z.enum(['application/fhir+xml', 'application/pdf']);
/** Which of them a DiGA may use is in its settings (D25). */
const mioVersion = z.string().max(16).optional().meta({
  pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+$',
  description: 'of the MIO DiGA Toolkit; without it the first version of the DiGA',
});

/** Of a document inside JSON; larger ones come as multipart (api.md section 2). */
export const JSON_DOCUMENT_BYTES = 1024 * 1024;

const base64 = z
  .string()
  .min(1)
  .refine(isBase64, because('BASE64_INVALID', 'must be base64 (RFC 4648 section 4) with padding, no line breaks'))
  .meta({
    contentEncoding: 'base64',
    pattern: '^[A-Za-z0-9+/]*={0,2}$',
    description: `a document of at most ${JSON_DOCUMENT_BYTES} bytes; larger ones come as multipart/form-data`,
  });
const finished = { mode: z.literal('document'), mimeType, mioVersion };
/** What openBody leaves of a content that is built; its own schema is mio's (openapi.ts puts it in the description). */
export const simpleHead = z.strictObject({ mode: z.literal('simple'), mioVersion }).meta({ id: 'SimpleContent' });
export const fhirHead = z.strictObject({ mode: z.literal('fhir'), mioVersion }).meta({ id: 'FhirContent' });

export const exportBody = z
  .strictObject({
    ...terms,
    content: z.discriminatedUnion('mode', [simpleHead, fhirHead, z.strictObject({ ...finished, base64 })]),
  })
  .meta({ id: 'ExportOrder' });

/** The part `export` of a multipart body: a finished document comes in a part of its own. */
export const exportPart = z
  .strictObject({ ...terms, content: z.discriminatedUnion('mode', [simpleHead, fhirHead, z.strictObject(finished)]) })
  .meta({ id: 'ExportPart' });

const MAX_FINDINGS = 100;
/** Names of unknown members are the caller's text: a long one is not repeated. */
const MAX_NAME = 64;

export type ExportBody = z.output<typeof exportBody>;
export type ExportPart = z.output<typeof exportPart>;

/** What the schema says, or EXPORT_INVALID with every finding and those in `also`. */
export function parseAs<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  also: readonly Finding[] = [],
): z.output<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success && also.length === 0) return parsed.data;
  const findings = [...(parsed.success ? [] : allFindings(parsed.error)), ...also].filter(once());
  throw new RequestError('EXPORT_INVALID', 'the export has faults, each named in findings', {
    findings: bounded(findings, parsed.success ? 0 : unlisted(parsed.error)),
  });
}

/** Any other body as its schema says; EXPORT_INVALID with every finding. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new RequestError('EXPORT_INVALID', 'the body has faults, each named in findings', {
    findings: bounded(allFindings(parsed.error), unlisted(parsed.error)),
  });
}

const allFindings = (error: z.ZodError) => error.issues.flatMap(findingsOf).filter(once());

/** A body can have a million members that are none: no finding is made that would not be shown. */
const unlisted = (error: z.ZodError) =>
  error.issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? restOf(issue.keys) : 0), 0);
const restOf = (keys: readonly string[]) => Math.max(keys.length - MAX_FINDINGS, 0);

/** All at once, but no answer longer than its question. `unlisted`: how many there are besides. */
export function bounded(findings: readonly Finding[], unlisted = 0): Finding[] {
  const more = findings.length + unlisted - MAX_FINDINGS;
  if (more <= 0) return [...findings];
  return [...findings.slice(0, MAX_FINDINGS), finding([], 'MORE_FINDINGS', `and ${more} more`)];
}

/** Strict: `Buffer.from` would skip what it does not know. */
function isBase64(t: string): boolean {
  return t.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(t);
}

function findingsOf(issue: z.core.$ZodIssue): Finding[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .slice(0, MAX_FINDINGS)
      .map((key) =>
        key.length > MAX_NAME
          ? finding(issue.path, 'MEMBER_UNKNOWN', 'has a member with a long name that is none')
          : finding([...issue.path, key], 'MEMBER_UNKNOWN', 'is no member of this object'),
      );
  return [finding(issue.path, ...wordsOf(issue))];
}

/** Of a union the input is the object whose member `name` would tell which it is. */
const isWithout = (input: unknown, name: PropertyKey | undefined) =>
  typeof input === 'object' && input !== null && name !== undefined && !(name in input);

function wordsOf(issue: z.core.$ZodIssue): [code: string, message: string] {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? ['MEMBER_MISSING', 'is missing']
        : ['TYPE_INVALID', `must be of type ${issue.expected}`];
    case 'invalid_value':
      return ['VALUE_INVALID', `must be one of ${issue.values.map(String).join(', ')}`];
    case 'invalid_union':
      return isWithout(issue.input, issue.path.at(-1))
        ? ['MEMBER_MISSING', 'is missing']
        : ['VALUE_INVALID', 'must be one of the modes that the description lists'];
    case 'too_small':
      if (issue.origin === 'string') return ['TEXT_TOO_SHORT', `must have at least ${issue.minimum} characters`];
      return issue.origin === 'array'
        ? ['LIST_TOO_SHORT', `must have at least ${issue.minimum} members`]
        : ['NUMBER_TOO_SMALL', `must be at least ${issue.minimum}`];
    case 'too_big':
      if (issue.origin === 'string') return ['TEXT_TOO_LONG', `must have at most ${issue.maximum} characters`];
      return issue.origin === 'array'
        ? ['LIST_TOO_LONG', `must have at most ${issue.maximum} members`]
        : ['NUMBER_TOO_BIG', `must be at most ${issue.maximum}`];
    case 'custom': {
      const [code = 'VALUE_INVALID', message = 'is not as expected'] = issue.message.split(': ');
      return [code, message];
    }
    default:
      return ['VALUE_INVALID', 'is not as expected'];
  }
}

function finding(path: readonly PropertyKey[], code: string, message: string): Finding {
  const pointer = path.map((p) => `/${String(p).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return { pointer, path: path.map(String).join('.'), code, message };
}

const once = () => {
  const seen = new Set<string>();
  return (f: Finding) => !seen.has(f.pointer + f.code) && seen.add(f.pointer + f.code).size > 0;
};
