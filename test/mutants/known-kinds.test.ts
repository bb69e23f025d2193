// The twenty kinds of fault of known-kinds.ts, each made once in a real example: exactly the findings that belong to it, at the
// right place, and nothing besides.
import { expect, test } from 'vitest';
import type { Finding } from '../../mio/error.ts';
import { type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { validate } from '../../mio/validate/validate.ts';
import { describeWithSchemas } from '../support/schemas.ts';
import { at, type Path, put, remove } from './edit.ts';
import { readExamples } from './examples.ts';
import { KNOWN_KINDS, profileOf } from './known-kinds.ts';

test('there are twenty kinds', () => expect(KNOWN_KINDS.map((one) => one.name.slice(0, 3))).toEqual(numbered(20)));

describeWithSchemas('the twenty kinds of fault', (dir) => {
  const tables = new ToolkitTables('1.1.0', new CoreTables());
  const examples = dir === '' ? [] : readExamples(dir, tables).filter((one) => !one.single);
  const errorsOf = (resource: Resource) => validate(resource, tables).filter((one) => one.severity === 'error');

  test.each(KNOWN_KINDS)('$name is found where it is, and nothing else', (kind) => {
    const original = examples[kind.in - 1]?.resource;
    if (original === undefined) throw new Error('no such example');
    const entry = kind.profile === undefined ? [] : entryOf(original, kind.profile);
    const place = withIndices(original, [...entry, ...kind.at]);
    const broken = kind.to === undefined ? remove(original, place) : put(original, place, kind.to);
    const before = new Set(errorsOf(original).map(shown));
    const base = entry.length === 0 ? 'Bundle' : `Bundle.entry[${entry[1]}].resource`;
    const wanted = kind.found.map(([code, path]) => `${code} ${path.startsWith('Bundle') ? path : join(base, path)}`);
    const found = errorsOf(broken).map(shown);
    expect(found.filter((one) => !before.has(one)).sort()).toEqual(wanted.sort());
  });

  test('have pointers that lead to what was changed', () => {
    const original = examples[0]?.resource as Resource;
    const place = [...entryOf(original, 'Observation_Free'), 'status'];
    const [finding] = errorsOf(put(original, place, 'done'));
    expect(finding?.pointer).toBe(`/${place.join('/')}`);
    expect(JSON.stringify(finding)).not.toContain('done');
  });
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `M${String(index + 1).padStart(2, '0')}`);
}

function shown({ code, path }: Finding): string {
  return `${code} ${path}`;
}

function join(base: string, path: string): string {
  return path === '' ? base : `${base}.${path}`;
}

function entryOf(bundle: Resource, profile: string): Path {
  const entries = bundle.entry as FhirValue[];
  const wanted = profileOf(profile, '1.1.0');
  const index = entries.findIndex((one) => at(one, ['resource', 'meta', 'profile', 0]) === wanted);
  if (index === -1) throw new Error(`no ${profile} in the example`);
  return ['entry', index, 'resource'];
}

/** `coding`, `loinc` is the coding of that system. */
function withIndices(document: Resource, path: Path): Path {
  const index = path.indexOf('loinc');
  if (index === -1) return path;
  const list = at(document, path.slice(0, index)) as FhirValue[];
  const found = list.findIndex((one) => isObject(one) && one.system === 'http://loinc.org');
  return [...path.slice(0, index), found, ...path.slice(index + 1)];
}
