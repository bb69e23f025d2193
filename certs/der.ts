// Strict DER (X.690 section 10) in front of asn1js, which also reads BER: what this module lets through has exactly one
// encoding, so our reading, pkijs's and OpenSSL's cannot differ on the same bytes. Every refusal is CERT_UNREADABLE.
import * as asn1js from 'asn1js';
import { CertError } from './error.ts';

/** Deeper nesting than any certificate or OCSP response has: refused before recursion costs anything. */
const MAX_DEPTH = 32;

/** Month to second: pkijs would count a thirteenth month on into the next year. */
const MOMENT = '(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])([01]\\d|2[0-3])[0-5]\\d[0-5]\\d';
const TIME_FORMS: ReadonlyMap<number, RegExp> = new Map([
  [0x17, new RegExp(`^\\d\\d${MOMENT}Z$`)],
  [0x18, new RegExp(`^\\d{4}${MOMENT}(\\.\\d*[1-9])?Z$`)],
]);

/** One decoded ASN.1 value. */
export type Asn1 = asn1js.AsnType;

function refuse(rule: string): never {
  throw new CertError('CERT_UNREADABLE', `not DER: ${rule}`);
}

/** Length octets at `at`: definite and in the shortest form (X.690 10.1). */
function readLength(bytes: Uint8Array, at: number): { length: number; next: number } {
  const first = bytes[at] ?? refuse('length missing');
  if (first < 0x80) return { length: first, next: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) refuse('indefinite or oversized length');
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + (bytes[at + i] ?? refuse('length cut short'));
  if (length < 0x80 || (count > 1 && bytes[at + 1] === 0)) refuse('length not in its shortest form');
  return { length, next: at + 1 + count };
}

function checkPrimitive(tag: number, content: Uint8Array): void {
  const [first = 0, second = 0] = content;
  if (tag === 0x01 && (content.length !== 1 || (first !== 0x00 && first !== 0xff))) refuse('BOOLEAN');
  if (tag === 0x02 || tag === 0x0a) {
    if (content.length === 0) refuse('INTEGER without content');
    const padded = (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80);
    if (content.length > 1 && padded) refuse('INTEGER not in its shortest form');
  }
  if (tag === 0x03 && (content.length === 0 || first > 7)) refuse('BIT STRING');
  if (tag === 0x05 && content.length !== 0) refuse('NULL');
  // X.690 11.7, 11.8: times are UTC with seconds; a local time would mean another moment on another machine.
  const time = TIME_FORMS.get(tag);
  if (time !== undefined && !time.test(Buffer.from(content).toString('latin1'))) refuse('time');
}

/** Walks one value and returns where it ends. */
function checkValue(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > MAX_DEPTH) refuse('nested too deeply');
  const tag = bytes[start] ?? refuse('value missing');
  if ((tag & 0x1f) === 0x1f) refuse('long tag form');
  if (tag === 0) refuse('end-of-contents');
  const { length, next } = readLength(bytes, start + 1);
  const end = next + length;
  if (end > bytes.length) refuse('value cut short');
  const universal = tag < 0x40;
  const constructed = (tag & 0x20) !== 0;
  // X.690 10.2: strings are primitive in DER; SEQUENCE (16) and SET (17) are always constructed.
  const number = tag & 0x1f;
  if (universal && constructed !== (number === 16 || number === 17)) refuse('constructed form');
  if (!constructed) {
    if (universal) checkPrimitive(tag, bytes.subarray(next, end));
    return end;
  }
  let at = next;
  while (at < end) at = checkValue(bytes.subarray(0, end), at, depth + 1);
  return end;
}

/** Exactly one DER value and nothing after it, else CERT_UNREADABLE. */
export function checkDer(bytes: Uint8Array): void {
  if (checkValue(bytes, 0, 0) !== bytes.length) refuse('trailing bytes');
}

/** Reads one DER value; strings inside OCTET STRING and BIT STRING stay bytes. Throws CERT_UNREADABLE. */
export function decodeDer(bytes: Uint8Array): Asn1 {
  checkDer(bytes);
  const { offset, result } = asn1js.fromBER(new Uint8Array(bytes), { parseEmbedded: false });
  if (offset !== bytes.length) refuse('value not readable');
  return result;
}

export function encodeDer(block: asn1js.BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER());
}

/** A SEQUENCE of the given values. */
export function sequence(...value: asn1js.BaseBlock[]): asn1js.Sequence {
  return new asn1js.Sequence({ value });
}

/** An explicitly or implicitly tagged constructed value [n]. */
export function tagged(tagNumber: number, ...value: asn1js.BaseBlock[]): asn1js.Constructed {
  return new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

/** The members of a SEQUENCE; anything else is CERT_UNREADABLE. */
export function members(block: unknown): asn1js.BaseBlock[] {
  if (!(block instanceof asn1js.Sequence)) return refuse('SEQUENCE expected');
  return block.valueBlock.value;
}

/** The bytes of an OCTET STRING; anything else is CERT_UNREADABLE. */
export function octets(block: unknown): Uint8Array {
  if (!(block instanceof asn1js.OctetString)) return refuse('OCTET STRING expected');
  return new Uint8Array(block.valueBlock.valueHexView);
}

/** The dotted text of an OBJECT IDENTIFIER; anything else is CERT_UNREADABLE. */
export function oidText(block: unknown): string {
  if (!(block instanceof asn1js.ObjectIdentifier)) return refuse('OBJECT IDENTIFIER expected');
  return block.getValue();
}

/** Tag number of a context-specific value, or undefined for a universal one. */
export function contextTag(block: asn1js.BaseBlock | undefined): number | undefined {
  return block?.idBlock.tagClass === 3 ? block.idBlock.tagNumber : undefined;
}
