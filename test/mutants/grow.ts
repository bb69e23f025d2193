// Examples grown by script: to each, whatever its profile lets in and it does not have is added, as small as the tables allow, and
// kept where both judges (survey.ts, fhirpath) find nothing wrong. So rules of elements that no example has can be broken too,
// and the validator must find nothing wrong with what is only unusual.
import { type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { choiceName } from '../../mio/shapes.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { type Path, put } from './edit.ts';
import type { Example } from './examples.ts';
import { says } from './judge.ts';
import { sampleOf } from './sample.ts';
import { definitionFor, type Member, survey } from './survey.ts';

const ROUNDS = 4;

/** One of each profile, from the fullest example of it. */
export function grownExamples(examples: readonly Example[], tables: ToolkitTables): Example[] {
  const singles = examples.flatMap((one) => (one.single ? [one.resource] : resourcesOf(one.resource)));
  const byProfile = new Map<string, Resource>();
  for (const resource of singles) {
    const name = definitionFor(resource, tables)?.name ?? '';
    if (!byProfile.has(name)) byProfile.set(name, resource);
  }
  return [...byProfile].map(([name, resource]) => ({
    name: `${name.replace('KBV_PR_MIO_DIGA_', '')}, grown`,
    resource: grown(resource, tables),
    single: true,
  }));
}

function resourcesOf(bundle: Resource): Resource[] {
  const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
  return entries.flatMap((one) => (isObject(one) && isObject(one.resource) ? [one.resource as Resource] : []));
}

function grown(resource: Resource, tables: ToolkitTables): Resource {
  let whole = resource;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = whole;
    for (const member of survey(whole, tables).members) {
      for (const { path, value } of additions(member, tables)) {
        const more = put(whole, path, value);
        if (isRight(more, path, tables)) whole = more;
      }
    }
    if (whole === before) break;
  }
  return whole;
}

type Addition = { path: Path; value: FhirValue };

function* additions({ row, path, found, slices }: Member, tables: ToolkitTables): Generator<Addition> {
  if (row.max === 0 || row.name === 'id' || row.name === 'modifierExtension') return;
  const name = (type: string) => (row.name.endsWith('[x]') ? choiceName(row.name, type) : row.name);
  const absent = [...slices]
    .filter(([slice, entries]) => entries.length === 0 && slice.max > 0)
    .map(([slice]) => slice);
  let count = found.length;
  for (const one of row.list && absent.length > 0 ? absent : found.length === 0 ? [row] : []) {
    const type = one.ref === undefined ? (one.types[0]?.code ?? 'BackboneElement') : 'BackboneElement';
    const value = sampleOf(one, type, tables);
    const place = [...path, name(type)];
    yield row.list ? { path: [...place, count], value } : { path: place, value };
    count += 1;
  }
}

function isRight(resource: Resource, path: Path, tables: ToolkitTables): boolean {
  const { breaches, rules } = survey(resource, tables);
  if (breaches.length > 0) return false;
  const touched = rules.filter(
    (one) => one.severity === 'error' && one.path.every((key, index) => path[index] === key),
  );
  const below = rules.filter((one) => one.severity === 'error' && path.every((key, index) => one.path[index] === key));
  return [...touched, ...below].every((one) => says(one, resource) === 'true');
}
