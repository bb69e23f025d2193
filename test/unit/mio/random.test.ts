// Any resource that the tables allow goes through XML and JSON unchanged, whatever the order of its members and the pieces it
// comes in; and the npm package `fhir` reads in our XML what we wrote.
import fc from 'fast-check';
import { Fhir } from 'fhir/fhir.js';
import { expect, test } from 'vitest';
import { readJson, writeJson } from '../../../mio/json.ts';
import { Decimal, type FhirObject, type FhirValue, isObject, type Resource } from '../../../mio/model.ts';
import { CoreTables } from '../../../mio/tables.ts';
import { readXml, XmlReader } from '../../../mio/xml-read.ts';
import { writeXml } from '../../../mio/xml-write.ts';
import { type Coverage, randomResource } from './random-resource.ts';

const core = new CoreTables();
const { shapes } = core;
const TYPES = [...core.definitions.values()].filter((one) => shapes.isResource(one.name)).map((one) => one.name);
const coverage: Coverage = new Map();

test('resources survive XML and JSON, in any order of members and in any pieces', () => {
  fc.assert(
    fc.property(
      randomResource({ shapes, types: TYPES, coverage }),
      fc.integer({ min: 1, max: 50 }),
      (resource, size) => {
        const xml = writeXml(resource, shapes);
        const bytes = Buffer.from(xml);
        expect(readXml(bytes, shapes)).toEqual({ resource, findings: [] });
        expect(writeXml(reversed(resource) as Resource, shapes)).toBe(xml);
        const reader = new XmlReader(shapes);
        for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
        expect(reader.end()).toEqual({ resource, findings: [] });
        expect(readJson(writeJson(resource))).toEqual({ value: resource, findings: [] });
      },
    ),
    { numRuns: 250 },
  );
  const fields = TYPES.flatMap((type) => [...shapes.ofType(type).fields.keys()].map((name) => `${type}.${name}`));
  const reached = fields.filter((one) => coverage.has(one));
  process.stdout.write(`${TYPES.length} types, ${reached.length} of ${fields.length} members of resources reached\n`);
  expect(reached.length).toBeGreaterThan(fields.length * 0.6);
});

test('the package fhir reads the same', () => {
  const judge = new Fhir();
  fc.assert(
    fc.property(randomResource({ shapes, types: TYPES, coverage: new Map(), forJudge: true }), (resource) => {
      expect(comparable(judge.xmlToObj(writeXml(resource, shapes)) as FhirValue)).toEqual(comparable(resource));
    }),
    // The same ones every time: the judge has more faults than those that random-resource.ts leaves out.
    { numRuns: 200, seed: 5 },
  );
});

function reversed(value: FhirValue | undefined): FhirValue | undefined {
  if (Array.isArray(value)) return value.map((one) => reversed(one) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, one]) => [name, reversed(one)]),
  ) as FhirObject;
}

function comparable(value: FhirValue | undefined): FhirValue {
  if (value instanceof Decimal || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (!isObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, comparable(one)]));
}
