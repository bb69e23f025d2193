// npm run mutants: every mutant against the validator, kind by kind; `-- --list` names what was missed or said without ground.
// `-- --record` keeps the figures for docs/mio-validator.md. Exit 1 when less than 99 % is caught or anything is said that is not so.
import '../../wire/tls.ts';
import { writeFileSync } from 'node:fs';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { schemasDir } from '../support/schemas-dir.ts';
import { allMutants } from './all.ts';
import { allExamples } from './examples.ts';
import { grownExamples } from './grow.ts';
import { baseErrors, outcomeOf } from './measure.ts';
import { reachOf } from './rows.ts';
import { FIGURES, figuresOf, figuresTable, listOf, reachTable, recordOf } from './table.ts';

const folder = schemasDir();
if (folder === null) process.stdout.write('skipped: the published examples, set EPA_SCHEMAS\n');
const tables = new ToolkitTables('1.1.0', new CoreTables());
const given = allExamples(folder, tables);
const examples = [...given, ...grownExamples(given, tables)];
const began = performance.now();
const { mutants, notMade, notFound } = allMutants(examples, tables);
const made = performance.now();
const before = baseErrors(examples, tables);
const outcomes = mutants.map((mutant) => outcomeOf(mutant, tables, before.get(mutant.example) ?? []));
const seconds = (ms: number) => (ms / 1000).toFixed(1);
process.stdout.write(figuresTable(outcomes));
const reach = reachOf(mutants, notMade, tables);
process.stdout.write(reachTable(reach));
for (const rule of notFound) process.stdout.write(`not made: no edit breaks the invariant ${rule}\n`);
for (const [name, errors] of before) {
  for (const one of errors) process.stdout.write(`unchanged ${name}: ${one.code} ${one.path} (${one.message})\n`);
}
process.stdout.write(`made in ${seconds(made - began)} s, judged in ${seconds(performance.now() - made)} s\n`);
if (process.argv.includes('--list')) {
  process.stdout.write(`\nMissed\n${listOf(outcomes, (one) => !one.caught)}`);
  process.stdout.write(`\nAt another place\n${listOf(outcomes, (one) => one.caught && !one.placed)}`);
  process.stdout.write(`\nWithout ground\n${listOf(outcomes, (one) => one.unfounded.length > 0)}`);
}
if (process.argv.includes('--record'))
  writeFileSync(FIGURES, `${JSON.stringify(recordOf(outcomes, reach), null, 2)}\n`);
const { caught, unfounded } = figuresOf(outcomes);
process.exit(caught >= 0.99 * outcomes.length && unfounded === 0 ? 0 : 1);
