// Candidates become mutants: each rule of the tables is broken once, in the first example that has it, and only what a second
// reading of the tables (survey.ts) finds wrong counts. What stays valid, and why, is counted too.
import type { Resource } from '../../mio/model.ts';
import type { ToolkitTables } from '../../mio/tables.ts';
import type { Candidate } from './candidate.ts';
import { candidatesOf } from './candidates.ts';
import { type Path, show } from './edit.ts';
import type { Example } from './examples.ts';
import { survey } from './survey.ts';

export type Mutant = {
  kind: string;
  /** `KBV_PR_MIO_DIGA_Patient#name:name.family`, with what else tells it from others of its row. */
  rule: string;
  example: string;
  single: boolean;
  resource: Resource;
  changed: Path;
  /** Where the tables are broken; a finding at one of these or right above is at the right place. */
  places: readonly string[];
  /** Key of the invariant that must be among the findings. */
  invariant?: string;
};

/** Kind and rule of candidates that were no mutants: the document stays valid. */
export type NotMade = Set<string>;

export type Made = { mutants: Mutant[]; notMade: NotMade };

/** `pick` leaves rules out by their name, for a smaller run. */
export type Pick = (rule: string) => boolean;

export function makeMutants(examples: readonly Example[], tables: ToolkitTables, pick: Pick = () => true): Made {
  const mutants: Mutant[] = [];
  const notMade: NotMade = new Set();
  const done = new Set<string>();
  for (const example of examples) {
    const seen = survey(example.resource, tables);
    if (seen.breaches.length > 0) throw new Error(`${example.name} is not valid by the tables`);
    for (const candidate of candidatesOf(example.resource, seen, tables)) {
      const key = `${candidate.kind} ${candidate.rule}`;
      if (done.has(key) || !pick(key)) continue;
      const { breaches } = survey(candidate.resource, tables, partOf(candidate.changed));
      const places = breaches.map((one) => one.path);
      if (candidate.wrong === true) places.push(show(candidate.resource.resourceType, candidate.changed));
      if (places.length === 0) {
        notMade.add(key);
        continue;
      }
      done.add(key);
      notMade.delete(key);
      mutants.push(mutantOf(candidate, example, places));
    }
  }
  return { mutants, notMade };
}

/** The resource of the bundle in which the change is, so that not the whole bundle need be read again. */
function partOf(changed: Path): Path {
  const [entry, index, resource, ...below] = changed;
  return entry === 'entry' && resource === 'resource' && below.length > 0 ? [entry, index ?? 0, resource] : [];
}

function mutantOf({ kind, rule, changed, resource }: Candidate, example: Example, places: string[]): Mutant {
  return { kind, rule, example: example.name, single: example.single, resource, changed, places };
}

export function changedPath(mutant: Mutant): string {
  return show(mutant.resource.resourceType, mutant.changed);
}
