// EXP-11: 25,000,000 bytes are the most a document may have. One just below is read and written, whole and from a stream, and one
// byte more is refused.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { MioError } from '../../../mio/error.ts';
import type { FhirObject, Resource } from '../../../mio/model.ts';
import { CoreTables } from '../../../mio/tables.ts';
import { readXml, readXmlStream } from '../../../mio/xml-read.ts';
import { MAX_BYTES } from '../../../mio/xml-source.ts';
import { streamXml, writeXml } from '../../../mio/xml-write.ts';

const { shapes } = new CoreTables();
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function observation(index: number): FhirObject {
  const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  return {
    fullUrl: `urn:uuid:${id}`,
    resource: {
      resourceType: 'Observation',
      id,
      status: 'final',
      code: {
        coding: [{ system: 'http://loinc.org', code: '14743-9', display: 'Glucose – Kapillarblut <„Ä“ & mehr>' }],
      },
      effectiveDateTime: '2025-01-01T08:00:00+01:00',
      valueQuantity: { value: 70 + (index % 110), unit: 'mg/dl', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
    },
  };
}

const bundle = (entry: FhirObject[]): Resource => ({ resourceType: 'Bundle', type: 'collection', entry });
const size = (entry: FhirObject[]) => Buffer.byteLength(writeXml(bundle(entry), shapes));
const one = size([observation(1), observation(2)]) - size([observation(1)]);
const document = bundle(Array.from({ length: Math.floor(24_950_000 / one) }, (_, index) => observation(index)));

describe('a document of 24.9 MB', { timeout: 120_000 }, () => {
  const text = writeXml(document, shapes);
  const bytes = Buffer.from(text);

  test('is written whole and as a stream with the same bytes', async () => {
    expect(bytes.length).toBeGreaterThan(24_900_000);
    expect(bytes.length).toBeLessThan(MAX_BYTES);
    const hash = createHash('sha256');
    let largest = 0;
    for await (const piece of streamXml(document, shapes)) {
      hash.update(piece);
      largest = Math.max(largest, piece.length);
    }
    expect(hash.digest('hex')).toBe(sha256(bytes));
    expect(largest).toBeLessThan(100_000);
  });

  test('is read as it was, and written again with the same bytes', () => {
    const { resource, findings } = readXml(bytes, shapes);
    expect(findings).toEqual([]);
    expect(sha256(writeXml(resource, shapes))).toBe(sha256(bytes));
  });

  test('may be filled up with white space to the last byte, and one byte more is refused (EXP-11)', async () => {
    async function* filled(length: number) {
      yield bytes;
      yield Buffer.alloc(length - bytes.length, ' ');
    }
    expect(MAX_BYTES).toBe(25_000_000);
    const { resource } = await readXmlStream(filled(25_000_000), shapes);
    expect((resource.entry as FhirObject[]).length).toBe((document.entry as FhirObject[]).length);
    const refused = await readXmlStream(filled(25_000_001), shapes).catch((error: MioError) => error.code);
    expect(refused).toBe('MIO_TOO_LARGE');
  });
});
