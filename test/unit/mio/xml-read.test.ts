// The reader of FHIR XML: what it makes of elements, primitives and their siblings, what it reports with a path, and what it
// refuses before it can do harm (hl7.org/fhir/R4/xml.html, json.html).
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../../mio/model.ts';
import { MAX_FINDINGS, readXmlStream } from '../../../mio/xml-read.ts';
import { FHIR, read, refusal, shapes } from '../../support/fhir-xml-reader.ts';

const patient = (inner: string) => read(`<Patient ${FHIR}>${inner}</Patient>`);
const observation = (inner: string) => read(`<Observation ${FHIR}>${inner}</Observation>`);

describe('a resource', () => {
  test('keeps numbers as they are spelled', () => {
    const values = ['72.50', '72.5', '200', '1.0', '-0.10', '1e3', '0', '12345678901234567890.123456789', '1e400'];
    const { resource, findings } = observation(
      values.map((one) => `<component><valueQuantity><value value="${one}"/></valueQuantity></component>`).join(''),
    );
    const read = (resource.component as { valueQuantity: { value: unknown } }[]).map((one) => one.valueQuantity.value);
    expect(read.map(String)).toEqual(values);
    expect(read.map((one) => one instanceof Decimal)).toEqual([
      true,
      false,
      false,
      true,
      true,
      true,
      false,
      true,
      true,
    ]);
    expect(findings).toEqual([]);
  });

  test('gives booleans and integers their JSON types and leaves times as text', () => {
    const { resource } = patient(
      '<meta><lastUpdated value="2015-02-07T13:28:17.239+02:00"/></meta><active value="true"/><multipleBirthInteger value="2"/>',
    );
    expect(resource).toEqual({
      resourceType: 'Patient',
      meta: { lastUpdated: '2015-02-07T13:28:17.239+02:00' },
      active: true,
      multipleBirthInteger: 2,
    });
  });

  test('puts ids and extensions of primitives beside their values, aligned in lists', () => {
    const extension = '<extension url="urn:a"><valueString value="b"/></extension>';
    const { resource, findings } = patient(
      `<name><family id="f" value="M"/><given value="A"/><given>${extension}</given><given value="C">${extension}</given><given value="D"/></name>` +
        `<birthDate>${extension}</birthDate>`,
    );
    const sibling = { extension: [{ url: 'urn:a', valueString: 'b' }] };
    expect(resource).toEqual({
      resourceType: 'Patient',
      name: [
        { family: 'M', _family: { id: 'f' }, given: ['A', null, 'C', 'D'], _given: [null, sibling, sibling, null] },
      ],
      _birthDate: sibling,
    });
    expect(Object.keys((resource.name as object[])[0] ?? {})).toEqual(['family', '_family', 'given', '_given']);
    expect(findings).toEqual([]);
  });

  test('leaves a list of values out when none of them has a value', () => {
    const { resource } = patient(
      '<name><given><extension url="urn:a"><valueCode value="b"/></extension></given></name>',
    );
    expect(resource.name).toEqual([{ _given: [{ extension: [{ url: 'urn:a', valueCode: 'b' }] }] }]);
  });

  test('may contain resources', () => {
    const { resource } = patient(
      '<contained><Organization><id value="o"/></Organization></contained><contained><Device><id value="d"/></Device></contained>',
    );
    expect(resource.contained).toEqual([
      { resourceType: 'Organization', id: 'o' },
      { resourceType: 'Device', id: 'd' },
    ]);
  });

  test('keeps its narrative to the letter, whatever the pieces it comes in', async () => {
    const div =
      '<div  xmlns="http://www.w3.org/1999/xhtml" ><p\n class=\'x\'>5 &lt; 6 &#xE4;<br/><!-- c --> <b>ä😀</b></p></div >';
    const bytes = Buffer.from(`<Patient ${FHIR}><text><status value="extensions"/>${div}</text></Patient>`);
    for (const size of [1, 7, 64, 1000]) {
      const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const { resource, findings } = await readXmlStream(pieces(), shapes);
      expect(resource.text).toEqual({ status: 'extensions', div });
      expect(findings).toEqual([]);
    }
  });

  test('may be written with a prefix, a byte order mark, comments, CDATA of white space and a schema location', () => {
    const { resource, findings } = read(
      '\u{FEFF}<?xml version="1.0" encoding="utf-8"?><!-- a --><f:Patient xmlns:f="http://hl7.org/fhir" ' +
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir x.xsd">' +
        '<!-- b --><f:active value="false"></f:active></f:Patient>',
    );
    expect(resource).toEqual({ resourceType: 'Patient', active: false });
    expect(findings).toEqual([]);
  });
});

describe('what a resource may not contain is reported with its path', () => {
  test.each([
    [
      'an unknown element',
      '<name><nickname value="x"/><family value="M"/></name>',
      'ELEMENT_UNKNOWN',
      'Patient.name[0].nickname',
    ],
    ['an unknown element with a tree below it', '<foo><bar><name/></bar>text</foo>', 'ELEMENT_UNKNOWN', 'Patient.foo'],
    ['an unknown attribute', '<active value="true" unit="x"/>', 'ATTRIBUTE_UNKNOWN', 'Patient.active.@unit'],
    [
      'a value on an element that has none',
      '<name value="x"><family value="M"/></name>',
      'ATTRIBUTE_UNKNOWN',
      'Patient.name[0].@value',
    ],
    [
      'an attribute written as an element',
      '<name><family><id value="x"/></family></name>',
      'ELEMENT_UNKNOWN',
      'Patient.name[0].family.id',
    ],
    [
      'a second one of what may stand once',
      '<active value="true"/><active value="false"/>',
      'ELEMENT_REPEATED',
      'Patient.active',
    ],
    ['an element out of order', '<gender value="male"/><active value="true"/>', 'ELEMENT_ORDER', 'Patient.active'],
    ['an element without content', '<name><family/></name>', 'ELEMENT_EMPTY', 'Patient.name[0].family'],
    ['a wrapper without a resource', '<contained/>', 'ELEMENT_EMPTY', 'Patient.contained[0]'],
    ['text between elements', '<name>x<family value="M"/></name>', 'TEXT_UNKNOWN', 'Patient.name[0]'],
    ['a boolean that is none', '<active value="1"/>', 'VALUE_FORM', 'Patient.active'],
    ['an integer that is none', '<multipleBirthInteger value="2.0"/>', 'VALUE_FORM', 'Patient.multipleBirthInteger'],
    [
      'an integer with leading zeros',
      '<multipleBirthInteger value="02"/>',
      'VALUE_FORM',
      'Patient.multipleBirthInteger',
    ],
    [
      'a resource that is not of the toolkit',
      '<contained><Basic/></contained>',
      'RESOURCE_UNKNOWN',
      'Patient.contained[0]',
    ],
    ['an abstract resource', '<contained><DomainResource/></contained>', 'RESOURCE_UNKNOWN', 'Patient.contained[0]'],
    [
      'two resources in one wrapper',
      '<contained><Device/><Device/></contained>',
      'ELEMENT_UNKNOWN',
      'Patient.contained[0].Device',
    ],
    ['an element of another namespace', '<active xmlns="urn:x" value="true"/>', 'ELEMENT_UNKNOWN', 'Patient.active'],
    [
      'a script in the narrative',
      '<text><div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div></text>',
      'NARRATIVE_UNSAFE',
      'Patient.text.div',
    ],
    ['a narrative outside of xhtml', '<text><div>x</div></text>', 'ELEMENT_UNKNOWN', 'Patient.text.div'],
  ])('%s', (_name, inner, code, path) => {
    const { findings } = patient(inner);
    expect(findings.map((one) => [one.code, one.path])).toContainEqual([code, path]);
    for (const one of findings) expect(one.line).toBe(1);
  });

  test('a decimal that is none', () => {
    for (const bad of ['', '72,5', '.5', '5.', '+1', '01', 'NaN', '0x10', ' 1']) {
      const { findings, resource } = observation(`<valueQuantity><value value="${bad}"/></valueQuantity>`);
      expect(findings.map((one) => [one.code, one.path])).toEqual([['VALUE_FORM', 'Observation.valueQuantity.value']]);
      expect(resource.valueQuantity).toEqual({ value: bad });
    }
  });

  test('no more often than a person could read', () => {
    expect(patient('<foo/>'.repeat(5000)).findings.length).toBe(MAX_FINDINGS);
  });

  test('and no finding carries a value', () => {
    const secret = 'X110411675';
    const { findings } = patient(
      `<foo value="${secret}"/><active value="${secret}"/><name x="${secret}">${secret}</name><text><div xmlns="http://www.w3.org/1999/xhtml"><p onclick="${secret}"/></div></text>`,
    );
    expect(findings.length).toBeGreaterThan(4);
    expect(JSON.stringify(findings)).not.toContain(secret);
  });
});

describe('refused, each with its code', () => {
  const doc = (inner: string) => `<Patient ${FHIR}>${inner}</Patient>`;
  const bomb = `<!DOCTYPE Patient [<!ENTITY a "aaaaaaaaaa">${'bcdefghij'
    .split('')
    .map((one, index) => `<!ENTITY ${one} "${`&${String.fromCharCode(97 + index)};`.repeat(10)}">`)
    .join('')}]>`;
  test.each([
    ['a DTD', `<!DOCTYPE Patient>${doc('')}`, 'XML_DOCTYPE'],
    ['a bomb of entities', `${bomb}${doc('<id value="&j;"/>')}`, 'XML_DOCTYPE'],
    ['a DTD that never ends', `<!DOCTYPE Patient [${'<!-- -->'.repeat(10)}`, 'XML_DOCTYPE'],
    ['an entity nobody declared', doc('<id value="&nbsp;"/>'), 'XML_ENTITY'],
    ['a reference to a character that XML forbids', doc('<id value="&#0;"/>'), 'XML_ENTITY'],
    ['a character that XML forbids', doc('<id value="\u{1}"/>'), 'XML_CHARACTER'],
    ['U+0000', doc('<id value="\u{0}"/>'), 'XML_CHARACTER'],
    ['U+FFFE', doc('<id value="\u{FFFE}"/>'), 'XML_CHARACTER'],
    ['a style sheet', `<?xml-stylesheet href="x"?>${doc('')}`, 'XML_PROCESSING_INSTRUCTION'],
    ['a processing instruction', doc('<?php 1 ?>'), 'XML_PROCESSING_INSTRUCTION'],
    ['another declared encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${doc('')}`, 'XML_ENCODING'],
    ['another version of XML', `<?xml version="1.1"?>${doc('')}`, 'XML_MALFORMED'],
    ['nesting without end', doc('<extension url="a">'.repeat(10_000)), 'XML_DEPTH'],
    ['tags that do not match', doc('<name></family>'), 'XML_MALFORMED'],
    ['a document that breaks off', `<Patient ${FHIR}><name>`, 'XML_MALFORMED'],
    ['two documents', doc('') + doc(''), 'XML_MALFORMED'],
    ['an attribute twice', doc('<id value="a" value="b"/>'), 'XML_MALFORMED'],
    ['nothing', '', 'XML_MALFORMED'],
    ['JSON', '{"resourceType":"Patient"}', 'XML_MALFORMED'],
    ['another namespace', '<Patient xmlns="urn:x"/>', 'MIO_NOT_FHIR'],
    ['no namespace', '<Patient/>', 'MIO_NOT_FHIR'],
    ['an unknown resource', `<Basic ${FHIR}/>`, 'MIO_NOT_FHIR'],
    ['a data type', `<HumanName ${FHIR}/>`, 'MIO_NOT_FHIR'],
    ['a name that every object has', `<constructor ${FHIR}/>`, 'MIO_NOT_FHIR'],
  ])('%s', (_name, text, code) => expect(refusal(text).code).toBe(code));

  test('bytes that are not UTF-8, also across pieces', async () => {
    expect(refusal(Buffer.from([0x3c, 0x50, 0xff, 0xfe])).code).toBe('XML_ENCODING');
    const cut = async function* () {
      yield Buffer.from('<Patient xmlns="http://hl7.org/fhir"><id value="');
      yield Buffer.from([0xc3]);
      yield Buffer.from('"/></Patient>');
    };
    await expect(readXmlStream(cut(), shapes)).rejects.toMatchObject({ code: 'XML_ENCODING' });
  });

  test('UTF-16', () => expect(refusal(Buffer.from(doc(''), 'utf16le')).code).toMatch(/^XML_/));

  test('more bytes than allowed, without reading them', async () => {
    expect(refusal(doc('<id value="a"/>'), { maxBytes: 20 }).code).toBe('MIO_TOO_LARGE');
    let given = 0;
    const endless = async function* () {
      yield Buffer.from(`<Patient ${FHIR}>`);
      for (; ; given += 1) yield Buffer.alloc(1_000_000, ' ');
    };
    await expect(readXmlStream(endless(), shapes)).rejects.toMatchObject({ code: 'MIO_TOO_LARGE' });
    expect(given).toBeLessThan(30);
  });

  test('with the line', () =>
    expect(refusal(`<Patient ${FHIR}>\n\n<id value="&x;"/></Patient>`)).toEqual({ code: 'XML_ENTITY', line: 3 }));
});

test('a name that every object has is no element', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const { findings } = patient(`<${name}><x/></${name}>`);
    expect(findings.map((one) => one.code)).toEqual(['ELEMENT_UNKNOWN']);
  }
});
