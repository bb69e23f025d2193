// Candidates for mutants, row by row of the tables: what to do to the document so that the row is broken once. Whether the
// document is then truly wrong is decided afterwards (make.ts): breaking one row may only move an entry into another slice.
import { type FhirValue, isObject, type Resource } from '../../mio/model.ts';
import { choiceName } from '../../mio/shapes.ts';
import type { Condition } from '../../mio/table-format.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { candidate, type Found, ruleOf, siblingOf } from './candidate.ts';
import { at, type Path, put, remove } from './edit.ts';
import { contains, inSet, TYPE_NAMES } from './facts.ts';
import { misspelt } from './misspelt.ts';
import { sampleOf } from './sample.ts';
import type { Holder, Member, Occurrence, Site, Survey } from './survey.ts';

const NO_CODE = 'no-such-code';

export function* candidatesOf(resource: Resource, seen: Survey, tables: ToolkitTables): Found {
  for (const member of seen.members) {
    yield* fewer(resource, member);
    yield* more(resource, member, tables);
    yield* slices(resource, member, tables);
    yield* otherType(resource, member, tables);
    yield* twoTypes(resource, member, tables);
  }
  for (const site of seen.sites) {
    yield* otherValue(resource, site);
    yield* otherCode(resource, site, tables);
    yield* misspelt(resource, site, tables);
  }
  for (const holder of seen.holders) yield* strangers(resource, holder);
  yield* misplaced(resource, seen, tables);
}

function* fewer(resource: Resource, member: Member): Found {
  const { row, found } = member;
  if (row.min === 0 || found.length < row.min) return;
  const gone = found.slice(row.min - 1);
  yield candidate('min', member, without(resource, gone), gone[0]?.path ?? member.path);
}

function* more(resource: Resource, member: Member, tables: ToolkitTables): Found {
  const { row, found, path } = member;
  const first = found[0];
  if (row.max === 0) {
    if (first !== undefined) return;
    const type = row.types[0]?.code ?? 'BackboneElement';
    const name = row.name.endsWith('[x]') ? choiceName(row.name, type) : row.name;
    const value = sampleOf(row, type, tables);
    const changed = [...path, name];
    yield candidate('max-0', member, put(resource, changed, row.list ? [value] : value), changed);
  } else if (Number.isFinite(row.max) && row.list && first !== undefined) {
    yield* copies(resource, member, { kind: 'max', of: first, count: row.max + 1 - found.length });
  }
}

function* copies(
  resource: Resource,
  member: Member,
  { kind, of, count }: { kind: string; of: Occurrence; count: number },
): Found {
  if (of.value === undefined || of.value === null) return;
  const list = of.path.slice(0, -1);
  const before = at(resource, list);
  if (!Array.isArray(before) || at(resource, siblingOf(list)) !== undefined) return;
  const after = [...before, ...Array.from({ length: count }, () => of.value as FhirValue)];
  yield candidate(kind, member, put(resource, list, after), [...list, before.length]);
}

function* slices(resource: Resource, member: Member, tables: ToolkitTables): Found {
  const { row, found } = member;
  for (const [slice, entries] of member.slices) {
    const named = { ...member, row: slice };
    const first = entries[0];
    if (first === undefined) {
      yield* forbidden(resource, named, tables);
      continue;
    }
    if (slice.min > 0 && entries.length >= slice.min) {
      const gone = entries.slice(slice.min - 1);
      yield candidate('slice-min', named, without(resource, gone), gone[0]?.path ?? member.path);
    }
    if (Number.isFinite(slice.max) && slice.max > 0 && row.list) {
      yield* copies(resource, named, { kind: 'slice-max', of: first, count: slice.max + 1 - entries.length });
    }
    for (const condition of slice.when) {
      for (const changed of marksOf(first, condition)) {
        const broken = put(resource, changed, otherThan(at(resource, changed)));
        const mark = changed.slice(first.path.length).filter((one) => typeof one === 'string');
        yield {
          ...candidate('slice-value', named, broken, changed),
          rule: `${ruleOf(named)} ${mark.join('.')}`.trim(),
        };
      }
    }
  }
  const first = found[0];
  if (row.slicing?.rules !== 'closed' || !row.list || first === undefined) return;
  const stranger = sampleOf({ ...row, slices: [] }, first.type, tables);
  const list = first.path.slice(0, -1);
  const before = at(resource, list);
  if (!Array.isArray(before)) return;
  yield candidate('slice-closed', member, put(resource, list, [...before, stranger]), [...list, before.length]);
}

/** An entry of a slice that may have none. */
function* forbidden(resource: Resource, member: Member, tables: ToolkitTables): Found {
  const { row, found, path } = member;
  if (row.max > 0 || !row.list) return;
  const list = [...path, row.name];
  const entry = sampleOf(row, row.types[0]?.code ?? 'BackboneElement', tables);
  const before = found.map((one) => one.value ?? null);
  yield candidate('slice-max', member, put(resource, list, [...before, entry]), [...list, before.length]);
}

/** Where an entry says that it belongs to its slice. */
function marksOf({ path, value }: Occurrence, condition: Condition): Path[] {
  if ('type' in condition || value === undefined) return [];
  const places = placesOf(value, condition.at === '' ? [] : condition.at.split('.'));
  return places
    .flatMap((place) => {
      if (!('like' in condition)) return [place];
      return leavesOf(at(value, place), condition.like).map((leaf) => [...place, ...leaf]);
    })
    .map((place) => [...path, ...place]);
}

function placesOf(value: FhirValue | undefined, steps: readonly string[]): Path[] {
  if (Array.isArray(value))
    return value.flatMap((one, index) => placesOf(one, steps).map((below) => [index, ...below]));
  const [step, ...rest] = steps;
  if (step === undefined) return value === undefined ? [] : [[]];
  return isObject(value) ? placesOf(value[step], rest).map((below) => [step, ...below]) : [];
}

/** Not the same; of a coded value the code, else the first text in it. */
function otherThan(value: FhirValue | undefined): FhirValue {
  if (typeof value === 'string') return value.includes(':') ? 'https://example.org/other' : NO_CODE;
  if (Array.isArray(value)) return value.map(otherThan);
  if (!isObject(value)) return NO_CODE;
  if (value.coding !== undefined) return { ...value, coding: otherThan(value.coding) };
  const name = ['code', 'value', ...Object.keys(value)].find((one) => typeof value[one] === 'string') ?? 'code';
  return { ...value, [name]: NO_CODE };
}

function* otherType(resource: Resource, member: Member, tables: ToolkitTables): Found {
  const { row, found, path } = member;
  if (!row.name.endsWith('[x]') || row.max === 0) return;
  const allowed = new Set(row.types.map((one) => one.code));
  const cleared = without(resource, found);
  for (const group of [
    TYPE_NAMES.filter((one) => /^[a-z]/.test(one)),
    TYPE_NAMES.filter((one) => /^[A-Z]/.test(one)),
  ]) {
    const type = group.find((one) => !allowed.has(one) && tables.core.definitions.has(one));
    if (type === undefined) continue;
    const changed = [...path, choiceName(row.name, type)];
    const bare = { ...row, children: [], slices: [], fixed: undefined, pattern: undefined, codes: undefined };
    const broken = put(found.length === 0 ? resource : cleared, changed, sampleOf(bare, type, tables));
    yield { ...candidate('choice-type', member, broken, changed), rule: `${ruleOf(member)} ${type}` };
  }
}

/** A choice is one of its types. */
function* twoTypes(resource: Resource, member: Member, tables: ToolkitTables): Found {
  const { row, found, path } = member;
  const type = row.types.map((one) => one.code).find((one) => one !== found[0]?.type);
  if (!row.name.endsWith('[x]') || found.length !== 1 || type === undefined) return;
  const changed = [...path, choiceName(row.name, type)];
  yield candidate('choice-twice', member, put(resource, changed, sampleOf(row, type, tables)), changed);
}

function* otherValue(resource: Resource, site: Site): Found {
  const { row, path, value } = site;
  if (value === undefined) return;
  for (const kind of ['fixed', 'pattern'] as const) {
    const wanted = row[kind];
    if (wanted === undefined) continue;
    for (const leaf of leavesOf(value, wanted)) {
      const changed = [...path, ...leaf];
      const broken = put(resource, changed, otherThan(at(resource, changed)));
      const rule = `${ruleOf(site)} ${leaf.filter((one) => typeof one === 'string').join('.')}`.trim();
      yield { ...candidate(kind, site, broken, changed), rule };
    }
  }
}

/** Where in the value the leaves of the wanted one are found. */
function leavesOf(value: FhirValue | undefined, wanted: FhirValue): Path[] {
  if (Array.isArray(wanted)) {
    return wanted.flatMap((one) => {
      const index = Array.isArray(value) ? value.findIndex((each) => contains(each, one, false)) : -1;
      return index === -1 ? [] : leavesOf((value as FhirValue[])[index], one).map((below) => [index, ...below]);
    });
  }
  if (!isObject(wanted)) return [[]];
  return Object.entries(wanted).flatMap(([name, one]) =>
    one === undefined || !isObject(value) ? [] : leavesOf(value[name], one).map((below) => [name, ...below]),
  );
}

/** A code that the value set does not have, and the code in a system that it does not have: in each coding of a concept. */
function* otherCode(resource: Resource, site: Site, tables: ToolkitTables): Found {
  const { value, path } = site;
  const set = site.row.codes === undefined ? undefined : tables.valueSet(site.row.codes);
  if (set === undefined || !inSet(value, set)) return;
  if (typeof value === 'string') {
    yield candidate('binding', site, put(resource, path, NO_CODE), path);
    return;
  }
  if (!isObject(value)) return;
  const codings = Array.isArray(value.coding) ? value.coding.map((_one, index) => [...path, 'coding', index]) : [path];
  for (const name of ['code', 'system']) {
    const changed = codings.map((one) => [...one, name]);
    const broken = changed.reduce((left, one) => put(left, one, NO_CODE), resource);
    yield { ...candidate('binding', site, broken, changed[0] ?? path), rule: `${ruleOf(site)} ${name}` };
  }
}

function* strangers(resource: Resource, holder: Holder): Found {
  const changed = [...holder.path, 'noSuchElement'];
  yield candidate('unknown', holder, put(resource, changed, 'Text'), changed);
}

/** Extensions that may stand elsewhere only, at the first identifier, whose row lets any extension through. */
function* misplaced(resource: Resource, seen: Survey, tables: ToolkitTables): Found {
  const open = seen.members.find(({ table, row, path }) => {
    const any = row.name === 'extension' && row.slices.length === 0 && row.slicing === undefined && row.max > 1;
    return any && table.startsWith('KBV_PR_MIO_DIGA_') && path.at(-1) === 'type' && path.includes('identifier');
  });
  if (open === undefined || open.found.length > 0) return;
  for (const name of Object.keys(tables.index.definitions)) {
    const definition = tables.definition(name);
    if (definition?.type !== 'Extension' || definition.context.length === 0) continue;
    if (definition.context.some((one) => /^(?:Element|CodeableConcept|(?:.*\.)?[iI]dentifier\.type)$/.test(one)))
      continue;
    const changed = [...open.path, 'extension', 0];
    const broken = put(resource, changed, sampleOf(definition.root, 'Extension', tables));
    yield { kind: 'context', rule: name, changed, resource: broken, wrong: true };
  }
}

/** Later entries first, so that the places of the earlier ones stay. */
function without(resource: Resource, gone: readonly Occurrence[]): Resource {
  let left = resource;
  for (const { path } of gone.toReversed()) {
    left = remove(left, path);
    const last = path.at(-1);
    const sibling = typeof last === 'number' ? [...siblingOf(path.slice(0, -1)), last] : siblingOf(path);
    if (at(left, sibling) !== undefined) left = remove(left, sibling);
  }
  return left;
}
