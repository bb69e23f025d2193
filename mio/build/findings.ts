// Faults of a `content` as findings: a JSON pointer into it, a stable code, never a value. `path` is the pointer in words.
import type { z } from 'zod';
import type { Finding } from '../error.ts';
import { FINDING_CODES } from '../validate/codes.ts';

/** Names of unknown members are the caller's text: a long one is not repeated. */
const MAX_NAME = 64;

/** As the validator's: nobody reads more, and a list of millions is a weapon. */
export const MAX_FINDINGS = 1000;

type Path = readonly PropertyKey[];

export function findingAt(path: Path, code: string, message: string, severity: Finding['severity'] = 'error'): Finding {
  return { severity, code, path: wordsOf(path), message, pointer: pointerOf(path) };
}

export function pointerOf(path: Path): string {
  return path.map((one) => `/${String(one).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function wordsOf(path: Path): string {
  return path
    .map((one) => (typeof one === 'number' ? `[${one}]` : `.${String(one)}`))
    .join('')
    .replace(/^\./, '');
}

/** Each place and code once. `at`: where in the content the value stands that was read. */
export function findingsOf(error: z.ZodError, at: Path = []): Finding[] {
  const all = new Map<string, Finding>();
  for (const issue of error.issues) {
    for (const one of ofIssue({ ...issue, path: [...at, ...issue.path] })) all.set(`${one.pointer} ${one.code}`, one);
    if (all.size > MAX_FINDINGS) break;
  }
  return [...all.values()];
}

/** As many as are listed, and that there are more. */
export function limited(findings: readonly Finding[]): Finding[] {
  if (findings.length <= MAX_FINDINGS) return [...findings];
  return [...findings.slice(0, MAX_FINDINGS), cutAt()];
}

export function cutAt(): Finding {
  return findingAt([], 'MIO_FINDINGS_CUT', FINDING_CODES.MIO_FINDINGS_CUT, 'information');
}

function ofIssue(issue: z.core.$ZodIssue): Finding[] {
  const meant = issue.code === 'invalid_union' ? meantOption(issue) : undefined;
  if (meant !== undefined) return meant.flatMap((one) => ofIssue({ ...one, path: [...issue.path, ...one.path] }));
  if (issue.code !== 'unrecognized_keys') return [findingAt(issue.path, ...said(issue))];
  return issue.keys
    .slice(0, MAX_FINDINGS + 1)
    .map((key) =>
      key.length > MAX_NAME
        ? findingAt(issue.path, 'MEMBER_UNKNOWN', 'has a member with a long name that is none')
        : findingAt([...issue.path, key], 'MEMBER_UNKNOWN', 'is no member of this object'),
    );
}

/** The one shape of several that the value is meant to have: it says more than that none fits. */
function meantOption({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const meant = errors.filter((issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0));
  return meant.length === 1 ? meant[0] : undefined;
}

function said(issue: z.core.$ZodIssue): [code: string, message: string] {
  if (issue.input === undefined) return ['MEMBER_MISSING', 'is missing'];
  const own = /^([A-Z][A-Z0-9_]+): (.*)$/s.exec(issue.message);
  if (own !== null) return [own[1] ?? '', own[2] ?? ''];
  switch (issue.code) {
    case 'invalid_type':
      return ['TYPE_INVALID', `must be of type ${issue.expected}`];
    case 'invalid_value':
      return ['VALUE_INVALID', `must be one of ${issue.values.map(String).join(', ')}`];
    case 'invalid_union':
      return [
        'VALUE_INVALID',
        issue.path.at(-1) === 'kind' ? 'must be one of the kinds of entries' : 'has none of its shapes',
      ];
    case 'too_small':
      return ['TOO_SMALL', `must have at least ${issue.minimum} ${unitOf(issue.origin)}`];
    case 'too_big':
      return ['TOO_BIG', `must have at most ${issue.maximum} ${unitOf(issue.origin)}`];
    default:
      return ['VALUE_INVALID', 'is not as expected'];
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return 'characters';
  return origin === 'array' ? 'members' : 'as its value';
}
