// XML with every byte that a signature covers: read with prefixes, order and white space kept, and written in canonical form
// (Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, both without comments). For signed lists (ETSI TS 102 231); messages
// are read by xml.ts, which keeps less.
import { SaxesParser } from 'saxes';
import { WireError } from './error.ts';
import { decodeXml, MAX_DEPTH, requirePlainMarkup } from './xml-lexis.ts';

export type SignedElement = {
  prefix: string;
  name: string;
  ns: string;
  attributes: { prefix: string; name: string; ns: string; value: string }[];
  /** Every namespace in scope here, by prefix; '' is the default one. */
  scope: ReadonlyMap<string, string>;
  children: (SignedElement | string)[];
};

/** WireError XML_*: not well-formed, or with a DTD, an entity or a processing instruction. */
export function readSignedXml(input: Uint8Array): SignedElement {
  const text = decodeXml(input);
  requirePlainMarkup(text);
  const parser = new SaxesParser({ xmlns: true });
  const open: SignedElement[] = [];
  let root: SignedElement | undefined;
  const characters = (value: string) => void open.at(-1)?.children.push(value);
  parser.on('error', () => {
    throw new WireError('XML_MALFORMED', 'the document is not well-formed');
  });
  parser.on('opentag', (tag) => {
    const parent = open.at(-1);
    if (open.length >= MAX_DEPTH) throw new WireError('XML_DEPTH', 'the document is nested too deeply');
    const element: SignedElement = {
      prefix: tag.prefix,
      name: tag.local,
      ns: tag.uri,
      attributes: Object.values(tag.attributes)
        .filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
        .map(({ prefix, local, uri, value }) => ({ prefix, name: local, ns: uri, value })),
      scope: new Map([...(parent?.scope ?? []), ...Object.entries(tag.ns)]),
      children: [],
    };
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', characters);
  parser.on('cdata', characters);
  parser.write(text).close();
  if (root === undefined) throw new WireError('XML_MALFORMED', 'the document has no element');
  return root;
}

/** All elements below, itself first, in document order. */
export function* elementsOf(element: SignedElement): Generator<SignedElement> {
  yield element;
  for (const child of element.children) if (typeof child !== 'string') yield* elementsOf(child);
}

export type CanonicalForm = {
  /** Exclusive: only the namespaces that are used; else all in scope. */
  exclusive: boolean;
  /** InclusiveNamespaces of the exclusive form. */
  prefixes?: readonly string[];
  /** Left out with all that is in it: the signature that the document carries. */
  without?: SignedElement;
};

/** The canonical bytes of this element and all below it. */
export function canonicalXml(element: SignedElement, form: CanonicalForm): Uint8Array {
  const parts: string[] = [];
  write(element, new Map(), form, parts);
  return Buffer.from(parts.join(''), 'utf8');
}

function write(element: SignedElement, rendered: ReadonlyMap<string, string>, form: CanonicalForm, to: string[]): void {
  if (element === form.without) return;
  const name = nameOf(element);
  const declared = namespacesOf(element, rendered, form);
  const attributes = element.attributes
    .toSorted((a, b) => order(a.ns, b.ns) || order(a.name, b.name))
    .map((attribute) => ` ${nameOf(attribute)}="${escaped(attribute.value, IN_ATTRIBUTE)}"`);
  const namespaces = declared.map(([prefix, uri]) => ` xmlns${prefix && `:${prefix}`}="${escaped(uri, IN_ATTRIBUTE)}"`);
  to.push('<', name, ...namespaces, ...attributes, '>');
  const inner = new Map([...rendered, ...declared]);
  for (const child of element.children) {
    if (typeof child === 'string') to.push(escaped(child, IN_TEXT));
    else write(child, inner, form, to);
  }
  to.push('</', name, '>');
}

/** What must be declared here because it is used (or in scope) and no element written around it has done so. */
function namespacesOf(
  element: SignedElement,
  rendered: ReadonlyMap<string, string>,
  { exclusive, prefixes = [] }: CanonicalForm,
): [string, string][] {
  const used = new Set([element.prefix, ...element.attributes.map((a) => a.prefix).filter((prefix) => prefix !== '')]);
  const wanted = exclusive
    ? new Set([...used, ...prefixes.filter((prefix) => element.scope.has(prefix))])
    : new Set(['', ...element.scope.keys()]);
  wanted.delete('xml');
  wanted.delete('xmlns');
  return [...wanted]
    .map((prefix): [string, string] => [prefix, element.scope.get(prefix) ?? ''])
    .filter(([prefix, uri]) => (rendered.get(prefix) ?? '') !== uri)
    .sort(([a], [b]) => order(a, b));
}

const nameOf = ({ prefix, name }: { prefix: string; name: string }) => (prefix === '' ? name : `${prefix}:${name}`);

/** By code points, as the canonical form has it. */
const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));

const IN_TEXT = /[&<>\r]/g;
const IN_ATTRIBUTE = /[&<"\t\n\r]/g;
const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};
const escaped = (text: string, which: RegExp) => text.replace(which, (char) => ESCAPED[char] ?? char);
