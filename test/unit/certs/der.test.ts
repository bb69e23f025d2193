// Strict DER: each rule is broken alone, and each break is refused (X.690 section 10; RFC 5280 forbids BER).
import { describe, expect, test } from 'vitest';
import { checkDer, decodeDer, encodeDer, members, octets, oidText } from '../../../certs/der.ts';
import { mintRoot } from '../../../certs/mint.ts';
import { certCodeOf } from '../../support/test-pki.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** What is broken, the rule that says so, and the bytes. */
const broken: [what: string, rule: string, hex: string][] = [
  ['nothing at all', 'value missing', ''],
  ['a tag without a length', 'length missing', '30'],
  ['a long length cut short', 'length cut short', '30 82 01'],
  ['a value cut short', 'value cut short', '04 03 01 02'],
  ['a member cut short inside a whole SEQUENCE', 'value cut short', '30 03 04 05 01'],
  ['a byte after the value', 'trailing bytes', '05 00 00'],
  ['a second value after the first', 'trailing bytes', '05 00 05 00'],
  ['an indefinite length', 'indefinite or oversized length', '30 80 05 00 00 00'],
  ['a long length form for a short value', 'length not in its shortest form', '04 81 01 00'],
  ['a length with a leading zero', 'length not in its shortest form', `04 82 00 80 ${'00'.repeat(128)}`],
  ['a length of more than four octets', 'indefinite or oversized length', '04 85 00 00 00 00 01 00'],
  ['a long tag form', 'long tag form', '1f 81 01 00'],
  ['end-of-contents as a value', 'end-of-contents', '30 02 00 00'],
  ['a constructed OCTET STRING', 'constructed form', '24 04 04 02 01 02'],
  ['a primitive SEQUENCE', 'constructed form', '10 00'],
  ['a BOOLEAN that is neither 00 nor ff', 'BOOLEAN', '01 01 01'],
  ['an empty BOOLEAN', 'BOOLEAN', '01 00'],
  ['an empty INTEGER', 'INTEGER without content', '02 00'],
  ['a padded positive INTEGER', 'INTEGER not in its shortest form', '02 02 00 7f'],
  ['a padded negative INTEGER', 'INTEGER not in its shortest form', '02 02 ff 80'],
  ['a padded ENUMERATED', 'INTEGER not in its shortest form', '0a 02 00 01'],
  ['a BIT STRING without its count of unused bits', 'BIT STRING', '03 00'],
  ['a BIT STRING with eight unused bits', 'BIT STRING', '03 02 08 00'],
  ['a NULL with content', 'NULL', '05 01 00'],
  ['a UTCTime without seconds', 'time', `17 0b ${Buffer.from('2611250000Z').toString('hex')}`],
  ['a UTCTime with an offset', 'time', `17 11 ${Buffer.from('261125000000+0100').toString('hex')}`],
  ['a GeneralizedTime in local time', 'time', `18 0e ${Buffer.from('20261125000000').toString('hex')}`],
  [
    'a GeneralizedTime with a trailing zero in its fraction',
    'time',
    `18 12 ${Buffer.from('20261125000000.10Z').toString('hex')}`,
  ],
  ['thirty-four SEQUENCEs in one another', 'nested too deeply', nested(34)],
];

function nested(depth: number): string {
  let inner = '';
  for (let i = 0; i < depth; i++) inner = `30${(inner.length / 2).toString(16).padStart(2, '0')}${inner}`;
  return inner;
}

describe('strict DER', () => {
  test.each(broken)('refuses %s by its own rule', (_what, rule, hex) => {
    expect(certCodeOf(() => checkDer(bytes(hex)))).toBe('CERT_UNREADABLE');
    expect(() => checkDer(bytes(hex))).toThrow(new RegExp(`^not DER: ${rule}$`));
  });

  test.each([
    ['a BOOLEAN', '01 01 ff'],
    ['an INTEGER whose padding is needed', '02 02 00 80'],
    ['an empty SEQUENCE', '30 00'],
    ['a length in its long form where it is needed', `04 81 80 ${'00'.repeat(128)}`],
    ['a GeneralizedTime', `18 0f ${Buffer.from('20261125000000Z').toString('hex')}`],
    ['a context-specific value', 'a0 03 02 01 02'],
    ['thirty-two SEQUENCEs in one another', nested(32)],
  ])('reads %s', (_what, hex) => {
    expect(certCodeOf(() => checkDer(bytes(hex)))).toBe('nothing thrown');
  });

  test.each(broken)('decodes nothing either that has %s', (_what, rule, hex) => {
    expect(() => decodeDer(bytes(hex))).toThrow(new RegExp(`^not DER: ${rule}$`));
  });

  test.each([
    ['an OBJECT IDENTIFIER that ends within a number', '06 01 80'],
    ['a BMPString of half a character', '1e 01 41'],
  ])('decodes not %s, though its frame is DER', (_what, hex) => {
    expect(certCodeOf(() => checkDer(bytes(hex)))).toBe('nothing thrown');
    expect(() => decodeDer(bytes(hex))).toThrow('not DER: value not readable');
  });

  test('writes a value it has read with the same bytes', () => {
    const { der } = mintRoot('Root CA').certificate;
    expect(Buffer.from(encodeDer(decodeDer(der))).equals(der)).toBe(true);
  });

  test('says which type it expected by refusing the others', () => {
    const nothing = decodeDer(bytes('05 00'));
    expect(() => members(nothing)).toThrow('not DER: SEQUENCE expected');
    expect(() => octets(nothing)).toThrow('not DER: OCTET STRING expected');
    expect(() => oidText(nothing)).toThrow('not DER: OBJECT IDENTIFIER expected');
  });
});
