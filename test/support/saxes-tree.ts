// saxes, a strict namespace-aware XML parser of other hands, as the judge of wire/xml.ts.
import { SaxesParser } from 'saxes';
import type { XmlElement } from '../../wire/xml.ts';

/** The tree as saxes sees it; throws on anything not well-formed. It trims namespace names, which no rule asks for. */
export function saxesTree(message: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true });
  const document: XmlElement = { name: '', ns: '', attributes: new Map(), children: [], text: '' };
  const open = [document];
  const top = () => open.at(-1) ?? document;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    const attributes = new Map<string, string>();
    for (const a of Object.values(tag.attributes)) {
      if (a.name === 'xmlns' || a.prefix === 'xmlns') continue;
      attributes.set(a.prefix === '' ? a.local : `{${a.uri}}${a.local}`, a.value);
    }
    const element: XmlElement = { name: tag.local, ns: tag.uri, attributes, children: [], text: '' };
    top().children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.on('text', (text) => {
    top().text += text;
  });
  parser.on('cdata', (text) => {
    top().text += text;
  });
  parser.write(message).close();
  const root = document.children[0];
  if (root === undefined) throw new Error('no root');
  return root;
}
