// The table of docs/mutate-trust.md: which test misses which check. Line numbers stay out of it: they change with every edit.
import { readFileSync, writeFileSync } from 'node:fs';
import { type Listed, NO_TRUST } from './table.ts';

export type Row = { check: Listed; by: string | undefined };

const FROM = '<!-- printed by npm run mutate-trust -- --print -->';

/** Everything behind the mark in the document at `path` is written anew. */
export function printRows(path: string, rows: readonly Row[], reach: string): void {
  const text = readFileSync(path, 'utf8');
  const at = text.indexOf(FROM);
  if (at < 0) throw new Error(`${path} has no mark for the table`);
  const head = text.slice(0, at + FROM.length);
  const caught = rows.filter(({ by }) => by !== undefined).length;
  const files = [...new Set(rows.map(({ check }) => check.file))];
  const sections = files.map((file) =>
    sectionOf(
      file,
      rows.filter(({ check }) => check.file === file),
    ),
  );
  const left = NO_TRUST.map(([file, removed, why]) => `| \`${file}\` | ${cell(String(removed))} | ${why} |`);
  const lines = [
    '',
    `${rows.length} checks removed, ${caught} caught, ${rows.length - caught} survived (\`--reach ${reach}\`).`,
    ...sections,
    '## Left out by name',
    ['| file | what has this in it | why |', '|---|---|---|', ...left].join('\n'),
  ];
  writeFileSync(path, `${head}\n${lines.join('\n\n').trimStart()}\n`);
}

function sectionOf(file: string, rows: readonly Row[]): string {
  const body = rows.map(({ check, by }) => {
    const [test, ...title] = (by ?? 'NOBODY').split(': ');
    const caught = title.length === 0 ? test : `\`${test}\`: ${cell(title.join(': '))}`;
    return `| ${cell(check.check)} | ${check.operator} | ${caught} |`;
  });
  return [`## ${file}\n`, '| check | taken out | caught by |', '|---|---|---|', ...body].join('\n');
}

/** Within a table: no bar, nothing that Markdown would take for HTML or emphasis. */
function cell(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
