// The judge of invariants: the npm package fhirpath. An invariant is broken where it says false and nothing else (an empty answer
// proves nothing), as HL7's own validators have it for a union of answers (con-1).
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { Decimal, type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { at, type Path } from './edit.ts';
import type { Rule } from './survey.ts';

type Compiled = (data: unknown, environment: Record<string, unknown>) => unknown;
const compiled = new Map<string, Compiled>();

/** What fhirpath says about the element of this rule, in this document. */
export function says(rule: Rule, document: Resource): 'true' | 'false' | 'other' {
  const value = at(document, rule.path);
  if (value === undefined) return 'other';
  const key = `${rule.base} ${rule.expression}`;
  let run = compiled.get(key);
  if (run === undefined) {
    const path =
      rule.base.includes('.') || !isResource(value)
        ? { base: rule.base, expression: rule.expression }
        : rule.expression;
    run = fhirpath.compile(path, r4, { traceFn: () => {} }) as Compiled;
    compiled.set(key, run);
  }
  let answer: unknown;
  try {
    const holder = plain(at(document, rootOf(rule.path)) ?? null);
    answer = run(plain(value), { resource: holder, rootResource: holder });
  } catch {
    return 'other';
  }
  if (!Array.isArray(answer) || answer.length === 0) return 'other';
  if (answer.every((one) => one === false)) return 'false';
  return answer.includes(true) ? 'true' : 'other';
}

function isResource(value: FhirValue): boolean {
  return isObject(value) && typeof value.resourceType === 'string';
}

/** The resource an element is in. */
export function rootOf(path: Path): Path {
  return path[0] === 'entry' && path[2] === 'resource' ? path.slice(0, 3) : [];
}

const plains = new WeakMap<object, unknown>();

/** As plain JSON; edits share most of a document, so what is made once is kept. */
function plain(value: FhirValue): unknown {
  if (value instanceof Decimal) return Number(value.text);
  if (typeof value !== 'object' || value === null) return value;
  let made = plains.get(value);
  if (made === undefined) {
    made = Array.isArray(value) ? value.map(plain) : Object.fromEntries(Object.entries(value).flatMap(plainMember));
    plains.set(value, made);
  }
  return made;
}

function plainMember([name, value]: [string, FhirValue | undefined]): [string, unknown][] {
  return value === undefined ? [] : [[name, plain(value)]];
}
