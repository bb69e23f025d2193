// All mutants of all kinds, and what was not made: the rows for which breaking them leaves the document valid.
import type { ToolkitTables } from '../../mio/tables.ts';
import { breakBundles } from './bundle.ts';
import type { Example } from './examples.ts';
import { breakInvariants } from './invariants.ts';
import { type Mutant, makeMutants, type NotMade, type Pick } from './make.ts';

export type All = { mutants: Mutant[]; notMade: NotMade; notFound: string[] };

export function allMutants(examples: readonly Example[], tables: ToolkitTables, pick?: Pick): All {
  const rows = makeMutants(examples, tables, pick);
  const invariants = breakInvariants(examples, tables, pick);
  const mutants = [...rows.mutants, ...breakBundles(examples, tables), ...invariants.mutants];
  return { mutants, notMade: rows.notMade, notFound: invariants.notFound };
}
