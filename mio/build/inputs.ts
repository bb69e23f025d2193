// The pieces that entries are made of, as zod schemas: what they let through can stand in a FHIR element, so the builder
// need not look again. `format` in the description names the piece, for OpenAPI and for what makes examples by itself.
import { z } from 'zod';
import { Decimal } from '../model.ts';
import { isUcum } from '../ucum.ts';
import type { CodeLists } from './code-lists.ts';
import { systemUrl, systemVersion } from './systems.ts';

/** Codes of findings travel through zod at the head of a message. */
export const because = (code: string, message: string) => `${code}: ${message}`;

// What XML 1.0 cannot carry, half surrogate pairs among it; JSON bodies are refused for it before (json.ts).
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

export const text = (max = 10_000) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => /\S/.test(value), because('TEXT_BLANK', 'must have more than white space'))
    .refine((value) => !FORBIDDEN.test(value), because('XML_CHARACTER', 'has a character that XML 1.0 forbids'))
    .meta({ format: 'text' });

/** Ids of the backend: hashed, never written. */
export const entryId = text(128).meta({
  format: 'entry-id',
  description: 'your own id of the entry, unique in its kind',
});
/** Names another entry. */
export const reference = text(128).meta({ format: 'reference', description: 'id of another entry' });

/** As spelled: a JavaScript number, or a Decimal where that would lose the spelling (`72.50`). */
export const decimal = ({ min = -Infinity, max = Infinity }: { min?: number; max?: number } = {}) =>
  z
    .custom<number | Decimal>((value) => typeof value === 'number' || value instanceof Decimal, {
      message: because('TYPE_INVALID', 'must be a number'),
      abort: true,
    })
    .refine((value) => Number.isFinite(Number(value)), because('NUMBER_TOO_BIG', 'is larger than any number of use'))
    .refine((value) => Number(value) >= min, because('NUMBER_TOO_SMALL', `must be at least ${min}`))
    .refine((value) => Number(value) <= max, because('NUMBER_TOO_BIG', `must be at most ${max}`))
    .meta({
      type: 'number',
      format: 'decimal',
      ...(min === -Infinity ? {} : { minimum: min }),
      ...(max === Infinity ? {} : { maximum: max }),
    });

/** Python writes 15.0 for a float: FHIR has no integer of that spelling. */
export const whole = (min: number, max: number) =>
  z
    .int({ error: because('TYPE_INVALID', 'must be a whole number, written without point or exponent') })
    .min(min)
    .max(max);

const DAY = /^(?!0000)\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^(?!0000)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:[0-5]\d(\.\d{1,9})?(Z|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)$/;

export function isDay(value: string): boolean {
  return DAY.test(value) && parses(() => Temporal.PlainDate.from(value));
}

/** FHIR demands seconds and a zone where there is a time. */
export function isInstant(value: string): boolean {
  return INSTANT.test(value) && parses(() => Temporal.Instant.from(value));
}

function parses(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

const TIME_EXAMPLE = '2025-01-03T07:30:00+01:00';

export const day = z
  .string()
  .refine(isDay, because('DAY_INVALID', 'must be a day, e.g. 2025-01-03'))
  .meta({ format: 'day' });
export const instant = z
  .string()
  .refine(isInstant, because('TIME_INVALID', `must be a time with seconds and zone, e.g. ${TIME_EXAMPLE}`))
  .meta({ format: 'instant' });
/** A day, or a time with zone. */
export const moment = z
  .string()
  .refine(
    (value) => isDay(value) || isInstant(value),
    because('TIME_INVALID', `must be a day or a time with seconds and zone, e.g. ${TIME_EXAMPLE}`),
  )
  .meta({ format: 'moment' });
/** A moment, or a month or year where no more is known. */
export const date = z
  .string()
  .refine(
    (value) => isDay(value) || isInstant(value) || /^(?!0000)\d{4}(-(0[1-9]|1[0-2]))?$/.test(value),
    because('TIME_INVALID', 'must be a year, a month, a day, or a time with seconds and zone'),
  )
  .meta({ format: 'date' });
export const timeOfDay = z
  .string()
  .refine(
    (value) => /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?$/.test(value),
    because('TIME_INVALID', 'must be a time of day, e.g. 07:30:00'),
  )
  .meta({ format: 'time' });

/** Both of one precision, as the base rule per-1 cannot compare a day with a time. */
export const period = z
  .strictObject({ start: moment, end: moment })
  .refine((value) => isDay(value.start) === isDay(value.end), {
    message: because('PERIOD_MIXED', 'start and end must both be days or both be times'),
    path: ['end'],
  })
  .refine((value) => isDay(value.start) !== isDay(value.end) || comesBefore(value.start, value.end), {
    message: because('PERIOD_REVERSED', 'ends before it starts'),
    path: ['end'],
  })
  .meta({ format: 'period' });
export type Period = z.output<typeof period>;

function comesBefore(start: string, end: string): boolean {
  if (isDay(start)) return start <= end;
  if (!isInstant(start) || !isInstant(end)) return true;
  return Temporal.Instant.compare(Temporal.Instant.from(start), Temporal.Instant.from(end)) <= 0;
}

/** One code of a list of the toolkit; where the list is too long, or any code will do, what it knows is asked. */
export function oneOf(lists: CodeLists, valueSet: string): z.ZodType<string> {
  const codes = lists.codes(valueSet);
  if (codes !== undefined) return z.enum(codes);
  const known = lists.valueSet(valueSet);
  return z
    .string()
    .regex(CODE, because('CODE_INVALID', 'must be a code'))
    .refine((code) => known.has(code), because('CODE_UNKNOWN', `must be a code of ${valueSet}`))
    .meta({ format: 'code-of', description: `a code of ${valueSet}`, valueSet });
}

const CODE = /^[^\s]+(\s[^\s]+)*$/u;
export const code = z
  .string()
  .max(500)
  .regex(CODE, because('CODE_INVALID', 'must be a code'))
  .refine((value) => !FORBIDDEN.test(value), because('XML_CHARACTER', 'has a character that XML 1.0 forbids'))
  .meta({ format: 'code' });
/** UCUM: words it does not have stand in braces, which are its own way to say what is counted. */
export const ucum = z
  .string()
  .max(500)
  .refine(
    isUcum,
    because('UNIT_INVALID', 'must be UCUM: mg, km/d, /min, 1 for a number; other words in braces: {score}'),
  )
  .meta({ format: 'ucum' });
const system = z
  .string()
  .max(500)
  .refine(
    (value) => systemUrl(value) !== undefined,
    because('SYSTEM_UNKNOWN', 'must be loinc, snomed, another short name, or a URL'),
  )
  .refine((value) => !FORBIDDEN.test(value), because('XML_CHARACTER', 'has a character that XML 1.0 forbids'))
  .meta({ format: 'system' });

/**
 * A code the caller chooses. Its display may be left out where we know it or `named`: the entry has a name that takes its
 * place; its version where the toolkit names one for the system.
 */
export function coded(lists: CodeLists, named: 'named' | 'unnamed' = 'unnamed') {
  return z
    .strictObject({ system, code, version: text(200).optional(), display: text(1000).optional() })
    .superRefine((value, context) => {
      const url = systemUrl(value.system) ?? '';
      if (value.version === undefined && systemVersion(url) === undefined) {
        const message = because('MEMBER_MISSING', 'is needed for a code of this system');
        context.addIssue({ code: 'custom', path: ['version'], message });
      }
      if (named === 'unnamed' && value.display === undefined && lists.display(url, value.code) === undefined) {
        const message = because('MEMBER_MISSING', 'is needed, as the name of this code is not known here');
        context.addIssue({ code: 'custom', path: ['display'], message });
      }
    })
    .meta({ format: 'coded' });
}
export type Coded = { system: string; code: string; version?: string | undefined; display?: string | undefined };

/** A code, a text, or both; a text takes the place of a display that is not known. */
export function concept(lists: CodeLists) {
  return z
    .strictObject({
      text: text(1000).optional(),
      system: system.optional(),
      code: code.optional(),
      version: text(200).optional(),
      display: text(1000).optional(),
    })
    .superRefine((value, context) => {
      const missing = (member: string, why: string) =>
        context.addIssue({ code: 'custom', path: [member], message: because('MEMBER_MISSING', why) });
      if (value.code === undefined) {
        if (value.text === undefined) missing('text', 'is needed where there is no code');
        for (const member of ['system', 'version', 'display'] as const) {
          if (value[member] !== undefined) missing('code', `is needed where there is ${member}`);
        }
        return;
      }
      if (value.system === undefined) return missing('system', 'is needed for a code');
      const url = systemUrl(value.system) ?? '';
      if (value.version === undefined && systemVersion(url) === undefined) {
        missing('version', 'is needed for a code of this system');
      }
      if ((value.display ?? value.text ?? lists.display(url, value.code)) === undefined) {
        missing('display', 'or text is needed, as the name of this code is not known here');
      }
    })
    .meta({ format: 'concept' });
}
export type Concept = z.output<ReturnType<typeof concept>>;

export const isNumber = (value: unknown): value is number | Decimal =>
  typeof value === 'number' || value instanceof Decimal;
