// XML of SOAP messages, read and written (XML 1.0, Namespaces in XML 1.0). fast-xml-parser builds the tree (decision D21)
// behind the checks of xml-lexis.ts; namespaces, references and attribute values are resolved here, where that parser
// is lenient. The writer escapes everything it is given and keeps the order of the caller.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { WireError } from './error.ts';
import {
  decodeReferences,
  decodeXml,
  isQName,
  MAX_DEPTH,
  requireCharacters,
  requirePlainMarkup,
  XML_LIMITS,
} from './xml-lexis.ts';

const XML_NS = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';

/**
 * `name` is the local name, `ns` the resolved namespace ('' for none); attributes are keyed by local name, or by
 * `{namespace}local` when prefixed, without the namespace declarations; `text` is the element's own character data.
 */
export type XmlElement = {
  name: string;
  ns: string;
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  text: string;
};

// No conversion, no trimming, no entities: what the parser hands over is the source text between the markup.
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  cdataPropName: '#cdata',
  trimValues: false,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  maxNestedTags: MAX_DEPTH + 1,
  jPath: false,
  onDangerousProperty: (name) => name,
});

/** Reads one message. WireError XML_ENCODING, _CHARACTER, _DOCTYPE, _ENTITY, _PROCESSING_INSTRUCTION, _DEPTH, _LIMIT, _NAMESPACE, _MALFORMED. */
export function parseXml(input: Uint8Array | string, limits = XML_LIMITS): XmlElement {
  const message = decodeXml(input);
  requirePlainMarkup(message, limits);
  // The parser closes any open element with any end tag; only the validator compares names and counts attributes. Its
  // and the parser's own messages quote the document, so neither becomes message or cause of ours.
  if (XMLValidator.validate(message) !== true) throw malformed();
  const roots = nodesOf(parse(message)).filter((node) => node.name !== '#text');
  const root = roots[0];
  if (root === undefined || roots.length > 1) throw malformed();
  return resolve(root, { own: new Map([['xml', XML_NS]]), outer: undefined });
}

function parse(message: string): unknown {
  try {
    return parser.parse(message);
  } catch {
    throw malformed();
  }
}

function malformed(): WireError {
  return new WireError('XML_MALFORMED', 'the message is not well-formed');
}

type ParsedNode = { name: string; content: unknown; attributes: [string, string][] };

/** The parser's ordered form: `[{ tag: [ … ], ':@': { '@name': 'value' } }, { '#text': 'x' }, { '#cdata': [{ '#text': 'x' }] }]`. */
function nodesOf(list: unknown): ParsedNode[] {
  if (!Array.isArray(list)) throw malformed();
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) throw malformed();
    const node: ParsedNode = { name: '', content: undefined, attributes: [] };
    for (const [key, value] of Object.entries(entry)) {
      if (key !== ':@') {
        node.name = key;
        node.content = value;
      } else {
        for (const [name, text] of Object.entries(value ?? {})) node.attributes.push([name.slice(1), String(text)]);
      }
    }
    return node;
  });
}

/** Namespaces by prefix that one element declares, and those around it: never copied, since each element may declare some anew. */
type Scope = { own: ReadonlyMap<string, string>; outer: Scope | undefined };

function inScope(scope: Scope, prefix: string): string | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const ns = at.own.get(prefix);
    if (ns !== undefined) return ns;
  }
  return undefined;
}

function resolve(node: ParsedNode, outer: Scope): XmlElement {
  const scope = declaredNamespaces(node, outer);
  const [prefix, name] = splitName(node.name);
  const attributes = new Map<string, string>();
  for (const [qualified, source] of node.attributes) {
    if (qualified === 'xmlns' || qualified.startsWith('xmlns:')) continue;
    const [attributePrefix, local] = splitName(qualified);
    const key = attributePrefix === '' ? local : `{${bound(scope, attributePrefix)}}${local}`;
    if (attributes.has(key)) throw new WireError('XML_MALFORMED', 'an attribute is repeated under another prefix');
    attributes.set(key, attributeValue(source));
  }
  const children: XmlElement[] = [];
  let text = '';
  for (const inner of nodesOf(node.content)) {
    if (inner.name === '#text') text += decodeReferences(String(inner.content));
    else if (inner.name === '#cdata')
      text += nodesOf(inner.content)
        .map((part) => String(part.content))
        .join('');
    else children.push(resolve(inner, scope));
  }
  return { name, ns: prefix === '' ? (inScope(scope, '') ?? '') : bound(scope, prefix), attributes, children, text };
}

function declaredNamespaces(node: ParsedNode, outer: Scope): Scope {
  let own: Map<string, string> | undefined;
  for (const [qualified, source] of node.attributes) {
    if (qualified !== 'xmlns' && !qualified.startsWith('xmlns:')) continue;
    const prefix = qualified.slice('xmlns:'.length);
    const ns = attributeValue(source);
    const reserved = prefix === 'xmlns' || ns === XMLNS_NS || (prefix === 'xml') !== (ns === XML_NS);
    if (reserved || (prefix !== '' && ns === ''))
      throw new WireError('XML_NAMESPACE', 'a forbidden namespace declaration');
    own ??= new Map();
    own.set(prefix, ns);
  }
  return own === undefined ? outer : { own, outer };
}

function bound(scope: Scope, prefix: string): string {
  const ns = inScope(scope, prefix);
  if (ns === undefined) throw new WireError('XML_NAMESPACE', 'a prefix without a namespace declaration');
  return ns;
}

function splitName(qualified: string): [prefix: string, local: string] {
  const colon = qualified.indexOf(':');
  return colon === -1 ? ['', qualified] : [qualified.slice(0, colon), qualified.slice(colon + 1)];
}

/** XML 1.0 section 3.3.3: white space written as such becomes a space, white space written as a reference stays. */
function attributeValue(source: string): string {
  return decodeReferences(source.replace(/\r\n|[\t\r\n]/g, ' '));
}

export function childrenOf(e: XmlElement, ns: string, name: string): XmlElement[] {
  return e.children.filter((c) => c.name === name && c.ns === ns);
}

/** The first such child. */
export function child(e: XmlElement, ns: string, name: string): XmlElement | undefined {
  return e.children.find((c) => c.name === name && c.ns === ns);
}

/** The first such child, or WireError XML_ELEMENT_MISSING. */
export function requireChild(e: XmlElement, ns: string, name: string): XmlElement {
  const found = child(e, ns, name);
  if (found === undefined) throw new WireError('XML_ELEMENT_MISSING', `element ${name} is missing in ${e.name}`);
  return found;
}

/** The trimmed text of the first such child, or WireError XML_ELEMENT_MISSING. */
export function textOf(e: XmlElement, ns: string, name: string): string {
  return requireChild(e, ns, name).text.trim();
}

/** XML already escaped. */
export type Markup = { readonly markup: string };

/** One element; strings in `content` become escaped text, undefined attributes and contents are left out. */
export function xml(
  name: string,
  attributes: Record<string, string | undefined> = {},
  ...content: (Markup | string | undefined)[]
): Markup {
  let start = requireName(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) start += ` ${requireName(key)}="${escapeAttribute(value)}"`;
  }
  const inner = content.map((part) => (typeof part === 'string' ? escapeText(part) : (part?.markup ?? ''))).join('');
  return { markup: inner === '' ? `<${start}/>` : `<${start}>${inner}</${name}>` };
}

export function raw(markup: string): Markup {
  return { markup };
}

/** The document, as text to be encoded in UTF-8. */
export function serialize(m: Markup): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${m.markup}`;
}

/** WireError XML_CHARACTER for what XML 1.0 cannot carry. A carriage return is kept as a reference (section 2.11). */
export function escapeText(s: string): string {
  return requireCharacters(s).replace(/[&<>\r]/g, escapeCharacter);
}

/** As escapeText; quotes, and white space that would be normalised, are kept as references (section 3.3.3). */
export function escapeAttribute(s: string): string {
  return requireCharacters(s).replace(/[&<>"\t\n\r]/g, escapeCharacter);
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeCharacter(character: string): string {
  return escapes[character] ?? `&#${character.charCodeAt(0)};`;
}

function requireName(name: string): string {
  if (!isQName(name)) throw new WireError('XML_MALFORMED', 'not the name of an element or attribute');
  return name;
}
