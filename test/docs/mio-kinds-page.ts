// docs/mio-kinds.md, printed from the builder: which kind of entry becomes which profile in which section, its members as the
// schema has them, and its example, which tests build and validate.
import { z } from 'zod';
import { codeListsOf } from '../../mio/build/code-lists.ts';
import type { Kind } from '../../mio/build/kind.ts';
import { KINDS } from '../../mio/build/kinds.ts';
import { patientInput } from '../../mio/build/patient.ts';
import { COMPOSITION } from '../../mio/build/sections.ts';
import { SYSTEMS } from '../../mio/build/systems.ts';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';

type JsonSchema = {
  type?: string;
  format?: string;
  const?: unknown;
  enum?: string[];
  description?: string;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
};

export function mioKindsPage(): string {
  const lists = codeListsOf(new ToolkitTables('1.1.0', new CoreTables()));
  const title = ({ section }: Kind) => {
    if (section === undefined) return 'by reference';
    const nested = section === 'vitalzeichenUndKoerpermasse' ? 'section:befundeUndErgebnisse.' : '';
    return String(lists.fixed(COMPOSITION, `${nested}section:${section}.title`));
  };
  const rows = KINDS.map(
    (kind) => `| [\`${kind.kind}\`](#${kind.kind.toLowerCase()}) | \`${kind.profile}\` | ${title(kind)} |`,
  );
  return `# Kinds of entries

Printed from the code by \`node bin/launch.js test/docs/print.ts\`; a test compares. What entries of mode \`simple\` may be: every
kind becomes exactly one profile in one section. All examples are built and validated by tests.

| kind | profile | section |
|---|---|---|
${rows.join('\n')}

Of all kinds: \`id\` is your own id of the entry, unique among those of its kind, and stays the same from export to export; \`by\` is who
brought the data: \`patient\` (default), \`diga\`, \`device\` (then \`device\` names it), \`practitioner\` (the only one among the entries),
or an entry: \`{device: id}\`, \`{practitioner: id}\`, \`{practitionerRole: id}\`, \`{relatedPerson: id}\`. A **moment** is a day or a time with
seconds and zone; a **date** may be a month or a year as well. A **coded** is \`{system, code, version, display}\`: version and display may
be left out where they are known. A **concept** is the same with a \`text\`, or a text alone. Short names of systems: ${Object.keys(
    SYSTEMS,
  )
    .map((name) => `\`${name}\``)
    .join(', ')}; others by their URL.

## patient

One for all entries; every member may be left out. The KVNR is the export's.

${membersOf(jsonOf(patientInput(lists)))}
${KINDS.map((kind) => sectionOf(kind, jsonOf(kind.schema(lists)))).join('\n')}`;
}

function jsonOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema;
}

function sectionOf({ kind, example }: Kind, schema: JsonSchema): string {
  return `## ${kind}

${membersOf(schema)}
\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`;
}

const COMMON = new Set(['kind', 'id', 'by']);

function membersOf({ properties = {}, required = [], $defs = {} }: JsonSchema): string {
  const rows = Object.entries(properties)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, member]) => `| \`${name}\` | ${required.includes(name) ? 'yes' : ''} | ${wordsOf(member, $defs)} |\n`);
  return `| member | needed | is |\n|---|---|---|\n${rows.join('')}`;
}

/** Longer lists are in the tables of the toolkit. */
const MAX_CODES = 8;

/** `known`: definitions not yet told, as some contain themselves. */
function wordsOf(schema: JsonSchema, known: Record<string, JsonSchema>): string {
  const below = (one: JsonSchema) => wordsOf(one, known);
  if (schema.$ref !== undefined) {
    const { [schema.$ref.replace('#/$defs/', '')]: found, ...rest } = known;
    return found === undefined ? 'the same' : wordsOf(found, rest);
  }
  if (schema.description !== undefined) return schema.description;
  if (schema.enum !== undefined) {
    const shown = schema.enum.slice(0, MAX_CODES).map((code) => `\`${code}\``);
    const more = schema.enum.length > MAX_CODES ? ` … (${schema.enum.length} codes)` : '';
    return shown.join(', ') + more;
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(below).join(' or ');
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(below).join(', ')}]`;
  if (schema.items !== undefined) return `list of ${below(schema.items)}`;
  if (schema.format !== undefined && schema.format !== 'text') return schema.format;
  if (schema.properties !== undefined) {
    const members = Object.entries(schema.properties).map(([name, member]) => `${name}: ${below(member)}`);
    return `{${members.join(', ')}}`;
  }
  return schema.type === 'string' ? 'text' : (schema.type ?? 'any');
}
