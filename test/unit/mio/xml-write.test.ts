// The writer of FHIR XML: the schema's order, escaping, and a refusal with a path for what XML or the schema cannot carry.
import { describe, expect, test } from 'vitest';
import { MioError } from '../../../mio/error.ts';
import { Decimal, type FhirObject, type Resource } from '../../../mio/model.ts';
import { CoreTables } from '../../../mio/tables.ts';
import { readXml } from '../../../mio/xml-read.ts';
import { streamXml, writeXml, writeXmlTo, xmlBytes, xmlLength, xmlPieces } from '../../../mio/xml-write.ts';

const { shapes } = new CoreTables();
const OPEN = '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir">';
const patient = (members: FhirObject): Resource => ({ resourceType: 'Patient', ...members });
const written = (members: FhirObject) => writeXml(patient(members), shapes).slice(OPEN.length, -'</Patient>'.length);

function refusal(resource: FhirObject): [code: string, path: string | undefined] {
  try {
    writeXml(resource as Resource, shapes);
  } catch (error) {
    if (error instanceof MioError) return [error.code, error.place.path];
    throw error;
  }
  return ['none', undefined];
}

describe('a document', () => {
  test('has the order of the schema whatever the order of the object', () => {
    expect(written({ birthDate: '2000-01-01', name: [{ given: ['A'], family: 'M' }], active: true, id: 'p' })).toBe(
      '<id value="p"/><active value="true"/><name><family value="M"/><given value="A"/></name><birthDate value="2000-01-01"/>',
    );
  });

  test('has numbers as they are spelled', () => {
    const value = (one: number | Decimal) =>
      writeXml({ resourceType: 'Observation', valueQuantity: { value: one } }, shapes);
    expect(value(new Decimal('72.50'))).toContain('<value value="72.50"/>');
    expect(value(72.5)).toContain('<value value="72.5"/>');
  });

  test('has ids and extensions of primitives on the element, also without a value and in lists', () => {
    const extension = [{ valueString: 'b', url: 'urn:a' }];
    expect(written({ _birthDate: { extension }, gender: 'male', _gender: { id: 'g' } })).toBe(
      '<gender id="g" value="male"/><birthDate><extension url="urn:a"><valueString value="b"/></extension></birthDate>',
    );
    expect(written({ name: [{ given: ['A', null, 'C'], _given: [null, { extension }] }] })).toBe(
      '<name><given value="A"/><given><extension url="urn:a"><valueString value="b"/></extension></given><given value="C"/></name>',
    );
  });

  test('keeps every character that XML can carry', () => {
    const text = 'a<b>&"\'\t\n\r  ä😀\u{A0}\u{FFFD}\u{10FFFF}]]>';
    const xml = written({ name: [{ text }] });
    expect(xml).toContain("a&lt;b&gt;&amp;&quot;'&#9;&#10;&#13;  ä😀");
    expect(readXml(Buffer.from(`${OPEN}${xml}</Patient>`), shapes).resource.name).toEqual([{ text }]);
  });

  test('contains resources in their wrapper and its narrative to the letter', () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml">5 &lt; 6</div>';
    expect(
      written({ text: { div, status: 'extensions' }, contained: [{ id: 'o', resourceType: 'Organization' }] }),
    ).toBe(
      `<text><status value="extensions"/>${div}</text><contained><Organization><id value="o"/></Organization></contained>`,
    );
  });

  test('comes in pieces that make the same document', async () => {
    const entry = Array.from({ length: 2000 }, (_, index) => ({
      fullUrl: `urn:uuid:${index}`,
      resource: patient({ id: String(index), name: [{ family: 'ä'.repeat(100) }] }),
    }));
    const bundle: Resource = { resourceType: 'Bundle', type: 'document', entry };
    const pieces = [...xmlPieces(bundle, shapes)];
    expect(pieces.length).toBeGreaterThan(5);
    expect(Math.max(...pieces.map((one) => one.length))).toBeLessThan(70_000);
    expect(xmlLength(bundle, shapes)).toBe(pieces.reduce((sum, one) => sum + one.length, 0));
    expect(Buffer.concat(pieces).equals(xmlBytes(bundle, shapes))).toBe(true);
    const given: Uint8Array[] = [];
    expect(writeXmlTo(bundle, shapes, (piece) => given.push(piece.slice()))).toBe(xmlLength(bundle, shapes));
    expect(Buffer.concat(given).equals(xmlBytes(bundle, shapes))).toBe(true);
    const streamed: Uint8Array[] = [];
    for await (const piece of streamXml(bundle, shapes)) streamed.push(piece);
    expect(Buffer.concat(streamed).toString('utf8')).toBe(writeXml(bundle, shapes));
  });
});

describe('refused with code and path', () => {
  test.each<[string, FhirObject, string, string]>([
    [
      'an unknown member',
      { name: [{ family: 'M' }, { nickname: 'x' }] },
      'ELEMENT_UNKNOWN',
      'Patient.name[1].nickname',
    ],
    ['a sibling of something complex', { _name: [{ id: 'x' }] }, 'ELEMENT_UNKNOWN', 'Patient.name'],
    [
      'a resourceType where there is no resource',
      { name: [{ resourceType: 'HumanName' }] },
      'ELEMENT_UNKNOWN',
      'Patient.name[0].resourceType',
    ],
    ['a name that every object has', { toString: 'x' } as FhirObject, 'ELEMENT_UNKNOWN', 'Patient.toString'],
    ['a choice without its type', { deceased: true }, 'ELEMENT_UNKNOWN', 'Patient.deceased'],
    ['a choice of another type', { deceasedString: 'x' }, 'ELEMENT_UNKNOWN', 'Patient.deceasedString'],
    ['a single value where a list stands', { name: { family: 'M' } }, 'VALUE_FORM', 'Patient.name'],
    ['a list where a single value stands', { gender: ['male'] }, 'VALUE_FORM', 'Patient.gender'],
    ['a text where an object stands', { name: ['M'] }, 'VALUE_FORM', 'Patient.name[0]'],
    ['an object where a text stands', { gender: {} }, 'VALUE_FORM', 'Patient.gender'],
    ['a number where a text stands', { gender: 1 }, 'VALUE_FORM', 'Patient.gender'],
    ['a text where a boolean stands', { active: 'true' }, 'VALUE_FORM', 'Patient.active'],
    ['a text where a number stands', { multipleBirthInteger: '2' }, 'VALUE_FORM', 'Patient.multipleBirthInteger'],
    ['no number', { multipleBirthInteger: Number.NaN }, 'VALUE_FORM', 'Patient.multipleBirthInteger'],
    ['null', { gender: null }, 'ELEMENT_EMPTY', 'Patient.gender'],
    ['a list with nothing at a place', { name: [{ given: ['A', null] }] }, 'ELEMENT_EMPTY', 'Patient.name[0].given[1]'],
    ['an extension without a text as url', { extension: [{ url: 1 }] }, 'VALUE_FORM', 'Patient.extension[0].url'],
    ['a resource of no type', { contained: [{ id: 'x' }] }, 'RESOURCE_UNKNOWN', 'Patient.contained[0]'],
    [
      'a resource that is not of the toolkit',
      { contained: [{ resourceType: 'Basic' }] },
      'RESOURCE_UNKNOWN',
      'Patient.contained[0]',
    ],
    ['U+0000', { name: [{ family: 'a\u{0}b' }] }, 'XML_CHARACTER', 'Patient.name[0].family'],
    ['a control character', { name: [{ family: '\u{1F}' }] }, 'XML_CHARACTER', 'Patient.name[0].family'],
    ['half a surrogate pair', { name: [{ family: '\u{D83D}' }] }, 'XML_CHARACTER', 'Patient.name[0].family'],
    ['U+FFFF', { name: [{ family: '\u{FFFF}' }] }, 'XML_CHARACTER', 'Patient.name[0].family'],
    ['such a character in an attribute', { extension: [{ url: '\u{0}' }] }, 'XML_CHARACTER', 'Patient.extension[0]'],
    [
      'a narrative that breaks out',
      { text: { div: '<div xmlns="http://www.w3.org/1999/xhtml"></div></text><x/><text>' } },
      'NARRATIVE_MALFORMED',
      'Patient.text.div',
    ],
    [
      'a narrative that runs',
      { text: { div: '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x"/></div>' } },
      'NARRATIVE_UNSAFE',
      'Patient.text.div',
    ],
    [
      'a narrative with a sibling',
      { text: { div: '<div xmlns="http://www.w3.org/1999/xhtml"/>', _div: { id: 'x' } } },
      'NARRATIVE_MALFORMED',
      'Patient.text.div',
    ],
    ['a sibling that is no object', { gender: 'male', _gender: 'x' }, 'VALUE_FORM', 'Patient.gender'],
    [
      'siblings that are no list',
      { name: [{ given: ['A'], _given: { id: 'x' } }] },
      'VALUE_FORM',
      'Patient.name[0].given',
    ],
    [
      'a sibling of an attribute',
      { extension: [{ url: 'x', _url: {} }] },
      'ELEMENT_UNKNOWN',
      'Patient.extension[0].url',
    ],
    ['a narrative that is no text', { text: { div: 1 } }, 'NARRATIVE_MALFORMED', 'Patient.text.div'],
  ])('%s', (_name, members, code, path) => expect(refusal(patient(members))).toEqual([code, path]));

  test('a root that is no resource', () => {
    for (const one of [{}, { resourceType: 'Basic' }, { resourceType: 'HumanName' }, { resourceType: 7 }]) {
      expect(refusal(one)[0]).toBe('RESOURCE_UNKNOWN');
    }
  });

  test('nesting without end', () => {
    let item: FhirObject = {};
    for (let depth = 0; depth < 20_000; depth += 1) item = { extension: [item] };
    expect(refusal(patient({ extension: [item] }))[0]).toBe('XML_DEPTH');
  });
});
