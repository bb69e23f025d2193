// The members of an entry as rows of a table: path, whether it is needed, what it is, what it means. From JSON Schema, which
// zod makes of the builder's schemas, so that nothing here can drift from what is accepted.
export type JsonSchema = {
  type?: string;
  format?: string;
  valueSet?: string;
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

type Row = { path: string; needed: boolean; is: string; means: string };
/** `listName`: what a list of codes is called below, where it is told in full. `kinds`: names of all kinds. */
type Setting = {
  defs: Record<string, JsonSchema>;
  kinds: ReadonlySet<string>;
  listName(codes: string[]): string | undefined;
};

/** Pieces that the page explains once; what has another format is told by its shape. */
const PIECES = new Set(
  'day moment instant date time decimal coded concept period choice amount measured ratio rate range ages system code canonical url pzn base64'.split(
    ' ',
  ),
);
const WORDS: Readonly<Record<string, string>> = {
  'entry-id': 'id',
  reference: 'id',
  'media-type': 'media type',
  'https-url': 'https URL',
  kvnr: 'KVNR',
  ucum: 'UCUM',
};
const MAX_CODES = 12;

export function memberRows(schema: JsonSchema, without: ReadonlySet<string>, setting: Omit<Setting, 'defs'>): string {
  const all = childRows('', schema, { ...setting, defs: schema.$defs ?? {} });
  const rows = all.filter(({ path }) => !without.has(path));
  const lines = rows.map(
    ({ path, needed, is, means }) => `| \`${path}\` | ${needed ? 'yes' : ''} | ${is} | ${means} |\n`,
  );
  return `| member | needed | is | means |\n|---|---|---|---|\n${lines.join('')}`;
}

function childRows(prefix: string, { properties = {}, required = [] }: JsonSchema, setting: Setting): Row[] {
  return Object.entries(properties).flatMap(([name, member]) =>
    rowsOf({ path: prefix + name, needed: required.includes(name), member, setting }),
  );
}

function rowsOf({
  path,
  needed,
  member,
  setting,
}: {
  path: string;
  needed: boolean;
  member: JsonSchema;
  setting: Setting;
}) {
  const [schema, below] = resolved(member, setting);
  const row: Row = { path, needed, is: shapeOf(schema, below), means: member.description ?? schema.description ?? '' };
  const [inner, innermost] = schema.items === undefined ? [schema, below] : resolved(schema.items, below);
  return [row, ...innerRows(schema.items === undefined ? `${path}.` : `${path}[].`, inner, innermost)];
}

/** Members of an object, or of any of several shapes, each path once. */
function innerRows(prefix: string, schema: JsonSchema, setting: Setting): Row[] {
  if (isPiece(schema) || namesEntries(schema, setting)) return [];
  if (schema.properties !== undefined) return childRows(prefix, schema, setting);
  const rows = (schema.anyOf ?? []).flatMap((option) => {
    const [one, below] = resolved(option, setting);
    return innerRows(prefix, one, below);
  });
  const options = schema.anyOf?.length ?? 0;
  const first = rows.filter((row, index) => rows.findIndex(({ path }) => path === row.path) === index);
  // Needed in one of several shapes is told by the shapes.
  return options > 1 ? first.map((row) => ({ ...row, needed: false })) : first;
}

/** What a reference leads to, which is not told again below. */
function resolved(schema: JsonSchema, setting: Setting): [JsonSchema, Setting] {
  if (schema.$ref === undefined) return [schema, setting];
  const { [schema.$ref.replace('#/$defs/', '')]: found, ...defs } = setting.defs;
  return [found ?? { type: 'the same' }, { ...setting, defs }];
}

const isPiece = ({ format = '' }: JsonSchema) => PIECES.has(format);

/** `{contact: id}`, or the word patient beside such. */
function kindsNamed(schema: JsonSchema, setting: Setting): string[] {
  const names = Object.keys(schema.properties ?? {});
  return names.length === 1 && names.every((name) => setting.kinds.has(name)) ? names : [];
}

function namesEntries({ anyOf = [] }: JsonSchema, setting: Setting): boolean {
  return anyOf.length > 0 && anyOf.every((one) => one.const !== undefined || kindsNamed(one, setting).length > 0);
}

function shapeOf(schema: JsonSchema, setting: Setting): string {
  if (schema.format === 'choice') return `choice, ${shapeOf(schema.properties?.code ?? {}, setting)}`;
  if (schema.valueSet !== undefined) return `code of \`${schema.valueSet}\``;
  if (isPiece(schema)) return schema.format ?? '';
  if (schema.format !== undefined && WORDS[schema.format] !== undefined) return WORDS[schema.format] ?? '';
  if (schema.enum !== undefined) return codesOf(schema.enum, setting);
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.items !== undefined) {
    const [item, below] = resolved(schema.items, setting);
    return `list of ${shapeOf(item, below)}`;
  }
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map((one) => shapeOf(one, setting)).join(', ')}]`;
  if (schema.anyOf !== undefined) return optionsOf(schema, setting);
  if (schema.properties !== undefined) return outline(schema);
  if (schema.type === 'string') return 'text';
  return schema.type ?? 'any';
}

function optionsOf(schema: JsonSchema, setting: Setting): string {
  const options = schema.anyOf ?? [];
  if (namesEntries(schema, setting)) {
    const words = options.flatMap((one) => (one.const === undefined ? [] : [`\`${String(one.const)}\``]));
    const kinds = options.flatMap((one) => kindsNamed(one, setting));
    return [
      ...words,
      ...(kinds.length === 0 ? [] : [`an entry: ${kinds.map((kind) => `\`${kind}\``).join(', ')}`]),
    ].join(' or ');
  }
  const shapes = options.map((option) => shapeOf(...resolved(option, setting)));
  return [...new Set(shapes)].join(' or ');
}

function outline({ properties = {}, required = [] }: JsonSchema): string {
  const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return `\`{${names.join(', ')}}\``;
}

function codesOf(codes: string[], setting: Setting): string {
  const name = setting.listName(codes);
  if (name !== undefined) return `one of [${name}](#${name.toLowerCase()})`;
  const shown = codes.slice(0, MAX_CODES).map((code) => `\`${code}\``);
  return shown.join(', ') + (codes.length > MAX_CODES ? ` … (${codes.length} codes)` : '');
}
