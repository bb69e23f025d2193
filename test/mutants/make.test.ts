// The generator of mutants itself: it finds the examples in order, makes what it says, and leaves out what stays valid.
import { describe, expect, test } from 'vitest';
import type { FhirValue, Resource } from '../../mio/model.ts';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { validate } from '../../mio/validate/validate.ts';
import { describeWithSchemas } from '../support/schemas.ts';
import { at, type Path, put, remove, show } from './edit.ts';
import { readExamples } from './examples.ts';
import { grownExamples } from './grow.ts';
import { breakInvariants } from './invariants.ts';
import { says } from './judge.ts';
import { makeMutants } from './make.ts';
import { survey } from './survey.ts';

describe('an edit', () => {
  const patient: Resource = { resourceType: 'Patient', name: [{ family: 'A' }, { family: 'B' }], active: true };

  test.each<[string, Path, FhirValue]>([
    ['sets a member', ['active'], false],
    ['sets a member of an entry', ['name', 1, 'family'], 'C'],
    ['makes what is missing on the way', ['contact', 0, 'name', 'text'], 'D'],
  ])('%s and leaves the original as it was', (_name, path, value) => {
    const before = structuredClone(patient);
    expect(at(put(patient, path, value), path)).toBe(value);
    expect(patient).toEqual(before);
  });

  test('takes an entry away, and the list with its last one', () => {
    const one = remove(patient, ['name', 0]);
    expect(one.name).toEqual([{ family: 'B' }]);
    expect(remove(one, ['name', 0])).toEqual({ resourceType: 'Patient', active: true });
    expect(remove(patient, ['contact', 3])).toEqual(patient);
  });

  test('shows its place as findings do', () => {
    expect(show('Patient', ['address', 0, '_line', 1, 'extension', 0])).toBe('Patient.address[0].line[1].extension[0]');
  });
});

describeWithSchemas('the generator of mutants', (dir) => {
  const tables = new ToolkitTables('1.1.0', new CoreTables());
  const examples = dir === '' ? [] : readExamples(dir, tables);
  const weight = examples.filter((one) => one.name === 'Observation_Body_Weight_Maximalbeispiel');

  test('finds nothing wrong in any published example by its own reading of the tables', () => {
    expect(examples.length).toBe(58);
    expect(examples.flatMap((one) => survey(one.resource, tables).breaches.map(({ path }) => path))).toEqual([]);
  });

  test('breaks each rule once, at a place of its own, and never the original', () => {
    const before = structuredClone(weight[0]?.resource);
    const { mutants } = makeMutants(weight, tables);
    expect(weight[0]?.resource).toEqual(before);
    expect(new Set(mutants.map((one) => `${one.kind} ${one.rule}`)).size).toBe(mutants.length);
    expect(mutants.filter((one) => one.places.length === 0 || one.resource === weight[0]?.resource)).toEqual([]);
    const places = (kind: string, rule: string) => {
      const name = `KBV_PR_MIO_DIGA_Observation_Body_Weight#${rule}`;
      return mutants.find((one) => one.kind === kind && one.rule === name)?.places;
    };
    expect(places('min', 'subject')).toEqual(['Observation.subject']);
    expect(places('slice-min', 'code.coding:loinc')).toContain('Observation.code.coding');
    expect(places('max-0', 'meta.tag')).toEqual(['Observation.meta.tag[0]']);
    expect(places('pattern', 'value[x]:valueQuantity.system')).toContain('Observation.valueQuantity.system');
    expect(places('binding', 'code.coding:loinc code')).toEqual(['Observation.code.coding[0]']);
    expect(places('unknown', '')).toEqual(['Observation.noSuchElement']);
  });

  test('makes no mutant of an entry that only leaves a slice of an open list', () => {
    const { mutants, notMade } = makeMutants(weight, tables);
    const name = 'KBV_PR_MIO_DIGA_Observation_Body_Weight#method.coding:Datenerhebung';
    expect(mutants.filter((one) => one.kind === 'slice-value' && one.rule.startsWith(name))).toEqual([]);
    expect([...notMade]).toContain(`slice-value ${name}`);
  });

  test('breaks invariants only where the judge says so', () => {
    const appointment = examples.filter((one) => one.name === 'Appointment_Maximalbeispiel');
    const { mutants, notFound } = breakInvariants(appointment, tables, (key) => key.startsWith('Appointment '));
    expect(mutants.map((one) => one.invariant).sort()).toEqual(['app-2', 'app-3', 'app-4']);
    expect(notFound).toEqual([]);
    for (const { resource, invariant } of mutants) {
      const rule = survey(resource, tables).rules.find((one) => one.key === invariant);
      expect(rule === undefined ? 'no such rule' : says(rule, resource)).toBe('false');
    }
  });

  test('grows an example by what its profile lets in, and by nothing that a judge calls wrong', () => {
    const [grown] = grownExamples(weight, tables);
    const sites = (resource: Resource | undefined) =>
      resource === undefined ? 0 : survey(resource, tables).sites.length;
    expect(sites(grown?.resource)).toBeGreaterThan(sites(weight[0]?.resource) + 20);
    expect(grown === undefined ? undefined : survey(grown.resource, tables).breaches).toEqual([]);
    const found = grown === undefined ? [] : validate(grown.resource, tables, { single: true });
    expect(found.filter((one) => one.severity === 'error')).toEqual([]);
  });

  test('begins with examples of which the judge calls nothing wrong', () => {
    const wrong = examples.flatMap(({ name, resource }) =>
      survey(resource, tables)
        .rules.filter((one) => one.severity === 'error' && says(one, resource) === 'false')
        .map((one) => `${name} ${show(resource.resourceType, one.path)} ${one.key}`),
    );
    expect(wrong).toEqual([]);
  });
});
