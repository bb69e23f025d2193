// One XML message in the spellings other stacks give it: what a reader may not trip over. The tree stays what it was.
import { parseXml, type XmlElement } from '../../wire/xml.ts';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

type Style = { start: (e: XmlElement, depth: number) => [name: string, declarations: string]; between?: string };

function write(e: XmlElement, style: Style, depth = 0): string {
  const [name, declarations] = style.start(e, depth);
  const attributes = [...e.attributes]
    .filter(([key]) => !key.startsWith('{'))
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  const between = style.between ?? '';
  const content =
    e.children.length === 0
      ? escaped(e.text)
      : between + e.children.map((child) => write(child, style, depth + 1) + between).join('');
  return `<${name}${declarations}${attributes}>${content}</${name}>`;
}

const prefixed =
  (more = '') =>
  (e: XmlElement, depth: number): [string, string] =>
    e.ns === '' ? [e.name, ''] : [`n${depth}:${e.name}`, ` xmlns:n${depth}="${e.ns}"${more}`];

const XSI = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a b.xsd"';
const VENDOR = ' xmlns:v="urn:vendor" v:trace="1" vendorVersion="2.1"';

/** Every spelling of one message, by name. */
export function foreignSpellings(message: string): [name: string, message: string][] {
  const tree = parseXml(message);
  return [
    ['as it is', message],
    ['other prefixes', write(tree, { start: prefixed() })],
    ['default namespaces', write(tree, { start: (e) => [e.name, ` xmlns="${e.ns}"`] })],
    ['schema locations', write(tree, { start: prefixed(XSI) })],
    ['attributes of a vendor', write(tree, { start: prefixed(VENDOR) })],
    ['lines and tabs', write(tree, { start: prefixed(), between: '\r\n\t' })],
    ['a byte order mark', `\uFEFF${write(tree, { start: prefixed() })}`],
    ['a comment', write(tree, { start: prefixed(), between: '<!-- n -->' })],
  ];
}
