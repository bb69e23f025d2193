// Distinguished names: as RFC 4514 text for people (last RDN first), and written for the test PKI. Names are compared
// by their DER, never by this text: two names that look alike may be two authorities.
import * as asn1js from 'asn1js';
import { encodeDer, oidText, sequence } from './der.ts';
import { CertError } from './error.ts';

const COMMON_NAME = '2.5.4.3';
const COUNTRY = '2.5.4.6';
const ORGANIZATION = '2.5.4.10';

/** Short names of RFC 4514 section 3 and of X.520 that TI certificates use. */
const ATTRIBUTE_NAMES: ReadonlyMap<string, string> = new Map([
  [COMMON_NAME, 'CN'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  [COUNTRY, 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  [ORGANIZATION, 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.12', 'title'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.42', 'GN'],
  ['2.5.4.97', 'organizationIdentifier'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

type Attribute = { oid: string; text: string | undefined; der: Uint8Array };
export type DistinguishedName = { text: string; commonName: string | undefined };

function attributeText(value: asn1js.BaseBlock | undefined): string | undefined {
  if (value instanceof asn1js.Utf8String || value instanceof asn1js.PrintableString) return value.getValue();
  if (value instanceof asn1js.BmpString || value instanceof asn1js.TeletexString) return value.getValue();
  return value instanceof asn1js.IA5String ? value.getValue() : undefined;
}

function readAttribute(block: asn1js.BaseBlock): Attribute {
  const [type, value, ...more] = block instanceof asn1js.Sequence ? block.valueBlock.value : [];
  if (value === undefined || more.length > 0) throw new CertError('CERT_UNREADABLE', 'name: attribute expected');
  return { oid: oidText(type), text: attributeText(value), der: encodeDer(value) };
}

function readRdn(block: asn1js.BaseBlock): Attribute[] {
  if (!(block instanceof asn1js.Set)) throw new CertError('CERT_UNREADABLE', 'name: SET expected');
  return block.valueBlock.value.map(readAttribute);
}

/** RFC 4514 2.4: specials are escaped by a backslash, control characters as hex pairs. */
function escapeValue(text: string): string {
  const specials = text.replace(/[\\"+,;<>]/g, '\\$&').replace(/^[ #]| $/g, '\\$&');
  const hexPair = (c: string): string => `\\${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return [...specials].map((c) => (c < ' ' || c === '\u007f' ? hexPair(c) : c)).join('');
}

function attributeToText(a: Attribute): string {
  const name = ATTRIBUTE_NAMES.get(a.oid);
  if (name === undefined || a.text === undefined) return `${name ?? a.oid}=#${Buffer.from(a.der).toString('hex')}`;
  return `${name}=${escapeValue(a.text)}`;
}

/** Reads a decoded Name. The common name is the last CN attribute. Throws CertError CERT_UNREADABLE. */
export function readName(block: asn1js.BaseBlock): DistinguishedName {
  if (!(block instanceof asn1js.Sequence)) throw new CertError('CERT_UNREADABLE', 'name: SEQUENCE expected');
  const rdns = block.valueBlock.value.map(readRdn);
  const text = rdns.map((rdn) => rdn.map(attributeToText).join('+')).reverse();
  return { text: text.join(','), commonName: rdns.flat().findLast((a) => a.oid === COMMON_NAME)?.text };
}

function writeRdn(oid: string, value: asn1js.BaseBlock): asn1js.Set {
  return new asn1js.Set({ value: [sequence(new asn1js.ObjectIdentifier({ value: oid }), value)] });
}

/** Writes C=DE, O=organization, CN=commonName, texts as UTF8String (gemSpec_PKI; countries are PrintableString, X.520). */
export function writeName(commonName: string, organization: string): asn1js.Sequence {
  return sequence(
    writeRdn(COUNTRY, new asn1js.PrintableString({ value: 'DE' })),
    writeRdn(ORGANIZATION, new asn1js.Utf8String({ value: organization })),
    writeRdn(COMMON_NAME, new asn1js.Utf8String({ value: commonName })),
  );
}
