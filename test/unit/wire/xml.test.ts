// XML reading and writing. Judge: saxes, a strict namespace-aware parser of other hands, on examples and on mutations;
// the recorded Konnektor and record-system messages.
import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import {
  child,
  childrenOf,
  escapeAttribute,
  escapeText,
  type Markup,
  parseXml,
  raw,
  requireChild,
  serialize,
  textOf,
  type XmlElement,
  xml,
} from '../../../wire/xml.ts';
import { MAX_DEPTH } from '../../../wire/xml-lexis.ts';
import { saxesTree as judge } from '../../support/saxes-tree.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { codeOf } from '../../support/wire-error.ts';

describe('reading', () => {
  const wellFormed = [
    '<a/>',
    '\u{FEFF}<?xml version="1.0" encoding="UTF-8"?>\n<!-- c --><a>x</a>\n<!-- d -->\n',
    "<?xml version='1.0' encoding='utf-8' standalone='yes' ?><a/>",
    '<s:E xmlns:s="urn:1" xmlns="urn:2"><b xmlns=""/><c s:d="1" d="2"/><s:b xmlns:s="urn:3"><s:c/></s:b></s:E>',
    '<a>one<b/>two<!-- - -->three<![CDATA[<&amp;four]]><![CDATA[]]>&#x66;&#105;ve &lt;&gt;&amp;&quot;&apos;</a>',
    '<a b = "x\r\ny\tz&#10;&#13;&#9;" c=\'"\' d=">/>"\n>l1\r\nl2\rl3&#13;</a >',
    '<a><b></b><b/><b />&#x1F600;\u{1F600}ä</a>',
    '<toString hasOwnProperty="1" valueOf="2" xml:lang="de"><hasOwnProperty/></toString>',
    '<a><!-->--></a>',
    '<ä.b-c_1 xmlns:é="urn:é" é:ö="1"/>',
  ];

  test.each(wellFormed)('agrees with saxes on %j', (message) => {
    expect(parseXml(message)).toEqual(judge(message.replace('\u{FEFF}', '')));
    expect(parseXml(Buffer.from(message))).toEqual(parseXml(message));
  });

  test('normalises line ends and attribute white space, and keeps both when written as references', () => {
    const root = parseXml('<a b="1\r\n2\t3&#10;4">x\r\ny\rz&#13;</a>');
    expect(root.attributes.get('b')).toBe('1 2 3\n4');
    expect(root.text).toBe('x\ny\nz\r');
  });

  test('leaves namespace declarations out of the attributes and keys prefixed ones by namespace', () => {
    const root = parseXml('<a xmlns="urn:d" xmlns:p="urn:p" p:b="1" b="2" xml:lang="de"/>');
    expect([...root.attributes]).toEqual([
      ['{urn:p}b', '1'],
      ['b', '2'],
      ['{http://www.w3.org/XML/1998/namespace}lang', 'de'],
    ]);
  });
});

describe('refusing', () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<a/>', 'utf16le')]);
  const deep = '<a>'.repeat(MAX_DEPTH + 1) + '</a>'.repeat(MAX_DEPTH + 1);
  const cases: [name: string, message: string | Uint8Array, code: string][] = [
    ['a DOCTYPE', '<!DOCTYPE a><a/>', 'XML_DOCTYPE'],
    ['a DOCTYPE behind a comment', '<!-- x --><!doctype a [<!ENTITY b "c">]><a>&b;</a>', 'XML_DOCTYPE'],
    ['a DOCTYPE hidden in CDATA, as the rule has no exception', '<a><![CDATA[<!DOCTYPE b>]]></a>', 'XML_DOCTYPE'],
    ['an entity declaration outside a DOCTYPE', '<!ENTITY a "b"><a/>', 'XML_MALFORMED'],
    ['an undefined entity', '<a>&nbsp;</a>', 'XML_ENTITY'],
    ['an undefined entity in an attribute', '<a b="&nbsp;"/>', 'XML_ENTITY'],
    ['a bare ampersand', '<a>x & y</a>', 'XML_ENTITY'],
    ['a reference without semicolon', '<a>&amp</a>', 'XML_ENTITY'],
    ['a reference without digits', '<a>&#;&#x;</a>', 'XML_ENTITY'],
    ['a reference to NUL', '<a>&#0;</a>', 'XML_CHARACTER'],
    ['a reference to a surrogate', '<a>&#xD800;</a>', 'XML_CHARACTER'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>', 'XML_CHARACTER'],
    ['a control character', '<a>\u{1}</a>', 'XML_CHARACTER'],
    ['a lone surrogate', '<a>\u{D800}</a>', 'XML_CHARACTER'],
    ['the non-character U+FFFF', '<a>\u{FFFF}</a>', 'XML_CHARACTER'],
    ['bytes that are no UTF-8', Buffer.from('<a>\xe4</a>', 'latin1'), 'XML_ENCODING'],
    [
      'overlong UTF-8',
      Buffer.concat([Buffer.from('<a>'), Buffer.from([0xc0, 0xbc]), Buffer.from('</a>')]),
      'XML_ENCODING',
    ],
    ['UTF-16', utf16, 'XML_ENCODING'],
    ['another declared encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'XML_ENCODING'],
    ['another declared encoding in odd spelling', "<?xml version='1.0'\n encoding = 'utf-7' ?><a/>", 'XML_ENCODING'],
    ['XML 1.1', '<?xml version="1.1"?><a/>', 'XML_MALFORMED'],
    ['a declaration without version', '<?xml encoding="utf-8"?><a/>', 'XML_MALFORMED'],
    ['a declaration behind white space', ' <?xml version="1.0"?><a/>', 'XML_PROCESSING_INSTRUCTION'],
    ['a processing instruction', '<?xml-stylesheet href="x"?><a/>', 'XML_PROCESSING_INSTRUCTION'],
    ['a processing instruction inside', "<a><?p ' ?><b/><?p ' ?></a>", 'XML_PROCESSING_INSTRUCTION'],
    ['an unbound element prefix', '<p:a/>', 'XML_NAMESPACE'],
    ['an unbound attribute prefix', '<a p:b="1"/>', 'XML_NAMESPACE'],
    ['a prefix bound only in a sibling', '<a><b xmlns:p="urn:p"/><p:c/></a>', 'XML_NAMESPACE'],
    ['a prefix bound to nothing', '<a xmlns:p=""/>', 'XML_NAMESPACE'],
    ['the prefix xml bound elsewhere', '<a xmlns:xml="urn:x"/>', 'XML_NAMESPACE'],
    ['the prefix xmlns bound', '<a xmlns:xmlns="urn:x"/>', 'XML_NAMESPACE'],
    ['two colons in a name', '<a:b:c xmlns:a="urn:a"/>', 'XML_MALFORMED'],
    ['crossed tags', '<a><b></a></b>', 'XML_MALFORMED'],
    ['an end tag of another name', '<a></b>', 'XML_MALFORMED'],
    ['an end tag of another case', '<a></A>', 'XML_MALFORMED'],
    ['an end tag with attributes', '<a></a b="1">', 'XML_MALFORMED'],
    ['an end tag alone', '</a>', 'XML_MALFORMED'],
    ['one end tag too many', '<a></a></a>', 'XML_MALFORMED'],
    ['an open element', '<a><b></b>', 'XML_MALFORMED'],
    ['an open tag', '<a', 'XML_MALFORMED'],
    ['a repeated attribute', '<a b="1" b="2"/>', 'XML_MALFORMED'],
    ['an attribute repeated under two prefixes', '<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>', 'XML_MALFORMED'],
    ['an attribute without value', '<a b/>', 'XML_MALFORMED'],
    ['an attribute without quotes', '<a b=c/>', 'XML_MALFORMED'],
    ['attributes without space between', '<a b="1"c="2"/>', 'XML_MALFORMED'],
    ['a less-than sign in an attribute', '<a b="<"/>', 'XML_MALFORMED'],
    ['a space inside an empty tag', '<a/ >', 'XML_MALFORMED'],
    ['a space before a name', '< a/>', 'XML_MALFORMED'],
    ['text behind the root', '<a/>x', 'XML_MALFORMED'],
    ['text before the root', 'x<a/>', 'XML_MALFORMED'],
    ['CDATA behind the root', '<a/><![CDATA[x]]>', 'XML_MALFORMED'],
    ['a second root', '<a/><b/>', 'XML_MALFORMED'],
    ['no root', '<!-- a -->', 'XML_MALFORMED'],
    ['nothing', '', 'XML_MALFORMED'],
    ['an open comment', '<a><!-- </a>', 'XML_MALFORMED'],
    ['two hyphens in a comment', '<a><!-- -- --></a>', 'XML_MALFORMED'],
    ['open CDATA', '<a><![CDATA[x]]</a>', 'XML_MALFORMED'],
    ['another marked section', '<a><![INCLUDE[x]]></a>', 'XML_MALFORMED'],
    ['the end of CDATA in text', '<a>]]></a>', 'XML_MALFORMED'],
    ['names the parser reserves', '<constructor/>', 'XML_MALFORMED'],
    ['deep nesting', deep, 'XML_DEPTH'],
  ];
  test.each(cases)('%s', (_name, message, code) => {
    expect(codeOf(() => parseXml(message))).toBe(code);
  });

  test('the parser alone would not have refused most of this, which is why the checks stand before it', () => {
    const alone = (message: string) =>
      XMLValidator.validate(message) === true && new XMLParser().parse(message) !== undefined;
    const texts = cases.map(([, message]) => message).filter((message) => typeof message === 'string');
    expect(texts.filter((message) => passes(() => alone(message))).length).toBeGreaterThan(15);
  });

  test('no word of the message in the error', () => {
    expect(String(caught(() => parseXml('<a>Z123456789</b>')))).not.toMatch(/Z123456789/);
    expect(String(caught(() => parseXml('<Z123456789>')))).not.toMatch(/Z123456789/);
  });
});

function passes(action: () => boolean): boolean {
  try {
    return action();
  } catch {
    return false;
  }
}

function caught(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

const xmlText = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((s) => s.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '?'));
const localName = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9._-]{0,8}$/)
  .filter((s) => !/^(constructor|prototype|__proto__)$/.test(s));
const namespace = fc.constantFrom('urn:one', 'urn:two');
const element: fc.Arbitrary<XmlElement> = fc.letrec<{ element: XmlElement }>((tie) => ({
  element: fc.record({
    name: localName,
    ns: namespace,
    attributes: fc
      .dictionary(
        localName.filter((s) => !s.startsWith('xmlns')),
        xmlText,
        { maxKeys: 3, noNullPrototype: true },
      )
      .map((d) => new Map(Object.entries(d))),
    children: fc.oneof({ maxDepth: 4 }, fc.constant<XmlElement[]>([]), fc.array(tie('element'), { maxLength: 3 })),
    text: xmlText,
  }),
})).element;

const markupOf = (e: XmlElement): Markup =>
  xml(`p:${e.name}`, { 'xmlns:p': e.ns, ...Object.fromEntries(e.attributes) }, e.text, ...e.children.map(markupOf));

describe('properties', () => {
  test('what is written is read again as it was, by saxes too', () => {
    fc.assert(
      fc.property(element, (e) => {
        const message = serialize(markupOf(e));
        expect(parseXml(message)).toEqual(e);
        expect(judge(message)).toEqual(e);
      }),
    );
  });

  test('no mutation of a message is accepted that saxes refuses, and none is read otherwise', () => {
    const seed = '<s:E xmlns:s="urn:s" a="1&lt;"><s:B><!-- c --><![CDATA[x]]>t&#13;<d b=\'2\'/></s:B></s:E>';
    const piece = fc.constantFrom(
      ...'<>&"\'=/!-[]?:;# \t\nasEx',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '</',
      '/>',
      ' a="2"',
      '&#0;',
      '<?x?>',
    );
    const edits = fc.array(fc.tuple(fc.integer({ min: seed.indexOf(' a='), max: seed.length }), fc.nat(4), piece), {
      minLength: 1,
      maxLength: 4,
    });
    let accepted = 0;
    fc.assert(
      fc.property(edits, (list) => {
        let message = seed;
        for (const [at, cut, text] of list) message = message.slice(0, at) + text + message.slice(at + cut);
        let ours: XmlElement;
        try {
          ours = parseXml(message);
        } catch {
          return;
        }
        accepted += 1;
        expect(ours).toEqual(judge(message));
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe('finding', () => {
  const root = parseXml('<r xmlns="urn:a" xmlns:b="urn:b"><x> 1 </x><b:x>2</b:x><x>3</x></r>');

  test('tells elements of one name apart by namespace', () => {
    expect(childrenOf(root, 'urn:a', 'x').map((e) => e.text)).toEqual([' 1 ', '3']);
    expect(child(root, 'urn:b', 'x')?.text).toBe('2');
    expect(textOf(root, 'urn:a', 'x')).toBe('1');
    expect(child(root, '', 'x')).toBeUndefined();
  });

  test('names a missing element by a code', () => {
    expect(codeOf(() => requireChild(root, 'urn:b', 'y'))).toBe('XML_ELEMENT_MISSING');
    expect(codeOf(() => textOf(root, '', 'x'))).toBe('XML_ELEMENT_MISSING');
  });
});

describe('writing', () => {
  test('escapes text and attributes, keeps order, drops what is undefined', () => {
    const m = xml('a:b', { z: '"<&\n', y: undefined, x: "'" }, 'x<&>\r', undefined, xml('c'), raw('<d/>'), 'y');
    expect(m.markup).toBe('<a:b z="&quot;&lt;&amp;&#10;" x="\'">x&lt;&amp;&gt;&#13;<c/><d/>y</a:b>');
    expect(serialize(xml('a', {}, ''))).toBe('<?xml version="1.0" encoding="UTF-8"?><a/>');
  });

  test.each(['\u{0}', '\u{B}', '\u{FFFE}', '\u{D83D}'])(
    'refuses the character %j in text and attributes',
    (character) => {
      expect(codeOf(() => escapeText(`a${character}`))).toBe('XML_CHARACTER');
      expect(codeOf(() => escapeAttribute(`a${character}`))).toBe('XML_CHARACTER');
    },
  );

  test.each(['', 'a b', 'a>', '1a', 'a:', ':a', 'a:b:c', 'a="1"'])('refuses the name %j', (name) => {
    expect(codeOf(() => xml(name))).toBe('XML_MALFORMED');
    expect(codeOf(() => xml('a', { [name]: 'x' }))).toBe('XML_MALFORMED');
  });
});

describeWithSchemas('recorded messages', (dir) => {
  test('every sample of Konnektor and record system is read as saxes reads it', () => {
    const files = globSync('schemas/{konnektor/samples,epa/examples}/**/*.xml', { cwd: dir });
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) {
      const message = readFileSync(`${dir}/${file}`, 'utf8');
      expect(parseXml(message), file).toEqual(judge(message.replace('\u{FEFF}', '')));
    }
  });
});
