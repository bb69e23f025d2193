// Our compiled expressions against npm `fhirpath`, the judge: every expression of the tables, over every element of the
// published examples, of the small document, of those broken at random, and of random resources, wherever it applies.
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';
import { describe, expect, test } from 'vitest';
import type { ElementNode } from '../../../../mio/definition.ts';
import { MioError } from '../../../../mio/error.ts';
import { writeJson } from '../../../../mio/json.ts';
import { type FhirObject, type FhirValue, isObject, type Resource } from '../../../../mio/model.ts';
import { TABLES_FOLDER } from '../../../../mio/tables.ts';
import { compileExpression } from '../../../../mio/validate/fhirpath/compile.ts';
import {
  type Item,
  type Items,
  isElement,
  pushChildren,
  resourceElement,
} from '../../../../mio/validate/fhirpath/items.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { schemasDir } from '../../../support/schemas-dir.ts';
import { RARE_RESOURCES } from '../../../tables/rare-resources.ts';
import { type Coverage, randomResource } from '../random-resource.ts';
import { core, smallDocument, tables } from './small-document.ts';

const { shapes } = core;
const types = core.definitions;

/** Where each expression applies: to a type, or to an element of one (`Patient.identifier.value`) with its types. */
const expressions = new Map<string, Map<string, Set<string>>>();
const names = [...types.keys(), ...Object.keys(tables.index.definitions)];
for (const name of names) {
  const definition = tables.definition(name);
  if (definition === undefined) throw new Error(name);
  const add = (node: ElementNode, path: string): void => {
    for (const rule of node.rules) {
      const { expression } = definition.invariants[rule] ?? { expression: '' };
      const places = expressions.get(expression) ?? new Map<string, Set<string>>();
      expressions.set(expression, places);
      const codes =
        node.types.length === 0 ? [path.includes('.') ? 'BackboneElement' : path] : node.types.map((one) => one.code);
      places.set(path, new Set([...(places.get(path) ?? []), ...codes]));
    }
    for (const child of [...node.children, ...node.slices]) {
      add(child, child.slice === undefined ? `${path}.${child.name.replace('[x]', '')}` : path);
    }
  };
  add(definition.root, definition.type);
}

/** htmlChecks() is left to each implementation, and the judge has none. */
const judged = [...expressions.keys()].filter((one) => one !== 'htmlChecks()');

test('the tables have 114 expressions, and all of them are compiled', () => {
  expect(readdirSync(join(TABLES_FOLDER, '1.1.0')).length).toBeGreaterThan(80);
  expect(expressions.size).toBe(114);
  for (const expression of expressions.keys()) compileExpression(expression, types);
});

type Place = { items: Item[]; names: Set<string> };

/** Every element of a resource, but not what is in resources below it, by its path without indices. */
function elementsOf(resource: Resource): Map<string, Place> {
  const found = new Map<string, Place>();
  const visit = (items: Items, path: string, called: Set<string>): void => {
    found.set(path, { items: [...items], names: called });
    const below = new Set<string>();
    for (const item of items) {
      if (!isElement(item) || item.shape === undefined) continue;
      for (const field of item.shape.fields.values())
        if (field.kind !== 'resource') below.add(field.choice?.slice(0, -3) ?? field.name);
    }
    for (const name of below) {
      const children: Item[] = [];
      for (const item of items) pushChildren(children, item, name, shapes);
      const parents = new Set(items.flatMap((item) => (isElement(item) ? [item.type] : [])));
      // Of several types at one path none is meant in particular.
      if (parents.size > 1) continue;
      const alike = new Set([...called, ...parents].map((one) => `${one}.${name}`));
      if (children.length > 0) visit(children, path === '' ? name : `${path}.${name}`, alike);
    }
  };
  visit([resourceElement(resource, shapes)], '', new Set([resource.resourceType]));
  return found;
}

function applies(expression: string, { items, names }: Place): boolean {
  const places = expressions.get(expression);
  const own = items.flatMap((item) => (isElement(item) ? [item.type] : []));
  const fits = (type: string) => {
    for (let one: string | undefined = type; one !== undefined; one = types.get(one)?.base)
      if (places?.has(one)) return true;
    return [...names].some((name) => places?.get(name)?.has(type));
  };
  return own.length > 0 && own.every(fits);
}

const compiledByJudge = new Map<string, ReturnType<typeof fhirpath.compile>>();
const FAULT = 'fault';

function theirs(resource: Resource, path: string, expression: string): unknown {
  const whole = path === '' ? expression : `${path}.select(${expression})`;
  const known = compiledByJudge.get(whole) ?? fhirpath.compile(whole, r4, { traceFn: () => {} });
  compiledByJudge.set(whole, known);
  try {
    return known(resource, { resource, rootResource: resource });
  } catch {
    return FAULT;
  }
}

function ours(resource: Resource, items: Items, expression: string): unknown {
  const compiled = compileExpression(expression, types);
  try {
    return items.flatMap((item) => {
      const focus = [item];
      return compiled(focus, { shapes, focus, resource, root: resource }).map((one) =>
        isElement(one) ? one.value : one,
      );
    });
  } catch {
    return FAULT;
  }
}

/** The judge compares texts that are no dates, and converts units: ours says that it cannot tell. */
function isComparable(item: Item): boolean {
  if (!isElement(item) || !isObject(item.value)) return true;
  const { start, end, low, high } = item.value;
  const isDate = (one: FhirValue | undefined) =>
    one === undefined || (typeof one === 'string' && /^\d{4}(-|$)/.test(one));
  const unit = (one: FhirValue | undefined) =>
    isObject(one) && typeof one.value === 'number' ? JSON.stringify([one.system, one.code, one.unit]) : Number.NaN;
  return isDate(start) && isDate(end) && (low === undefined || high === undefined || unit(low) === unit(high));
}

/** How many evaluations of each expression were the same. */
const compared = new Map<string, number>();

function compare(given: Resource): void {
  // Numbers as JavaScript has them: the judge knows no others.
  const resource = JSON.parse(writeJson(given)) as Resource;
  for (const [path, place] of elementsOf(resource)) {
    const { items } = place;
    for (const expression of judged) {
      if (!applies(expression, place) || (expression.includes('<=') && !items.every(isComparable))) continue;
      const mine = ours(resource, items, expression);
      expect([path, expression, mine]).toEqual([path, expression, theirs(resource, path, expression)]);
      compared.set(expression, (compared.get(expression) ?? 0) + items.length);
    }
  }
}

const entriesOf = (bundle: Resource): Resource[] =>
  (bundle.entry as FhirObject[]).map((one) => one.resource as Resource).concat(bundle);
const dir = schemasDir();
const published =
  dir === null
    ? []
    : globSync(join(dir, 'mio/examples/**/*.xml'))
        .sort()
        .map((file) => readXml(readFileSync(file), shapes).resource);
const samples = [...published, smallDocument(), ...RARE_RESOURCES].flatMap((one) =>
  one.resourceType === 'Bundle' ? entriesOf(one) : [one],
);

/** Marsaglia's xorshift: a run that fails can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Takes away, doubles or changes members at random. */
function broken(resource: Resource, random: () => number): Resource {
  const copy = structuredClone(JSON.parse(writeJson(resource))) as Resource;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  for (let count = 0; count < 6; count += 1) {
    let owner: FhirObject = copy;
    for (let depth = 0; depth < 5 && random() < 0.7; depth += 1) {
      const below = Object.values(owner)
        .flatMap((one) => (Array.isArray(one) ? one : [one]))
        .filter((one) => isObject(one));
      owner = pick(below) ?? owner;
    }
    const name = pick(Object.keys(owner).filter((one) => one !== 'resourceType'));
    if (name === undefined) continue;
    const value = owner[name];
    const choice = random();
    if (choice < 0.5) delete owner[name];
    else if (Array.isArray(value)) value.push(structuredClone(value[0] ?? null));
    else if (typeof value === 'string')
      owner[name] = pick(['', 'exists', 'other', '2025', '2025-02-03', 'A123456789', '#a', 'display']) ?? value;
    else if (typeof value === 'number') owner[name] = pick([-1, 0, 2, 72.5]) ?? value;
  }
  return copy;
}

describe('the judge agrees', () => {
  test('on the published examples and the small document', () => {
    for (const one of samples) compare(one);
  });

  test('on what is broken at random', () => {
    fc.assert(
      fc.property(fc.nat(samples.length - 1), fc.integer(), (place, seed) => {
        const sample = samples[place];
        if (sample !== undefined) compare(broken(sample, randomFrom(seed)));
      }),
      { numRuns: 150, seed: 20_250_331, endOnFailure: true },
    );
  });

  test('on random resources', () => {
    const coverage: Coverage = new Map();
    const all = [...types.values()].filter((one) => shapes.isResource(one.name)).map((one) => one.name);
    fc.assert(fc.property(randomResource({ shapes, types: all, coverage }), compare), {
      // One seed: that every expression is asked is then the same in every run.
      seed: 5,
      numRuns: 150,
      endOnFailure: true,
    });
  });
});

describeWithSchemas('the judge was asked', () => {
  test('about every expression, 5,000 times and more', () => {
    expect(judged.filter((one) => !compared.has(one))).toEqual([]);
    expect([...compared.values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThan(5_000);
  });
});

describe('what is no expression of the tables', () => {
  const refusals = [
    'name.replace(1)',
    'a ~ b',
    '%unknown',
    'a.',
    'a b',
    '(a',
    "'a",
    'a.where()',
    'a.where(b, c)',
    '',
    'iif(a, b, c)',
    'a.constructor()',
    'a.is(b.c)',
    'a[0]',
    '@2025',
  ];
  test.each(refusals)('%s is refused', (expression) => {
    expect(() => compileExpression(expression, types)).toThrow(MioError);
  });
});
