// Mutants of invariants: for each invariant of the tables and the first examples that have its element, a search over generic
// edits (leave out, add, other value, other type, one more) for one after which the judge says false. One step, else two.
import { type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { choiceName } from '../../mio/shapes.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { at, type Path, put, remove, show } from './edit.ts';
import type { Example } from './examples.ts';
import { rootOf, says } from './judge.ts';
import type { Mutant, Pick } from './make.ts';
import { sampleOf } from './sample.ts';
import { type Member, type Rule, survey } from './survey.ts';

export type Searched = { mutants: Mutant[]; tried: number; notFound: string[] };

const SITES = 3;
const STEPS = 40;
const CODES = 40;

export function breakInvariants(
  examples: readonly Example[],
  tables: ToolkitTables,
  pick: Pick = () => true,
): Searched {
  const sites = new Map<string, { rule: Rule; example: Example }[]>();
  for (const example of examples) {
    for (const rule of survey(example.resource, tables).rules) {
      const key = `${rule.table} ${rule.key}`;
      if (rule.severity !== 'error' || !pick(key)) continue;
      const list = sites.get(key) ?? [];
      if (list.length < SITES && says(rule, example.resource) === 'true') list.push({ rule, example });
      sites.set(key, list);
    }
  }
  const mutants: Mutant[] = [];
  const notFound: string[] = [];
  for (const [name, list] of sites) {
    const found = firstOf(list, (one) => search(one.rule, one.example, tables));
    if (found === undefined) notFound.push(name);
    else mutants.push(found);
  }
  return { mutants, tried: sites.size, notFound };
}

function firstOf<In, Out>(list: readonly In[], of: (one: In) => Out | undefined): Out | undefined {
  for (const one of list) {
    const found = of(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Edit = { resource: Resource; changed: Path; adds?: true };

/** An edit that breaks nothing but the invariant is best; one that breaks another row too is better than none. */
function search(rule: Rule, example: Example, tables: ToolkitTables): Mutant | undefined {
  let second: Mutant | undefined;
  const judged = function* (edits: Iterable<Edit>): Generator<Mutant> {
    for (const { resource, changed } of edits) {
      if (says(rule, resource) !== 'false') continue;
      const { breaches } = survey(resource, tables, rootOf(rule.path));
      const places = [show(resource.resourceType, rule.path), ...breaches.map((one) => one.path)];
      const mutant: Mutant = { ...factsOf(rule, example), resource, changed, places };
      if (breaches.length === 0) yield mutant;
      else second ??= mutant;
    }
  };
  const first = [...editsOf(rule, example.resource, tables)];
  for (const mutant of judged(first)) return mutant;
  if (second !== undefined) return second;
  const steps = [...first.filter((one) => one.adds), ...first.filter((one) => !one.adds)];
  for (const step of steps.slice(0, STEPS)) {
    for (const mutant of judged(editsOf(rule, step.resource, tables))) return mutant;
  }
  return second;
}

function factsOf(rule: Rule, { name, single }: Example) {
  return { kind: 'invariant', rule: `${rule.table} ${rule.key}`, example: name, single, invariant: rule.key };
}

/** Edits of what the expression speaks of, in and below its element. */
function* editsOf(rule: Rule, resource: Resource, tables: ToolkitTables): Generator<Edit> {
  const words = new Set(rule.expression.match(/[A-Za-z]+/g));
  const literals = [...rule.expression.matchAll(/'([^']*)'/g)].map((one) => one[1] ?? '');
  const here = at(resource, rule.path);
  if (typeof here === 'string') {
    for (const text of ['x', '2020', here.slice(0, -1), `${here}0`])
      yield { resource: put(resource, rule.path, text), changed: rule.path };
    yield { resource: put(resource, rule.path, here.replace(/>[^<]/, '><script>x</script>')), changed: rule.path };
  }
  const from = rule.expression.includes('%resource') ? rootOf(rule.path) : rule.path;
  const { members } = survey(resource, tables, rootOf(rule.path));
  for (const member of members) {
    if (!from.every((key, index) => member.path[index] === key)) continue;
    const names = [...member.path.slice(from.length), member.row.name.replace('[x]', '')];
    const spoken = names.filter((one) => typeof one === 'string').map((one) => one.replace(/^_/, ''));
    const broad = words.has('descendants') && spoken.every((one) => one === 'item' || words.has(one));
    if (broad || spoken.every((one) => words.has(one) || one === 'extension' || words.has(stem(one))))
      yield* editsOfMember(resource, member, { literals, tables, members });
  }
}

/** `valueQuantity` is `value` in FHIRPath. */
function stem(name: string): string {
  return name.replace(/[A-Z].*/, '');
}

type Tools = { literals: readonly string[]; tables: ToolkitTables; members: readonly Member[] };

function* editsOfMember(resource: Resource, member: Member, tools: Tools): Generator<Edit> {
  const { row, path, found } = member;
  const { literals, members } = tools;
  const name = row.name.replace('[x]', '');
  for (const one of found) {
    for (const value of othersFor(one.value, literals))
      yield { resource: put(resource, one.path, value), changed: one.path };
    yield { resource: remove(resource, one.path), changed: one.path };
    yield* extended(resource, one.path, literals);
    if (!isObject(one.value)) continue;
    const alike = members.filter((each) => each.row.name === row.name && !row.list && each !== member);
    for (const { value } of alike
      .flatMap((each) => each.found)
      .filter((each) => isObject(each.value))
      .slice(0, 3))
      if (value !== undefined) yield { resource: put(resource, one.path, value), changed: one.path };
  }
  if (found.length > 1) {
    const gone = found.toReversed().reduce((left, one) => remove(left, one.path), resource);
    yield { resource: gone, changed: [...path, name] };
    const [first, second] = found;
    if (first !== undefined && second?.value !== undefined)
      yield { resource: put(resource, first.path, second.value), changed: first.path };
  }
  const types = row.ref === undefined ? row.types.map((one) => one.code) : ['BackboneElement'];
  for (const type of found.length === 0 || row.list ? types.slice(0, 12) : []) {
    const changed = [...path, row.name.endsWith('[x]') ? choiceName(row.name, type) : name];
    const before = found.map((one) => one.value ?? null);
    for (const value of samples(member, type, tools)) {
      yield { resource: put(resource, changed, row.list ? [...before, value] : value), changed, adds: true };
      const copy = before[0] ?? value;
      if (row.list) yield { resource: put(resource, changed, [...before, copy, copy, copy]), changed };
    }
  }
}

function* samples(member: Member, type: string, { literals, tables }: Tools): Generator<FhirValue> {
  const { row } = member;
  const codes = row.codes === undefined ? undefined : tables.valueSet(row.codes)?.lists[0]?.codes;
  if (type === 'code' && codes !== undefined) yield* [...codes.keys()].slice(0, CODES);
  const sample = sampleOf(row, type, tables);
  yield sample;
  if (typeof sample === 'string') yield* literals;
  if (typeof sample === 'number') yield* [-1, 0, 1];
  if (sample === true) yield false;
  if (type === 'CodeableConcept') for (const code of literals) yield { coding: [{ system: literals[0] ?? '', code }] };
}

function othersFor(value: FhirValue | undefined, literals: readonly string[]): FhirValue[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number' || (typeof value === 'object' && value !== null && 'text' in value && !isObject(value)))
    return [-1, 0, 99_999];
  if (typeof value !== 'string') return [];
  return /^\d{4}/.test(value)
    ? ['2020', '1900-01-01', '2999-12-31', ...literals]
    : [...literals, 'x', `${value}/_history/1`, '#x'];
}

/** An extension that the expression names, on a primitive: beside its value, and instead of it. */
function* extended(resource: Resource, path: Path, literals: readonly string[]): Generator<Edit> {
  if (typeof at(resource, path) !== 'string') return;
  const last = path.at(-1);
  const sibling =
    typeof last === 'number' ? [...path.slice(0, -2), `_${path.at(-2)}`, last] : [...path.slice(0, -1), `_${last}`];
  for (const url of literals.filter((one) => one.startsWith('http'))) {
    const value = { extension: [{ url, valueString: 'Text' }] };
    const both = put(resource, sibling, value);
    yield { resource: both, changed: path };
    yield { resource: typeof last === 'number' ? put(both, path, null) : remove(both, path), changed: path };
  }
}
