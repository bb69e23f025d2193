// What is wrong with a settings file that is no YAML (OPS-10): line, column and the setting before which it is, never the line itself,
// which may hold a secret in the wrong place. Part of gateway/config.ts.
import { type Document, isScalar, visit, type YAMLParseError } from 'yaml';

/** One text for each place. */
export function yamlFaults(document: Document.Parsed): string[] {
  // One slip of the pen makes several errors on its line.
  const first = new Map<number, YAMLParseError>();
  for (const error of document.errors) first.getOrInsert(error.linePos?.[0].line ?? 0, error);
  return [...first.values()].map((error) => {
    const { line, col } = error.linePos?.[0] ?? { line: 0, col: 0 };
    const near = lastKeyBefore(document, error.pos[0]);
    const words = WORDS[error.code];
    const what = words === undefined ? error.code : `${words} (${error.code})`;
    return `not readable at line ${line}, column ${col}${near === '' ? '' : `, at ${near}`}: ${what}`;
  });
}

const WORDS: Partial<Record<YAMLParseError['code'], string>> = {
  BAD_INDENT: 'indented otherwise than its neighbours, or a bracket or quote is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a key and its value on one line cannot hold another key, or a quote or line break is missing',
  DUPLICATE_KEY: 'this key stands twice',
  MISSING_CHAR: 'a character is missing, often a colon, comma, quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines, often as a colon is missing',
  TAB_AS_INDENT: 'a tab in the place of spaces',
  UNEXPECTED_TOKEN: 'something that does not belong here',
};

/** The setting that was read last before this place: `konnektors[0].url`. */
function lastKeyBefore(document: Document.Parsed, position: number): string {
  let found = '';
  const steps = new Map<unknown, string>([[document.contents, '']]);
  visit(document, {
    Pair: (_at, pair, path) => {
      const { key } = pair;
      if (!isScalar(key) || (key.range?.[0] ?? Infinity) > position) return;
      const above = steps.get(path.at(-1)) ?? '';
      const name = `${above === '' ? '' : `${above}.`}${String(key.value)}`;
      steps.set(pair.value, name);
      found = name;
    },
    Seq: (_at, seq) => {
      const above = steps.get(seq) ?? '';
      for (const [index, item] of seq.items.entries()) steps.set(item, `${above}[${index}]`);
    },
  });
  return found;
}
