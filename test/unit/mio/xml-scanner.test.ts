// What the reader of FHIR XML does itself instead of saxes: attributes, white space between elements, and finding fields by names
// just cut out of a document. Each must come to what saxes and a Map come to.
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { MioError } from '../../../mio/error.ts';
import { fieldOf } from '../../../mio/shapes.ts';
import { CoreTables } from '../../../mio/tables.ts';
import { readXml, XmlReader } from '../../../mio/xml-read.ts';
import { Scanner } from '../../../mio/xml-scanner.ts';

const { shapes, definitions } = new CoreTables();
const doc = (inner: string) => `<Patient xmlns="http://hl7.org/fhir">${inner}</Patient>`;
const findings = (inner: string) =>
  readXml(Buffer.from(doc(inner)), shapes).findings.map(({ code, path, line }) => ({ code, path, line }));

function refusal(inner: string): { code: string; line: number | undefined } {
  try {
    readXml(Buffer.from(doc(inner)), shapes);
  } catch (error) {
    if (error instanceof MioError) return { code: error.code, line: error.place.line };
    throw error;
  }
  return { code: 'none', line: undefined };
}

/** Where each tag opens: its name, line and attributes; and what text there is but white space. */
function heard(parser: Scanner | SaxesParser<{ xmlns: false; position: true }>, pieces: readonly string[]): unknown[] {
  const events: unknown[] = [];
  if (parser instanceof Scanner) {
    parser.on('opentagstart', () => parser.attributes.clear());
    parser.on('opentag', ({ name }) => {
      const { attributes } = parser;
      const pairs = Array.from({ length: attributes.count }, (_, at) => [attributes.name(at), attributes.value(at)]);
      events.push([name, parser.line, parser.position, Object.fromEntries(pairs)]);
    });
  } else
    parser.on('opentag', ({ name, attributes }) =>
      events.push([name, parser.line, parser.position, { ...attributes }]),
    );
  parser.on('text', (text) => text.trim() !== '' && events.push(text.trim()));
  parser.on('error', (error) => events.push(error.message.replace(/^\d+:\d+: /, '')));
  for (const piece of pieces) parser.write(piece);
  parser.close();
  return events;
}

const BREAKS = ['\n', '\r\n', '\r', '\t', '  ', '\n\n\t ', '\r\r\n\n\r'];
const SOURCES = [
  '<a>_<b x="1"_y=\'2\'/>_<c>_</c>_</a>',
  '<a>_text_<b/>_more_</a>_',
  '<a>_]]_>_<b/>]]_></a>',
  '<a>_]]><b/></a>',
  '<a>_&#32;_&amp;_<b/>_<!-- c -->_<b/></a>',
  '_<a/>_',
  '<a>_<b x="1"_x="2"/>_</a>',
  '<a>_ä😀_<b ä="ü"/>_</a>',
  '<a>_<b x="1">_',
];

describe('white space and attributes as saxes reads them', () => {
  test.each(SOURCES)('%s', (source) => {
    for (const white of BREAKS) {
      const text = source.replaceAll('_', white);
      for (let cut = 0; cut <= text.length; cut += 1) {
        const pieces = [text.slice(0, cut), text.slice(cut)].filter((one) => one !== '');
        const expected = heard(new SaxesParser({ xmlns: false, position: true }), pieces).map((one) =>
          typeof one === 'string' ? one.replace(/duplicate attribute.*/, 'duplicate attribute.') : one,
        );
        expect(heard(new Scanner((value) => value), pieces)).toEqual(expected);
      }
    }
  });

  test('what becomes of a value is for the reader to say', () => {
    const scanner = new Scanner((value) => `<${value}>`);
    scanner.on('opentagstart', () => scanner.attributes.clear());
    scanner.write('<a value="b"/>');
    expect(scanner.attributes.onlyValue()).toBe('<b>');
  });
});

describe('many attributes', () => {
  const tag = (names: readonly string[]) => `<id ${names.map((one) => `${one}="1"`).join(' ')}/>`;
  const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`);

  test.each([2, 16, 17, 18, 40])('%i of different names, and the first or last of them twice', (count) => {
    const names = many(count);
    expect(refusal(tag(names)).code).toBe('none');
    expect(refusal(tag(names) + tag(names)).code).toBe('none');
    expect(refusal(tag([...names, 'a0'])).code).toBe('XML_MALFORMED');
    expect(refusal(tag([...names, `a${count - 1}`])).code).toBe('XML_MALFORMED');
    expect(refusal(tag(names) + tag(['b', ...names, 'b', 'c'])).code).toBe('XML_MALFORMED');
  });

  test('200,000 in one tag, and 100,000 prefixes around 20,000 more, are read to the end', () => {
    expect(refusal(tag(many(200_000))).code).toBe('none');
    const prefixes = many(100_000).map((one) => `xmlns:${one}="urn:x"`);
    const inner = '<f:name xmlns:f="http://hl7.org/fhir"><a9:x/></f:name>'.repeat(20_000);
    const { resource } = readXml(
      Buffer.from(`<Patient xmlns="http://hl7.org/fhir" ${prefixes.join(' ')}>${inner}</Patient>`),
      shapes,
    );
    expect(resource.name).toHaveLength(20_000);
  });
});

describe('lines', () => {
  test.each(['\n', '\r\n', '\r'])('of findings and refusals, with breaks %j', (line) => {
    expect(findings(`${line}${line} <foo/>${line}<id value="a"/>${line}x${line}<bar/>`)).toEqual([
      { code: 'ELEMENT_UNKNOWN', path: 'Patient.foo', line: 3 },
      { code: 'TEXT_UNKNOWN', path: 'Patient', line: 6 },
      { code: 'ELEMENT_UNKNOWN', path: 'Patient.bar', line: 6 },
    ]);
    expect(refusal(`${line}<id value="a"${line}value="b"${line}/>`)).toEqual({ code: 'XML_MALFORMED', line: 4 });
    expect(refusal(`${line}<id value="a"${line}value="b"${line}x="<"/>`)).toEqual({ code: 'XML_CHARACTER', line: 4 });
  });
});

describe('elements', () => {
  test('of one field with others between keep one list', () => {
    const reader = new XmlReader(shapes);
    reader.write(
      Buffer.from(doc('<name><given value="A"/><given id="b" value="B"/><prefix value="P"/><given value="C"/></name>')),
    );
    const { resource, findings: found } = reader.end();
    expect(resource.name).toEqual([{ given: ['A', 'B', 'C'], _given: [null, { id: 'b' }, null], prefix: ['P'] }]);
    expect(found.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: 'ELEMENT_ORDER', path: 'Patient.name[0].given' },
    ]);
  });

  test('of one name stand once, also as a sibling only, and after others', () => {
    const again = (inner: string) => findings(inner).map(({ code, path }) => `${code} ${path}`);
    expect(again('<gender value="male"/><gender value="male"/>')).toEqual(['ELEMENT_REPEATED Patient.gender']);
    expect(again('<gender id="a"/><gender value="male"/>')).toEqual(['ELEMENT_REPEATED Patient.gender']);
    expect(again('<gender value="male"/><birthDate value="2000"/><gender value="male"/>')).toEqual([
      'ELEMENT_ORDER Patient.gender',
      'ELEMENT_REPEATED Patient.gender',
    ]);
  });

  test('inherit prefixes from any depth, the innermost first', () => {
    const inner = (prefix: string) =>
      findings(
        `<a:name xmlns:a="http://hl7.org/fhir" xmlns:b="urn:x"><a:period xmlns:b="http://hl7.org/fhir" xmlns="urn:x">` +
          `<${prefix}start value="2020"/></a:period></a:name>`,
      ).map(({ path }) => path);
    expect(['a:', 'b:'].map(inner)).toEqual([[], []]);
    expect(['', 'c:', 'constructor:'].map(inner)).toEqual(
      Array.from({ length: 3 }, () => ['Patient.name[0].period.start']),
    );
  });

  test('inherit namespaces and give them back', () => {
    expect(findings('<active xmlns="urn:x" value="true"/><gender value="male"/>').map(({ path }) => path)).toEqual([
      'Patient.active',
    ]);
    expect(findings('<f:active xmlns:f="http://hl7.org/fhir" value="true"/><f:gender value="male"/>')).toEqual([
      { code: 'ELEMENT_UNKNOWN', path: 'Patient.gender', line: 1 },
    ]);
  });
});

test('a field is found by its name whatever was looked for before', () => {
  for (const type of definitions.keys()) {
    const shape = shapes.ofType(type);
    const names = [
      ...shape.fields.keys(),
      'constructor',
      '__proto__',
      'x',
      ...[...shape.fields.keys()].map((one) => `${one}X`),
    ];
    for (const name of [...names, ...names.toReversed(), ...names]) {
      expect(fieldOf(shape, Buffer.from(name).toString())).toBe(shape.fields.get(name));
    }
  }
});
