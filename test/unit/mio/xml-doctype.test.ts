// The reader of FHIR XML and `<!DOCTYPE`: refused wherever XML would take it for one, and harmless where it is only text, in pieces
// of any size.
import { describe, expect, test } from 'vitest';
import { readXmlStream } from '../../../mio/xml-read.ts';
import { FHIR, read, refusal, shapes } from '../../support/fhir-xml-reader.ts';

describe('<!DOCTYPE', () => {
  const patientWith = (before: string, inner = '', after = '') =>
    `${before}<Patient ${FHIR}>${inner}<active value="true"/></Patient>${after}`;
  const inPieces = async (text: string, size: number) => {
    const bytes = Buffer.from(text);
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    return readXmlStream(pieces(), shapes);
  };

  test.each([
    [
      'in a comment before the root',
      patientWith('<?xml version="1.0"?><!-- <!DOCTYPE x [ <!ENTITY a "b"> -->\n<!--<!DOCTYPE-->'),
    ],
    ['in a comment below it', patientWith('', '<!-- <!DOCTYPE x> -->')],
    ['in a comment after it', patientWith('', '', '<!-- <!DOCTYPE x> -->')],
    ['after a comment that has what looks like one', patientWith('<!-- <Patient> -- <? -->'.replace(' -- ', ' - '))],
    ['as the value of something, escaped', patientWith('', '<id value="&lt;!DOCTYPE x>"/>')],
  ])('is harmless %s, in pieces of any size', async (_, text) => {
    for (let size = 1; size < 30; size += 1) {
      const { resource, findings } = await inPieces(text, size);
      expect([resource.active, findings]).toEqual([true, []]);
    }
  });

  test.each([
    ['before the root', patientWith('<!DOCTYPE Patient>')],
    [
      'after a comment and the XML declaration',
      patientWith('<?xml version="1.0"?>\n<!-- <a> -->\n<!DOCTYPE Patient []>'),
    ],
    ['before a comment that never ends', '<!DOCTYPE Patient [<!--'],
    ['that is not read to its end', `<!DOCTYPE ${'x'.repeat(100)}`],
    ['below the root', patientWith('', '<!DOCTYPE Patient>')],
    ['after the root', patientWith('', '', '<!DOCTYPE Patient>')],
  ])('is refused %s, in pieces of any size', async (_, text) => {
    for (let size = 1; size < 30; size += 1)
      await expect(inPieces(text, size)).rejects.toMatchObject({ code: 'XML_DOCTYPE' });
  });

  test('in CDATA is text between elements like other text', () => {
    const { findings } = read(patientWith('', '<![CDATA[<!DOCTYPE x>]]>'));
    expect(findings.map(({ code }) => code)).toEqual(['TEXT_UNKNOWN']);
  });

  test('a comment that never ends is none', () => expect(refusal('<!-- <!DOCTYPE x>').code).toBe('XML_MALFORMED'));
});
