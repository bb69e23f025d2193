// SOAP envelopes and faults, 1.1 (Konnektor) and 1.2 (record system), written and read. W3C NOTE SOAP 1.1 section 4;
// SOAP 1.2 part 1 section 5. Which HTTP status or media type carried a message is the caller's business: a fault is
// found whatever the status was.
import { WireError } from './error.ts';
import { child, childrenOf, type Markup, parseXml, serialize, type XmlElement, xml } from './xml.ts';

export type SoapVersion = '1.1' | '1.2';

export const SOAP_NS: Record<SoapVersion, string> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
};

/** `code` is the local part as the sender wrote it (`Client`, `Sender`); `subcodes` the nested ones of SOAP 1.2, outermost first. */
export type SoapFault = {
  version: SoapVersion;
  code: string;
  subcodes: string[];
  reason: string;
  detail: XmlElement[];
};

/** `body` is the one child of Body; undefined when Body is empty or holds a fault. */
export type SoapMessage = {
  version: SoapVersion;
  header: XmlElement[];
  body: XmlElement | undefined;
  fault: SoapFault | undefined;
};

/** An envelope with prefix `soap` as UTF-8 text with XML declaration; Header only where there are blocks. */
export function writeEnvelope(o: { version: SoapVersion; header?: Markup[]; body: Markup }): string {
  const header = o.header === undefined || o.header.length === 0 ? undefined : xml('soap:Header', {}, ...o.header);
  return serialize(xml('soap:Envelope', { 'xmlns:soap': SOAP_NS[o.version] }, header, xml('soap:Body', {}, o.body)));
}

const codes12 = {
  Client: 'Sender',
  Server: 'Receiver',
  VersionMismatch: 'VersionMismatch',
  MustUnderstand: 'MustUnderstand',
} as const;

/** A fault envelope; the code is given by its 1.1 name and written as `Sender` and `Receiver` in 1.2. */
export function writeFault(o: {
  version: SoapVersion;
  code: 'Client' | 'Server' | 'VersionMismatch' | 'MustUnderstand';
  reason: string;
  detail?: Markup[];
}): string {
  const detail = o.detail ?? [];
  const body =
    o.version === '1.1'
      ? xml(
          'soap:Fault',
          {},
          xml('faultcode', {}, `soap:${o.code}`),
          xml('faultstring', {}, o.reason),
          detail.length === 0 ? undefined : xml('detail', {}, ...detail),
        )
      : xml(
          'soap:Fault',
          {},
          xml('soap:Code', {}, xml('soap:Value', {}, `soap:${codes12[o.code]}`)),
          xml('soap:Reason', {}, xml('soap:Text', { 'xml:lang': 'en' }, o.reason)),
          detail.length === 0 ? undefined : xml('soap:Detail', {}, ...detail),
        );
  return writeEnvelope({ version: o.version, body });
}

/**
 * Reads a message of either version. WireError SOAP_ENVELOPE (no envelope, unknown version, wrong structure), SOAP_BODY
 * (more than one element in Body, which no operation here has), SOAP_FAULT (a fault without a code), XML_* from the reader.
 */
export function readEnvelope(input: Uint8Array | string): SoapMessage {
  const envelope = parseXml(input);
  const version = versionOf(envelope);
  const ns = SOAP_NS[version];
  const parts = envelope.children;
  const header = parts[0]?.name === 'Header' && parts[0].ns === ns ? parts[0] : undefined;
  const body = parts[header === undefined ? 0 : 1];
  if (body === undefined || body.name !== 'Body' || body.ns !== ns) {
    throw new WireError('SOAP_ENVELOPE', 'the envelope is not an optional Header and a Body');
  }
  // SOAP 1.1 section 4 allows further elements behind Body, 1.2 does not; no peer sends any.
  if (parts.length > (header === undefined ? 1 : 2)) {
    throw new WireError('SOAP_ENVELOPE', 'the envelope holds elements behind its Body');
  }
  const [content, ...more] = body.children;
  if (more.length > 0) throw new WireError('SOAP_BODY', 'the Body holds more than one element');
  const fault = content?.name === 'Fault' && content.ns === ns ? readFault(version, content) : undefined;
  return { version, header: header?.children ?? [], body: fault === undefined ? content : undefined, fault };
}

function versionOf(envelope: XmlElement): SoapVersion {
  if (envelope.name === 'Envelope' && envelope.ns === SOAP_NS['1.1']) return '1.1';
  if (envelope.name === 'Envelope' && envelope.ns === SOAP_NS['1.2']) return '1.2';
  throw new WireError('SOAP_ENVELOPE', 'the message is no SOAP 1.1 or 1.2 envelope');
}

function readFault(version: SoapVersion, fault: XmlElement): SoapFault {
  return version === '1.1' ? readFault11(fault) : readFault12(fault);
}

/** Children of a 1.1 fault carry no namespace; some stacks qualify them all the same, so both are read. */
function readFault11(fault: XmlElement): SoapFault {
  const part = (name: string) => child(fault, '', name) ?? child(fault, SOAP_NS['1.1'], name);
  const code = part('faultcode');
  if (code === undefined) throw new WireError('SOAP_FAULT', 'a fault without a code');
  // A dotted code of section 4.4.1 (`Client.Authentication`) goes from the general to the special one.
  const [general = '', ...special] = localPart(code.text).split('.');
  return {
    version: '1.1',
    code: general,
    subcodes: special,
    reason: part('faultstring')?.text.trim() ?? '',
    detail: part('detail')?.children ?? [],
  };
}

function readFault12(fault: XmlElement): SoapFault {
  const ns = SOAP_NS['1.2'];
  const [code = '', ...subcodes] = codesOf(child(fault, ns, 'Code'));
  const reason = child(fault, ns, 'Reason');
  const texts = reason === undefined ? [] : childrenOf(reason, ns, 'Text');
  const english = texts.find((text) => /^en\b/i.test(text.attributes.get(LANG) ?? ''));
  return {
    version: '1.2',
    code,
    subcodes,
    reason: (english ?? texts[0])?.text.trim() ?? '',
    detail: child(fault, ns, 'Detail')?.children ?? [],
  };
}

/** The Value of Code and of each Subcode nested in it, outermost first. */
function codesOf(code: XmlElement | undefined): string[] {
  const ns = SOAP_NS['1.2'];
  const value = code === undefined ? undefined : child(code, ns, 'Value');
  if (code === undefined || value === undefined) throw new WireError('SOAP_FAULT', 'a fault without a code');
  const inner = child(code, ns, 'Subcode');
  return [localPart(value.text), ...(inner === undefined ? [] : codesOf(inner))];
}

const LANG = '{http://www.w3.org/XML/1998/namespace}lang';

function localPart(qualified: string): string {
  const name = qualified.trim();
  return name.slice(name.indexOf(':') + 1);
}
