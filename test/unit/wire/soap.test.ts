// SOAP envelopes and faults of both versions. Judges: the envelope schemas' rules as named in the tests, npm soap's
// reading of our faults, and the recorded envelopes of Konnektor and record system.
import { globSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { WSDL } from 'soap';
import { describe, expect, test } from 'vitest';
import { readEnvelope, SOAP_NS, type SoapVersion, writeEnvelope, writeFault } from '../../../wire/soap.ts';
import { child, xml } from '../../../wire/xml.ts';
import { describeWithSchemas } from '../../support/schemas.ts';
import { codeOf } from '../../support/wire-error.ts';

const versions: SoapVersion[] = ['1.1', '1.2'];
const envelope = (version: SoapVersion, inner: string) =>
  `<S:Envelope xmlns:S="${SOAP_NS[version]}">${inner}</S:Envelope>`;

describe.each(versions)('version %s', (version) => {
  const ns = SOAP_NS[version];

  test('writes Header before Body, and no Header without blocks', () => {
    const body = xml('a', {}, 'x & y');
    expect(writeEnvelope({ version, body })).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="${ns}"><soap:Body><a>x &amp; y</a></soap:Body></soap:Envelope>`,
    );
    expect(writeEnvelope({ version, header: [xml('h')], body })).toContain(
      '<soap:Header><h/></soap:Header><soap:Body>',
    );
    expect(writeEnvelope({ version, header: [], body })).not.toContain('Header');
  });

  test('reads what it writes', () => {
    const message = writeEnvelope({
      version,
      header: [xml('h1'), xml('h2')],
      body: xml('p:a', { 'xmlns:p': 'urn:p' }),
    });
    const read = readEnvelope(message);
    expect(read).toMatchObject({ version, fault: undefined, body: { name: 'a', ns: 'urn:p' } });
    expect(read.header.map((e) => e.name)).toEqual(['h1', 'h2']);
  });

  test.each([
    [
      'a byte order mark and declaration',
      `\u{FEFF}<?xml version="1.0"?>\n${envelope(version, '<S:Body><a/></S:Body>')}\n`,
    ],
    ['the default namespace', `<Envelope xmlns="${ns}"><Header/><Body><a xmlns=""/></Body></Envelope>`],
    [
      'prefixes bound anew on each level',
      `<a:Envelope xmlns:a="${ns}"><b:Body xmlns:b="${ns}"><a/></b:Body></a:Envelope>`,
    ],
    [
      'schema locations, encoding styles and ids',
      `<S:Envelope xmlns:S="${ns}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a a.xsd" ` +
        `S:encodingStyle="urn:x"><S:Header><h S:mustUnderstand="1"/></S:Header><S:Body Id="b"><a/></S:Body></S:Envelope>`,
    ],
    ['white space and comments between', envelope(version, '\r\n <!-- x --> <S:Body>\n\t<a/>\n</S:Body>\n')],
  ])('reads an envelope with %s', (_name, message) => {
    expect(readEnvelope(message).body).toMatchObject({ name: 'a', ns: '' });
    expect(readEnvelope(Buffer.from(message)).version).toBe(version);
  });

  test('an empty Body is a message without body', () => {
    expect(readEnvelope(envelope(version, '<S:Body/>'))).toEqual({
      version,
      header: [],
      body: undefined,
      fault: undefined,
    });
  });

  test.each([
    ['no Body', '', 'SOAP_ENVELOPE'],
    ['a Header alone', '<S:Header/>', 'SOAP_ENVELOPE'],
    ['Body before Header', '<S:Body/><S:Header/>', 'SOAP_ENVELOPE'],
    ['two Bodies', '<S:Body/><S:Body/>', 'SOAP_ENVELOPE'],
    ['an element behind Body', '<S:Body/><x/>', 'SOAP_ENVELOPE'],
    ['an element before Body', '<x/><S:Body/>', 'SOAP_ENVELOPE'],
    ['a Body of no namespace', '<Body/>', 'SOAP_ENVELOPE'],
    [
      'a Body of the other version',
      `<x:Body xmlns:x="${SOAP_NS[version === '1.1' ? '1.2' : '1.1']}"/>`,
      'SOAP_ENVELOPE',
    ],
    ['two elements in Body', '<S:Body><a/><b/></S:Body>', 'SOAP_BODY'],
    ['an element behind a fault', '<S:Body><S:Fault/><b/></S:Body>', 'SOAP_BODY'],
    ['a fault without code', '<S:Body><S:Fault/></S:Body>', 'SOAP_FAULT'],
    ['an entity', '<S:Body><a>&x;</a></S:Body>', 'XML_ENTITY'],
  ])('refuses %s', (_name, inner, code) => {
    expect(codeOf(() => readEnvelope(envelope(version, inner)))).toBe(code);
  });

  test('a fault comes back with code, reason and detail', () => {
    const detail = [xml('e:Error', { 'xmlns:e': 'urn:e' }, xml('e:Code', {}, '4101'))];
    const read = readEnvelope(writeFault({ version, code: 'Client', reason: 'a <b> & c', detail }));
    expect(read.body).toBeUndefined();
    expect(read.fault).toMatchObject({
      version,
      code: version === '1.1' ? 'Client' : 'Sender',
      subcodes: [],
      reason: 'a <b> & c',
      detail: [{ name: 'Error', ns: 'urn:e', children: [{ name: 'Code', text: '4101' }] }],
    });
  });

  test.each(['Client', 'Server', 'VersionMismatch', 'MustUnderstand'] as const)(
    'the code %s is written by its name in this version',
    (code) => {
      const names = {
        Client: 'Sender',
        Server: 'Receiver',
        VersionMismatch: 'VersionMismatch',
        MustUnderstand: 'MustUnderstand',
      };
      const fault = writeFault({ version, code, reason: 'r' });
      expect(readEnvelope(fault).fault?.code).toBe(version === '1.1' ? code : names[code]);
      expect(fault).not.toMatch(/[Dd]etail/);
    },
  );

  test('npm soap reads our fault as one', async () => {
    const wsdl = new WSDL(
      '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:t"/>',
      'http://localhost/none.wsdl',
      { disableCache: true },
    );
    await promisify(wsdl.onReady.bind(wsdl))();
    const message = writeFault({ version, code: 'Server', reason: 'broken' });
    expect(() => wsdl.xmlToObject(message)).toThrow(/broken/);
  });

  test('a Fault of another namespace is an ordinary body', () => {
    const read = readEnvelope(envelope(version, '<S:Body><Fault xmlns="urn:x"/></S:Body>'));
    expect([read.body?.ns, read.fault]).toEqual(['urn:x', undefined]);
  });
});

describe('faults as others write them', () => {
  test('1.1 with a dotted code, an unbound-looking prefix and qualified children', () => {
    const fault = (inner: string) =>
      readEnvelope(envelope('1.1', `<S:Body><S:Fault>${inner}</S:Fault></S:Body>`)).fault;
    expect(fault('<faultcode>S:Client.Authentication</faultcode><faultstring>no</faultstring>')).toMatchObject({
      code: 'Client',
      subcodes: ['Authentication'],
      reason: 'no',
      detail: [],
    });
    expect(fault('<faultcode> Server </faultcode><faultactor>urn:a</faultactor>')).toMatchObject({
      code: 'Server',
      reason: '',
    });
    expect(fault('<S:faultcode>S:Server</S:faultcode><S:faultstring>x</S:faultstring>')).toMatchObject({
      code: 'Server',
      reason: 'x',
    });
  });

  test('1.2 with nested subcodes and reasons in two languages', () => {
    const read = readEnvelope(
      envelope(
        '1.2',
        '<S:Body><S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value xmlns:w="urn:w">w:InvalidSecurity</S:Value>' +
          '<S:Subcode><S:Value>deeper</S:Value></S:Subcode></S:Subcode></S:Code><S:Reason><S:Text xml:lang="de">nein</S:Text>' +
          '<S:Text xml:lang="en-GB"> no </S:Text></S:Reason><S:Node>urn:n</S:Node><S:Detail><a/><b/></S:Detail></S:Fault></S:Body>',
      ),
    );
    expect(read.fault).toMatchObject({ code: 'Sender', subcodes: ['InvalidSecurity', 'deeper'], reason: 'no' });
    expect(read.fault?.detail.map((e) => e.name)).toEqual(['a', 'b']);
  });

  test('1.2 without a reason is still a fault, without a value it is not readable', () => {
    const inner = (code: string) => envelope('1.2', `<S:Body><S:Fault><S:Code>${code}</S:Code></S:Fault></S:Body>`);
    expect(readEnvelope(inner('<S:Value>S:Receiver</S:Value>')).fault).toMatchObject({ code: 'Receiver', reason: '' });
    expect(codeOf(() => readEnvelope(inner('')))).toBe('SOAP_FAULT');
    expect(codeOf(() => readEnvelope(inner('<S:Value>S:Sender</S:Value><S:Subcode/>')))).toBe('SOAP_FAULT');
  });
});

describe('messages that are no envelope', () => {
  test.each([
    ['another root', '<html/>'],
    ['an Envelope of no namespace', '<Envelope><Body/></Envelope>'],
    [
      'an Envelope of an unknown version',
      '<S:Envelope xmlns:S="http://www.w3.org/2001/12/soap-envelope"><S:Body/></S:Envelope>',
    ],
    ['an envelope inside something', `<x>${envelope('1.1', '<S:Body/>')}</x>`],
  ])('%s is refused', (_name, message) => {
    expect(codeOf(() => readEnvelope(message))).toBe('SOAP_ENVELOPE');
  });

  test('neither a web page nor JSON is read', () => {
    expect(codeOf(() => readEnvelope('<!DOCTYPE html><html></html>'))).toBe('XML_DOCTYPE');
    expect(codeOf(() => readEnvelope('{"error":1}'))).toBe('XML_MALFORMED');
  });
});

describeWithSchemas('recorded envelopes', (dir) => {
  test('Konnektor faults carry their TelematikError', () => {
    for (const number of ['4085', '4101']) {
      const read = readEnvelope(readFileSync(`${dir}/schemas/konnektor/samples/envelopes/Fault_${number}.xml`));
      const error = read.fault?.detail[0];
      const ns = error?.ns ?? '';
      const trace = error === undefined ? undefined : child(error, ns, 'Trace');
      expect(trace === undefined ? undefined : child(trace, ns, 'Code')?.text).toBe(number);
    }
  });

  test('requests and answers of Konnektor and record system have a body', () => {
    const files = globSync('schemas/{konnektor/samples/envelopes/Get*,epa/examples/**/*}.xml', { cwd: dir });
    expect(files.length).toBe(6);
    for (const file of files) expect(readEnvelope(readFileSync(`${dir}/${file}`)).body, file).toBeDefined();
  });
});
