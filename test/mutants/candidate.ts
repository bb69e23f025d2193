// One candidate for a mutant: a rule of the tables, and a document in which it ought to be broken.
import type { Resource } from '../../mio/model.ts';
import type { Path } from './edit.ts';

/** `wrong`: no second look is needed, the tables say so of what was put there. */
export type Candidate = { kind: string; rule: string; changed: Path; resource: Resource; wrong?: true };

export type Found = Generator<Candidate>;

export function candidate(
  kind: string,
  of: { table: string; row: { id: string } },
  resource: Resource,
  changed: Path,
): Candidate {
  return { kind, rule: ruleOf(of), changed, resource };
}

export function ruleOf({ table, row }: { table: string; row: { id: string } }): string {
  return `${table}#${row.id}`;
}

export function siblingOf(path: Path): Path {
  return [...path.slice(0, -1), `_${path.at(-1)}`];
}
