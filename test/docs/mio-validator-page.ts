// docs/mio-validator.md, printed from the code: what is judged, the codes of findings, the twenty kinds of fault, and what the last
// full run of the mutants found (npm run mutants -- --record).
import { readFileSync } from 'node:fs';
import { FINDING_CODES } from '../../mio/validate/codes.ts';
import { KNOWN_KINDS } from '../mutants/known-kinds.ts';
import { FIGURES, type Figures, type FiguresRecord } from '../mutants/table.ts';

const KINDS: Readonly<Record<string, string>> = {
  min: 'a required element is missing',
  'max-0': 'an element that the profile forbids',
  max: 'one entry too many',
  'slice-min': 'a required slice is missing',
  'slice-max': 'one entry too many of a slice, or of a forbidden one',
  'slice-closed': 'an entry of no slice in a closed list',
  'slice-value': 'another value where a slice looks for its own',
  fixed: 'another value than the fixed one',
  pattern: 'one leaf of a pattern changed',
  binding: 'a code, or its system, outside the required value set',
  'choice-type': 'a type that the choice does not have',
  'choice-twice': 'two types of one choice',
  lexical: 'a value not in the form of its type',
  impossible: 'days and numbers that do not exist',
  json: 'JSON that no FHIR document has: a list for one, nothing in an object, …',
  unknown: 'an element that does not exist',
  context: 'an extension where it may not stand',
  dangling: 'a reference to nothing, or a relative one',
  target: 'a reference to another type, or to the right type with another profile',
  bundle: 'rules of Bundle and Composition: order, fullUrl, profiles, sections',
  invariant: 'an invariant, by a search until fhirpath says false',
};

export function mioValidatorPage(): string {
  const { kinds, reach } = JSON.parse(readFileSync(FIGURES, 'utf8')) as FiguresRecord;
  const sum = (of: (one: Figures) => number) => kinds.reduce((total, one) => total + of(one), 0);
  const made = sum((one) => one.made);
  const caught = sum((one) => one.caught);
  const total = {
    made,
    caught,
    placed: sum((one) => one.placed),
    missed: made - caught,
    unfounded: sum((one) => one.unfounded),
  };
  const line = (name: string, says: string, { made, caught, placed, missed, unfounded }: Figures) =>
    `| ${name} | ${says} | ${[made, caught, placed, missed, unfounded].map(grouped).join(' | ')} |`;
  const reached = (of: (one: (typeof reach)[number]) => number) =>
    grouped(reach.reduce((all, one) => all + of(one), 0));
  return `# The validator

Printed from the code by \`node bin/launch.js test/docs/print.ts\`; a test compares.

\`validate(resource, tables, {single?, maxFindings?})\` (\`mio/validate/validate.ts\`) judges a document of the MIO DiGA Toolkit, or with
\`single\` one resource of it (D26), against the [tables](mio-tables.md): everything that is wrong at once.

| what is judged | where |
|---|---|
| elements, cardinality, types, form of primitives | \`walk.ts\`, \`primitive.ts\` |
| fixed values, patterns, required bindings | \`values.ts\`, \`match.ts\` |
| slices: which entry belongs where, how many, closed lists | \`slice.ts\`, \`slice-count.ts\` |
| \`meta.profile\`: one profile of the toolkit with its version | \`profile.ts\` |
| references: to an entry of the bundle, of a profile that is allowed | \`reference.ts\` |
| the document: fullUrl, Composition first, all of it reached from there | \`bundle.ts\` |
| invariants, compiled from FHIRPath | \`invariant.ts\`, \`fhirpath/\` |

Not judged: codes of value sets that no package contains (\`unchecked\` in the tables), displays that no pattern names,
whether a unit fits what was measured (only that its code is UCUM where its system is), whether what is said makes sense medically,
and what lies behind a URL: nothing is ever fetched.

## A finding

\`{severity, code, path, pointer, message}\`. \`path\` is FHIR's (\`Bundle.entry[3].resource.valueQuantity.unit\`), \`pointer\` leads into the
JSON that was given (\`/entry/3/resource/valueQuantity/unit\`); for what is missing, to where it would be. No finding quotes a value of the
document (D15). Only \`error\` keeps a document from being written. Codes stay as they are:

| code | means |
|---|---|
${Object.entries(FINDING_CODES)
  .map(([code, means]) => `| \`${code}\` | ${means} |`)
  .join('\n')}

## The twenty kinds

What documents of the toolkit most often have wrong. Each is made in a real example and gives exactly these findings
(\`test/mutants/known-kinds.test.ts\`).

| | fault | findings |
|---|---|---|
${KNOWN_KINDS.map(({ name, found }) => `| ${name.slice(0, 3)} | ${name.slice(4)} | ${found.map(([code, path]) => `\`${code}\` at \`${path || 'the resource'}\``).join(', ')} |`).join('\n')}

## Mutants

A script (\`test/mutants\`) goes through the rows of the tables and breaks each rule once, in the first example that has its element:
the published technical and real examples, one document of ours with every kind of entry, and then one resource of each profile
grown by script: all that its profile lets in and it does not have is added, as long as both judges call it right (\`grow.ts\`; the
validator must, too). Only the rules of Bundle and
Composition that no row states are listed by hand (\`bundle.ts\`). A mutant counts only if it is truly wrong: a second, plain reading of the tables (\`survey.ts\`) must find it broken, and for
invariants the npm package \`fhirpath\` (\`judge.ts\`) must say false. *Caught*: an error that the original does not have; of an
invariant, one that names its key. *Placed*: at the broken place, right above it, or more exactly. *False*: mutants with an error that
neither is at a broken place nor follows from it.

| kind | broken | made | caught | placed | missed | false |
|---|---|--:|--:|--:|--:|--:|
${kinds.map((one) => line(one.kind, KINDS[one.kind] ?? '', one)).join('\n')}
${line('**all**', '', total)}

Of the unchanged examples 58 of 58 are free of false errors; real example 2 has exactly its one dangling reference.

The profiles state ${reached((one) => one.rules)} rules of the kinds that a row can state, below no forbidden element. Of these,
${reached((one) => one.broken)} are broken; ${reached((one) => one.valid)} cannot be: the entry only leaves its slice of an open list and the
document stays valid; ${reached((one) => one.absent)} stand at elements that no example has. No edit was found that breaks \`dom-3\`, on which the judge
cannot decide, and \`obs-3\` of two profiles.

\`\`\`sh
npm run mutants                # all of them, and this table
npm run mutants -- --list      # what was missed, misplaced or false
npm run mutants -- --record    # keeps the figures for this page
\`\`\`

\`npm test\` runs one rule in eight and demands 99 % caught and none false. Documents made to harm are in
\`test/unit/mio/hostile.test.ts\`.
`;
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}
