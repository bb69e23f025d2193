// Distinguished names as RFC 4514 text: last RDN first, specials escaped, nothing lost.
import * as asn1js from 'asn1js';
import { describe, expect, test } from 'vitest';
import { decodeDer, encodeDer, sequence } from '../../../certs/der.ts';
import { readName, writeName } from '../../../certs/names.ts';
import { certCodeOf } from '../../support/test-pki.ts';

function textOf(commonName: string): string {
  return readName(writeName(commonName, 'O')).text;
}

describe('a name', () => {
  test('is written and read with its common name', () => {
    const name = readName(decodeDer(encodeDer(writeName('Muster DiGA GmbH', 'Muster'))));
    expect(name).toEqual({ text: 'CN=Muster DiGA GmbH,O=Muster,C=DE', commonName: 'Muster DiGA GmbH' });
  });

  test('has the last of its common names, wherever that stands', () => {
    const rdn = (oid: string, value: string) =>
      new asn1js.Set({
        value: [sequence(new asn1js.ObjectIdentifier({ value: oid }), new asn1js.Utf8String({ value }))],
      });
    const name = sequence(rdn('2.5.4.3', 'first'), rdn('2.5.4.3', 'second'), rdn('2.5.4.10', 'O'));
    expect(readName(name)).toEqual({ text: 'O=O,CN=second,CN=first', commonName: 'second' });
  });

  // The examples of RFC 4514 section 4 and the rules of its section 2.4.
  test.each([
    ['James "Jim" Smith, III', 'CN=James \\"Jim\\" Smith\\, III,O=O,C=DE'],
    ['Before\rAfter', 'CN=Before\\0dAfter,O=O,C=DE'],
    ['Lučić', 'CN=Lučić,O=O,C=DE'],
    ['a+b;c<d>e\\f', 'CN=a\\+b\\;c\\<d\\>e\\\\f,O=O,C=DE'],
    ['#first', 'CN=\\#first,O=O,C=DE'],
    [' spaces ', 'CN=\\ spaces\\ ,O=O,C=DE'],
    ['two\nlines', 'CN=two\\0alines,O=O,C=DE'],
    [',CN=Another', 'CN=\\,CN=Another,O=O,C=DE'],
  ])('with %j is escaped', (commonName, text) => expect(textOf(commonName)).toBe(text));

  test('without attributes is empty', () => {
    expect(readName(sequence())).toEqual({ text: '', commonName: undefined });
  });

  test.each([
    ['is no SEQUENCE', new asn1js.Null()],
    ['holds an RDN that is no SET', sequence(sequence())],
    ['holds an attribute that is no SEQUENCE', sequence(new asn1js.Set({ value: [new asn1js.Null()] }))],
    [
      'holds an attribute with two values',
      sequence(
        new asn1js.Set({
          value: [sequence(new asn1js.ObjectIdentifier({ value: '2.5.4.3' }), new asn1js.Null(), new asn1js.Null())],
        }),
      ),
    ],
    ['holds an attribute without a value', sequence(new asn1js.Set({ value: [sequence(new asn1js.Null())] }))],
  ])('that %s is refused', (_what, block) => expect(certCodeOf(() => readName(block))).toBe('CERT_UNREADABLE'));
});
