// docs/errors.md, printed from the error catalogue: one section per code, under the anchor that problem documents name in
// `type` (gateway/api/problem.ts). A test compares the file with this text.
import { type CatalogueEntry, catalogue, type ErrorCode, type ErrorKind, type Who } from '../../gateway/errors.ts';

const KIND: Record<ErrorKind, string> = {
  invalid: 'the request is wrong, or came too late',
  refused: 'the other side, or a rule, said a definite no; the export is over',
  insured: 'the insured person must act; the export waits',
  operator: 'somebody must act on the installation; the export waits and loses no attempt',
  transient: 'surely nothing was written; the gateway tries again',
  unclear: 'sent, and no definite answer came; the gateway finds out',
  bug: 'a promise of the gateway itself broke',
};

const WHO: Record<Who, string> = {
  backend: 'the DiGA backend',
  insured: 'the insured person',
  operator: 'the operator of the gateway',
  gateway: 'the makers of the gateway',
  none: 'nobody: the gateway goes on by itself',
};

const HEAD = `# Error codes

Printed from \`gateway/tables/error-catalogue.ts\`; do not edit (\`node bin/launch.js test/docs/print.ts\`).

A code means the same in a problem document (\`code\`; its \`type\` leads to the section here), in the \`reason\` of an export, in
\`/readyz\`, in logs and in metrics. The kind decides what happens to the export; nothing reads the text of a message.

`;

const AFTER_KINDS = `
"Repeat" is the gateway's own schedule. The waits are up to a tenth longer, so that many exports do not come back at once;
those of kind \`unclear\` are exact. "None by schedule": it goes on when what the remedy names has happened, or never.
\`POST /v1/exports/{id}/retry\` runs a waiting export at once, at most once a minute.
`;

/** The whole file. */
export function errorsPage(): string {
  const kinds = Object.entries(KIND).map(([kind, text]) => `| \`${kind}\` | ${text} |`);
  const codes = Object.entries(catalogue) as [ErrorCode, CatalogueEntry][];
  const sections = codes.map(([code, entry]) => section(code, entry));
  return `${HEAD}| kind | meaning |\n|---|---|\n${kinds.join('\n')}\n${AFTER_KINDS}\n${sections.join('\n')}`;
}

/** The place of a code in the file; problem documents say \`docs/errors#CODE\`. */
export const anchorOf = (code: string) => `<a id="${code}"></a>`;

function section(code: ErrorCode, entry: CatalogueEntry): string {
  const { kind, who, userMessage } = entry;
  return `## ${anchorOf(code)}${code}

${entry.remedy.en}

*${entry.remedy.de}*

- Kind: \`${kind}\`. Who acts: \`${who}\`, ${WHO[who]}.
- Export afterwards: ${entry.status === null ? 'none' : `\`${entry.status}\``}. HTTP: ${httpOf(entry)}.
- Repeat: ${repeatOf(entry)}.
${
  userMessage === undefined
    ? ''
    : `- Message for the app, \`${userMessage.key}\`: "${userMessage.en}" / *"${userMessage.de}"*\n`
}`;
}

function httpOf({ http, status }: CatalogueEntry): string {
  if (http !== 0) return String(http);
  return status === null
    ? 'never; the process says it at its start, in its log, or where it shows its parts'
    : 'never; stands in `reason`';
}

/** "after 2 s, 5 s, 1 min, then every 5 min". */
export function repeatOf({ retrySeconds }: Pick<CatalogueEntry, 'retrySeconds'>): string {
  const waits = retrySeconds.map(spell);
  const last = waits.pop();
  if (last === undefined) return 'none by schedule';
  return waits.length === 0 ? `every ${last}` : `after ${waits.join(', ')}, then every ${last}`;
}

function spell(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
