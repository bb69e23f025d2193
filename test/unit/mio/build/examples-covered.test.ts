// KBV's examples against what entries become: every element that stands in one of them stands in a resource of ours, too, but
// for the ones named here, each with its reason (docs/mio-build.md, limits of mode simple).
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../../../mio/build/kinds.ts';
import { type FhirValue, isObject, type Resource } from '../../../../mio/model.ts';
import { readXml } from '../../../../mio/xml-read.ts';
import { maximalEntries } from '../../../support/maximal-entries.ts';
import { build, simple, tables } from '../../../support/mio-build.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';

const kinds = new Set(maximalEntries.map(({ kind }) => kind));
const others = KINDS.filter(({ kind }) => !kinds.has(kind)).map(({ example }) => example);
/** Profiles of the kinds that maximal-entries.ts has every member of, and of what they bring with them. */
const PROFILES = new Set([
  ...KINDS.filter(({ kind }) => kinds.has(kind)).map(({ profile }) => profile),
  ...['Medication', 'Goal_Treatment_Goal', 'Observation_Nutrition_Intake_Food_Composition_Types'].map(
    (name) => `KBV_PR_MIO_DIGA_${name}`,
  ),
]);

const NOT_SAID: Readonly<Record<string, string>> = {
  'Organization.identifier.type.text': 'says the same as the code',
  'Organization.identifier.period.start': 'nobody knows since when',
  'Organization.identifier.period.end': 'nor until when',
  'Organization.identifier.assigner.reference': 'nor from whom',
  'Organization.identifier.assigner.display': 'nor from whom',
};

function pathsOf(value: FhirValue | undefined, path: string, paths: Set<string>): Set<string> {
  if (Array.isArray(value)) for (const one of value) pathsOf(one, path, paths);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const below = name === 'extension' || name.startsWith('_') ? path : `${path}.${name}`;
      if (typeof value.url === 'string' && name.startsWith('value')) paths.add(`${path}(${value.url}).${name}`);
      pathsOf(member, name.startsWith('_') ? `${path}.${name.slice(1)}` : below, paths);
    }
  } else if (value !== null && value !== undefined) paths.add(path);
  return paths;
}

const nameOf = ({ meta }: Resource) => /([A-Za-z_]+)\|/.exec(JSON.stringify(meta))?.[1] ?? '';
const resourcesIn = (resource: Resource): Resource[] =>
  resource.resourceType === 'Bundle'
    ? (resource.entry as { resource: Resource }[]).map((one) => one.resource)
    : [resource];

describeWithSchemas('every element of the published examples', (dir) => {
  test('can be said by entries, or is named here', () => {
    const ours = new Map<string, Set<string>>();
    for (const { resource, profile } of build(simple(...maximalEntries, ...others)).drafts) {
      ours.set(profile, pathsOf(resource, resource.resourceType, ours.get(profile) ?? new Set()));
    }
    const missing = new Set<string>();
    for (const file of globSync(join(dir, 'mio/examples/**/*.xml'))) {
      for (const resource of resourcesIn(readXml(readFileSync(file), tables.core.shapes).resource)) {
        const name = nameOf(resource);
        if (!PROFILES.has(name)) continue;
        const { meta: _, ...rest } = resource;
        for (const path of pathsOf(rest, resource.resourceType, new Set())) {
          if (ours.get(name)?.has(path) !== true) missing.add(path);
        }
      }
    }
    expect([...missing].sort()).toEqual(Object.keys(NOT_SAID).sort());
  });
});
