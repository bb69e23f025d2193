// Mutants of what no single row says: references inside a bundle (resolved, to the right profile) and the rules of Bundle and
// Composition. Only bundles can break them, so the real examples are their ground.
import { type FhirObject, isObject, type Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { at, type Path, put, remove, show } from './edit.ts';
import type { Example } from './examples.ts';
import type { Mutant } from './make.ts';
import { definitionFor, type Site, survey } from './survey.ts';

type Entry = FhirObject & { fullUrl: string; resource: FhirObject };

const KBV = 'https://fhir.kbv.de/StructureDefinition/KBV_PR_MIO_DIGA';
const NOBODY = 'urn:uuid:00000000-0000-4000-8000-000000000000';

export function breakBundles(examples: readonly Example[], tables: ToolkitTables): Mutant[] {
  const done = new Set<string>();
  const mutants: Mutant[] = [];
  for (const example of examples.filter((one) => !one.single)) {
    const made = [...referencesOf(example, tables), ...rulesOf(example)];
    for (const one of made) {
      const key = `${one.kind} ${one.rule}`;
      if (!done.has(key)) mutants.push(one);
      done.add(key);
    }
  }
  return mutants;
}

function entriesOf(resource: Resource): Entry[] {
  return (resource.entry as Entry[]) ?? [];
}

function* referencesOf(example: Example, tables: ToolkitTables): Generator<Mutant> {
  const { resource } = example;
  const entries = entriesOf(resource);
  const urls = new Set(entries.map((one) => one.fullUrl));
  for (const site of survey(resource, tables).sites) {
    const { value, path } = site;
    if (site.type !== 'Reference' || !isObject(value) || !urls.has(String(value.reference))) continue;
    const rule = `${site.table}#${site.row.id}`;
    const to = (kind: string, reference: string, what: string): Mutant => {
      const changed = [...path, 'reference'];
      const places = [show(resource.resourceType, changed)];
      const broken = put(resource, changed, reference);
      return { ...about(example, kind, `${rule} ${what}`), resource: broken, changed, places };
    };
    yield to('dangling', NOBODY, 'to nobody');
    yield to('dangling', `Patient/${NOBODY.slice(9)}`, 'relative');
    for (const [what, other] of wrongTargets(site, entries, tables)) yield to('target', other.fullUrl, what);
  }
}

/** One entry of another type than the row lets through, and one of the right type with another profile. */
function wrongTargets(site: Site, entries: readonly Entry[], tables: ToolkitTables): [string, Entry][] {
  const targets = site.row.types.flatMap((one) => one.targets);
  if (targets.length === 0) return [];
  const types = new Set(targets.map((one) => tables.definition(one)?.type ?? one));
  const isTarget = ({ resource }: Entry) =>
    targets.includes(definitionFor(resource, tables)?.name ?? '') || targets.includes(String(resource.resourceType));
  const others = entries.filter((one) => !isTarget(one));
  const wrongType = others.find((one) => !types.has(String(one.resource.resourceType)));
  const wrongProfile = others.find((one) => types.has(String(one.resource.resourceType)));
  return [
    ...(wrongType === undefined ? [] : [['wrong type', wrongType] as [string, Entry]]),
    ...(wrongProfile === undefined ? [] : [['wrong profile', wrongProfile] as [string, Entry]]),
  ];
}

function* rulesOf(example: Example): Generator<Mutant> {
  const { resource } = example;
  const entries = entriesOf(resource);
  const [composition, ...rest] = entries;
  if (composition === undefined) return;
  const mutant = (rule: string, broken: Resource, places: Path[]): Mutant => ({
    ...about(example, 'bundle', rule),
    resource: broken,
    changed: places[0] ?? [],
    places: places.map((one) => show(resource.resourceType, one)),
  });
  const referrers = (url: string) => pathsTo(resource, url);
  const last = entries.length - 1;
  const target = rest.findIndex((one) => referrers(one.fullUrl).length > 0) + 1;
  const targetUrl = entries[target]?.fullUrl ?? '';

  yield mutant('the Composition is not first (bdl-11)', put(resource, ['entry'], [...rest, composition]), [
    [],
    ['entry', 0, 'resource'],
  ]);
  yield mutant('no Composition (bundle-2)', put(resource, ['entry'], rest), [[], ['entry', 0, 'resource']]);
  const other = put(composition as FhirObject, ['resource', 'id'], NOBODY.slice(9));
  const second = put(other, ['fullUrl'], NOBODY);
  yield mutant('two Compositions (bundle-2)', put(resource, ['entry'], [...entries, second]), [
    [],
    ['entry', last + 1],
  ]);
  yield mutant('a fullUrl twice (bdl-7)', put(resource, ['entry', last + 1], entries[last] ?? null), [
    [],
    ['entry', last + 1, 'fullUrl'],
  ]);
  yield mutant('a fullUrl with a version (bdl-8)', put(resource, ['entry', last, 'fullUrl'], `https://x/_history/1`), [
    ['entry', last, 'fullUrl'],
    ...referrers(entries[last]?.fullUrl ?? ''),
  ]);
  yield mutant('a fullUrl that is none', put(resource, ['entry', target, 'fullUrl'], 'Patient'), [
    ['entry', target, 'fullUrl'],
    ...referrers(targetUrl),
  ]);
  yield mutant('a fullUrl of another resource', put(resource, ['entry', target, 'fullUrl'], NOBODY), [
    ['entry', target, 'fullUrl'],
    ...referrers(targetUrl),
  ]);
  yield mutant(
    'an entry that is referred to is missing',
    remove(resource, ['entry', target]),
    shifted(referrers(targetUrl), target),
  );
  const profile = ['entry', target, 'resource', 'meta', 'profile'];
  for (const [what, value] of [
    ['of another publisher (bundle-1)', 'https://example.org/StructureDefinition/Other'],
    ['of another version', String((at(resource, profile) as string[])[0]).replace('|1.1.0', '|1.0.0')],
    ['without version', String((at(resource, profile) as string[])[0]).replace('|1.1.0', '')],
    ['of another resource', `${KBV}_Goal_Treatment_Goal|1.1.0`],
  ] as const) {
    yield mutant(`a profile ${what}`, put(resource, profile, [value]), [
      [...profile, 0],
      profile,
      ...referrers(targetUrl),
    ]);
  }
  const type = ['entry', target, 'resource', 'resourceType'];
  for (const [what, value] of [
    ['of another type than its profile', 'Basic'],
    ['of a type that its profile is not for', entries[target]?.resource.resourceType === 'Goal' ? 'Patient' : 'Goal'],
  ] as const) {
    yield mutant(`a resource ${what}`, put(resource, type, value), [type, type.slice(0, 3), profile, [...profile, 0]]);
  }
  yield mutant('a resource without type', remove(resource, type), [type, type.slice(0, 3)]);
  const both = [...(at(resource, profile) as string[]), `${KBV}_Goal_Treatment_Goal|1.1.0`];
  yield mutant('two profiles', put(resource, profile, both), [[...profile, 1], profile]);
  yield* sectionsOf(example, mutant);
}

function* sectionsOf(
  { resource }: Example,
  mutant: (rule: string, broken: Resource, places: Path[]) => Mutant,
): Generator<Mutant> {
  const sections = ['entry', 0, 'resource', 'section'];
  const list = at(resource, sections) as FhirObject[];
  for (const [index, section] of list.entries()) {
    const place = [...sections, index];
    const code = String(at(section, ['code', 'coding', 0, 'code']));
    const patients = at(resource, ['entry', 0, 'resource', 'subject']) ?? null;
    yield mutant(`${code}: an unknown section`, put(resource, [...place, 'code', 'coding', 0, 'code'], 'other'), [
      place,
      [...place, 'code', 'coding', 0, 'code'],
    ]);
    yield mutant(`${code}: another title`, put(resource, [...place, 'title'], 'Export'), [[...place, 'title']]);
    yield mutant(`${code}: empty (cmp-1)`, remove(remove(resource, [...place, 'entry']), [...place, 'section']), [
      place,
    ]);
    yield mutant(`${code}: with text`, put(resource, [...place, 'text'], { status: 'extensions', div: DIV }), [
      [...place, 'text'],
    ]);
    yield mutant(`${code}: twice`, put(resource, [...sections, list.length], section), [
      [...sections, list.length],
      sections,
    ]);
    yield mutant(`${code}: an entry that belongs elsewhere`, put(resource, [...place, 'entry'], [patients]), [
      [...place, 'entry', 0, 'reference'],
      [...place, 'entry'],
    ]);
  }
}

const DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Text</div>';

/** Every `reference` in the document with this value. */
function pathsTo(resource: Resource, url: string): Path[] {
  const found: Path[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) {
      for (const [index, one] of value.entries()) walk(one, [...path, index]);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        if (name === 'reference' && one === url) found.push([...path, name]);
        else walk(one, [...path, name]);
      }
    }
  };
  walk(resource, []);
  return found;
}

/** The places after entry `gone` has been taken out. */
function shifted(paths: readonly Path[], gone: number): Path[] {
  return paths
    .filter((path) => path[1] !== gone)
    .map((path) => (typeof path[1] === 'number' && path[1] > gone ? ['entry', path[1] - 1, ...path.slice(2)] : path));
}

function about(example: Example, kind: string, rule: string) {
  return { kind, rule, example: example.name, single: example.single };
}
