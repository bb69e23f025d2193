// What the validator makes of the mutants: caught, at the right place, missed, and what it says that is not so. An error is not
// false when it is at or below a broken place or right above it, when it is an invariant that the judge calls broken too, or
// when it is a reference to the entry that was changed.
import type { Finding } from '../../mio/error.ts';
import { isObject, type Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import { validate } from '../../mio/validate/validate.ts';
import { at, show } from './edit.ts';
import type { Example } from './examples.ts';
import { says } from './judge.ts';
import { changedPath, type Mutant } from './make.ts';
import { survey } from './survey.ts';

export type Outcome = { mutant: Mutant; caught: boolean; placed: boolean; errors: Finding[]; unfounded: Finding[] };

export function baseErrors(examples: readonly Example[], tables: ToolkitTables): Map<string, Finding[]> {
  return new Map(examples.map((one) => [one.name, errorsOf(one, tables)]));
}

function errorsOf({ resource, single }: { resource: Resource; single: boolean }, tables: ToolkitTables): Finding[] {
  return validate(resource, tables, { single }).filter((one) => one.severity === 'error');
}

export function outcomeOf(mutant: Mutant, tables: ToolkitTables, before: readonly Finding[]): Outcome {
  const known = new Set(before.map(keyOf));
  const errors = errorsOf(mutant, tables).filter((one) => !known.has(keyOf(one)));
  const { invariant } = mutant;
  const meant = invariant === undefined ? errors : errors.filter((one) => names(one, invariant));
  return {
    mutant,
    caught: meant.length > 0,
    placed: meant.some((one) => isPlaced(one.path, mutant)),
    errors,
    unfounded: errors.filter((one) => !follows(one, mutant, tables)),
  };
}

/** At the place, right above it, or more exactly: on the way from it to what was changed, or beside that. */
function isPlaced(path: string, mutant: Mutant): boolean {
  const leaf = changedPath(mutant);
  return mutant.places.some((place) => {
    if (path === place || path === parentOf(place) || path === listOf(place) || sameChoice(path, place)) return true;
    // An invariant of the whole may be told where exactly it is broken.
    if (mutant.invariant !== undefined && isBelow(path, place)) return true;
    return isBelow(path, place) && (leaf === path || isBelow(leaf, path) || parentOf(leaf) === parentOf(path));
  });
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}.`) || path.startsWith(`${above}[`);
}

/** A choice is one element, whatever its type: `value[x]` and `valueQuantity` are the same place. */
function sameChoice(path: string, place: string): boolean {
  const stem = /^(.*\.)(\w+)\[x\]$/.exec(place);
  return stem !== null && new RegExp(`^${escaped(stem[1] ?? '')}${stem[2]}(\\[x\\]|[A-Z]\\w*)$`).test(path);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function keyOf({ code, path, message }: Finding): string {
  return `${code} ${path} ${message}`;
}

/** An invariant's key stands in the message; those of narratives have a code of their own. */
function names(finding: Finding, key: string): boolean {
  if (finding.code === 'MIO_NARRATIVE') return key.startsWith('txt-');
  return new RegExp(`(^|[^\\w-])${key.replace(/#\d+$/, '')}($|[^\\w-])`).test(finding.message);
}

function follows(finding: Finding, mutant: Mutant, tables: ToolkitTables): boolean {
  const { path } = finding;
  const places = [...mutant.places, changedPath(mutant)];
  if (places.some((one) => path === one || isBelow(path, one) || path === parentOf(one) || path === listOf(one)))
    return true;
  if (places.some((one) => sameChoice(path, one))) return true;
  if (
    mutant.kind === 'choice-type' &&
    parentOf(path) === parentOf(changedPath(mutant)) &&
    stemOf(path) === stemOf(mutant.rule)
  )
    return true;
  // A fullUrl must fit the id of its resource.
  const entry = /^Bundle\.entry\[\d+\]/.exec(path)?.[0];
  if (path === `${entry}.fullUrl` && [`${entry}.resource`, `${entry}.resource.id`].includes(changedPath(mutant)))
    return true;
  const rules = survey(mutant.resource, tables).rules.filter(
    (one) => show(mutant.resource.resourceType, one.path) === path && names(finding, one.key),
  );
  if (rules.some((one) => says(one, mutant.resource) !== 'true')) return true;
  return refersToChanged(finding, mutant);
}

/** A reference to an entry whose URL or profile was changed leads nowhere or to something else. */
function refersToChanged({ pointer = '' }: Finding, mutant: Mutant): boolean {
  const [entry, index, ...below] = mutant.changed;
  if (entry !== 'entry' || !/^(fullUrl|resource(,meta(,profile|$)|,resourceType|$)|$)/.test(below.join(',')))
    return false;
  const keys = pointer
    .split('/')
    .slice(1)
    .map((one) => (/^\d+$/.test(one) ? Number(one) : one));
  const value = [keys, keys.slice(0, -1)].map((one) => at(mutant.resource, one)).find((one) => isObject(one));
  const url = at(mutant.resource, ['entry', index ?? 0, 'fullUrl']);
  return isObject(value) && (value.reference === url || below[0] === 'fullUrl');
}

/** `value` of `….valueQuantity` and of `…#x.value[x] Address`. */
function stemOf(text: string): string {
  return /(?:^|[.#])([a-z]+)[^.#]*$/.exec(text)?.[1] ?? '';
}

function parentOf(path: string): string {
  return path.replace(/\.[^.]*$/, '');
}

function listOf(path: string): string {
  return path.replace(/\[\d+\]$/, '');
}
