// The tables in the project are what the published packages say, byte for byte, and every fact in them can be used: slices
// can be told apart, invariants can be read, names lead somewhere. Judges: npm `fhir` for R4's schema, `fhirpath` for expressions.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fhirpath from 'fhirpath';
import { describe, expect, test } from 'vitest';
import { compileFolder } from '../../../../mio/compile.ts';
import type { ElementNode } from '../../../../mio/definition.ts';
import type { Field, Shape } from '../../../../mio/shapes.ts';
import { CoreTables, TABLES_FOLDER, ToolkitTables, toolkitVersions } from '../../../../mio/tables.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { CORE_FOLDER } from './core-folder.ts';

const core = new CoreTables();
const tables = new ToolkitTables('1.1.0', core);
const names = Object.keys(tables.index.definitions);
const definitions = [...names.map((name) => tables.definition(name)), ...core.definitions.values()].filter(
  (one) => one !== undefined,
);

function* nodes(node: ElementNode): Generator<ElementNode> {
  yield node;
  for (const one of [...node.children, ...node.slices]) yield* nodes(one);
}
const everyNode = () =>
  definitions.flatMap((one) => [...nodes(one.root)].map((node) => ({ at: `${one.name} ${node.id}`, node })));

describeWithSchemas('recompiling', (dir) => {
  test('gives the tables in the project, byte for byte', () => {
    const { files, notes } = compileFolder(join(dir, 'mio/profiles'), CORE_FOLDER);
    const present = readdirSync(TABLES_FOLDER, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name).slice(TABLES_FOLDER.length + 1));
    expect(present.sort()).toEqual([...files.keys()].sort());
    expect([...files].filter(([name, text]) => readFileSync(join(TABLES_FOLDER, name), 'utf8') !== text)).toEqual([]);
    const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    process.stdout.write(
      `${names.length} definitions in ${files.size} files, ${bytes} bytes; ${notes.length} notes:\n${notes.join('\n')}\n`,
    );
    expect(bytes).toBeLessThan(1_500_000);
  });
});

describe('the tables', () => {
  test('hold the 48 definitions of the toolkit and what they name', () => {
    expect(toolkitVersions()).toEqual(['1.1.0']);
    expect(names.filter((name) => /^KBV_(PR|EX)_MIO_DIGA_/.test(name)).length).toBe(48);
  });

  test('give every slice a condition that tells it', () => {
    const slices = everyNode().filter(({ node }) => node.slice !== undefined);
    expect(slices.filter(({ node }) => node.when.length === 0).map(({ at }) => at)).toEqual([]);
    expect(slices.length).toBeGreaterThan(250);
  });

  test('name only profiles, types and value sets that they hold or say they do not', () => {
    const missing = everyNode().flatMap(({ at, node }) => {
      const profiles = node.types.flatMap((one) => [one.code, ...one.profiles]).filter((one) => one !== 'xhtml');
      const sets = [node.codes, ...node.when.map((one) => ('in' in one ? one.in : undefined))].filter(
        (one) => one !== undefined,
      );
      return [
        ...profiles.filter((one) => tables.definition(one) === undefined),
        ...sets.filter((one) => tables.valueSet(one) === undefined && tables.index.unchecked[one] === undefined),
      ].map((one) => `${at}: ${one}`);
    });
    expect(missing).toEqual([]);
  });

  test('lead every reference of the toolkit to a profile or a type of R4', () => {
    const targets = new Set(everyNode().flatMap(({ node }) => node.types.flatMap((one) => one.targets)));
    const ours = [...targets].filter((one) => one.startsWith('KBV_'));
    expect(ours.filter((one) => tables.definition(one) === undefined)).toEqual([]);
    expect(ours.length).toBeGreaterThan(25);
  });

  test('hold invariants that FHIRPath can read, under keys that their rows name', () => {
    const unreadable: string[] = [];
    for (const one of definitions) {
      for (const [key, { expression }] of Object.entries(one.invariants)) {
        try {
          fhirpath.parse(expression);
        } catch {
          unreadable.push(`${one.name} ${key}`);
        }
      }
      const used = new Set([...nodes(one.root)].flatMap((node) => node.rules));
      expect([...used].sort(), one.name).toEqual(Object.keys(one.invariants).sort());
    }
    expect(unreadable).toEqual([]);
  });

  test('carry no prose', () => {
    const texts = readdirSync(join(TABLES_FOLDER, '1.1.0')).filter((one) => one.endsWith('.json'));
    const bad = texts.filter((one) =>
      /"(?:definition|short|comment|human|description|copyright)":/.test(
        readFileSync(join(TABLES_FOLDER, '1.1.0', one), 'utf8'),
      ),
    );
    expect(bad).toEqual([]);
  });
});

describe('the schema of R4 beside the npm package fhir', () => {
  type Property = { _name: string; _type: string; _multiple: boolean; _properties?: Property[] };
  const file = resolve(import.meta.dirname, '../../../../node_modules/fhir/profiles/types.json');
  const judge = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { _properties: Property[] }>;

  test('has the same elements, types and lists for every type in the tables', () => {
    const differences: string[] = [];
    let compared = 0;
    const walk = (shape: Shape, properties: readonly Property[], path: string): void => {
      const theirs = new Map(properties.filter((one) => !one._name.startsWith('_')).map((one) => [one._name, one]));
      differences.push(
        ...[...theirs.keys()].filter((one) => !shape.fields.has(one)).map((one) => `${path}.${one} missing`),
      );
      for (const field of shape.fields.values()) {
        compared += 1;
        const one = theirs.get(field.name);
        if (one === undefined) differences.push(`${path}.${field.name} added`);
        else differences.push(...differing(field, one).map((fact) => `${path}.${field.name} ${fact}`));
        if (one?._properties?.length && field.node.children.length > 0)
          walk(core.shapes.below(field), one._properties, `${path}.${field.name}`);
      }
    };
    for (const definition of core.definitions.values()) {
      const properties = judge[definition.name]?._properties;
      if (definition.kind !== 'primitive-type' && properties !== undefined)
        walk(core.shapes.ofType(definition.name), properties, definition.name);
    }
    process.stdout.write(`${compared} elements of R4 compared\n`);
    expect(differences).toEqual([
      // bundle.html#entry says Resource; `fhir` takes the name of the resource that R4 proposes.
      'Bundle.entry.response.outcome type',
    ]);
  });

  function differing(field: Field, one: Property): string[] {
    const facts: string[] = [];
    if (one._multiple !== field.list) facts.push('list');
    // They give every id the type id (R4 has string for those of elements), and an extension's url the type string.
    const attribute = field.attribute && (field.name === 'id' || field.name === 'url');
    if (one._type !== field.type && field.node.ref === undefined && !attribute) facts.push('type');
    return facts;
  }
});
