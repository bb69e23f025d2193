// docs/requirements.md, printed from the list of requirements and from the test files themselves (TST-05): a requirement is
// shown by a test whose title, or the title of a group around it, names it; a comment alone only mentions it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Requirement, requirementParts, type Where } from '../tables/requirements.ts';

export type Named = { shown: Map<string, Set<string>>; mentioned: Map<string, Set<string>> };

const ID = /\b(?:EXP|SES|KON|CRT|SEC|MON|RET|OPS|TST)-[0-9]{2}\b/g;
const RANGE = /\b([A-Z]{3})-([0-9]{2}) to \1-([0-9]{2})\b/g;
/** First argument of a test or a group, also behind a table: `test('…'`, `describe.skipIf(…)('…'`, `test.each([…])('…'`. */
const TITLE =
  /(?:\b(?:test|it|describe|described)(?:\.[a-zA-Z]+)*\(|\)\()\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)\s*,/g;

/** Which requirements one test file shows and which its comments mention. */
export function namedIn(text: string): { shown: string[]; mentioned: string[] } {
  const titles = [...text.matchAll(TITLE)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
  const comments = [...text.matchAll(/^\s*(?:\/\/|\/?\*).*$/gm)].map((match) => match[0]);
  const shown = idsIn(titles.join('\n'));
  return { shown, mentioned: idsIn(comments.join('\n')).filter((id) => !shown.includes(id)) };
}

/** "RET-01, RET-04" and "EXP-03 to EXP-08" alike. */
export function idsIn(text: string): string[] {
  const ids = new Set([...text.matchAll(ID)].map((match) => match[0]));
  for (const [, letters, first, last] of text.matchAll(RANGE))
    for (let n = Number(first); n <= Number(last); n++) ids.add(`${letters}-${String(n).padStart(2, '0')}`);
  return [...ids].sort();
}

/** Over every test file of the project; the tests about this page itself show nothing by their examples. */
export function readNamed(root: string): Named {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'test/*.test.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const named: Named = { shown: new Map(), mentioned: new Map() };
  const add = (to: Map<string, Set<string>>, id: string, file: string) =>
    to.set(id, (to.get(id) ?? new Set()).add(file));
  for (const file of listed
    .split('\n')
    .filter((one) => one !== '' && existsSync(join(root, one)))
    .sort()) {
    if (file === 'test/requirements.test.ts') continue;
    const { shown, mentioned } = namedIn(readFileSync(join(root, file), 'utf8'));
    for (const id of shown) add(named.shown, id, file);
    for (const id of mentioned) add(named.mentioned, id, file);
  }
  return named;
}

const HEAD = `# Requirements and their tests

Printed from \`test/tables/requirements.ts\` and the titles of the tests; do not edit (\`node bin/launch.js test/docs/print.ts\`).

A requirement is **shown** by a test that names its number in its title or in the title of a group around it. A number that
stands in a comment of a test only is *mentioned*: something there has to do with it, nothing there proves it. Several tests
may be needed for all of a requirement; that one is shown does not say that nothing is missing. **Open** names the issue that
brings it, as far as one has taken it.

`;

const WHERE: Record<Where, string> = {
  gateway: 'gateway',
  simulator: 'simulator',
  both: 'gateway, simulator',
  backend: 'backend, by means of the gateway',
  operator: 'operator',
};

/** The whole file. */
export function requirementsPage(): string {
  const named = readNamed(resolve(import.meta.dirname, '../..'));
  const all = requirementParts.flatMap((one) => one.rows);
  const states = all.map((one) => stateOf(one, named));
  const count = (state: State) => states.filter((one) => one === state).length;
  const open = all.filter((one) => stateOf(one, named) === 'open');
  const byIssue = new Map<number, string[]>();
  for (const { id, issue } of open) byIssue.set(issue, [...(byIssue.get(issue) ?? []), id]);
  const rows = [...byIssue].sort(([a], [b]) => (a || 99) - (b || 99));
  const list = rows.map(([issue, ids]) => `- ${issue === 0 ? 'no issue yet' : `issue ${issue}`}: ${ids.join(', ')}`);
  return `${HEAD}${all.length} requirements: ${count('shown')} shown, ${count('mentioned')} mentioned, ${count('open')} open, ${count('operator')} the operator's own duty.

Open:

${list.join('\n')}
${requirementParts.map(({ title, rows: of }) => section(title, of, named)).join('')}`;
}

type State = 'shown' | 'mentioned' | 'open' | 'operator';

function stateOf({ id, where }: Requirement, named: Named): State {
  if (named.shown.has(id)) return 'shown';
  if (where === 'operator') return 'operator';
  return named.mentioned.has(id) ? 'mentioned' : 'open';
}

function section(title: string, rows: readonly Requirement[], named: Named): string {
  const lines = rows.map((one) => {
    const state = stateOf(one, named);
    const tests = [...(named.shown.get(one.id) ?? named.mentioned.get(one.id) ?? [])].map((file) => `\`${file}\``);
    const shown = {
      shown: tests.join(', '),
      mentioned: `*mentioned:* ${tests.join(', ')}${one.issue === 0 ? '' : ` (issue ${one.issue})`}`,
      open: `**open**${one.issue === 0 ? '' : `, issue ${one.issue}`}`,
      operator: 'operator’s duty',
    }[state];
    return `| ${one.id} | ${one.level} | ${WHERE[one.where]} | ${one.gist} | ${shown} |`;
  });
  return `
## ${title}

| number | level | where | about | shown by |
|---|---|---|---|---|
${lines.join('\n')}
`;
}
