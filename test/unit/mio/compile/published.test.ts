// Our snapshots against those that KBV and HL7 Deutschland published with kbv.basis and de.basisprofil (made by another
// program from the same differentials): element by element, every difference named and explained.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findPackages, Registry, readCore, readPackage } from '../../../../mio/compile/packages.ts';
import { Snapshots } from '../../../../mio/compile/snapshot.ts';
import {
  type ElementDefinition,
  nameWith,
  type StructureDefinition,
  withoutVersion,
} from '../../../../mio/compile/structure.ts';
import { nodesOf, type TreeNode, treeOf } from '../../../../mio/compile/tree.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { CORE_FOLDER } from './core-folder.ts';

const TYPE = 'http://hl7.org/fhir/StructureDefinition/';

/** Differences that are none in what a document may contain; each with the number of elements it was seen on. */
const EXPLAINED: Record<string, number> = {
  // Body temperature names the unit on value[x]:valueQuantity; they put it, and copies of Quantity's elements, on value[x].
  'KBV_PR_Base_Observation_Body_Temperature value[x]': 8,
  // tim-9: Medplum repaired R4's expression, which fails on a list of two `when`; for one they are the same.
  'KBV_PR_Base_MedicationStatement dosage.timing.repeat rules': 1,
};

describeWithSchemas('snapshots beside the published ones', (dir) => {
  const found = findPackages(join(dir, 'mio/profiles'));
  // A group that is skipped is read as well.
  const names = dir === '' ? [] : ['kbv.basis', 'de.basisprofil.r4'];
  const packages = names.map((name) => readPackage(found[name]?.folder ?? '', () => ({})));
  let all = new Registry().with(readCore(CORE_FOLDER));
  for (const one of packages) all = all.with(one);
  const snapshots = new Snapshots((url) => all.structures.get(url));

  test('say the same of every element', () => {
    const differences: string[] = [];
    let compared = 0;
    let definitions = 0;
    for (const definition of packages.flatMap((one) => [...one.structures.values()])) {
      definitions += 1;
      const ours = new Map(nodesOf(snapshots.tree(definition.url)));
      const theirs = new Map(nodesOf(treeOf((definition as Required<StructureDefinition>).snapshot.element)));
      for (const id of new Set([...ours.keys(), ...theirs.keys()])) {
        compared += 1;
        const [a, b] = [ours.get(id), theirs.get(id)];
        if (a === undefined || b === undefined)
          differences.push(`${definition.name} ${id} only ${a ? 'ours' : 'theirs'}`);
        else for (const fact of differing(a, b)) differences.push(`${definition.name} ${id} ${fact}`);
      }
    }
    process.stdout.write(
      `${definitions} definitions, ${compared} elements compared, ${differences.length} differences explained\n`,
    );
    const explained = (one: string) => Object.keys(EXPLAINED).find((start) => one.startsWith(start));
    expect(differences.filter((one) => explained(one) === undefined)).toEqual([]);
    const counts = Map.groupBy(differences, explained);
    expect(Object.fromEntries([...counts].map(([start, all]) => [start, all.length]))).toEqual(EXPLAINED);
    expect(compared).toBeGreaterThan(3800);
  });

  test('contradict their base nowhere', () => expect(snapshots.notes).toEqual([]));

  function differing(a: TreeNode, b: TreeNode): string[] {
    const [x, y] = [factsOf(a), factsOf(b)];
    // They keep the name of a type's profile when its elements are copied; we drop it then, having merged it.
    if (a.of.length > 0) x.types = y.types = '';
    return [...new Set([...Object.keys(x), ...Object.keys(y)])].filter((name) => x[name] !== y[name]);
  }

  function factsOf({ def, slices }: TreeNode): Record<string, string | undefined> {
    const facts: Record<string, string | undefined> = {
      min: String(def.min ?? 0),
      max: def.max,
      types: JSON.stringify((def.type ?? []).map((one) => [one.code, one.profile ?? [], one.targetProfile ?? []])),
      rules: rulesOf(def),
      codes: def.binding?.strength === 'required' ? def.binding.valueSet : undefined,
      // They cut every list of extensions by url, with or without slices; open and without slices it demands nothing.
      slicing:
        def.slicing === undefined || (slices.length === 0 && def.slicing.rules === 'open')
          ? undefined
          : JSON.stringify([def.slicing.discriminator, def.slicing.rules, def.slicing.ordered ?? false]),
      // R5's way to write a reference to an element of the base.
      ref: def.contentReference?.replace(/^.*#/, ''),
    };
    for (const prefix of ['fixed', 'pattern']) {
      const name = nameWith(def, prefix);
      if (name !== undefined) facts[name] = JSON.stringify(def[name]);
    }
    return facts;
  }

  /** They repeat the invariants of a type, or of its profile, on every element; ours stand in those tables and hold as well. */
  function rulesOf(def: ElementDefinition): string {
    const codes = ['Element', ...(def.type ?? []).map((one) => one.code)].filter((code) => !code.includes('/'));
    const profiles = (def.type ?? [])
      .flatMap((one) => one.profile ?? [])
      .filter((one) => all.structures.has(withoutVersion(one)));
    const inherited = [...codes.map((code) => TYPE + code), ...profiles].flatMap(
      (one) => snapshots.tree(one).def.constraint ?? [],
    );
    const rules = [...inherited, ...(def.constraint ?? [])].map((one) => `${one.key} ${one.expression}`);
    return [...new Set(rules)].sort().join('\n');
  }
});
