// Canonical XML against libxml2 as an outside judge: whole documents, subtrees and documents without their signature, in both forms.
import { XmlC14NMode, XmlDocument, XmlStringOutputBufferHandler } from 'libxml2-wasm';
import * as judge from 'libxml2-wasm/lib/c14n.mjs';
import { describe, expect, test } from 'vitest';
import { canonicalXml, elementsOf, readSignedXml, type SignedElement } from '../../../wire/xml-canonical.ts';
import { codeOf } from '../../support/wire-error.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');
const ours = (text: string, exclusive: boolean, name?: string, prefixes: string[] = []) => {
  const root = readSignedXml(bytes(text));
  const element = name === undefined ? root : [...elementsOf(root)].find((one) => one.name === name);
  return Buffer.from(canonicalXml(element as SignedElement, { exclusive, prefixes })).toString('utf8');
};
function theirs(text: string, exclusive: boolean, name?: string, prefixes: string[] = []): string {
  const handler = new XmlStringOutputBufferHandler();
  using document = XmlDocument.fromString(text);
  const options = {
    mode: exclusive ? XmlC14NMode.XML_C14N_EXCLUSIVE_1_0 : XmlC14NMode.XML_C14N_1_0,
    ...(exclusive && prefixes.length > 0 && { inclusiveNamespacePrefixes: prefixes }),
  };
  if (name === undefined) judge.canonicalizeDocument(handler, document, options);
  else {
    const node = document.get(`//*[local-name()='${name}']`);
    if (node === null) throw new Error('no such element');
    judge.canonicalizeSubtree(handler, document, node, options);
  }
  return handler.result;
}

const documents: [string, string][] = [
  ['nothing', '<a/>'],
  ['white space', '<?xml version="1.0"?>\n<a >\n  <b  c = "d"   a="e"/>\t\r\n</a >\n'],
  ['references', '<a b="&lt;&amp;&gt;&quot;&apos;&#x9;&#10;&#13;x">&lt;&amp;&gt;&quot;&#13;\u00fc&#x1F600;</a>'],
  ['quotes and line ends in an attribute', "<a b='x\"y\n\tz'>t</a>"],
  ['CDATA and comments', '<a><!-- x --><![CDATA[<b>&amp;]]>t<!--y--></a>'],
  ['attributes to sort', '<a xmlns:z="urn:1" xmlns:y="urn:2" z:b="1" y:c="2" b="3" a="4" z:a="5"/>'],
  ['namespaces used and unused', '<r xmlns="urn:d" xmlns:u="urn:u" xmlns:p="urn:p"><p:b><c p:x="1"/><u:d/></p:b></r>'],
  ['a default namespace taken away', '<a xmlns="urn:d"><b xmlns=""><c/><d xmlns="urn:d"/></b></a>'],
  ['a prefix bound anew', '<p:a xmlns:p="urn:1"><p:b xmlns:p="urn:2"><p:c xmlns:p="urn:1"/></p:b><p:d/></p:a>'],
  ['two prefixes of one namespace', '<p:a xmlns:p="urn:1" xmlns:q="urn:1"><q:b p:x="1" q:y="2"/></p:a>'],
  ['xml:lang', '<a xml:lang="de" xmlns:p="urn:p"><b xml:lang="en" p:x="y">t</b></a>'],
  ['names beyond ASCII', '<\u00e4 xmlns:\u00f6="urn:o" \u00f6:z="1" \u00e4="2" \u{10000}="3"/>'],
];

describe.each([true, false])('exclusive: %s', (exclusive) => {
  test.each(documents)('a document with %s is as libxml2 has it', (_what, text) => {
    expect(ours(text, exclusive)).toBe(theirs(text, exclusive));
  });

  test.each([
    ['namespaces used and unused', 'b'],
    ['namespaces used and unused', 'c'],
    ['a default namespace taken away', 'c'],
    ['a default namespace taken away', 'd'],
    ['a prefix bound anew', 'b'],
    ['two prefixes of one namespace', 'b'],
  ])('the subtree of a document with %s at %s is as libxml2 has it', (what, name) => {
    const text = documents.find(([title]) => title === what)?.[1] ?? '';
    expect(ours(text, exclusive, name)).toBe(theirs(text, exclusive, name));
  });
});

test.each([['u'], ['p'], ['u', 'p', 'none']])('prefixes to include (%s …) are as libxml2 has them', (...prefixes) => {
  const text = documents.find(([title]) => title === 'namespaces used and unused')?.[1] ?? '';
  expect(ours(text, true, 'b', prefixes)).toBe(theirs(text, true, 'b', prefixes));
});

test('what is left out is gone with all that is in it, and nothing else', () => {
  const root = readSignedXml(bytes('<a>\n<b><c/>t</b>\n<b/></a>'));
  const without = root.children.find((child) => typeof child !== 'string');
  if (without === undefined || typeof without === 'string') throw new Error('no element');
  expect(Buffer.from(canonicalXml(root, { exclusive: true, without })).toString()).toBe('<a>\n\n<b></b></a>');
});

test.each([
  ['no end', '<a>', 'XML_MALFORMED'],
  ['another end', '<a><b></a></b>', 'XML_MALFORMED'],
  ['two roots', '<a/><b/>', 'XML_MALFORMED'],
  ['text behind the root', '<a/>x', 'XML_MALFORMED'],
  ['an attribute twice', '<a b="1" b="2"/>', 'XML_MALFORMED'],
  ['an unknown prefix', '<p:a/>', 'XML_MALFORMED'],
  ['nothing', '', 'XML_MALFORMED'],
  ['a DTD', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'XML_DOCTYPE'],
  ['an entity', '<a>&b;</a>', 'XML_ENTITY'],
  ['a processing instruction', '<a><?b c?></a>', 'XML_PROCESSING_INSTRUCTION'],
  ['a depth without end', '<a>'.repeat(500), 'XML_DEPTH'],
])('a document with %s is refused', (_what, text, code) => {
  expect(codeOf(() => readSignedXml(bytes(text)))).toBe(code);
});
