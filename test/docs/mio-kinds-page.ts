// docs/mio-kinds.md, printed from the builder: which kind of entry becomes which profile in which section, its members as the
// schema has them, and its example, which tests build and validate.
import { z } from 'zod';
import { type CodeLists, codeListsOf } from '../../mio/build/code-lists.ts';
import type { Kind } from '../../mio/build/kind.ts';
import { KINDS } from '../../mio/build/kinds.ts';
import { patientInput } from '../../mio/build/patient.ts';
import { COMPOSITION } from '../../mio/build/sections.ts';
import { SYSTEMS } from '../../mio/build/systems.ts';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { type JsonSchema, memberRows } from './member-rows.ts';

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
  const told = new CodeListsTold(lists);
  const setting = { kinds: new Set(KINDS.map(({ kind }) => kind)), listName: (codes: string[]) => told.nameOf(codes) };
  const members = (schema: z.ZodType) => memberRows(jsonOf(schema), COMMON, setting);
  const sections = [
    `## patient\n\nOne for all entries; every member may be left out. The KVNR is the export's.\n\n${members(patientInput(lists))}`,
    ...KINDS.map((kind) => `## ${kind.kind}\n\n${members(kind.schema(lists))}\n${exampleOf(kind)}`),
  ];
  return `# Kinds of entries

Printed from the code by \`node bin/launch.js test/docs/print.ts\`; a test compares. What entries of mode \`simple\` may be: every
kind becomes exactly one profile in one section. All examples are built and validated by tests.

| kind | profile | section |
|---|---|---|
${rows.join('\n')}

${PIECES}

Short names of code systems: ${Object.keys(SYSTEMS)
    .map((name) => `\`${name}\``)
    .join(', ')}; others by their URL.

${sections.join('\n')}
# Lists of codes

${told.text()}`;
}

const PIECES = `Of all kinds: \`id\` is your own id of the entry, unique among those of its kind, and stays the same from export to export; \`by\` is who
brought the data: \`patient\` (default), \`diga\`, \`device\` (then \`device\` names it), \`practitioner\` (the only contact among the entries),
or an entry: \`{device: id}\`, \`{contact: id}\`, \`{practitionerRole: id}\`, \`{relatedPerson: id}\`. Unknown members are errors.

| word | is |
|---|---|
| day, instant, moment, date, time | \`2025-01-03\`; a time with seconds and zone, \`2025-01-03T07:30:00+01:00\`; either of them; a moment, or a month or year where no more is known; \`07:30:00\` |
| period | \`{start, end}\`, two moments of one form; \`end\` may be left out where the row says so |
| decimal | a number, its spelling kept: \`72.50\` stays \`72.50\` |
| coded | \`{system, code, version?, display?}\`: version and display may be left out where they are known here |
| concept | a coded with a \`text\` of your own, or a \`text\` alone |
| choice | \`{code?, text?}\`: a code of the list that the row names, a text, or both |
| amount | \`{value, unit?, name?}\`: \`unit\` is UCUM (\`mg\`), \`name\` is what people read, alone where UCUM has no code (\`Tablette\`) |
| measured | an amount whose \`unit\` is needed |
| UCUM | a unit by its code: \`mg\`, \`km/d\`, \`/min\`, \`1\` for a number; words that UCUM does not have stand in braces: \`{score}\` |
| ratio | an amount with \`per\`, another amount; per 1 where it is left out |
| rate | an amount with \`per: {value, unit}\`, a stretch of time: \`s\`, \`min\`, \`h\`, \`d\`, \`wk\`, \`mo\`, \`a\` |
| range, ages | \`{low, high, unit?, name?}\`; \`{from, to, unit}\` with \`years\`, \`months\`, \`weeks\` or \`days\` |
| an entry: a, b | \`{a: id}\` or \`{b: id}\`: names another entry by its kind; it must be in the same body |`;

function jsonOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as JsonSchema;
}

function exampleOf({ example }: Kind): string {
  return `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n`;
}

const COMMON = new Set(['kind', 'id', 'by']);

/** Lists whose codes need a name beside them, or are many: told once, at the end of the page. */
class CodeListsTold {
  readonly #lists: CodeLists;
  readonly #byCodes = new Map<string, string>();
  readonly #told = new Set<string>();

  constructor(lists: CodeLists) {
    this.#lists = lists;
    const { tables } = lists;
    for (const name of [...Object.keys(tables.index.valueSets), ...tables.core.valueSets.keys()]) {
      const codes = lists.codes(name);
      if (codes !== undefined && !this.#byCodes.has(codes.join(' '))) this.#byCodes.set(codes.join(' '), name);
    }
  }

  nameOf(codes: string[]): string | undefined {
    const name = this.#byCodes.get(codes.join(' '));
    if (name === undefined || (codes.length <= MAX_PLAIN && codes.every((code) => /^[a-z-]+$/.test(code))))
      return undefined;
    this.#told.add(name);
    return name;
  }

  text(): string {
    return [...this.#told]
      .sort((a, b) => a.localeCompare(b, 'en'))
      .map((name) => {
        const { lists } = this.#lists.valueSet(name);
        const codes = lists.flatMap((list) => [...(list.codes ?? [])]);
        return `## ${name}\n\n${codes.map(([code, display]) => `\`${code}\` ${display}`).join(' · ')}\n`;
      })
      .join('\n');
  }
}

const MAX_PLAIN = 12;
