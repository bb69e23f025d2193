// The validator against mutants of the published examples: a part of them, drawn by seed (all: npm run mutants). At least 99 % are
// caught, and nothing is said that is not so. Judges: a second reading of the tables (survey.ts) and fhirpath (judge.ts).
import { describe, expect, test } from 'vitest';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { schemasDir } from '../support/schemas-dir.ts';
import { allMutants } from './all.ts';
import { allExamples } from './examples.ts';
import { baseErrors, outcomeOf } from './measure.ts';
import { figuresOf, figuresTable, listOf } from './table.ts';

/** One rule in so many; another seed draws others. */
const ONE_IN = 8;
const SEED = 5;
const LEAST = 0.99;

const folder = schemasDir();
const tables = new ToolkitTables('1.1.0', new CoreTables());
const examples = allExamples(folder, tables);
const before = baseErrors(examples, tables);

describe(`the validator and mutants of ${folder === null ? 'our own document only [skipped: no official files, set EPA_SCHEMAS]' : 'the examples'}`, () => {
  test('the examples themselves have no error but the one reference that leads nowhere', () => {
    const errors = [...before].flatMap(([name, list]) => list.map(({ code, path }) => `${name} ${code} ${path}`));
    const known = 'REAL_EXAMPLE_2_Bundle MIO_REFERENCE_DANGLING Bundle.entry[4].resource.agent[0].who.reference';
    expect(errors).toEqual(folder === null ? [] : [known]);
  });

  test('of more than 1,000 mutants at least 99 % are caught and nothing is falsely reported', {
    timeout: 120_000,
  }, () => {
    const { mutants } = allMutants(examples, tables, (rule) => hash(rule) % ONE_IN === SEED);
    const outcomes = mutants.map((mutant) => outcomeOf(mutant, tables, before.get(mutant.example) ?? []));
    const figures = figuresOf(outcomes);
    process.stdout.write(figuresTable(outcomes));
    const faults = listOf(outcomes, (one) => !one.caught || !one.placed || one.unfounded.length > 0);
    expect(figures.made).toBeGreaterThan(folder === null ? 300 : 1000);
    expect(figures.caught / figures.made, faults).toBeGreaterThanOrEqual(LEAST);
    expect(figures.placed / figures.made, faults).toBeGreaterThanOrEqual(LEAST);
    expect(figures.unfounded, faults).toBe(0);
  });
});

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
